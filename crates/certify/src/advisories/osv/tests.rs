//! Records, sound and broken, as the parser takes them.

use super::*;
use crate::report::Severity;
use proptest::prelude::*;

fn record(affected: &str, more: &str) -> String {
    format!(r#"{{"id":"X-1","modified":"2024-01-02T00:00:00Z","affected":[{affected}]{more}}}"#)
}

fn debian(rest: &str) -> String {
    format!(r#"{{"package":{{"ecosystem":"Debian:12","name":"openssl"}}{rest}}}"#)
}

#[test]
fn a_record_is_reduced_to_what_counts() {
    let range = |fixed: &str| {
        format!(
            r#","ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}},
        {{"type":"GIT","repo":"r","events":[{{"introduced":"0"}}]}}],"versions":null"#
        )
    };
    let both = [debian(&range("3.0.11-1")), debian(&range("3.0.13-1"))].join(",");
    let more = r#","aliases":["CVE-2023-1","X-1"],"upstream":["CVE-2023-2"],"published":"2025-01-01T00:00:00Z",
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"x","score":"low"}],
        "summary":"first\nsecond","unknown":{"a":[1,{"b":null}]}"#;
    insta::assert_debug_snapshot!(parse(record(&both, more).as_bytes()).expect("a record"));
}

#[test]
fn free_objects_have_any_form() {
    for free in
        ["null", "1", "\"x\"", "[1,{\"severity\":\"HIGH\"}]", "true", "1.5", "-1", "{\"severity\":{\"a\":1}}"]
    {
        let more = format!(r#","database_specific":{free}"#);
        let read = parse(record(&debian(&format!(r#","ecosystem_specific":{free}"#)), &more).as_bytes());
        assert_eq!(read.expect(free).rating, None, "{free}");
    }
    let high = record(
        &debian(r#","ecosystem_specific":{"urgency":"low"}"#),
        r#","database_specific":{"severity":"HIGH"}"#,
    );
    let high = parse(high.as_bytes()).expect("a record");
    assert_eq!(high.rating, Some(Rating::word(Severity::High)));
    assert_eq!(high.affected[0].rating, Some(Rating::word(Severity::Low)));
}

#[test]
fn broken_records_are_told() {
    let range = |range: &str| record(&debian(&format!(r#","ranges":[{range}]"#)), "");
    let deep =
        |field: &str| record("", &format!(r#","{field}":{}{}"#, "[".repeat(10_000), "]".repeat(10_000)));
    // What is passed over is not nested into.
    assert!(parse(deep("unknown").as_bytes()).is_ok());
    assert!(parse(deep("database_specific").as_bytes()).is_ok());
    let all = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        record("", "").replace("X-1", ""),
        record("", "").replace("X-1", &"x".repeat(513)),
        record("1", ""),
        range(r#"{"type":"ODD","events":[]}"#),
        range(r#"{"type":"SEMVER","events":[{"introduced":"0","fixed":"1"}]}"#),
        range(r#"{"type":"SEMVER","events":[{"began":"0"}]}"#),
        deep("aliases"),
        " ".repeat(RECORD_BYTES_MAX + 1),
    ];
    let told: Vec<String> =
        all.iter().map(|text| parse(text.as_bytes()).expect_err("broken").to_string()).collect();
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
    #[test]
    fn no_damage_makes_it_panic(at in 0usize..400, byte in any::<u8>()) {
        let mut text = record(&debian(r#","ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]"#), "").into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = parse(&text);
    }
}
