//! Which section a finding belongs to, and how far each section of an offer is.

use offer::edit::values;
use offer::form::put;
use offer::policy::Policy;
use offer::reading;
use offer::sections::{Completion, Section, concerned};
use offer::template::{NewOffer, new_offer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

fn states(files: &Files) -> Vec<(Section, Completion)> {
    let policy = Policy::default();
    let fresh = new_offer(&NewOffer::default());
    let read = |files: &Files| values(std::str::from_utf8(&files["offer.yaml"]).unwrap()).unwrap();
    let (document, new) = (read(files), read(&fresh));
    let findings = reading::read(files, &policy).findings;
    let plans = document["plans"].as_array().map_or(0, Vec::len);
    Section::all(plans)
        .into_iter()
        .map(|section| {
            let state = section.completion((&document, files), (&new, &fresh), &findings, &policy.offer);
            (section, state)
        })
        .collect()
}

fn with(edits: &[(&str, Value)]) -> Files {
    let mut files = new_offer(&NewOffer::default());
    let text = String::from_utf8(files["offer.yaml"].clone()).unwrap();
    let mut new = values(&text).unwrap();
    for (pointer, value) in edits {
        put(&mut new, pointer, (!value.is_null()).then(|| value.clone()));
    }
    files.insert("offer.yaml".into(), offer::edit::edit(&text, &new).unwrap().into_bytes());
    files
}

#[test]
fn a_new_offer_has_everything_before_it() {
    let states = states(&new_offer(&NewOffer::default()));
    for (section, state) in states {
        let expected = match section {
            Section::Settings | Section::Leads => Completion::Complete,
            _ => Completion::NotStarted,
        };
        assert_eq!(state, expected, "{section:?}");
    }
}

#[test]
fn what_is_touched_is_complete_when_no_rule_is_broken() {
    let state = |edits: &[(&str, Value)], wanted: Section| {
        states(&with(edits)).into_iter().find(|(section, _)| *section == wanted).unwrap().1
    };
    let guid = json!("1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d");
    assert_eq!(state(&[("/listing/title", json!("T"))], Section::Listing), Completion::Complete);
    assert_eq!(state(&[("/listing/title", json!("T".repeat(51)))], Section::Listing), Completion::Incomplete);
    assert_eq!(state(&[("/listing/summary", Value::Null)], Section::Listing), Completion::Incomplete);
    assert_eq!(
        state(&[("/plans/0/title", json!("T"))], Section::Plan(0)),
        Completion::Incomplete,
        "routes name another module"
    );
    assert_eq!(state(&[("/plans/0/summary", json!("T"))], Section::Plan(0)), Completion::Complete);
    assert_eq!(
        state(&[("/listing/previewSubscriptions/0/id", guid)], Section::Preview),
        Completion::Complete
    );
    assert_eq!(state(&[("/leads/kind", json!("https-endpoint"))], Section::Leads), Completion::Incomplete);
    assert_eq!(
        state(&[("/listing/logos/small", json!("no.png"))], Section::Pictures),
        Completion::Incomplete
    );
    assert_eq!(state(&[("/support", Value::Null)], Section::Support), Completion::NotStarted);
    assert_eq!(state(&[("/name", Value::Null)], Section::Settings), Completion::Incomplete);
}

#[test]
fn a_missing_field_is_where_it_would_be() {
    let places = |edits: &[(&str, Value)]| -> Vec<String> {
        let read = reading::read(&with(edits), &Policy::default());
        let errors = read.findings.iter().filter(|f| f.severity == offer::finding::Severity::Error);
        errors.map(concerned).filter(|place| !place.starts_with("/listing/previewSub")).collect()
    };
    assert_eq!(places(&[("/support/customer/email", Value::Null)]), ["/support/customer/email"]);
    assert_eq!(places(&[("/leads/kind", json!("https-endpoint"))]), ["/leads/url"]);
    assert_eq!(places(&[("/plans/0/description", Value::Null)]), ["/plans/0/description"]);
    assert_eq!(places(&[("/plans/0/repository/username", json!("me"))]), ["/plans/0/repository/passwordEnv"]);
    assert_eq!(places(&[("/listing/title", Value::Null)]), ["/listing/title"]);
}
