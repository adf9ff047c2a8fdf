//! Requests through [`market::router`], as clients send them, and an instance that has one of everything to ask for.

use crate::support::*;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use market::access::TokenRole;
use market::{Actor, Market};
use offer::submission::SubmissionState;
use registry::owner::Credentials;
use std::collections::BTreeMap;
use tower::ServiceExt;

/// Host that the requests name.
pub const HOST: &str = "market.example";
/// Largest answer that a test reads.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fact and the hint of problem details, after checking their shape.
    pub fn problem(&self, status: StatusCode) -> (String, String) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], status.as_u16());
        assert!(json["type"].as_str().unwrap().starts_with("/problems/"), "{json}");
        assert!(!json["title"].as_str().unwrap().is_empty(), "{json}");
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        assert!(!text("detail").is_empty() && !text("hint").is_empty(), "{json}");
        (text("detail"), text("hint"))
    }
}

/// Sends one request.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap().to_vec();
    Answer { status: head.status, headers: head.headers, body }
}

/// A request with a bearer token, or with none when it is empty.
pub fn request(method: Method, path: &str, token: &str) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path).header(header::HOST, HOST);
    if token.is_empty() { builder } else { builder.header(header::AUTHORIZATION, format!("Bearer {token}")) }
}

pub async fn get(router: &Router, path: &str, token: &str) -> Answer {
    send(router, request(Method::GET, path, token).body(Body::empty()).unwrap()).await
}

/// A JSON request.
pub async fn call(router: &Router, method: Method, path: &str, token: &str, json: &str) -> Answer {
    let request = request(method, path, token).header(header::CONTENT_TYPE, "application/json");
    send(router, request.body(Body::from(json.to_owned())).unwrap()).await
}

/// The secret of a new token.
pub async fn secret(market: &Market, role: TokenRole) -> String {
    match token(market, role).await {
        Credentials::Basic { password, .. } => password,
        _ => unreachable!("tokens are given as passwords"),
    }
}

/// A tar of these files.
pub fn tar(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &content[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An instance with one live offer, whose next submission waits for sign-off.
pub struct Stage {
    pub place: Place,
    pub router: Router,
    /// Token of the offer's publisher.
    pub own: String,
    /// Id of the waiting submission.
    pub waiting: String,
    _working: Working,
}

/// Sets the stage.
pub async fn stage() -> Stage {
    let place = place().await;
    let market = place.market.clone();
    push(&market, "one", &["latest", "1.0.0"]).await;
    let working = work(&market);
    publish(&market, offer(&["latest", "1.0.0"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    market.go_live(&Actor::Operator, (&contoso(), &sensor())).await.unwrap();
    wait_for(&market, SubmissionState::Succeeded).await;
    let own = secret(&market, TokenRole::Publisher("contoso".to_owned())).await;
    let router = market::router(market);
    let mut stage = Stage { place, router, own, waiting: String::new(), _working: working };
    stage.wait_again().await;
    stage
}

impl Stage {
    /// Publishes again unless the newest submission waits for sign-off.
    pub async fn wait_again(&mut self) {
        let market = &self.place.market;
        let mut newest = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        while !newest.summary.state.is_final()
            && newest.summary.state != SubmissionState::WaitingForPublisherReview
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            newest = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        }
        if newest.summary.state != SubmissionState::WaitingForPublisherReview {
            publish(market, offer(&["latest", "1.0.0"])).await;
            newest = wait_for(market, SubmissionState::WaitingForPublisherReview).await;
        }
        self.waiting = newest.summary.id;
    }
}
