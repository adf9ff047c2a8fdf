//! The listing's links in step 2: asked where the setting says so, through the egress guard; otherwise not.

use crate::support::*;
use axum::Router;
use axum::http::{StatusCode, Uri};
use market::clock::{Clock, Ids};
use market::submissions::Submission;
use market::{Actor, Market};
use offer::submission::SubmissionState;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the report says of the links.
async fn reported(market: &Market, submission: &Submission) -> Value {
    let document = submission.documents.iter().find(|document| document.kind == "report").unwrap();
    let bytes = market.blobs().read(&document.digest.parse().unwrap(), 1 << 20).await.unwrap().unwrap();
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    let criteria = report["criteria"].as_array().unwrap();
    criteria.iter().find(|criterion| criterion["id"] == "links-reachable").unwrap().clone()
}

/// A server whose pages are all there but `/gone`, by its URL.
async fn pages() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = async |uri: Uri| match uri.path() {
        "/gone" => StatusCode::GONE,
        _ => StatusCode::OK,
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}

/// Publishes an offer with links to these pages, and gives what the report says.
async fn certified(check_links: bool) -> Value {
    let directory = TempDir::new().unwrap();
    let mut config = config(&directory);
    config.settings.check_links = check_links;
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    found(&market).await;
    let _working = work(&market);
    push(&market, "one", &["latest", "1.0.0"]).await;
    let mut files = offer(&["latest", "1.0.0"]);
    let pages = pages().await;
    // Not on the list of what may be reached although it is private.
    let inside = "https://10.200.0.1/privacy";
    edit(&mut files, "https://www.example.com/docs", &format!("{pages}/docs"));
    edit(&mut files, "https://www.example.com/device", &format!("{pages}/gone"));
    edit(&mut files, "https://www.example.com/privacy", inside);
    edit(&mut files, "https://www.example.com/support", &format!("{pages}/support"));
    publish(&market, files).await;
    let waiting = wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    let mut criterion = reported(&market, &waiting).await;
    market.cancel(&Actor::Operator, (&contoso(), &sensor())).await.unwrap();
    for finding in criterion["findings"].as_array_mut().unwrap() {
        let message = finding["message"].as_str().unwrap().replace(&pages, "PAGES");
        *finding = json!([finding["where"]["pointer"], message]);
    }
    criterion
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_asked_through_the_egress_guard_where_the_setting_says_so() {
    let asked = certified(true).await;
    assert_eq!(asked["verdict"], "warned");
    let forbidden = "https://10.200.0.1/privacy leads to where nobody outside can go: 10.200.0.1 is a private or \
        loopback address, which outgoing requests may not reach (setting allow-private-egress)";
    assert_eq!(
        asked["findings"],
        json!([
            ["/listing/links/1/url", "PAGES/gone answers with status 410"],
            ["/listing/privacyPolicyUrl", forbidden],
        ])
    );
    let not_asked = certified(false).await;
    assert_eq!(not_asked["verdict"], "not-applicable");
    assert!(not_asked["reason"].as_str().unwrap().contains("check-links"), "{not_asked}");
}
