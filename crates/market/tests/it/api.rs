//! The API's manners: problem details, ETags, limits, hostile tars, events.

use crate::http::{Stage, call, get, request, secret, send, stage, tar};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use market::access::TokenRole;
use market::api::BODY_BYTES_MAX;
use market::{Actor, Market};
use offer::reading::{FILE_BYTES_MAX, FILES_MAX};
use std::collections::BTreeMap;
use std::time::Duration;

const DRAFT: &str = "/api/v1/offers/contoso/sensor/draft";

async fn own(market: &Market) -> (Router, String) {
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    (market::router(market.clone()), token)
}

async fn put(router: &Router, token: &str, etag: Option<&str>, body: Vec<u8>) -> crate::http::Answer {
    let mut request = request(Method::PUT, DRAFT, token);
    if let Some(etag) = etag {
        request = request.header(header::IF_MATCH, etag);
    }
    send(router, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_stale_draft_is_refused_and_nothing_is_lost() {
    let place = place().await;
    let (router, token) = own(&place.market).await;
    let first = put(&router, &token, None, tar(&offer(&["latest", "1.0.0"]))).await;
    assert_eq!((first.status, first.header(header::ETAG)), (StatusCode::OK, "\"1\""));
    let second = put(&router, &token, Some("\"1\""), tar(&offer(&["latest", "1.0.1"]))).await;
    assert_eq!(second.header(header::ETAG), "\"2\"");
    for stale in ["\"1\"", "nonsense"] {
        let answer = put(&router, &token, Some(stale), tar(&offer(&["latest", "2.0.0"]))).await;
        answer.problem(StatusCode::PRECONDITION_FAILED);
    }
    let stored = place.market.draft(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!((stored.etag, stored.files), (2, offer(&["latest", "1.0.1"])));
    let stale = request(Method::POST, "/api/v1/offers/contoso/sensor/submissions", &token)
        .header(header::IF_MATCH, "\"1\"")
        .header(header::CONTENT_TYPE, "application/json");
    send(&router, stale.body(Body::from("{}")).unwrap()).await.problem(StatusCode::PRECONDITION_FAILED);
    assert!(place.market.operations(&publisher(), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_hint() {
    let place = place().await;
    let router = market::router(place.market.clone());
    let token = secret(&place.market, TokenRole::Operator).await;
    let publishers = "/api/v1/publishers";
    let post = |json: &'static str| call(&router, Method::POST, publishers, &token, json);
    post("{").await.problem(StatusCode::BAD_REQUEST);
    post(r#"{"id":1,"name":"x"}"#).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let (fact, _) =
        post(r#"{"id":"x","name":"x","extra":1}"#).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(fact.contains("extra"), "{fact}");
    post(r#"{"id":"Not An Id","name":"x"}"#).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    post(r#"{"id":"contoso","name":"Again"}"#).await.problem(StatusCode::CONFLICT);
    let untyped = request(Method::POST, publishers, &token).body(Body::from("{}")).unwrap();
    send(&router, untyped).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let patched = call(&router, Method::PATCH, publishers, &token, "{}").await;
    patched.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert!(patched.header(header::ALLOW).contains("POST"));
    for path in ["/api/v1/nothing", "/api/", "/api/v2/offers", "/api/v1/offers/contoso/sensor"] {
        get(&router, path, &token).await.problem(StatusCode::NOT_FOUND);
    }
    for path in ["/api/v1/catalogue/CONTOSO/%F0%9F%92%A5", "/api/v1/submissions/%27%20OR%201=1"] {
        get(&router, path, &token).await.problem(StatusCode::NOT_FOUND);
    }
    get(&router, "/api/v1/submissions/%FF", &token).await.problem(StatusCode::BAD_REQUEST);
    let unknown = get(&router, "/api/v1/offers", "no-such-token").await;
    unknown.problem(StatusCode::UNAUTHORIZED);
    assert!(unknown.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    let nobody = get(&router, "/api/v1/offers", "").await;
    nobody.problem(StatusCode::UNAUTHORIZED);
    assert!(nobody.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    let basic = request(Method::GET, "/api/v1/offers", "").header(header::AUTHORIZATION, "Basic YTpi");
    send(&router, basic.body(Body::empty()).unwrap()).await.problem(StatusCode::UNAUTHORIZED);
    let (fact, _) =
        put(&router, &token, None, vec![0; BODY_BYTES_MAX + 1]).await.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert!(fact.contains(&BODY_BYTES_MAX.to_string()), "{fact}");
}

/// One entry of a tar, written without the checks of the library.
fn entry(name: &[u8], kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn tar_of(entries: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        builder.append(&entry(name, *kind, content.len() as u64), *content).unwrap();
    }
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn tricks_with_tars_store_nothing() {
    use tar::EntryType::{Block, Link, Regular, Symlink};
    let place = place().await;
    let (router, token) = own(&place.market).await;
    let plain = |name: &'static [u8]| tar_of(&[(name, Regular, b"x")]);
    let many: BTreeMap<String, Vec<u8>> =
        (0..=FILES_MAX).map(|number| (format!("f{number}"), Vec::new())).collect();
    let big = BTreeMap::from([("offer.yaml".to_owned(), vec![b'#'; FILE_BYTES_MAX + 1])]);
    let mut lying = entry(b"offer.yaml", Regular, 1 << 40).as_bytes().to_vec();
    lying.extend([0; 512]);
    for (what, body) in [
        ("a way up", plain(b"../offer.yaml")),
        ("a way up inside", plain(b"logos/../../offer.yaml")),
        ("an absolute path", plain(b"/etc/passwd")),
        ("an empty part", plain(b"logos//a.png")),
        ("a backslash", plain(b"..\\offer.yaml")),
        ("no UTF-8", plain(b"\xff\xfe")),
        ("a symbolic link", tar_of(&[(b"offer.yaml", Symlink, b"")])),
        ("a hard link", tar_of(&[(b"offer.yaml", Link, b"")])),
        ("a device", tar_of(&[(b"offer.yaml", Block, b"")])),
        ("a file twice", tar_of(&[(b"offer.yaml", Regular, b"a"), (b"./offer.yaml", Regular, b"b")])),
        ("too many files", tar(&many)),
        ("a file too big", tar(&big)),
        ("a size that lies", lying),
        ("no tar", b"offer: yes\n".repeat(100)),
    ] {
        let answer = put(&router, &token, None, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {}", answer.text());
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(place.market.offers(&publisher()).await.unwrap().is_empty());
    let mut dotted = tar_of(&[(b"./offer.yaml", Regular, b"name: a draft may be wrong")]);
    dotted.truncate(dotted.len() - 512);
    let answer = put(&router, &token, None, dotted).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(!answer.json()["findings"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_begin_with_the_state_follow_changes_and_end() {
    let stage: Stage = stage().await;
    let path = format!("/api/v1/submissions/{}/events", stage.waiting);
    let request = request(Method::GET, &path, &stage.own).body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(stage.router.clone(), request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut states = Vec::new();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("an event");
        let text = String::from_utf8(chunk?.unwrap().to_vec()).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("data").to_owned();
        assert!(text.contains("event: submission\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&data).unwrap();
        Some(json["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(next().await.as_deref(), Some("WaitingForPublisherReview"));
    stage.place.market.go_live(&Actor::Operator, (&contoso(), &sensor())).await.unwrap();
    while let Some(state) = next().await {
        states.push(state);
    }
    assert_eq!(states.last().map(String::as_str), Some("Succeeded"), "{states:?}");
    // Of a submission that has ended there is one event and the end.
    let over = get(&stage.router, &path, &stage.own).await;
    assert_eq!(over.text().matches("event: submission").count(), 1);
}

#[tokio::test]
async fn alive_and_ready_are_two_questions() {
    let place = place().await;
    let router = market::router(place.market.clone());
    assert_eq!(get(&router, "/readyz", "").await.text(), "ready\n");
    place.market.close().await;
    assert_eq!(get(&router, "/healthz", "").await.text(), "ok\n");
    get(&router, "/readyz", "").await.problem(StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_cookie_changes_nothing_for_another_origin() {
    let place = place().await;
    let (router, token) = own(&place.market).await;
    let with = |method: Method, origin: &str| {
        request(method, "/api/v1/offers/contoso/sensor/cancel", "")
            .header(header::COOKIE, format!("edgemarket-session={token}"))
            .header(header::ORIGIN, origin)
            .body(Body::empty())
            .unwrap()
    };
    send(&router, with(Method::POST, "http://market.example:81")).await.problem(StatusCode::UNAUTHORIZED);
    send(&router, with(Method::POST, "null")).await.problem(StatusCode::UNAUTHORIZED);
    send(&router, with(Method::POST, "http://market.example")).await.problem(StatusCode::NOT_FOUND);
}
