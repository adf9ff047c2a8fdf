//! Finding placeholders and putting values in their place.

use offer::placeholder::{check_values, find, names_in_json, substitute, substitute_json};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn positions_count_characters() {
    let found = find("é<A>, <not_one> <B_2> <9> <>");
    let seen: Vec<_> = found.iter().map(|p| (p.name.as_str(), p.column)).collect();
    assert_eq!(seen, [("A", 2), ("B_2", 17)]);
    assert_eq!(&"é<A>"[found[0].range.clone()], "<A>");
}

#[test]
fn a_value_is_not_searched_again() {
    assert_eq!(substitute("<A> and <B>", &values(&[("A", "<B>"), ("B", "b")])), "<B> and b");
}

#[test]
fn a_value_cannot_leave_its_json_string() {
    let tree = json!({"Env": ["X=<X>"], "Ports": {"<X>/tcp": [{}]}});
    let hostile = r#"","Privileged":true,"y":""#;
    let replaced = substitute_json(&tree, &values(&[("X", hostile)]));
    assert_eq!(replaced["Env"][0], format!("X={hostile}"));
    let read: serde_json::Value = serde_json::from_str(&replaced.to_string()).unwrap();
    assert_eq!(read, replaced);
    assert!(read.get("Privileged").is_none());
    assert_eq!(names_in_json(&tree), BTreeSet::from(["X".to_owned()]));
}

#[test]
fn missing_and_unknown_names_are_all_reported() {
    let needed = BTreeSet::from(["MY_SERVER".to_owned(), "PORT".to_owned()]);
    let findings = check_values(&needed, &values(&[("MY_SERVR", "x")]), "");
    let said: Vec<_> = findings.iter().map(|f| format!("{} | {}", f.message, f.hint)).collect();
    assert_eq!(
        said,
        [
            "the placeholder <MY_SERVER> has no value | give it with --set MY_SERVER=VALUE",
            "the placeholder <PORT> has no value | give it with --set PORT=VALUE",
            "a value is given for \"MY_SERVR\", but no default setting has the placeholder <MY_SERVR> | did you mean MY_SERVER?",
        ]
    );
}

proptest! {
    #[test]
    fn without_values_a_text_stays(text in ".{0,80}") {
        prop_assert_eq!(substitute(&text, &BTreeMap::new()), text);
    }

    #[test]
    fn every_placeholder_is_replaced(parts in prop::collection::vec("[a-z<> é]{0,8}", 1..6), value in "[a-z]{0,5}") {
        let text = parts.join("<NAME>");
        let replaced = substitute(&text, &values(&[("NAME", &value)]));
        prop_assert_eq!(replaced, parts.join(&value));
    }

    #[test]
    fn ranges_are_the_placeholders(text in "[<>A-C_1é]{0,40}") {
        for found in find(&text) {
            prop_assert_eq!(&text[found.range.clone()], format!("<{}>", found.name));
            prop_assert_eq!(text[..found.range.start].chars().count() + 1, found.column);
        }
    }
}
