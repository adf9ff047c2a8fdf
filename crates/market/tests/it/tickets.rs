//! Support tickets: over the pages and the API, with bad input, and those that overdue steps open by themselves.

use crate::http::{call, get, secret, stage};
use crate::progress::{encoded, post};
use crate::support::*;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::tickets::{MESSAGES_MAX, TEXT_CHARS_MAX, TICKETS_MAX, TicketState};
use market::{Actor, Market};
use offer::submission::{Step, SubmissionState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_asks_and_an_operator_answers() {
    let stage = stage().await;
    let operator = secret(&stage.place.market, TokenRole::Operator).await;
    let base = format!("/submissions/{}", stage.waiting);
    let form = get(&stage.router, &format!("{base}/tickets?step=certification"), &stage.own).await;
    assert!(form.text().contains("<option value=\"certification\" selected>"), "{}", form.text());
    let key =
        form.text().split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let text = "Why?\r\n<script>steal()</script> \u{202e}evil \u{1f6f0}";
    let fields = format!("key={key}&step=certification&text={}&text=second", encoded(text));
    let mut opened = Vec::new();
    for _ in 0..2 {
        let answer = post(&stage.router, &format!("{base}/tickets"), &stage.own, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        opened.push(answer.header(header::LOCATION).to_owned());
    }
    assert_eq!(opened[0], opened[1], "a double click opens one ticket");
    let path = &opened[0];
    let shown = get(&stage.router, path, &stage.own).await;
    assert!(shown.text().contains("Why?\n&lt;script&gt;steal()"), "{}", shown.text());
    assert!(shown.text().contains("<p class=\"written\" dir=\"auto\">"));
    let listed = get(&stage.router, "/tickets?state=open", &operator).await;
    assert!(listed.text().contains(&format!("href=\"{path}\"")), "{}", listed.text());
    let on_submission = get(&stage.router, &base, &stage.own).await;
    assert!(on_submission.text().contains(&format!("href=\"{path}\"")), "{}", on_submission.text());

    let answer = format!("key={}&text=Look+at+the+report.", uuid::Uuid::from_u128(7));
    for _ in 0..2 {
        post(&stage.router, &format!("{path}/messages"), &operator, &answer).await;
    }
    let id = path.rsplit('/').next().unwrap();
    let ticket = get(&stage.router, &format!("/api/v1/tickets/{id}"), &stage.own).await.json();
    assert_eq!((&ticket["state"], &ticket["step"]), (&"answered".into(), &"certification".into()));
    assert_eq!(ticket["messages"].as_array().unwrap().len(), 2);
    assert_eq!(ticket["messages"][1]["author"], "operator");
    let submission = get(&stage.router, &format!("/api/v1{base}"), &stage.own).await.json();
    assert_eq!(submission["tickets"][0]["state"], "answered");

    post(&stage.router, &format!("{path}/messages"), &stage.own, "text=Thank+you.").await;
    let ticket = get(&stage.router, &format!("/api/v1/tickets/{id}"), &stage.own).await.json();
    assert_eq!(ticket["state"], "open");
    for _ in 0..2 {
        let closed = post(&stage.router, &format!("{path}/close"), &stage.own, "").await;
        assert_eq!((closed.status, closed.header(header::LOCATION)), (StatusCode::SEE_OTHER, path.as_str()));
    }
    let late = post(&stage.router, &format!("{path}/messages"), &stage.own, "text=One+more").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let french = get(&stage.router, &format!("{path}?lang=fr"), &stage.own).await;
    assert!(french.text().contains("Ce ticket est fermé."), "{}", french.text());
    let none = get(&stage.router, "/tickets?state=open&lang=fr", &operator).await;
    assert!(none.text().contains("Il n’y a pas de ticket ici."), "{}", none.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_texts_and_too_many_are_refused_and_nothing_typed_is_lost() {
    let stage = stage().await;
    let path = format!("/submissions/{}/tickets", stage.waiting);
    let long = "\u{1f6f0}".repeat(TEXT_CHARS_MAX + 1);
    for (what, fields, status) in [
        ("empty", "step=live&text=".to_owned(), 422),
        ("spaces", "step=live&text=+%0A".to_owned(), 422),
        ("missing", "step=live".to_owned(), 422),
        ("no step", "text=help".to_owned(), 422),
        ("a step that is none", "step=%F0%9F%92%A5&text=help".to_owned(), 422),
        ("a control character", "step=live&text=help%1B%5B31m".to_owned(), 422),
        ("no UTF-8", "step=live&text=%FF".to_owned(), 303),
        ("too long", format!("step=live&text={}", encoded(&long)), 422),
        ("far too long", format!("step=live&text={}", "x".repeat(1 << 20)), 413),
        ("a key that is none", "step=live&text=help&key=mine".to_owned(), 303),
    ] {
        let answer = post(&stage.router, &path, &stage.own, &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        if what == "too long" {
            assert!(answer.text().contains(&long), "what was typed is in the form again");
            assert!(answer.text().contains("role=\"alert\"") && answer.text().contains("4001 characters"));
        }
    }
    // The longest text that is taken passes the limit of forms, four bytes a character.
    let fits = format!("step=live&text={}", encoded(&"\u{1f6f0}".repeat(TEXT_CHARS_MAX)));
    assert_eq!(post(&stage.router, &path, &stage.own, &fits).await.status, StatusCode::SEE_OTHER);
    let mut count = stage.place.market.tickets(&publisher(), None).await.unwrap().len();
    while count < TICKETS_MAX {
        post(&stage.router, &path, &stage.own, "step=live&text=help").await;
        count += 1;
    }
    let refused = post(&stage.router, &path, &stage.own, "step=live&text=help").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let api = format!("/api/v1/submissions/{}/tickets", stage.waiting);
    for (json, status) in [("{}", 422), (r#"{"step":"live"}"#, 422), (r#"{"step":"x","text":"y"}"#, 422)] {
        let answer = call(&stage.router, Method::POST, &api, &stage.own, json).await;
        assert_eq!(answer.status.as_u16(), status, "{json}");
    }
    let state = get(&stage.router, "/api/v1/tickets?state=lost", &stage.own).await;
    assert_eq!(state.status, StatusCode::UNPROCESSABLE_ENTITY);
    let one = stage.place.market.tickets(&publisher(), None).await.unwrap()[0].id.clone();
    let new = |text: &str| market::tickets::NewMessage { text: text.to_owned(), key: None };
    for _ in 1..MESSAGES_MAX {
        stage.place.market.answer_ticket(&publisher(), &one, &new("more")).await.unwrap();
    }
    let full = stage.place.market.answer_ticket(&publisher(), &one, &new("too much")).await;
    assert_eq!(full.unwrap_err().kind, market::Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_ticket_is_not_there_and_its_key_opens_nothing() {
    let stage = stage().await;
    let market = &stage.place.market;
    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let other = secret(market, TokenRole::Publisher("fabrikam".to_owned())).await;
    let path = format!("/submissions/{}/tickets", stage.waiting);
    let key = uuid::Uuid::from_u128(9);
    let opened = post(&stage.router, &path, &stage.own, &format!("key={key}&step=live&text=mine")).await;
    let ticket = opened.header(header::LOCATION).to_owned();
    assert_eq!(ticket, format!("/tickets/{key}"));
    assert_eq!(get(&stage.router, &ticket, &other).await.status, StatusCode::NOT_FOUND);
    for action in ["messages", "close"] {
        let answer = post(&stage.router, &format!("{ticket}/{action}"), &other, "text=mine").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert!(market.tickets(&Actor::Publisher("fabrikam".parse().unwrap()), None).await.unwrap().is_empty());
    // An operator who takes a publisher's key by accident opens nothing and reads nothing.
    let operator = secret(market, TokenRole::Operator).await;
    let taken = post(&stage.router, &path, &operator, &format!("key={key}&step=live&text=other")).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert_eq!(market.ticket(&publisher(), &key.to_string()).await.unwrap().messages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_step_opens_one_ticket_with_its_log() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(1_795_000_000_000));
    let clock = {
        let now = Arc::clone(&now);
        Clock::from_fn(move || now.load(Ordering::SeqCst))
    };
    let mut config = config(&directory);
    config.policy = offer::policy::Policy::from_toml(
        "[certification]\nreview = true\n[criteria.healthcheck-defined]\nblocking = true\n",
    )
    .unwrap();
    let market = Market::open(config, clock, Ids::system()).await.unwrap();
    found(&market).await;
    push(&market, "one", &["latest", "1.0.0"]).await;
    let _working = work(&market);
    let id = publish(&market, offer(&["latest", "1.0.0"])).await.summary.id;
    let waits = async || {
        let submission = market.submission(&publisher(), &id).await.unwrap();
        submission.steps[1].status == offer::submission::StepStatus::WaitingForApproval
    };
    until("the certification waits for a certifier", waits).await;
    assert!(market.tickets(&Actor::Operator, None).await.unwrap().is_empty());
    now.fetch_add(Step::Certification.duration_max().unwrap().as_millis() as i64 + 60_000, Ordering::SeqCst);
    until("a ticket", async || !market.tickets(&Actor::Operator, None).await.unwrap().is_empty()).await;
    // It is looked at every second; there stays one.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let tickets = market.tickets(&publisher(), None).await.unwrap();
    assert_eq!(tickets.len(), 1);
    assert!(tickets[0].automatic && tickets[0].state == TicketState::Open);
    assert_eq!(tickets[0].step, Step::Certification);
    let ticket = market.ticket(&publisher(), &tickets[0].id).await.unwrap();
    let text = &ticket.messages[0].text;
    assert!(text.contains("its maximum is 20160 minutes") && text.contains("healthcheck-defined"), "{text}");
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(history.iter().filter(|action| action.action == "step-overdue").count(), 1);
    let token = secret(&market, TokenRole::Publisher("contoso".to_owned())).await;
    let page = get(&market::router(market.clone()), &format!("/submissions/{id}"), &token).await;
    assert!(page.text().contains("opened by itself") && page.text().contains("overdue"), "{}", page.text());
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(&market, SubmissionState::Canceled).await;
}
