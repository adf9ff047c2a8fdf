//! The same button pressed several times at one instant: what it does is done once, and every answer leads to the same place.

use crate::http::{Answer, HOST, get, request, secret, send};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::Market;
use market::access::TokenRole;
use offer::submission::SubmissionState;
use std::collections::BTreeSet;

const CLICKS: usize = 6;

async fn press(router: &Router, path: &str, token: &str, body: &str) -> Answer {
    let request = request(Method::POST, path, token)
        .header(header::ORIGIN, format!("http://{HOST}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(router, request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Where all of them lead.
async fn at_once(router: &Router, path: &str, token: &str, body: &str) -> String {
    let clicks = (0..CLICKS).map(|_| press(router, path, token, body));
    let answers = futures_util::future::join_all(clicks).await;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
    }
    let places: BTreeSet<&str> = answers.iter().map(|answer| answer.header(header::LOCATION)).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    places.into_iter().next().unwrap().to_owned()
}

async fn times(market: &Market, action: &str) -> usize {
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    history.iter().filter(|entry| entry.action == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_and_go_live_happen_once() {
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    let any = market::offers::IfMatch::Any;
    let key = (&contoso(), &sensor());
    market.put_draft(&publisher(), key, offer(&["latest", "1.0.0"]), any).await.unwrap();
    let router = market::router(market.clone());
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;

    let review = "/publish/contoso/sensor/review";
    let page = get(&router, review, &token).await;
    let etag = page.text().split("name=\"etag\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let body =
        format!("etag={}&notify=", url::form_urlencoded::byte_serialize(etag.as_bytes()).collect::<String>());
    let submission = at_once(&router, review, &token, &body).await;
    assert_eq!(market.submissions(&publisher(), key).await.unwrap().len(), 1);
    assert_eq!(times(market, "published").await, 1);

    let _working = work(market);
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    at_once(&router, &format!("{submission}/go-live"), &token, "").await;
    wait_for(market, SubmissionState::Succeeded).await;
    assert_eq!((times(market, "went-live").await, times(market, "live").await), (1, 1));
}
