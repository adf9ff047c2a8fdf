//! What differs between two versions of an offer: whole outputs, and that nothing gets lost.

use offer::diff::{apply, changes, fields, tag_changes};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn plans_and_routes_are_known_by_their_names() {
    let before = json!({
        "name": "Sensor",
        "plans": [
            { "id": "basic", "title": "Basic", "routes": [{ "name": "up", "value": "FROM /* INTO $upstream" }] },
            { "id": "pro", "title": "Pro", "routes": [] },
        ],
        "listing": { "categories": ["analytics", "iot"], "terms": { "url": "https://a/b" } },
    });
    let after = json!({
        "name": "Sensor",
        "plans": [
            { "id": "pro", "title": "Professional", "routes": [] },
            { "id": "basic", "title": "Basic", "routes": [
                { "name": "up", "value": "FROM /messages/* INTO $upstream" }, { "name": "a/b", "value": "x" },
            ] },
        ],
        "listing": { "categories": ["iot"], "terms": "standard-contract" },
    });
    let found = changes(&fields(&before), &fields(&after));
    insta::assert_json_snapshot!(found);
}

#[test]
fn a_tag_moves_comes_or_goes() {
    let tags = |list: &[(&str, &str)]| -> BTreeMap<(String, String), String> {
        list.iter().map(|(tag, digest)| (("p".to_owned(), (*tag).to_owned()), (*digest).to_owned())).collect()
    };
    let found = tag_changes(
        &tags(&[("latest", "sha256:1"), ("1.0.0", "sha256:1"), ("beta", "sha256:0")]),
        &tags(&[("latest", "sha256:2"), ("1.0.0", "sha256:1"), ("1.0.1", "sha256:2")]),
    );
    let said: Vec<String> = found
        .iter()
        .map(|c| format!("{} {:?} {:?}", c.tag, c.before.as_deref(), c.after.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            r#"1.0.1 None Some("sha256:2")"#,
            r#"beta Some("sha256:0") None"#,
            r#"latest Some("sha256:1") Some("sha256:2")"#
        ]
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c/~é\u{202e}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("(id|name|url|[a-c/~]{1,2})", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(document in value()) {
        prop_assert_eq!(changes(&fields(&document), &fields(&document)), vec![]);
    }

    /// Taking apart loses nothing: documents that are not equal differ in some field.
    #[test]
    fn what_is_not_equal_differs(before in value(), after in value()) {
        let found = changes(&fields(&before), &fields(&after));
        prop_assert_eq!(found.is_empty(), before == after, "{:?}", (before, after));
    }

    #[test]
    fn the_changes_lead_from_one_to_the_other_and_back(before in value(), after in value()) {
        let (before, after) = (fields(&before), fields(&after));
        let there = changes(&before, &after);
        prop_assert_eq!(apply(&before, &there), after.clone());
        let mut turned = changes(&after, &before);
        for change in &mut turned {
            std::mem::swap(&mut change.before, &mut change.after);
        }
        prop_assert_eq!(turned, there);
    }
}
