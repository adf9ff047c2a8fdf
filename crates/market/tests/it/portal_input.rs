//! Bad input of the form: of every field, of other publishers, of other sites, of those whose session ended.

use crate::http::{get, request, secret, send};
use crate::portal::{Desk, SHEET, base, post};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Actor;
use market::access::TokenRole;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Each single field with its tab.
const FIELDS: [(&str, &str); 17] = [
    ("settings", "/name"),
    ("listing", "/listing/title"),
    ("listing", "/listing/summary"),
    ("listing", "/listing/longSummary"),
    ("listing", "/listing/description"),
    ("listing", "/listing/marketingIdentifier"),
    ("listing", "/listing/privacyPolicyUrl"),
    ("listing", "/listing/terms"),
    ("plans/0", "/plans/0/id"),
    ("plans/0", "/plans/0/title"),
    ("plans/0", "/plans/0/description"),
    ("plans/0", "/plans/0/repository/name"),
    ("plans/0", "/plans/0/tags"),
    ("plans/0", "/plans/0/createOptions"),
    ("leads", "/leads/kind"),
    ("support", "/support/engineering/email"),
    ("support", "/support/url"),
];

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_of_each_field_is_stored_and_said_beside_it() {
    let desk = Desk::new().await;
    let good = desk.files().await;
    let long = "x".repeat(70_000);
    let hostile = [
        "",
        "   ",
        long.as_str(),
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "\u{202e}gnp.exe",
        "\u{1f680}\u{1f680}",
        "\"'><img src=x onerror=alert(1)>",
        "a\r\nb: c # d",
        "---\n- *a",
        "\u{0}\u{7}",
    ];
    let tabs: BTreeSet<&str> = FIELDS.iter().map(|(tab, _)| *tab).collect();
    for tab in tabs {
        let fields: Vec<&str> =
            FIELDS.iter().filter(|(own, _)| *own == tab).map(|(_, field)| *field).collect();
        for value in hostile {
            desk.put(good.clone()).await;
            // Twice: only the first one counts.
            let sent: Vec<(&str, &str)> =
                fields.iter().flat_map(|field| [(*field, value), (*field, "other")]).collect();
            let answer = desk.save(tab, &sent).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{tab} {value:.40?}: {}", answer.text());
            let page = desk.get(&format!("{SHEET}/{tab}")).await;
            assert_eq!(page.status, StatusCode::OK, "{tab} {value:.40?}");
            for evil in ["<script>alert", "<img src=x", "href=\"javascript:"] {
                assert!(!page.text().contains(evil), "{tab} {value:.40?}");
            }
            let values = desk.values().await;
            for field in &fields {
                let stored = values.pointer(field);
                match *field {
                    "/listing/terms" => assert!(stored.is_some()),
                    _ if value.is_empty() => assert!(stored.is_none(), "{field}: {stored:?}"),
                    "/plans/0/tags" => {}
                    "/plans/0/createOptions" if value.trim().is_empty() => assert!(stored.is_none()),
                    _ => assert_eq!(stored, Some(&json!(value.replace("\r\n", "\n"))), "{field}"),
                }
            }
            assert_eq!(desk.get(&format!("{SHEET}/review")).await.status, StatusCode::OK);
        }
    }
    desk.put(good).await;
    desk.save("listing", &[("/listing/title", "t".repeat(51).as_str())]).await;
    let page = desk.get(&format!("{SHEET}/listing")).await;
    assert!(
        page.text().contains("listing.title has 51 characters, at most 50 are allowed"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("id=\"/listing/title\" name=\"/listing/title\""), "{}", page.text());
    assert!(page.text().contains("51 / 50"));
    let review = desk.get(&format!("{SHEET}/review")).await;
    assert!(
        review.text().contains("href=\"/publish/contoso/sensor/listing#/listing/title\""),
        "{}",
        review.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_and_a_json_text_are_refused_to_the_column() {
    let desk = Desk::new().await;
    desk.save(
        "plans/0",
        &[("/plans/0/routes/0/name", "up"), ("/plans/0/routes/0/value", "FROM /messages/* INTO upstream")],
    )
    .await;
    let page = desk.get(&format!("{SHEET}/plans/0")).await;
    let caret = format!("FROM /messages/* INTO upstream\n{}^</pre>", " ".repeat(22));
    assert!(page.text().contains(&caret), "{}", page.text());
    desk.save("plans/0", &[("/plans/0/createOptions", "{\n  \"a\": 1,\n  b\n}")]).await;
    let page = desk.get(&format!("{SHEET}/plans/0")).await;
    assert!(page.text().contains("  b\n  ^</pre>"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_no_yaml_is_shown_with_its_place() {
    let desk = Desk::new().await;
    desk.put(BTreeMap::from([("offer.yaml".to_owned(), b"name: [\n".to_vec())])).await;
    for tab in ["settings", "plans/0", "review"] {
        let page = desk.get(&format!("{SHEET}/{tab}")).await;
        assert!(page.text().contains("This document cannot be shown as a form"), "{}", page.text());
        assert!(page.text().contains("offer.yaml:"), "{}", page.text());
    }
    assert_eq!(desk.save_with("settings", "{}", &[("/name", "x")]).await.status, StatusCode::CONFLICT);
    desk.put(BTreeMap::from([("offer.yaml".to_owned(), Vec::new())])).await;
    assert_eq!(desk.save("settings", &[("/name", "x")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.values().await, json!({"name": "x"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_changes_nothing() {
    let desk = Desk::new().await;
    for path in [
        "/publish",
        "/publish/import",
        &format!("{SHEET}/settings"),
        &format!("{SHEET}/plans"),
        &format!("{SHEET}/review"),
        &format!("{SHEET}/import"),
    ] {
        let request = request(Method::POST, path, &desk.token).header(header::ORIGIN, "https://evil.example");
        let answer = send(&desk.router, request.body(Body::from("x=y")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_nowhere() {
    let desk = Desk::new().await;
    desk.market().add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(desk.market(), TokenRole::Publisher("fabrikam".to_owned())).await;
    for tab in [
        "",
        "/settings",
        "/plans/0",
        "/plans/0/tags",
        "/plans/0/remove",
        "/review",
        "/offer.zip",
        "/files/logos/small.png",
    ] {
        let answer = get(&desk.router, &format!("{SHEET}{tab}"), &other).await;
        let expected = if tab.is_empty() { StatusCode::SEE_OTHER } else { StatusCode::NOT_FOUND };
        assert_eq!(answer.status, expected, "{tab}");
    }
    let before = desk.files().await;
    let calls: [(&str, &[(&str, &str)]); 5] = [
        ("/settings", &[("/name", "Stolen")]),
        ("/plans/0", &[("/plans/0/title", "Stolen")]),
        ("/plans", &[("id", "stolen")]),
        ("/plans/0/remove", &[("id", "standard")]),
        ("/review", &[]),
    ];
    for (path, fields) in calls {
        let answer = post(&desk.router, &format!("{SHEET}{path}"), &other, fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let new = post(
        &desk.router,
        "/publish",
        &other,
        &[("publisher", "contoso"), ("offer", "mine"), ("name", "Mine")],
    )
    .await;
    assert_eq!(new.status, StatusCode::NOT_FOUND);
    assert!(before == desk.files().await);
    let list = get(&desk.router, "/publish", &other).await;
    assert!(
        list.text().contains("You have no offer yet.") && !list.text().contains("contoso.sensor"),
        "{}",
        list.text()
    );
    // Fields of other parts of the document are not read from a section's form.
    desk.save("settings", &[("/name", "Mine"), ("/publisher", "fabrikam"), ("/listing/title", "Other")])
        .await;
    let values = desk.values().await;
    assert_eq!((&values["publisher"], &values["listing"]["title"]), (&json!("contoso"), &json!("Sensor")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_gives_back_what_was_typed() {
    let desk = Desk::new().await;
    let opened = base(desk.get(&format!("{SHEET}/listing")).await.text());
    let fields =
        [("_base", opened.as_str()), ("/listing/title", "Typed <b>"), ("/listing/summary", "for an hour")];
    let answer = post(&desk.router, &format!("{SHEET}/listing"), "", &fields).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let page = answer.text();
    assert!(page.contains("Typed &lt;b&gt;") && page.contains("for an hour"), "{page}");
    // A page cannot give a chosen file back to a browser.
    assert!(page.contains("Pictures that you had chosen and not saved are chosen once more."), "{page}");
    assert!(page.contains("href=\"/sign-in\" target=\"_blank\""), "{page}");
    // Nothing of the draft is in it that was not sent, and the same for an offer that is not there.
    let none = post(&desk.router, "/publish/contoso/none/listing", "", &[("/listing/title", "T")]).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let again = desk.save_with("listing", &base(page), &fields[1..]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.values().await["listing"]["title"], "Typed <b>");
}
