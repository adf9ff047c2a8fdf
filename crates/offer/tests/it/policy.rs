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
        "[[waivers]]\ncriterion = \"a\"\nuntil = 2027-01-01\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \" \"\nuntil = 2027-01-01\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = \"soon\"\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01T10:00:00Z\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01\nplace = \"a[\"\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01\nimage = \"latest\"\n",
        "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01\nplan = \"standard\"\n",
        "[[custom-criteria]]\nid = \"no-shell\"\ntitle = \"t\"\nhint = \"h\"\nexpression = \"true\"\n",
        "[[custom-criteria]]\nid = \"x-a\"\ntitle = \"t\"\nhint = \"h\"\nexpression = \"\"\n",
        &"[[custom-criteria]]\nid = \"x-a\"\ntitle = \"t\"\nhint = \"h\"\nexpression = \"true\"\n".repeat(2),
        &"[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01\n".repeat(1_001),
        &"#".repeat(300_000),
    ];
    insta::assert_snapshot!(texts.map(told).join("\n"));
}

#[test]
fn waivers_and_own_criteria_are_read_and_written_again() {
    let text = "[[waivers]]\ncriterion = \"no-known-malware\"\npublisher = \"acme\"\nplace = \"opt/**\"\nreason = \"r\"\n\
                until = 2027-01-01\n[[custom-criteria]]\nid = \"x-a\"\ntitle = \"t\"\nhint = \"h\"\n\
                expression = \"image.user != 'root'\"\n";
    let policy = Policy::from_toml(text).expect("a policy");
    let again = Policy::from_toml(&toml::to_string(&policy).expect("a policy is TOML")).expect("a policy");
    assert_eq!(policy, again);
    assert_eq!(&text[policy.custom_criteria[0].expression.span.clone()], "\"image.user != 'root'\"");
}

proptest::proptest! {
    #[test]
    fn no_place_makes_a_waiver_panic(place in ".{0,40}", path in ".{0,40}") {
        let text = "[[waivers]]\ncriterion = \"a\"\nreason = \"r\"\nuntil = 2027-01-01\n";
        let mut waiver = Policy::from_toml(text).expect("a policy").waivers.remove(0);
        waiver.place = Some(place);
        if waiver.check().is_ok() {
            let matcher = waiver.matcher().expect("it was checked").expect("there is a place");
            matcher.is_match(&path);
        }
    }
}
