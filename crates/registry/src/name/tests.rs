//! The grammars against a few known texts and, at random, against the specification's own regular structure.

use super::*;
use proptest::prelude::*;

#[test]
fn known_repository_names() {
    for good in ["a", "acme/telemetry", "a.b/c_d/e__f/g---h", "0/1/2/3/4/5", &"a".repeat(255)] {
        assert!(is_repository(good), "{good}");
    }
    let long = "a".repeat(256);
    for bad in
        ["", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "-a", "a-", "a b", "é", "a:b", &long]
    {
        assert!(!is_repository(bad), "{bad}");
    }
}

#[test]
fn known_tags() {
    for good in ["latest", "1.2.3", "_x", "V1-rc.1", &"t".repeat(128)] {
        assert!(is_tag(good), "{good}");
    }
    for bad in ["", ".a", "-a", "a/b", "a+b", "sha256:ab", "é", &"t".repeat(129)] {
        assert!(!is_tag(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn every_word_of_the_grammar_is_a_repository(
        name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,4}"
    ) {
        prop_assert!(is_repository(&name));
    }

    #[test]
    fn a_foreign_character_is_refused_anywhere(at in 0usize..8, foreign in "[^a-z0-9._/-]") {
        let mut name = String::from("acme/abc");
        name.insert_str(at, &foreign);
        prop_assert!(!is_repository(&name));
    }

    #[test]
    fn any_text_is_judged_without_panic(text in ".{0,300}") {
        is_repository(&text);
        is_tag(&text);
    }
}
