//! A document that is edited gives what it was meant to give, and keeps what nobody touched.

use offer::edit::{edit, values};
use offer::form::{self, put};
use offer::merge::merge;
use offer::policy::OfferLimits;
use offer::template::{NewOffer, new_offer};
use proptest::prelude::*;
use serde_json::{Value, json};

fn template() -> String {
    let files = new_offer(&NewOffer::default());
    String::from_utf8(files["offer.yaml"].clone()).unwrap()
}

/// The lines that differ, as a patch shows them.
fn changed(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let removed = old[first..old.len() - last].iter().map(|line| format!("-{line}\n"));
    removed.chain(new[first..new.len() - last].iter().map(|line| format!("+{line}\n"))).collect()
}

fn edited(pointer: &str, value: Value) -> String {
    let before = template();
    let mut new = values(&before).unwrap();
    put(&mut new, pointer, (!value.is_null()).then_some(value));
    let after = edit(&before, &new).unwrap();
    assert_eq!(values(&after).unwrap(), new);
    changed(&before, &after)
}

#[test]
fn one_field_changes_one_place() {
    let changes = [
        ("/name", json!("Vitals")),
        ("/plans/0/id", json!("gold: \"#1\"")),
        ("/plans/0/hidden", json!(true)),
        ("/plans/0/summary", json!("yes: # no")),
        ("/plans/0/description", json!("<p>One</p>\n<p>Two</p>")),
        ("/plans/0/tags", json!(["latest", "1.0.0", "1.0"])),
        ("/plans/0/repository/username", json!("reader")),
        ("/plans/0/routes/0/value", json!("FROM /* INTO $upstream")),
        ("/plans/0/twin", json!([{"name": "a", "value": {"b": 1}}])),
        ("/plans/0/createOptions", json!({"HostConfig": {"Binds": ["/a:/b"]}})),
        ("/listing/links/1/title", json!("Ein Gerät")),
        ("/listing/categories", json!(["internet-of-things", "analytics"])),
        ("/listing/logos/hero", json!("logos/hero.png")),
        ("/listing/terms", json!({"url": "https://contoso.com/terms"})),
        ("/leads", json!({"kind": "https-endpoint", "url": "https://contoso.com"})),
        ("/leads", Value::Null),
        ("/listing/previewSubscriptions/0/note", Value::Null),
        ("/support/customer/phone", json!("5")),
    ];
    let told: String = changes
        .into_iter()
        .map(|(pointer, value)| format!("{pointer}\n{}\n", edited(pointer, value)))
        .collect();
    insta::assert_snapshot!(told);
}

#[test]
fn items_come_and_go_without_their_neighbours() {
    let before = "# head\nplans:\n# first\n- id: a # one\n  tags: [x]\n# second\n- id: b # two\n  text: |\n    1\n    2\n- id: c\nname: n\n";
    let plans = values(before).unwrap()["plans"].clone();
    let with = |plans: Value| {
        let mut new = values(before).unwrap();
        new["plans"] = plans;
        edit(before, &new).unwrap()
    };
    let without = with(json!([plans[0], plans[2]]));
    assert!(without.contains("# one") && !without.contains("# two"), "{without}");
    let more = with(json!([plans[0], plans[1], {"id": "new"}, plans[2]]));
    assert!(more.contains("    2\n- id: new\n- id: c"), "{more}");
    let first = with(json!([{"id": "new"}, plans[0], plans[1], plans[2]]));
    assert!(first.contains("# first\n- id: new\n- id: a # one"), "{first}");
}

#[test]
fn several_lines_go_behind_the_comments_of_what_stands_before() {
    let before = "# head\nsupport:\n  url: a\n  # sovereignUrl: b\n\n  # c\n# foot\n";
    let mut new = values(before).unwrap();
    new["x"] = json!("1\n2");
    let after = edit(before, &new).unwrap();
    assert_eq!(after, "# head\nsupport:\n  url: a\n  # sovereignUrl: b\n\n  # c\nx: |-\n  1\n  2\n# foot\n");
    let before = "plans:\n- id: a\n  # title: b\n# foot\n";
    let after = edit(before, &json!({"plans": [{"id": "a"}, {"id": "c"}]})).unwrap();
    assert_eq!(after, "plans:\n- id: a\n  # title: b\n- id: c\n# foot\n");
}

#[test]
fn several_lines_before_comments_that_would_join_them_are_quoted() {
    let before = "name: a\nsupport: x\n  # deeper\n# foot\n";
    let mut new = values(before).unwrap();
    new["support"] = json!("1\n2");
    let after = edit(before, &new).unwrap();
    assert_eq!(after, "name: a\nsupport: \"1\\n2\"\n  # deeper\n# foot\n");
    assert_eq!(values(&after).unwrap(), new);
}

#[test]
fn lines_of_windows_and_a_mark_at_the_start_are_no_hindrance() {
    let before = "\u{feff}name: a # keep\r\nid: b\r\n";
    let after = edit(before, &json!({"name": "c\nd", "id": "b"})).unwrap();
    assert_eq!(after, "name: |- # keep\r\n  c\r\n  d\r\nid: b\r\n");
}

#[test]
fn what_is_too_deep_or_too_long_is_refused_and_said() {
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let error = edit("name: a\n", &json!({"name": deep})).unwrap_err();
    assert_eq!(error.rule, "document-unwritable");
    let error = edit("name: a\n", &json!({"name": "x".repeat(2 << 20)})).unwrap_err();
    assert_eq!(error.rule, "document-size");
}

fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "a", " ", "\n", ":", ": ", " #", "-", "- ", "|", ">", "'", "\"", "\\", "{", "}", "[", "]", ",", "&",
        "*", "!", "null", "true", "1", "1e3", "~", "é", "🚀", "\u{202e}", "\u{85}", "\u{2028}", "\u{feff}",
        "\t", "\r", "\0", "%", "@", "`", "---", "...", "?", "<<",
    ]);
    prop::collection::vec(words, 0..8).prop_map(|words| words.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn pointers() -> Vec<&'static str> {
    vec![
        "/name",
        "/plans/0/title",
        "/plans/0/tags",
        "/plans/0/routes",
        "/plans/0/routes/0/value",
        "/plans/0/twin",
        "/plans/0/createOptions",
        "/plans/0/repository",
        "/listing/description",
        "/listing/links",
        "/listing/links/0/url",
        "/listing/terms",
        "/listing/logos/hero",
        "/leads",
        "/leads/url",
        "/support/customer",
        "/support/sovereignUrl",
        "/unknown",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_gives_the_same_document_but_for_its_field(
        edits in prop::collection::vec((prop::sample::select(pointers()), prop::option::of(any_value())), 1..4),
    ) {
        let mut document = template();
        for (pointer, value) in edits {
            let mut new = values(&document).unwrap();
            put(&mut new, pointer, value);
            document = edit(&document, &new).unwrap();
            prop_assert_eq!(values(&document).unwrap(), new);
            prop_assert!(document.starts_with("# An offer of IoT Edge modules."), "the comments are gone: {}", document);
        }
    }

    #[test]
    fn what_is_shown_and_not_changed_stays_what_it_is(value in any_value(), object in any::<bool>()) {
        for control in [form::Control::Json { object }, form::Control::Lines { max: 9 }, form::Control::Texts { max: 9 }] {
            let shown = form::shown(&control, &value);
            let sent = shown.replace('\n', "\r\n");
            if !shown.contains('\r') && !value.is_null() {
                prop_assert_eq!(form::typed(&control, &sent, Some(&value)), Some(value.clone()));
            }
        }
    }
}

#[test]
fn a_merge_keeps_both_sides_and_tells_what_both_changed() {
    let base = json!({"a": 1, "b": 1, "c": {"d": 1}, "list": [1], "rows": [{"x": 1, "y": 1}]});
    let yours = json!({"a": 2, "b": 1, "c": {"d": 2}, "list": [1, 2], "rows": [{"x": 2, "y": 1}], "mine": 1});
    let theirs = json!({"a": 1, "b": 3, "c": {"d": 3}, "list": [1], "rows": [{"x": 1, "y": 3}]});
    let merged = merge(Some(&base), Some(&yours), Some(&theirs));
    let value = json!({"a": 2, "b": 3, "c": {"d": 2}, "list": [1, 2], "rows": [{"x": 2, "y": 3}], "mine": 1});
    assert_eq!(merged.value, Some(value));
    let places: Vec<_> = merged.conflicts.iter().map(|conflict| conflict.pointer.as_str()).collect();
    assert_eq!(places, ["/c/d"]);
    assert_eq!(merged.conflicts[0].theirs, Some(json!(3)));
    // Both removed it; one removed it and the other one changed it.
    assert_eq!(merge(Some(&json!({"a": 1})), Some(&json!({})), Some(&json!({}))).value, Some(json!({})));
    let lost = merge(Some(&json!({"a": 1})), Some(&json!({})), Some(&json!({"a": 2})));
    assert_eq!(lost.conflicts.len(), 1);
}

#[test]
fn every_field_of_the_table_can_be_described() {
    let limits = OfferLimits::default();
    for field in form::fields("", &limits) {
        assert!(form::field(&format!("/{}", field.name), &limits).is_some(), "{}", field.name);
    }
    let field = form::field("/plans/3/routes/0/value", &limits).unwrap();
    assert_eq!((field.object, field.name), ("route", "value"));
    assert!(form::field("/plans/0/none", &limits).is_none());
}
