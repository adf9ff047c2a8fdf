//! Every limit of the document, at its bound and one past it.

use crate::document::{errors, sound, yaml};
use offer::document;
use offer::policy::Policy;
use serde_json::{Value, json};

/// The sound offer as a JSON document, which is YAML too.
fn sound_document() -> Value {
    let files = sound();
    assert!(yaml(&files).contains("licenceModel"));
    let offer = document::read(&files, &Policy::default()).offer.expect("a sound offer");
    let mut value = serde_json::to_value(offer).expect("JSON");
    remove_nulls(&mut value);
    // The default route names the module by the title, which the tests change.
    value["plans"][0]["routes"] = json!([]);
    value
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

fn errors_with(changes: &[(&str, Value)]) -> Vec<String> {
    let mut document = sound_document();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match document.pointer_mut(parent).expect("a parent") {
            Value::Object(members) => drop(members.insert(name.to_owned(), value.clone())),
            Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value.clone(),
            other => panic!("{pointer} in {other}"),
        }
    }
    let mut files = sound();
    files.insert("offer.yaml".into(), serde_json::to_vec(&document).expect("JSON"));
    errors(&files)
}

fn bounded(pointer: &str, rule: &str, at: Value, past: Value) {
    assert_eq!(errors_with(&[(pointer, at)]), Vec::<String>::new(), "{pointer} at its bound");
    assert_eq!(errors_with(&[(pointer, past)]), [rule], "{pointer} past its bound");
}

fn times(count: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..count).map(item).collect()
}

#[test]
fn texts_count_characters_not_bytes() {
    let fields = [
        ("/name", 50, "offer-name-too-long"),
        ("/plans/0/title", 50, "plan-title-too-long"),
        ("/plans/0/summary", 100, "plan-summary-too-long"),
        ("/listing/title", 50, "listing-title-too-long"),
        ("/listing/summary", 100, "listing-summary-too-long"),
        ("/listing/longSummary", 256, "listing-long-summary-too-long"),
        ("/support/customer/name", 256, "contact-name-too-long"),
    ];
    for (pointer, max, rule) in fields {
        bounded(pointer, rule, "é".repeat(max).into(), "é".repeat(max + 1).into());
    }
    for (pointer, rule) in [
        ("/publisher", "offer-publisher-too-long"),
        ("/id", "offer-id-too-long"),
        ("/plans/0/id", "plan-id-too-long"),
        ("/listing/marketingIdentifier", "listing-marketing-identifier-too-long"),
    ] {
        bounded(pointer, rule, "a".repeat(50).into(), "a".repeat(51).into());
    }
}

#[test]
fn descriptions() {
    let html = |count: usize, end: &str| {
        let rest = count - "<p></p>".len() - end.chars().count();
        Value::from(format!("<p>{}</p>{end}", "日".repeat(rest)))
    };
    bounded("/plans/0/description", "plan-description-too-long", html(3_000, ""), html(3_001, ""));
    let end = "<p>Minimum hardware requirements: none</p>";
    bounded("/listing/description", "listing-description-too-long", html(3_000, end), html(3_001, end));
    let mut files = sound();
    for (count, told) in [(3_000, vec![]), (3_001, vec!["file-too-long"])] {
        let Value::String(text) = html(count, end) else { unreachable!("it is text") };
        files.insert("description.html".into(), format!("{text}\n").into_bytes());
        assert_eq!(errors(&files), told);
    }
}

#[test]
fn lists() {
    let plan = sound_document()["plans"][0].clone();
    let plans = |count, private: usize| {
        times(count, |index| {
            let mut plan = plan.clone();
            plan["id"] = format!("plan-{index}").into();
            plan["repository"]["name"] = format!("registry.contoso.com/plan-{index}").into();
            if index < private {
                plan["privateAudience"] = json!(["1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d"]);
            }
            plan
        })
    };
    bounded("/plans", "offer-plans-too-many", plans(100, 0), plans(101, 0));
    bounded("/plans", "plans-private-too-many", plans(60, 45), plans(60, 46));
    let link = |index: usize| {
        let kind = ["documentation", "device", "other"][index.min(2)];
        json!({"title": format!("Link {index}"), "url": "https://contoso.com/", "kind": kind})
    };
    bounded("/listing/links", "listing-links-too-many", times(10, link), times(11, link));
    let all = offer::categories::ALL;
    let category = |index: usize| all[index].id.into();
    bounded("/listing/categories", "listing-categories-too-many", times(5, category), times(6, category));
    let preview = |index: usize| json!({"id": format!("1c2f8f3a-6c0e-4a5e-9d3b-{index:012}")});
    bounded(
        "/listing/previewSubscriptions",
        "listing-preview-subscriptions-too-many",
        times(100, preview),
        times(101, preview),
    );
    let variable = |index: usize| json!({"name": format!("V{index}"), "value": "x"});
    bounded("/plans/0/environment", "plan-environment-too-many", times(5, variable), times(6, variable));
    bounded("/plans/0/twin", "plan-twin-too-many", times(5, variable), times(6, variable));
    let route =
        |index: usize| json!({"name": format!("r{index}"), "value": "FROM /messages/* INTO $upstream"});
    bounded("/plans/0/routes", "plan-routes-too-many", times(5, route), times(6, route));
}

#[test]
fn empty_lists() {
    for (pointer, rule) in [
        ("/plans", "offer-plans-too-few"),
        ("/listing/previewSubscriptions", "listing-preview-subscriptions-too-few"),
        ("/listing/categories", "listing-categories-too-few"),
        ("/listing/links", "listing-links-too-few"),
        ("/plans/0/tags", "plan-tags-too-few"),
    ] {
        assert_eq!(errors_with(&[(pointer, json!([]))]), [rule], "{pointer}");
    }
}

#[test]
fn defaults_stay_under_512() {
    let named = |count: usize| json!([{"name": "n".repeat(count), "value": "x"}]);
    let valued = |count: usize| json!([{"name": "N", "value": "x".repeat(count)}]);
    bounded("/plans/0/environment", "environment-name-too-long", named(511), named(512));
    bounded("/plans/0/environment", "environment-value-too-long", valued(511), valued(512));
    bounded("/plans/0/twin", "twin-name-too-long", named(511), named(512));
}

#[test]
fn forms() {
    for (pointer, rule, good, bad) in FORMS {
        for text in good {
            assert_eq!(errors_with(&[(pointer, json!(text))]), Vec::<String>::new(), "{pointer} {text}");
        }
        for text in bad {
            assert_eq!(errors_with(&[(pointer, json!(text))]), [rule], "{pointer} {text}");
        }
    }
}

#[test]
fn leads() {
    let leads = |kind: &str, url: Option<&str>| match url {
        Some(url) => json!({"kind": kind, "url": url}),
        None => json!({"kind": kind}),
    };
    let cases: [(&str, Option<&str>, &[&str]); 9] = [
        ("none", None, &[]),
        ("none", Some("https://contoso.com"), &["leads-url-unused"]),
        ("https-endpoint", Some("https://contoso.com/leads"), &[]),
        ("https-endpoint", Some("http://127.0.0.1:8080/"), &[]),
        ("https-endpoint", Some("http://contoso.com/"), &["leads-url-form"]),
        ("https-endpoint", None, &["leads-url-missing"]),
        ("azure-table", None, &["leads-kind-unsupported"]),
        ("e-mail", None, &["leads-kind-unsupported"]),
        ("fax", None, &["leads-kind-unknown"]),
    ];
    for (kind, url, told) in cases {
        assert_eq!(errors_with(&[("/leads", leads(kind, url))]), told, "{kind} {url:?}");
    }
}

#[test]
fn directories() {
    use offer::reading::{FILES_MAX, TOTAL_BYTES_MAX};
    let mut files = sound();
    for index in files.len()..FILES_MAX {
        files.insert(format!("extra/{index}"), Vec::new());
    }
    assert_eq!(errors(&files), Vec::<String>::new());
    files.insert("one-more".into(), Vec::new());
    assert_eq!(errors(&files), ["directory-files"]);
    let mut files = sound();
    for index in 0..TOTAL_BYTES_MAX >> 22 {
        files.insert(format!("extra/{index}"), vec![0; 1 << 22]);
    }
    assert_eq!(errors(&files), ["directory-size"]);
    files.retain(|path, _| !path.starts_with("extra"));
    files.insert("large".into(), vec![0; (1 << 22) + 1]);
    assert_eq!(errors(&files), ["file-size"]);
}

/// A field, the rule on its form, texts that have it, and texts that do not.
type FormCase = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const FORMS: [FormCase; 9] = [
    ("/publisher", "offer-publisher-form", &["a", "a-1", "7"], &["-a", "a-", "A", "a_b", "é", "v2"]),
    ("/name", "offer-name-form", &["Été 2.0™ #1", "日本"], &["☀ x", "x 🇫🇷", "1\u{fe0f}\u{20e3}", "a\u{7}b"]),
    (
        "/plans/0/repository/name",
        "repository-name-form",
        &["localhost/a", "r.io/a/b__c", "[::1]:5000/x", "r.io:443/a.b-c--d", "LOCALHOST:1/x"],
        &[
            "a/b",
            "r.io",
            "r.io/a:1",
            "r.io/a@sha256:0",
            "r.io/A",
            "r.io/a//b",
            "r.io/-a",
            "r.io:99999/a",
            "r.io/a..b",
        ],
    ),
    (
        "/support/url",
        "support-url-form",
        &["http://contoso.com", "HTTPS://contoso.com/é"],
        &["contoso.com", "ftp://contoso.com", "https://", "javascript:alert(1)", "https://a:b@contoso.com"],
    ),
    (
        "/support/customer/email",
        "contact-email-form",
        &["a.b+c@contoso.co.uk", "é@contoso.com", "o'neil@contoso.com"],
        &[
            "a",
            "a@b",
            "@contoso.com",
            "a@contoso..com",
            "a b@contoso.com",
            "A <a@contoso.com>",
            "a@-contoso.com",
        ],
    ),
    (
        "/support/customer/phone",
        "contact-phone-form",
        &["+33 1 23 45 67 89", "(425) 555-0100", "0800 123 ext. 12", "112"],
        &["call me", "+", "12", "1+2 345", "123456789012345678901"],
    ),
    (
        "/listing/logos/small",
        "logos-small-form",
        &["logos/small.png"],
        &["/x.png", "../x.png", "a/../x.png", "a//b.png", "./x.png", "a\\b.png", "C:/x.png"],
    ),
    (
        "/listing/previewSubscriptions/0/id",
        "preview-subscription-id-form",
        &["1C2F8F3A-6C0E-4A5E-9D3B-8F4E2A7B6C5D"],
        &["x", "1c2f8f3a6c0e4a5e9d3b8f4e2a7b6c5d", "{1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d}"],
    ),
    ("/listing/terms", "listing-terms-unknown", &["standard-contract"], &["standard", "Standard-Contract"]),
];
