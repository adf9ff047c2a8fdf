//! One publication after the other: to the preview, live, updated, refused, superseded, cancelled.

use crate::support::*;
use market::access::TokenRole;
use market::deployments::{DeploymentWanted, ModuleWanted};
use market::offers::IfMatch;
use market::submissions::Publish;
use market::{Actor, Kind, RegistryOwner};
use offer::deployment::Form;
use offer::submission::{StepStatus, SubmissionState};
use registry::owner::{Action, Credentials, ManifestReference, Owner};
use std::collections::BTreeMap;

const PUBLIC: &str = "contoso/sensor/standard";
const PREVIEW: &str = "preview/contoso/sensor/standard";

fn tag(tag: &str) -> ManifestReference {
    ManifestReference::Tag(tag.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tiny_image_goes_to_the_preview_and_live() {
    let place = place().await;
    let market = &place.market;
    let image = push(market, "one", &["latest", "1.0.0"]).await;
    let _working = work(market);
    publish(market, offer(&["latest", "1.0.0"])).await;
    let waiting = wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let statuses: Vec<StepStatus> = waiting.steps.iter().map(|step| step.status).collect();
    use StepStatus::*;
    assert_eq!(statuses, [Complete, Complete, Complete, WaitingForPublisherReview, NotStarted, NotStarted]);

    let owner = RegistryOwner::new(market.clone());
    let customer = token(market, TokenRole::Customer(CUSTOMER)).await;
    owner.authorize(&customer, Action::Pull, PREVIEW).await.unwrap();
    let stranger = market.add_subscription(&Actor::Operator, None, "A stranger").await.unwrap();
    let foreign = token(market, TokenRole::Customer(stranger.id)).await;
    for refused in [&foreign, &Credentials::Anonymous] {
        owner.authorize(refused, Action::Pull, PREVIEW).await.unwrap_err();
    }
    assert_eq!(owner.manifest(PUBLIC, &tag("latest")).await.unwrap(), None);
    let referrers = owner.referrers(PREVIEW, &image.digest).await.unwrap();
    let mut kinds: Vec<_> = referrers.into_iter().filter_map(|r| r.artifact_type).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
        ]
    );
    assert!(market.live_offers(&Actor::Anonymous).await.unwrap().is_empty());

    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await;
    owner.authorize(&customer, Action::Pull, PREVIEW).await.unwrap_err();
    owner.authorize(&Credentials::Anonymous, Action::Pull, PUBLIC).await.unwrap();
    owner.authorize(&customer, Action::Push, PUBLIC).await.unwrap_err();
    let live = owner.manifest(PUBLIC, &tag("latest")).await.unwrap().unwrap();
    assert_eq!(live.digest, image.digest);
    assert_eq!(market.live_offers(&Actor::Anonymous).await.unwrap()[0].title, "Sensor");
    let module = ModuleWanted {
        publisher: contoso(),
        offer: sensor(),
        plan: "standard".parse().unwrap(),
        name: None,
        values: BTreeMap::new(),
    };
    let wanted = DeploymentWanted {
        form: Form::Azure,
        follow: false,
        preview: false,
        modules: vec![module],
        routes: Vec::new(),
    };
    let deployment = market.deployment(&Actor::Anonymous, &wanted).await.unwrap();
    let deployment = &deployment.files[0].content;
    assert!(deployment.contains(&format!("{PUBLIC}@{}", image.digest)), "{deployment}");
    let report = market
        .live_document(&Actor::Anonymous, (&contoso(), &sensor()), &"standard".parse().unwrap(), None)
        .await
        .unwrap();
    assert!(String::from_utf8(report).unwrap().contains("\"verdict\": \"passed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_replaces_what_is_live_only_at_step_six_and_changes_nothing_that_is_fixed() {
    let place = place().await;
    let market = &place.market;
    let _working = work(market);
    let one = push(market, "one", &["latest", "1.0.0"]).await;
    publish(market, offer(&["latest", "1.0.0"])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await;

    let two = push(market, "two", &["latest", "1.0.1"]).await;
    publish(market, offer(&["latest", "1.0.0", "1.0.1"])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let owner = RegistryOwner::new(market.clone());
    let digest =
        async |name: &str| owner.manifest(PUBLIC, &tag(name)).await.unwrap().map(|found| found.digest);
    assert_eq!((digest("latest").await, digest("1.0.1").await), (Some(one.digest), None));
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await;
    assert_eq!(digest("latest").await, Some(two.digest));
    assert_eq!(digest("1.0.0").await, Some(one.digest));

    push(market, "three", &["latest", "1.0.0"]).await;
    publish(market, offer(&["latest", "1.0.0", "1.0.1"])).await;
    let moved = wait_for(market, SubmissionState::Failed).await;
    assert_eq!(moved.steps[0].status, StepStatus::Rejected);
    assert!(moved.steps[0].messages.iter().any(|m| m.text.contains("version-tag-moved")), "{moved:#?}");

    let mut renamed = offer(&["latest", "1.0.1"]);
    edit(&mut renamed, "\"standard\"", "\"premium\"");
    publish(market, renamed).await;
    let failed = wait_for(market, SubmissionState::Failed).await;
    assert!(failed.steps[0].messages.iter().any(|m| m.text.contains("update-plan-removed")), "{failed:#?}");
    assert_eq!(digest("latest").await, Some(two.digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_superseded_and_what_runs_is_not() {
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    let first = publish(market, offer(&["latest", "1.0.0"])).await;
    let again =
        market.publish(&publisher(), (&contoso(), &sensor()), &Publish::default(), IfMatch::Any).await;
    assert_eq!(again.unwrap_err().kind, Kind::Conflict);
    let _working = work(market);
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let mut changed = offer(&["latest", "1.0.0"]);
    edit(&mut changed, "  summary: Say in one line what the module does", "  summary: Measures");
    publish(market, changed).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let old = market.submission(&publisher(), &first.summary.id).await.unwrap();
    assert_eq!(old.summary.state, SubmissionState::Canceled);
    assert_eq!(old.summary.reason.as_deref(), Some("superseded by submission 2"));
    assert_eq!(old.steps[0].status, StepStatus::Complete);
    assert_eq!(old.steps[3].status, StepStatus::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_submission_leaves_no_preview_and_no_work() {
    let place = place().await;
    let market = &place.market;
    push(market, "one", &["latest", "1.0.0"]).await;
    publish(market, offer(&["latest", "1.0.0"])).await;
    let canceled = market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    assert_eq!(canceled.summary.state, SubmissionState::Canceled);
    let working = work(market);
    publish(market, offer(&["latest", "1.0.0"])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    let owner = RegistryOwner::new(market.clone());
    let customer = token(market, TokenRole::Customer(CUSTOMER)).await;
    owner.authorize(&customer, Action::Pull, PREVIEW).await.unwrap();
    market.cancel(&publisher(), (&contoso(), &sensor())).await.unwrap();
    owner.authorize(&customer, Action::Pull, PREVIEW).await.unwrap_err();
    assert_eq!(owner.manifest(PREVIEW, &tag("latest")).await.unwrap(), None);
    let refused = market.go_live(&publisher(), (&contoso(), &sensor())).await;
    assert_eq!(refused.unwrap_err().kind, Kind::Conflict);
    drop(working);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tag_and_a_foreign_scope_are_found_in_step_one() {
    let place = place().await;
    let market = &place.market;
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    publish(market, offer(&["latest", "1.0.0", "1.0.1"])).await;
    let failed = wait_for(market, SubmissionState::Failed).await;
    assert!(failed.steps[0].messages.iter().any(|m| m.text.contains("the tag 1.0.1 was not found")));
    let mut foreign = offer(&["latest", "1.0.0"]);
    edit(&mut foreign, "incoming/contoso/sensor", "incoming/fabrikam/sensor");
    publish(market, foreign).await;
    let failed = wait_for(market, SubmissionState::Failed).await;
    assert!(failed.steps[0].messages.iter().any(|m| m.text.contains("not in the incoming scope")));
}
