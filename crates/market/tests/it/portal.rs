//! The publisher's pages over HTTP: each tab saved and read back, bad input of every field, two people at once, sessions that
//! end, offers of others, directories as zips.

use crate::http::{Answer, HOST, get, request, secret, send};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Market;
use market::access::TokenRole;
use market::offers::IfMatch;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const SHEET: &str = "/publish/contoso/sensor";

pub struct Desk {
    place: Place,
    pub router: Router,
    pub token: String,
}

impl Desk {
    /// A marketplace with the draft of the tests.
    pub async fn new() -> Desk {
        let place = place().await;
        let token = secret(&place.market, TokenRole::Publisher("contoso".to_owned())).await;
        let router = market::router(place.market.clone());
        let desk = Desk { place, router, token };
        desk.put(offer(&["latest", "1.0.0"])).await;
        desk
    }

    pub fn market(&self) -> &Market {
        &self.place.market
    }

    pub async fn put(&self, files: BTreeMap<String, Vec<u8>>) {
        let (publisher_id, id) = (contoso(), sensor());
        self.market().put_draft(&publisher(), (&publisher_id, &id), files, IfMatch::Any).await.unwrap();
    }

    pub async fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let (publisher_id, id) = (contoso(), sensor());
        self.market().draft(&publisher(), (&publisher_id, &id)).await.unwrap().files
    }

    pub async fn values(&self) -> Value {
        market::editing::shown(&self.files().await).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        get(&self.router, path, &self.token).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        post(&self.router, path, &self.token, fields).await
    }

    /// Sends a tab with the values that it showed when it was opened.
    pub async fn save(&self, tab: &str, fields: &[(&str, &str)]) -> Answer {
        let base = base(self.get(&format!("{SHEET}/{tab}")).await.text());
        self.save_with(tab, &base, fields).await
    }

    pub async fn save_with(&self, tab: &str, base: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<_> = [("_base", base)].into_iter().chain(fields.iter().copied()).collect();
        self.post(&format!("{SHEET}/{tab}"), &fields).await
    }
}

pub async fn post(router: &Router, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let request = request(Method::POST, path, token)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, format!("http://{HOST}"));
    send(router, request.body(Body::from(body.finish())).unwrap()).await
}

/// What the form showed.
pub fn base(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"_base\" value=\"").expect("a form");
    rest.split('"')
        .next()
        .unwrap()
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// What is typed into each tab.
const TABS: [(&str, &[(&str, &str)]); 6] = [
    ("settings", &[("/name", "Vitals")]),
    (
        "listing",
        &[
            ("/listing/title", "Vitals & more"),
            ("/listing/description", "<p>New.</p>\r\n<p>Minimum hardware requirements: none.</p>\r\n"),
            ("/listing/links/2/title", "Source"),
            ("/listing/links/2/url", "https://contoso.com/source"),
            ("/listing/links/2/kind", "other"),
            ("/listing/categories", "analytics"),
            ("/listing/categories", "internet-of-things"),
            ("/listing/terms", "url"),
            ("/listing/terms/url", "https://contoso.com/terms"),
        ],
    ),
    (
        "plans/0",
        &[
            ("/plans/0/summary", "Counts."),
            ("/plans/0/hidden", "false"),
            ("/plans/0/hidden", "true"),
            ("/plans/0/tags", "latest\r\n1.0.0\r\n1.0\r\n"),
            ("/plans/0/twin/0/name", "interval"),
            ("/plans/0/twin/0/value", "{\"seconds\": 5}"),
            ("/plans/0/environment/0/name", "SERVER"),
            ("/plans/0/environment/0/value", "<MY_SERVER>"),
            ("/plans/0/createOptions", "{\"HostConfig\": {\"Memory\": 1000000}}"),
        ],
    ),
    (
        "preview",
        &[
            ("/listing/previewSubscriptions/1/id", "2c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d"),
            ("/listing/previewSubscriptions/1/note", "Theirs"),
        ],
    ),
    ("leads", &[("/leads/kind", "https-endpoint"), ("/leads/url", "https://contoso.com/leads")]),
    (
        "support",
        &[("/support/customer/phone", "+33 1 23 45 67 89"), ("/support/sovereignUrl", "https://contoso.de")],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_tab_is_saved_and_read_back() {
    let desk = Desk::new().await;
    for (tab, fields) in TABS {
        // Rows that are not sent are gone; a browser sends those that it shows.
        let page = desk.get(&format!("{SHEET}/{tab}")).await;
        let mut sent = rows_of(&base(page.text()), fields);
        sent.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let sent: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = desk.save(tab, &sent).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{tab}: {}", answer.text());
        assert_eq!(answer.header(header::LOCATION), format!("{SHEET}/{tab}?saved=yes"));
        let again = desk.get(answer.header(header::LOCATION)).await;
        assert!(again.text().contains("Saved as a draft."), "{tab}");
        assert!(!again.text().contains("finding bad"), "{tab}: {}", again.text());
    }
    let files = desk.files().await;
    let text = String::from_utf8(files["offer.yaml"].clone()).unwrap();
    assert!(text.contains("# Display name: at most 50 characters, no emoji.\nname: Vitals\n"), "{text}");
    assert!(String::from_utf8_lossy(&files["description.html"]).starts_with("<p>New.</p>\n"));
    let before = String::from_utf8(offer(&["latest", "1.0.0"])["offer.yaml"].clone()).unwrap();
    let kept = before.lines().filter(|line| line.trim_start().starts_with('#'));
    for comment in kept {
        assert!(text.contains(comment), "{comment} is gone: {text}");
    }
    let mut values = desk.values().await;
    assert_eq!(values["listing"]["links"].as_array().unwrap().len(), 3);
    assert_eq!(values["plans"][0]["twin"], json!([{"name": "interval", "value": {"seconds": 5}}]));
    values["listing"]["description"] = Value::Null;
    insta::assert_json_snapshot!(values);
    let (publisher_id, id) = (contoso(), sensor());
    let draft = desk.market().draft(&publisher(), (&publisher_id, &id)).await.unwrap();
    assert!(draft.document.is_some(), "{:?}", draft.findings);
    let actions = desk.market().history(&publisher(), (&publisher_id, &id)).await.unwrap();
    assert_eq!(actions.len(), 2, "typing on is one change: {actions:?}");
}

/// The rows that a form shows of the lists that `fields` add to, as a browser sends them.
fn rows_of(base: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let base: Value = serde_json::from_str(base).unwrap();
    let mut sent = Vec::new();
    for list in ["/listing/links", "/listing/previewSubscriptions"] {
        if !fields.iter().any(|(name, _)| name.starts_with(list)) {
            continue;
        }
        for (index, row) in base.pointer(list).and_then(Value::as_array).unwrap().iter().enumerate() {
            for (name, value) in row.as_object().unwrap() {
                sent.push((format!("{list}/{index}/{name}"), value.as_str().unwrap().to_owned()));
            }
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_that_the_form_does_not_show() {
    let desk = Desk::new().await;
    let mut files = desk.files().await;
    edit(&mut files, "note: Our own test subscription", "note: Ours\n      colour: red");
    edit(&mut files, "support:\n", "vendorData: { a: 1 } # mine\nsupport:\n");
    desk.put(files.clone()).await;
    let answer = desk.save("support", &[("/support/url", "https://contoso.com/help")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let answer = desk
        .save(
            "preview",
            &[
                ("/listing/previewSubscriptions/0/id", CUSTOMER.to_string().as_str()),
                ("/listing/previewSubscriptions/0/note", "Us"),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let values = desk.values().await;
    assert_eq!(values["vendorData"], json!({"a": 1}));
    assert_eq!(values["listing"]["previewSubscriptions"][0]["colour"], "red");
    // A form that sends nothing changes nothing.
    let before = desk.files().await;
    for tab in ["settings", "listing", "plans/0", "pictures", "preview", "leads", "support"] {
        assert_eq!(desk.save(tab, &[]).await.status, StatusCode::SEE_OTHER, "{tab}");
        assert_eq!(desk.post(&format!("{SHEET}/{tab}"), &[]).await.status, StatusCode::SEE_OTHER, "{tab}");
    }
    assert!(before == desk.files().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_lose_nothing() {
    let desk = Desk::new().await;
    let opened = base(desk.get(&format!("{SHEET}/listing")).await.text());
    assert_eq!(
        desk.save("support", &[("/support/url", "https://contoso.com/a")]).await.status,
        StatusCode::SEE_OTHER
    );
    let first =
        desk.save_with("listing", &opened, &[("/listing/title", "First"), ("/listing/summary", "One")]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    // The second one opened the page before: other fields are put together.
    let second = desk.save_with("listing", &opened, &[("/listing/longSummary", "Long")]).await;
    assert_eq!(second.status, StatusCode::SEE_OTHER);
    let values = desk.values().await;
    assert_eq!(
        (&values["listing"]["title"], &values["listing"]["longSummary"]),
        (&json!("First"), &json!("Long"))
    );
    assert_eq!(values["support"]["url"], "https://contoso.com/a");
    // The same field: nothing is stored, and both are shown.
    let third =
        desk.save_with("listing", &opened, &[("/listing/title", "Third"), ("/listing/summary", "Two")]).await;
    assert_eq!(third.status, StatusCode::PRECONDITION_FAILED);
    let page = third.text();
    assert!(page.contains("Somebody else changed the same fields."), "{page}");
    assert!(page.contains("value=\"Third\"") && page.contains(">First</pre>"), "{page}");
    assert!(page.contains("value=\"Two\"") && page.contains(">One</pre>"), "{page}");
    assert_eq!(desk.values().await["listing"]["title"], "First");
    // The person chooses: their own title, and the other's summary.
    let chosen = [
        ("/listing/title", "Third"),
        ("/listing/summary", "Two"),
        ("_choose:/listing/title", "yours"),
        ("_choose:/listing/summary", "theirs"),
    ];
    let fourth = desk.save_with("listing", &base(page), &chosen).await;
    assert_eq!(fourth.status, StatusCode::SEE_OTHER);
    let values = desk.values().await;
    assert_eq!(
        (&values["listing"]["title"], &values["listing"]["summary"]),
        (&json!("Third"), &json!("One"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_moved_or_went_is_found_or_added_again() {
    let desk = Desk::new().await;
    let added = desk.post(&format!("{SHEET}/plans"), &[("id", "gold"), ("copy", "0")]).await;
    assert_eq!(added.header(header::LOCATION), format!("{SHEET}/plans/1"), "{}", added.text());
    assert_eq!(desk.values().await["plans"][1]["tags"], json!(["latest", "1.0.0"]));
    let opened = base(desk.get(&format!("{SHEET}/plans/1")).await.text());
    assert_eq!(desk.get(&format!("{SHEET}/plans/0/remove")).await.status, StatusCode::OK);
    let wrong = desk.post(&format!("{SHEET}/plans/0/remove"), &[("id", "gold")]).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND, "another plan has this place");
    assert_eq!(
        desk.post(&format!("{SHEET}/plans/0/remove"), &[("id", "standard")]).await.status,
        StatusCode::SEE_OTHER
    );
    let moved = desk.save_with("plans/1", &opened, &[("/plans/1/summary", "Moved")]).await;
    assert_eq!(moved.header(header::LOCATION), format!("{SHEET}/plans/0?saved=yes"), "{}", moved.text());
    assert_eq!(desk.values().await["plans"][0]["summary"], "Moved");
    desk.post(&format!("{SHEET}/plans/0/remove"), &[("id", "gold")]).await;
    let gone = desk.save_with("plans/1", &opened, &[("/plans/1/summary", "Typed for long")]).await;
    assert_eq!(gone.status, StatusCode::PRECONDITION_FAILED);
    assert!(
        gone.text().contains("Typed for long") && gone.text().contains("Add this plan again"),
        "{}",
        gone.text()
    );
    let again = desk
        .save_with(
            "plans/1",
            &base(gone.text()),
            &[("/plans/1/summary", "Typed for long"), ("_again", "true")],
        )
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    let values = desk.values().await;
    assert_eq!(
        (&values["plans"][0]["id"], &values["plans"][0]["summary"]),
        (&json!("gold"), &json!("Typed for long"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_offers_are_named_once() {
    let desk = Desk::new().await;
    let made =
        desk.post("/publish", &[("publisher", "contoso"), ("offer", "vitals"), ("name", "Vitals")]).await;
    assert_eq!(made.header(header::LOCATION), "/publish/contoso/vitals/settings", "{}", made.text());
    let long = "a".repeat(51);
    for (offer, name, status, expected) in [
        ("vitals", "Again", StatusCode::CONFLICT, "contoso.vitals exists already"),
        ("Vitals!", "X", StatusCode::UNPROCESSABLE_ENTITY, "only lower-case letters"),
        ("-a", "X", StatusCode::UNPROCESSABLE_ENTITY, "starts or ends with a dash"),
        ("", "X", StatusCode::UNPROCESSABLE_ENTITY, "is empty"),
        ("more", "", StatusCode::UNPROCESSABLE_ENTITY, "Give the offer a name."),
        (long.as_str(), "X", StatusCode::UNPROCESSABLE_ENTITY, "51 characters"),
    ] {
        let answer =
            desk.post("/publish", &[("publisher", "contoso"), ("offer", offer), ("name", name)]).await;
        assert_eq!(answer.status, status, "{offer}: {}", answer.text());
        assert!(answer.text().contains(expected), "{offer}: {}", answer.text());
        assert!(answer.text().contains(&format!("value=\"{name}\"")), "what was typed stays");
    }
    let check = desk.get("/publish/check?publisher=contoso&offer=vitals").await;
    assert_eq!(check.json()["problem"], "contoso.vitals exists already: choose another ID.");
    assert_eq!(desk.get("/publish/check?publisher=contoso&offer=free").await.json()["problem"], "");
    assert_eq!(
        get(&desk.router, "/publish/check?publisher=contoso&offer=free", "").await.status,
        StatusCode::SEE_OTHER
    );
    let list = desk.get("/publish").await;
    for expected in ["contoso.sensor", "contoso.vitals", "Changes not yet published", "Never published"] {
        assert!(list.text().contains(expected), "{expected}: {}", list.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn review_publishes_once() {
    let desk = Desk::new().await;
    push(desk.market(), "one", &["latest", "1.0.0", "2.0.0"]).await;
    let looked = desk.get(&format!("{SHEET}/plans/0/tags")).await;
    for expected in ["<code>latest</code>", "linux/amd64", "becomes live", "not in the plan"] {
        assert!(looked.text().contains(expected), "{expected}: {}", looked.text());
    }
    let mut files = desk.files().await;
    edit(&mut files, "name: \"Sensor\"", "name: \"\u{1f680}\"");
    let good = desk.files().await;
    desk.put(files).await;
    let page = desk.get(&format!("{SHEET}/review")).await;
    assert!(
        page.text().contains("Correct the errors above") && !page.text().contains("name=\"notify\""),
        "{}",
        page.text()
    );
    desk.put(good).await;
    let page = desk.get(&format!("{SHEET}/review")).await;
    let etag =
        page.text().split("name=\"etag\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("{SHEET}/review");
    let stale = desk.post(&path, &[("etag", "1"), ("notify", "a@b.c")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert!(stale.text().contains("a@b.c</textarea>"), "{}", stale.text());
    let refused = desk.post(&path, &[("etag", etag.as_str()), ("notify", "no address, a@b.c")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("no address, a@b.c</textarea>"), "{}", refused.text());
    let first = desk.post(&path, &[("etag", etag.as_str()), ("notify", "a@b.c; d@e.f")]).await;
    let second = desk.post(&path, &[("etag", etag.as_str()), ("notify", "a@b.c; d@e.f")]).await;
    assert_eq!(
        (first.status, second.status),
        (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER),
        "{}",
        second.text()
    );
    assert_eq!(first.header(header::LOCATION), second.header(header::LOCATION));
    let (publisher_id, id) = (contoso(), sensor());
    let all = desk.market().submissions(&publisher(), (&publisher_id, &id)).await.unwrap();
    assert_eq!(all.len(), 1);
    let notify = desk.market().status(&publisher(), (&publisher_id, &id)).await.unwrap().notify;
    assert_eq!(notify, ["a@b.c", "d@e.f"]);
    let page = desk.get(&path).await;
    assert!(page.text().contains("A submission of this offer is in flight."), "{}", page.text());
}
