//! The page of a submission: what hinders it and how to mend it, publishing again, the questions before what cannot be
//! undone, and events for those who come back.

use crate::http::{Answer, HOST, Stage, get, request, secret, send, stage};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::submissions::Publish;
use market::{Actor, Market};
use offer::policy::Policy;
use offer::submission::SubmissionState;
use std::time::Duration;
use tempfile::TempDir;

/// Sends a form of the pages as the holder of a token.
pub async fn post(router: &Router, path: &str, token: &str, form: &str) -> Answer {
    let request = request(Method::POST, path, token)
        .header(header::ORIGIN, format!("http://{HOST}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(router, request.body(Body::from(form.to_owned())).unwrap()).await
}

/// A text as a field of a form.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn own(market: &Market) -> (Router, String) {
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    (market::router(market.clone()), token)
}

async fn failed(market: &Market) -> market::submissions::Submission {
    wait_for(market, SubmissionState::Failed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tag_leads_to_its_field_and_is_published_again_once() {
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    let _working = work(market);
    publish(market, offer(&["latest", "1.0.0", "1.0.1"])).await;
    let failed = failed(market).await;
    let (router, token) = own(market).await;
    let path = format!("/submissions/{}", failed.summary.id);
    let english = get(&router, &path, &token).await;
    for expected in [
        "What hinders the publication",
        "One rule hinders it.",
        "the tag 1.0.1 was not found",
        "To mend it:",
        "offer.yaml:",
        "href=\"/publish/contoso/sensor/plans/0#/plans/0/tags",
        "Publish the draft again",
        "At most 15\u{a0}min.",
    ] {
        assert!(english.text().contains(expected), "{expected}: {}", english.text());
    }
    // Said once, in the report, and without the rule's name in the middle of the sentence.
    assert_eq!(english.text().matches("the tag 1.0.1 was not found").count(), 1);
    let french = get(&router, &format!("{path}?lang=fr"), &token).await;
    for expected in ["Ce qui empêche la publication", "Pour corriger", "Publier de nouveau le brouillon"] {
        assert!(french.text().contains(expected), "{expected}: {}", french.text());
    }
    push(market, "one", &["1.0.1"]).await;
    let again = format!("{path}/publish");
    let (first, second) = tokio::join!(post(&router, &again, &token, ""), post(&router, &again, &token, ""));
    assert_eq!((first.status, second.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(first.header(header::LOCATION), second.header(header::LOCATION));
    assert_ne!(first.header(header::LOCATION), path);
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(history.iter().filter(|action| action.action == "published").count(), 2);
    let old = get(&router, &path, &token).await;
    assert!(old.text().contains("Go to the newest submission: 2"), "{}", old.text());
    assert!(!old.text().contains("Publish the draft again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_of_certification_are_grouped_by_criterion_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let mut config = config(&directory);
    config.policy = Policy::from_toml("[criteria.healthcheck-defined]\nblocking = true\n").unwrap();
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    found(&market).await;
    let _working = work(&market);
    push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let failed = failed(&market).await;
    let failures = failed.failures();
    assert!(failures[0].blocks);
    assert_eq!(failures[0].rule, Some("healthcheck-defined"));
    assert!(failures.iter().skip(1).all(|failure| !failure.blocks && failure.rule.is_some()));
    let rules: std::collections::BTreeSet<_> = failures.iter().map(|failure| failure.rule).collect();
    assert_eq!(rules.len(), failures.len(), "each criterion is there once");
    let (router, token) = own(&market).await;
    let page = get(&router, &format!("/submissions/{}", failed.summary.id), &token).await;
    for expected in [
        "<h3>The image has a health check</h3>",
        "The host can tell a module that hangs from one that works.",
        "linux/amd64",
        "The whole report of plan standard",
        "Advice, which hinders nothing",
    ] {
        assert!(page.text().contains(expected), "{expected}: {}", page.text());
    }
    assert!(!page.text().contains("[healthcheck-defined]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_undone_is_asked_first_and_done_once() {
    let stage = stage().await;
    let (router, token) = (&stage.router, &stage.own);
    let base = format!("/submissions/{}", stage.waiting);
    let page = get(router, &base, token).await;
    for link in ["/go-live\"", "/cancel\""] {
        assert!(page.text().contains(&format!("href=\"{base}{link}")), "{link}: {}", page.text());
    }
    let asked = get(router, &format!("{base}/go-live"), token).await;
    assert!(asked.text().contains("Let submission 2 of contoso.sensor go live?"), "{}", asked.text());
    assert!(asked.text().contains(&format!("<form method=\"post\" action=\"{base}/go-live\">")));
    let asked = get(router, &format!("{base}/cancel?lang=fr"), token).await;
    assert!(asked.text().contains("Annuler la soumission 2 de contoso.sensor"), "{}", asked.text());
    for _ in 0..2 {
        let canceled = post(router, &format!("{base}/cancel"), token, "").await;
        assert_eq!((canceled.status, canceled.header(header::LOCATION)), (StatusCode::SEE_OTHER, &*base));
    }
    let history = stage.place.market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(history.iter().filter(|action| action.action == "canceled").count(), 1);
    // A tab from before: nothing goes live any more, and the page says what is so now.
    let late = post(router, &format!("{base}/go-live"), token, "").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    for question in ["go-live", "cancel"] {
        let asked = get(router, &format!("{base}/{question}"), token).await;
        assert_eq!((asked.status, asked.header(header::LOCATION)), (StatusCode::SEE_OTHER, &*base));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_tab_acts_on_no_other_submission() {
    let stage = stage().await;
    let old = format!("/submissions/{}", stage.waiting);
    publish(&stage.place.market, offer(&["latest", "1.0.0"])).await;
    let newest = wait_for(&stage.place.market, SubmissionState::WaitingForPublisherReview).await;
    for action in ["go-live", "cancel"] {
        let answer = post(&stage.router, &format!("{old}/{action}"), &stage.own, "").await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{action}");
        assert!(answer.text().contains("is 3, not the one that was meant"), "{}", answer.text());
    }
    let now = stage.place.market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!((now.summary.id, now.summary.state), (newest.summary.id.clone(), newest.summary.state));
    let publish = Publish { after: Some(stage.waiting.clone()), ..Publish::default() };
    let any = market::offers::IfMatch::Any;
    let late = stage.place.market.publish(&publisher(), (&contoso(), &sensor()), &publish, any).await;
    assert_eq!(late.unwrap_err().kind, market::Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_publisher_finds_nothing_here() {
    let stage = stage().await;
    let market = &stage.place.market;
    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(market, TokenRole::Publisher("fabrikam".to_owned())).await;
    for id in [stage.waiting.as_str(), "00000000-0000-0000-0000-000000000000", "%F0%9F%92%A5", "..%2F.."] {
        let base = format!("/submissions/{id}");
        for page in ["", "/go-live", "/cancel", "/tickets"] {
            let answer = get(&stage.router, &format!("{base}{page}"), &other).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}{page}");
        }
        for action in ["/go-live", "/cancel", "/publish"] {
            let answer = post(&stage.router, &format!("{base}{action}"), &other, "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}{action}");
        }
        let ticket = post(&stage.router, &format!("{base}/tickets"), &other, "step=live&text=mine").await;
        assert_eq!(ticket.status, StatusCode::NOT_FOUND);
    }
    let state = market.submission(&Actor::Operator, &stage.waiting).await.unwrap().summary.state;
    assert_eq!(state, SubmissionState::WaitingForPublisherReview);
}

/// The next event of a stream: its id and its state.
async fn event<S>(stream: &mut S) -> Option<(String, String)>
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, axum::Error>> + Unpin,
{
    let chunk = tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("an event");
    let text = String::from_utf8(chunk?.unwrap().to_vec()).unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).expect(name).to_owned();
    let json: serde_json::Value = serde_json::from_str(&line("data: ")).unwrap();
    Some((line("id: "), json["state"].as_str().unwrap().to_owned()))
}

async fn events(stage: &Stage, last: Option<&str>) -> axum::response::Response {
    let mut request =
        request(Method::GET, &format!("/api/v1/submissions/{}/events", stage.waiting), &stage.own);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    tower::ServiceExt::oneshot(stage.router.clone(), request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_hears_what_was_missed_and_nothing_twice() {
    let stage = stage().await;
    let mut stream = events(&stage, None).await.into_body().into_data_stream();
    let (seen, state) = event(&mut stream).await.unwrap();
    assert_eq!(state, "WaitingForPublisherReview");
    drop(stream);
    // Nothing happened meanwhile: the first event of the new connection is the change that comes now.
    let mut back = events(&stage, Some(&seen)).await.into_body().into_data_stream();
    stage.place.market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let (mut last, state) = event(&mut back).await.unwrap();
    assert!(last != seen && state != "WaitingForPublisherReview", "{state}");
    drop(back);
    wait_for(&stage.place.market, SubmissionState::Succeeded).await;
    // It ended meanwhile: that is told at once, and then there is nothing to come back for.
    let mut late = events(&stage, Some(&seen)).await.into_body().into_data_stream();
    while let Some((id, state)) = event(&mut late).await {
        (last, _) = (id, assert_eq!(state, "Succeeded"));
    }
    let over = events(&stage, Some(&last)).await;
    assert_eq!(over.status(), StatusCode::NO_CONTENT);
    // An id that we never gave out is no reason to say less.
    let mut odd = events(&stage, Some("no such state")).await.into_body().into_data_stream();
    assert_eq!(event(&mut odd).await.unwrap().1, "Succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_after_the_server_was_started_again() {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), market::Faults::default()).await;
    found(&market).await;
    push(&market, "one", &["latest", "1.0.0"]).await;
    let working = work(&market);
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let waiting = wait_for(&market, SubmissionState::WaitingForPublisherReview).await.summary.id;
    let (router, own) = own(&market).await;
    let path = format!("/api/v1/submissions/{waiting}/events");
    let ask = async |router: Router, last: Option<String>| {
        let mut asked = request(Method::GET, &path, &own);
        if let Some(last) = last {
            asked = asked.header("last-event-id", last);
        }
        tower::ServiceExt::oneshot(router, asked.body(Body::empty()).unwrap()).await.unwrap()
    };
    let mut stream = ask(router, None).await.into_body().into_data_stream();
    let (seen, _) = event(&mut stream).await.unwrap();
    drop((stream, working));
    market.close().await;
    drop(market);
    let market = until_open(directory.path()).await;
    let router = market::router(market.clone());
    let mut back = ask(router, Some(seen.clone())).await.into_body().into_data_stream();
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let (id, state) = event(&mut back).await.unwrap();
    assert_eq!(state, "Canceled");
    assert_ne!(id, seen);
}

/// Opens the directory again as soon as the last clone of its former marketplace is gone.
async fn until_open(directory: &std::path::Path) -> Market {
    for _ in 0..1_200 {
        let config = config_at(directory);
        match Market::open(config, Clock::system(), Ids::system()).await {
            Ok(market) => return market,
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    panic!("the directory stays locked");
}
