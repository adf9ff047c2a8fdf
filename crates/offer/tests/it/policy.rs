//! The policy file: defaults, what it changes, and what is told about a broken one.

use crate::document::{read, sound};
use offer::document;
use offer::policy::Policy;

#[test]
fn an_empty_policy_is_the_default() {
    assert_eq!(Policy::from_toml("").as_ref(), Ok(&Policy::default()));
}

#[test]
fn the_default_is_written_and_read_again() {
    let text = toml::to_string(&Policy::default()).expect("a policy is TOML");
    assert_eq!(Policy::from_toml(&text).as_ref(), Ok(&Policy::default()));
    insta::assert_snapshot!(text);
}

#[test]
fn a_limit_is_changed_without_a_build() {
    let files = sound();
    assert!(read(&files).offer.is_some());
    let policy = Policy::from_toml("[offer]\nplan-title-chars = 16\n").expect("a policy");
    let reading = document::read(&files, &policy);
    let finding =
        reading.findings.iter().find(|finding| finding.rule == "plan-title-too-long").expect("told");
    assert_eq!(finding.message, "plans[0].title has 17 characters, at most 16 are allowed");
}

#[test]
fn a_broken_policy_is_told_with_its_line() {
    let told = |text: &str| {
        let finding = Policy::from_toml(text).expect_err("a broken policy");
        let position = finding.position.as_ref().map_or_else(|| finding.pointer.clone(), ToString::to_string);
        format!("{position} {}\n  {}\n  → {}", finding.rule, finding.message, finding.hint)
    };
    let texts = [
        "[offer]\nname-char = 5\n",
        "[ofer]\n",
        "[offer]\nplans = \"many\"\n",
        "[offer]\nplans = -1\n",
        "[offer\n",
        "[platforms]\ntier1 = [\"linux\"]\n",
        "[platforms]\ntier1 = []\n",
        "[offer]\nplans = 0\n",
        "[criteria.no-known-malware]\nblocking = 1\n",
        &"#".repeat(300_000),
    ];
    insta::assert_snapshot!(texts.map(told).join("\n"));
}
