//! The test lead of step 3, against an endpoint of ours.

use crate::support::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use market::clock::{Clock, Ids};
use market::config::{Config, Settings};
use market::submissions::{Level, Submission};
use market::{Faults, Market};
use offer::submission::{StepStatus, SubmissionState};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// What the endpoint does with a request.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    RedirectToItself,
    Never,
}

#[derive(Debug, PartialEq)]
struct Received {
    path: String,
    key: String,
    content_type: String,
    body: Value,
    /// State of the lead in the store when it arrived.
    stored: Vec<String>,
}

#[derive(Default)]
struct Endpoint {
    /// One for each request; the last one stays.
    answers: Mutex<VecDeque<Answer>>,
    received: Mutex<Vec<Received>>,
    market: OnceLock<Market>,
}

/// An endpoint and its URL.
async fn endpoint(answers: &[Answer]) -> (Arc<Endpoint>, String) {
    let endpoint =
        Arc::new(Endpoint { answers: Mutex::new(answers.iter().copied().collect()), ..Endpoint::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/leads", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(Arc::clone(&endpoint));
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    (endpoint, url)
}

async fn receive(
    State(endpoint): State<Arc<Endpoint>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let leads = match endpoint.market.get() {
        Some(market) => market.leads(&publisher(), (&contoso(), &sensor())).await.unwrap(),
        None => Vec::new(),
    };
    endpoint.received.lock().unwrap().push(Received {
        path: uri.path().to_owned(),
        key: header("idempotency-key").unwrap_or_default(),
        content_type: header("content-type").unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        stored: leads.into_iter().map(|lead| lead.state).collect(),
    });
    let answer = {
        let mut answers = endpoint.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
    };
    match answer {
        Some(Answer::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Answer::RedirectToItself) => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response()
        }
        Some(Answer::Never) | None => std::future::pending().await,
    }
}

fn with_leads(url: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = offer(&["latest", "1.0.0"]);
    edit(&mut files, "leads:\n  kind: none\n", &format!("leads:\n  kind: https-endpoint\n  url: {url}\n"));
    files
}

async fn submit(market: &Market, url: &str) -> Working {
    push(market, "one", &["latest", "1.0.0"]).await;
    let working = work(market);
    publish(market, with_leads(url)).await;
    working
}

fn texts(submission: &Submission, level: Level) -> Vec<String> {
    let messages = submission.steps[2].messages.iter().filter(|message| message.level == level);
    messages.map(|message| message.text.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_test_lead_is_stored_then_sent_and_sent_again_after_a_failure() {
    let place = place().await;
    let market = &place.market;
    let (endpoint, url) = endpoint(&[Answer::Status(500), Answer::Status(202)]).await;
    endpoint.market.set(market.clone()).ok();
    let _working = submit(market, &url).await;
    let waiting = wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let warned = texts(&waiting, Level::Warning);
    assert_eq!(warned, ["the lead endpoint answered 500 Internal Server Error"]);
    let leads = market.leads(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(leads.len(), 1);
    let lead = &leads[0];
    assert_eq!((lead.test, lead.state.as_str(), lead.attempts), (true, "Delivered", 2));
    let body = json!({
        "LeadSource": "edgemarket|127.0.0.1:8080",
        "ActionCode": "TST",
        "OfferTitle": "Sensor",
        "Description": "Test lead of submission 1 of contoso.sensor; nobody waits for an answer",
        "UserDetails": {
            "FirstName": "Test",
            "LastName": "Lead",
            "Email": "test@example.com",
            "Phone": "",
            "Country": "",
            "Company": "Edgemarket",
            "Title": "",
        },
    });
    let received = || Received {
        path: "/leads".to_owned(),
        key: lead.id.clone(),
        content_type: "application/json".to_owned(),
        body: body.clone(),
        stored: vec!["Waiting".to_owned()],
    };
    assert_eq!(*endpoint.received.lock().unwrap(), [received(), received()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_never_answers_is_told_and_hinders_nobody() {
    let place = place().await;
    let market = &place.market;
    let (endpoint, url) = endpoint(&[Answer::Never]).await;
    let _working = submit(market, &url).await;
    let mut submission = None;
    until("step 3 is blocked", async || {
        let found = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        let is_blocked = found.steps[2].status == StepStatus::Blocked;
        submission = Some(found);
        is_blocked
    })
    .await;
    let submission = submission.unwrap();
    let message = submission.steps[2].messages.iter().find(|message| message.level == Level::Warning);
    let message = message.expect("the step says why");
    assert!(message.text.starts_with("the lead endpoint does not answer: "), "{message:#?}");
    let hint = message.hint.as_deref().unwrap_or_default();
    assert!(hint.contains("check that the endpoint takes POST requests"), "{hint}");
    assert!(hint.contains("it is tried again by itself, next in "), "{hint}");
    until("it is tried again", async || endpoint.received.lock().unwrap().len() >= 2).await;

    let begin = Instant::now();
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    publish(market, offer(&["latest", "1.0.0"])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    assert!(begin.elapsed() < Duration::from_secs(14), "the cancelled lead is not waited for");
    let keys: Vec<String> = endpoint.received.lock().unwrap().iter().map(|lead| lead.key.clone()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed() {
    let place = place().await;
    let (endpoint, url) = endpoint(&[Answer::RedirectToItself]).await;
    let _working = submit(&place.market, &url).await;
    let failed = wait_for(&place.market, SubmissionState::Failed).await;
    let expected = "the lead endpoint answered 307 Temporary Redirect [lead-destination]";
    assert_eq!(texts(&failed, Level::Error), [expected]);
    let paths: Vec<String> = endpoint.received.lock().unwrap().iter().map(|lead| lead.path.clone()).collect();
    assert_eq!(paths, ["/leads"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_address_is_refused_unless_it_is_allowed() {
    let directory = tempfile::TempDir::new().unwrap();
    let config = Config::new(directory.path().join("data"), Settings::default());
    let (clock, ids) = (Clock::system(), Ids::system());
    let market = Market::open_with_faults(config, clock, ids, Faults::default()).await.unwrap();
    found(&market).await;
    let (endpoint, url) = endpoint(&[Answer::Status(200)]).await;
    for url in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        let _working = submit(&market, &url).await;
        let mut told = Vec::new();
        until("step 3 says so", async || {
            let found = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
            told = found.steps[2].messages.iter().map(|message| message.text.clone()).collect();
            told.iter().any(|text| text.contains("is a private or loopback address"))
        })
        .await;
        let newest = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        if !newest.summary.state.is_final() {
            market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
        }
    }
    assert_eq!(*endpoint.received.lock().unwrap(), []);
}
