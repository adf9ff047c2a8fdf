//! Security headers of every route of every face and of every kind of refusal; cookies; forms that other sites send.

use crate::http::{Answer, HOST, Stage, request, send, stage};
use crate::roles::{body_of, filled, person};
use crate::support::*;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::accounts::Invited;
use market::config::{Config, Settings};
use market::{Market, api, portal};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use tempfile::TempDir;

/// Headers that say something of this answer's content or place, and nothing of how careful a browser has to be.
const OF_CONTENT: [&str; 10] = [
    "allow",
    "content-disposition",
    "content-length",
    "content-type",
    "docker-content-digest",
    "etag",
    "location",
    "retry-after",
    "set-cookie",
    "www-authenticate",
];

fn all_routes() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    [api::ROUTES, api::MANAGING_ROUTES, portal::ROUTES, portal::MANAGING_ROUTES].into_iter().flatten()
}

fn is_api(path: &str) -> bool {
    ["/api/", "/healthz", "/readyz", "/.well-known/"].iter().any(|start| path.starts_with(start))
}

/// The headers of an answer but those of its content, a line each.
fn guards(headers: &axum::http::HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !OF_CONTENT.contains(&name.as_str()))
        .map(|(name, value)| format!("    {name}: {}\n", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.concat()
}

async fn call(stage: &Stage, (method, path): (&str, &str), cookie: &str, origin: &str) -> Answer {
    let mut request = request(Method::from_bytes(method.as_bytes()).unwrap(), path, "");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, format!("edgemarket-session={cookie}"));
    }
    if !origin.is_empty() {
        request = request.header(header::ORIGIN, origin);
    }
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::empty()).unwrap();
    if path.ends_with("/events") {
        // The stream of a submission in flight does not end.
        let response = tower::ServiceExt::oneshot(stage.router.clone(), request).await.unwrap();
        return Answer { status: response.status(), headers: response.headers().clone(), body: Vec::new() };
    }
    send(&stage.router, request).await
}

/// A person who may do everything.
async fn everybody(market: &Market) -> String {
    let secret = person(market, "everybody", Some(Invited::Operator)).await;
    let session = market.session(&secret).await.unwrap().unwrap();
    for role in [Invited::Owner("contoso".to_owned()), Invited::Customer(CUSTOMER)] {
        let link = market.invite(&market::Actor::Operator, role).await.unwrap().link;
        market.accept_invitation_as(&session, &crate::accounts::code(&link)).await.unwrap();
    }
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded() {
    let stage = stage().await;
    let secret = everybody(&stage.place.market).await;
    // Guards, and what has them.
    let mut sets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut note = |name: String, answer: &Answer| {
        sets.entry(guards(&answer.headers)).or_default().insert(format!("{} {name}", answer.status.as_u16()));
    };
    for (method, path) in all_routes() {
        let name = format!("{method} {path}");
        let place = filled(method, path, &stage);
        note(name.clone(), &call(&stage, (method, &place), "", "").await);
        if *method == "GET" {
            note(name.clone(), &call(&stage, (method, &place), &secret, "").await);
            note(format!("HEAD {path}"), &call(&stage, ("HEAD", &place), "", "").await);
        }
    }
    let style = crate::caching::asset(&call(&stage, ("GET", "/"), "", "").await, "style.css");
    for (method, path) in [
        ("GET", style.as_str()),
        ("GET", "/no/such/page"),
        ("GET", "/api/v1/nothing"),
        ("DELETE", "/"),
        ("DELETE", "/api/v1/catalogue"),
        ("GET", "/v2/"),
        ("GET", "/v2/contoso/sensor/standard/manifests/latest"),
        ("GET", "/v2/contoso/none/standard/manifests/latest"),
        ("PATCH", "/v2/"),
    ] {
        let name = format!("{method} {}", path.split('?').next().unwrap());
        note(name, &call(&stage, (method, path), "", "").await);
    }
    let here = format!("http://{HOST}");
    for (method, path, bytes) in
        [("POST", "/publish", 9 << 20), ("POST", "/api/v1/validate", api::BODY_BYTES_MAX + 1)]
    {
        let request = request(Method::from_bytes(method.as_bytes()).unwrap(), path, &stage.own);
        let request = request.header(header::ORIGIN, &here).body(Body::from(vec![b'a'; bytes])).unwrap();
        let answer = send(&stage.router, request).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}: {}", answer.text());
        note(format!("{method} {path}"), &answer);
    }
    let mut table = String::new();
    for (guards, answers) in &sets {
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        writeln!(table, "{}\n{guards}", answers.join("\n")).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_site_sends_is_refused() {
    let stage = stage().await;
    let market = &stage.place.market;
    let secret = everybody(market).await;
    let before = everything(market).await;
    let mut forms = 0;
    for (method, path) in all_routes().filter(|(method, _)| *method != "GET") {
        let place = filled(method, path, &stage);
        for origin in
            ["", "null", "http://evil.example", "http://market.example:81", "https://x.market.example"]
        {
            let mut request = request(Method::from_bytes(method.as_bytes()).unwrap(), &place, "")
                .header(header::COOKIE, format!("edgemarket-session={secret}"))
                // What a form can send without being asked about it first.
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if !origin.is_empty() {
                request = request.header(header::ORIGIN, origin);
            }
            let answer = send(&stage.router, request.body(body_of(method, path, "x")).unwrap()).await;
            // A program's request needs no origin, and is nobody's without a token.
            let refused = if is_api(path) { vec![401, 404, 415, 422] } else { vec![403] };
            let status = answer.status.as_u16();
            assert!(refused.contains(&status), "{method} {path} from {origin:?}: {status} {}", answer.text());
            assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{path}");
        }
        forms += usize::from(!is_api(path));
    }
    assert!(forms > 30, "{forms}");
    assert_eq!(everything(market).await, before);
}

/// What such a form would have changed.
async fn everything(market: &Market) -> String {
    let operator = &market::Actor::Operator;
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let draft = market.draft(&publisher(), (&contoso(), &sensor())).await.unwrap().etag;
    let tokens = market.tokens(operator).await.unwrap();
    let accounts = market.accounts(operator).await.unwrap();
    let regions = market.regions(operator).await.unwrap();
    format!("{history:#?}{draft}{tokens:#?}{accounts:#?}{regions:#?}")
}

async fn at(public_url: &str) -> (TempDir, Market) {
    let directory = TempDir::new().unwrap();
    let settings = Settings { public_url: Some(public_url.to_owned()), ..config(&directory).settings };
    let config = Config::new(directory.path().join("data"), settings);
    let (clock, ids) = (market::clock::Clock::system(), market::clock::Ids::system());
    (directory, Market::open(config, clock, ids).await.unwrap())
}

#[tokio::test]
async fn cookies_stay_with_the_browser_and_its_tls() {
    for (url, is_secure, transport) in [
        ("http://market.example", false, ""),
        ("https://market.example", true, "max-age=31536000"),
        // Browsers would ask for TLS at every other port of this host too.
        ("https://market.example:8443", true, ""),
    ] {
        let (_directory, market) = at(url).await;
        crate::accounts::make(&market, "somebody", false).await;
        let router = market::router(market);
        let mut cookies = Vec::new();
        for (method, path, body) in [
            ("POST", "/sign-in", "name=somebody&password=seven+green+bottles"),
            ("POST", "/sign-out", ""),
            ("GET", "/language/fr", ""),
            ("GET", "/theme/dark", ""),
        ] {
            let request = request(Method::from_bytes(method.as_bytes()).unwrap(), path, "");
            let request = request.header(header::ORIGIN, format!("http://{HOST}"));
            let answer = send(&router, request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
            let cookie = answer.header(header::SET_COOKIE);
            for part in ["; HttpOnly", "; SameSite=", "; Path=/;"] {
                assert!(cookie.contains(part), "{part}: {cookie}");
            }
            assert_eq!(cookie.contains("; Secure"), is_secure, "{url}: {cookie}");
            cookies.push(cookie.split('=').next().unwrap().to_owned());
        }
        assert_eq!(
            cookies,
            ["edgemarket-session", "edgemarket-session", "edgemarket-language", "edgemarket-theme"]
        );
        for path in ["/", "/assets/style.css", "/api/v1/catalogue", "/v2/", "/no/such/page"] {
            let answer = send(&router, request(Method::GET, path, "").body(Body::empty()).unwrap()).await;
            assert_eq!(answer.header(header::STRICT_TRANSPORT_SECURITY), transport, "{url} {path}");
        }
    }
}
