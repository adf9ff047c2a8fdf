//! `advisories import`, `advisories show`, and `certify` with vulnerability data and VEX.

use crate::command::{directory, run};
use std::fs;
use std::path::Path;

const RECORD: &str = r#"{"id":"PYSEC-2018-28","modified":"2026-11-20T00:00:00Z","aliases":["CVE-2018-18074"],
    "summary":"Credentials are sent over http after a redirect","affected":[{"package":{"ecosystem":"PyPI","name":"requests"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.20.0"}]}]}],
    "severity":[{"type":"CVSS_V3","score":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#;

fn image(dir: &Path) {
    let mut elf = vec![0; 64];
    elf[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    (elf[16], elf[18]) = (2, 62);
    fs::write(dir.join("module"), elf).expect("writable");
    fs::write(dir.join("METADATA"), "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n")
        .expect("writable");
    let metadata = "METADATA=/usr/lib/python3/dist-packages/requests-2.19.0.dist-info/METADATA";
    let packed = run(
        dir,
        &[
            "image",
            "pack",
            "image",
            "--binary",
            "linux/amd64=module",
            "--health",
            "health",
            "--file",
            metadata,
        ],
    );
    assert!(packed.starts_with("status: 0"), "{packed}");
}

/// The results of the two criteria.
fn vulnerabilities(told: &str) -> String {
    let json = &told[told.find('{').unwrap_or_default()..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>();
    let report = values.next().expect("a report").expect("JSON");
    let wanted = ["no-known-exploited-vulnerabilities", "vulnerabilities-within-policy"];
    let criteria = report["criteria"].as_array().into_iter().flatten();
    let ours: Vec<_> = criteria.filter(|c| wanted.contains(&c["id"].as_str().unwrap_or_default())).collect();
    serde_json::to_string_pretty(&ours).expect("JSON")
}

#[test]
fn imported_data_is_shown_and_judged_by() {
    let dir = directory();
    image(dir.path());
    fs::write(dir.path().join("record.json"), RECORD).expect("writable");
    let kev = r#"{"catalogVersion":"1","dateReleased":"2026-11-21","vulnerabilities":
        [{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}"#;
    fs::write(dir.path().join("kev.json"), kev).expect("writable");
    let before = run(dir.path(), &["advisories", "show"]);
    let none = run(dir.path(), &["certify", "image", "--format", "json"]);
    assert!(none.contains("\"advisories\": \"none\""), "{none}");
    let import = run(dir.path(), &["advisories", "import", "record.json", "kev.json"]);
    let json = run(dir.path(), &["advisories", "show", "--json"]);
    assert!(json.contains("\"name\": \"PyPI\""), "{json}");
    assert!(dir.path().join(".local/share/edgemarket/advisories.db").is_file());
    let wrong = run(dir.path(), &["advisories", "import", "module", "--advisories", "x/a.db"]);
    let missing = run(dir.path(), &["certify", "image", "--advisories", "x/a.db"]);
    let today =
        json.split("\"imported\": \"").nth(1).and_then(|rest| rest.get(..10)).expect("a day").to_owned();
    let told = [before, import, wrong, missing].join("\n").replace(&today, "[TODAY]");
    insta::assert_snapshot!("advisories_told", told);

    // The records grow old while this test does not.
    fs::write(dir.path().join("p.toml"), "[vulnerabilities]\ndata-max-age-days = 100000\n")
        .expect("writable");
    let certify = ["certify", "image", "--format", "json", "--policy", "p.toml"];
    let report = run(dir.path(), &certify);
    assert!(report.starts_with("status: 1"), "{report}");
    assert!(report.contains("\"advisories\": \"PyPI of 2026-11-20, KEV of 2026-11-21\""), "{report}");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("\"sha256:[0-9a-f]{64}\"", "[DIGEST]");
    settings.bind(|| insta::assert_snapshot!("advisories_judged", vulnerabilities(&report)));

    let vex = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/1","author":"acme",
        "timestamp":"2026-11-22T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2018-18074"},
        "products":[{"@id":"pkg:pypi/requests@2.19.0"}],"status":"not_affected",
        "justification":"vulnerable_code_not_in_execute_path"}]}"#;
    fs::write(dir.path().join("a.vex.json"), vex).expect("writable");
    let excused = run(dir.path(), &[&certify[..], &["--vex", "a.vex.json"]].concat());
    assert!(excused.starts_with("status: 0"), "{excused}");
    assert!(excused.contains("VEX: not affected, vulnerable_code_not_in_execute_path"), "{excused}");
}
