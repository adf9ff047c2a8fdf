//! A certifier's waiver: who may, what it changes in a certification, what the history says.

use crate::support::*;
use market::clock::{Clock, Ids};
use market::submissions::{Publish, Submission};
use market::waivers::NewWaiver;
use market::{Actor, Kind, Market};
use offer::policy::Policy;
use offer::submission::{StepStatus, SubmissionState};
use tempfile::TempDir;

/// A marketplace whose policy wants a health check, which the tests' image has not.
async fn strict(directory: &TempDir, policy: &str) -> Market {
    let mut config = config(directory);
    config.policy = Policy::from_toml(policy).unwrap();
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    found(&market).await;
    market
}

const STRICT: &str = "[criteria.healthcheck-defined]\nblocking = true\n";

fn waiver(place: Option<&str>) -> NewWaiver {
    NewWaiver {
        criterion: "healthcheck-defined".to_owned(),
        image: None,
        publisher: Some("contoso".to_owned()),
        offer: Some("sensor".to_owned()),
        plan: None,
        place: place.map(str::to_owned),
        reason: "the module watches itself".to_owned(),
        until: "2999-12-31".to_owned(),
        by: Some("Jo Certifier".to_owned()),
    }
}

/// What the newest report says of the criterion.
async fn reported(market: &Market, submission: &Submission) -> serde_json::Value {
    let document = submission.documents.iter().find(|document| document.kind == "report").unwrap();
    let bytes = market.blobs().read(&document.digest.parse().unwrap(), 1 << 20).await.unwrap().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let criteria = report["criteria"].as_array().unwrap();
    criteria.iter().find(|criterion| criterion["id"] == "healthcheck-defined").unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waived_finding_lets_the_next_submission_pass() {
    let directory = TempDir::new().unwrap();
    let market = strict(&directory, STRICT).await;
    let _working = work(&market);
    push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let failed = ended(&market).await;
    assert_eq!(failed.summary.state, SubmissionState::Failed);
    assert_eq!(reported(&market, &failed).await["verdict"], "failed");

    let made = market.add_waiver(&Actor::Operator, waiver(None)).await.unwrap();
    market
        .publish(&publisher(), (&contoso(), &sensor()), &Publish::default(), market::offers::IfMatch::Any)
        .await
        .unwrap();
    let waiting = wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    let criterion = reported(&market, &waiting).await;
    assert_eq!(criterion["verdict"], "waived");
    let waived = &criterion["findings"][0]["waived"];
    assert_eq!((&waived["by"], &waived["until"]), (&"Jo Certifier".into(), &"2999-12-31".into()));
    assert_eq!(waived["reason"], "the module watches itself");

    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let added = history.iter().find(|action| action.action == "waiver-added").unwrap();
    assert_eq!((added.actor.as_str(), &added.detail["waiver"]), ("operator", &made.id.clone().into()));

    market.remove_waiver(&Actor::Operator, &made.id).await.unwrap();
    assert_eq!(market.waivers(&Actor::Operator).await.unwrap(), []);
    publish(&market, offer(&["latest", "1.0.0"])).await;
    assert_eq!(ended(&market).await.summary.state, SubmissionState::Failed);
}

/// Waits until the certification of the newest submission waits for a certifier, for the given time.
async fn waits_for_approval(market: &Market, times: usize) -> Submission {
    let status = async || market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    until("a certifier is waited for", async || {
        let submission = status().await;
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        let step = &submission.steps[1];
        let said = step.messages.iter().filter(|message| message.text.starts_with("waits for a certifier"));
        step.status == StepStatus::WaitingForApproval && said.count() == times
    })
    .await;
    status().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_certification_waits_for_a_certifier_when_the_policy_says_so() {
    let directory = TempDir::new().unwrap();
    let market = strict(&directory, &format!("{STRICT}[certification]\nreview = true\n")).await;
    let _working = work(&market);
    push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let waiting = waits_for_approval(&market, 1).await;
    assert_eq!(waiting.summary.state, SubmissionState::Running);
    assert_eq!(reported(&market, &waiting).await["verdict"], "failed");
    let reviews = async |of| market.reviews(&Actor::Operator, of).await;
    let listed = reviews(Some("contoso.sensor")).await.unwrap();
    assert_eq!((listed.len(), &listed[0].summary), (1, &waiting.summary));
    let failed = &listed[0].failed;
    let one = (failed[0].plan.as_str(), failed[0].criterion.as_str(), failed[0].findings);
    assert_eq!((failed.len(), one), (1, ("standard", "healthcheck-defined", 1)));
    assert_eq!(reviews(None).await.unwrap(), listed);
    assert_eq!(reviews(Some("contoso.other")).await.unwrap(), []);
    assert_eq!(reviews(Some("Contoso!")).await.unwrap_err().kind, Kind::Invalid);
    assert_eq!(market.reviews(&publisher(), None).await.unwrap_err().kind, Kind::Denied);

    // A waiver that is for another place: it is judged again, and waits on.
    market.add_waiver(&Actor::Operator, waiver(Some("elsewhere/**"))).await.unwrap();
    waits_for_approval(&market, 2).await;
    market.add_waiver(&Actor::Operator, waiver(None)).await.unwrap();
    let passed = wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    assert_eq!(reported(&market, &passed).await["verdict"], "waived");
    assert_eq!(reviews(None).await.unwrap(), []);
    let refused = market.reject(&Actor::Operator, &passed.summary.id, "late").await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certifier_rejects_what_waits_and_a_publisher_cancels_it() {
    let directory = TempDir::new().unwrap();
    let market = strict(&directory, &format!("{STRICT}[certification]\nreview = true\n")).await;
    let _working = work(&market);
    push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    let id = waits_for_approval(&market, 1).await.summary.id;
    assert_eq!(market.reject(&publisher(), &id, "no").await.unwrap_err().kind, Kind::Denied);
    assert_eq!(market.reject(&Actor::Operator, &id, " ").await.unwrap_err().kind, Kind::Invalid);
    let rejected = market.reject(&Actor::Operator, &id, "add a health check").await.unwrap();
    assert_eq!(rejected.summary.state, SubmissionState::Failed);
    assert_eq!(rejected.summary.reason.as_deref(), Some("rejected by a certifier: add a health check"));
    assert_eq!(rejected.steps[1].status, StepStatus::Rejected);

    publish(&market, offer(&["latest", "1.0.0"])).await;
    waits_for_approval(&market, 1).await;
    let canceled = market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(canceled.summary.state, SubmissionState::Canceled);
    // A waiver wakes nothing that has ended.
    market.add_waiver(&Actor::Operator, waiver(None)).await.unwrap();
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let actions: Vec<&str> = history.iter().map(|action| action.action.as_str()).collect();
    let expected = ["waits-for-approval", "rejected", "waits-for-approval", "canceled", "waiver-added"];
    let mut told = actions.iter().filter(|action| expected.contains(*action)).copied().collect::<Vec<_>>();
    told.dedup();
    assert_eq!(told, expected);
}

/// Waits until the newest submission has ended.
async fn ended(market: &Market) -> Submission {
    let status = async || market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    until("the submission ends", async || status().await.summary.state.is_final()).await;
    status().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_says_enough_or_is_refused() {
    let directory = TempDir::new().unwrap();
    let market = strict(&directory, STRICT).await;
    type Spoil = fn(&mut NewWaiver);
    let table: [(&str, Spoil); 6] = [
        ("there is no criterion", |waiver| waiver.criterion = "healthcheck".to_owned()),
        ("reason has 0 characters", |waiver| waiver.reason = " ".to_owned()),
        ("is no day", |waiver| waiver.until = "next year".to_owned()),
        ("is past", |waiver| waiver.until = "2020-01-01".to_owned()),
        ("place is no pattern", |waiver| waiver.place = Some("a[".to_owned())),
        ("without the part before", |waiver| waiver.publisher = None),
    ];
    for (fact, spoil) in table {
        let mut new = waiver(None);
        spoil(&mut new);
        let error = market.add_waiver(&Actor::Operator, new).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error:?}");
        assert!(error.message.contains(fact), "{fact}: {}", error.message);
    }
    let refused = market.add_waiver(&publisher(), waiver(None)).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Denied);
    assert_eq!(market.waivers(&Actor::Anonymous).await.unwrap_err().kind, Kind::Unauthenticated);
    let absent = market.remove_waiver(&Actor::Operator, "none").await.unwrap_err();
    assert_eq!(absent.kind, Kind::NotFound);
}
