//! Challenges, which no public call shows.

use super::auth::{Challenge, parse_challenges};

#[test]
fn challenges_are_read_as_servers_write_them() {
    let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
        realm: realm.to_owned(),
        service: service.map(str::to_owned),
        scope: scope.map(str::to_owned),
    };
    for (text, expected) in [
        (r#"Basic realm="Registry, \"Realm\"""#, vec![Challenge::Basic]),
        (
            r#"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push""#,
            vec![bearer("https://auth.example/token", Some("r.example"), Some("repository:a/b:pull,push"))],
        ),
        (
            r#"Negotiate abc=, basic realm=x , BEARER  realm = "https://a/t""#,
            vec![Challenge::Basic, bearer("https://a/t", None, None)],
        ),
        ("Bearer service=x", vec![]),
        ("", vec![]),
        (r#"Bearer realm="https://a"#, vec![bearer("https://a", None, None)]),
    ] {
        assert_eq!(parse_challenges(text), expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_challenge_panics(text in "\\PC{0,80}", tail in "[ ,=\"\\\\a-zé]{0,40}") {
        parse_challenges(&format!("{text}{tail}"));
        parse_challenges(&tail);
    }
}
