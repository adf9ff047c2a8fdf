//! What keeps content from a region, and what an operator sees of it: windows, a pause, a removal, what is missing.

use crate::catching_up::{add, standing, to_preview};
use crate::docker_registry::Registry;
use crate::region_gate::{Gate, instance};
use crate::support::*;
use market::offers::IfMatch;
use market::regions::{RegionChange, RegionKind, RegionLimits, RegionState};
use market::submissions::Publish;
use market::{Actor, Kind, Market};
use offer::identity::OfferId;
use offer::submission::{Step, StepStatus, SubmissionState};
use offer::template::{NewOffer, new_offer};

async fn change(market: &Market, change: RegionChange) -> RegionState {
    let detail = market.change_region(&Actor::Operator, "eu", change).await.unwrap();
    detail.view.status.unwrap().state
}

fn limits(windows: &[&str]) -> RegionChange {
    let windows = windows.iter().map(|window| (*window).to_owned()).collect();
    let limits = RegionLimits { windows, ..RegionLimits::default() };
    RegionChange { limits: Some(limits), ..RegionChange::default() }
}

/// A daily window of one hour that begins in two hours.
fn later() -> String {
    let minutes = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 60;
    let (from, to) = ((minutes + 120) % 1_440, (minutes + 180) % 1_440);
    format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_region_holds_a_submission_until_its_window_opens() {
    let place = place().await;
    let (market, registry) = (&place.market, Registry::start().await);
    add(market, RegionKind::Registry, format!("http://{}", registry.door()), true, None).await;
    assert_eq!(change(market, limits(&[&later()])).await, RegionState::UpToDate);
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let blocked = async || {
        let found = market.submission(&publisher(), &id).await.unwrap();
        found.steps.iter().any(|step| step.id == Step::Replication && step.status == StepStatus::Blocked)
    };
    until("step 5 is blocked", blocked).await;
    let (state, message) = standing(market, &id).await;
    assert_eq!(state, "Waiting");
    let opens = market.region_detail(&Actor::Operator, "eu").await.unwrap();
    let status = opens.view.status.unwrap();
    let instant = status.window_opens.unwrap();
    assert_eq!(message.unwrap(), format!("the region eu waits for its window, which opens at {instant}"));
    assert_eq!(status.state, RegionState::OutsideWindow);
    assert_eq!((status.missing.submissions, opens.submissions.len()), (1, 1));
    assert!(status.missing.bytes > 0 && status.missing.digests > 3, "{:?}", status.missing);
    assert_eq!(opens.submissions[0].bytes, opens.submissions[0].missing_bytes);
    assert!(registry.take_log().is_empty(), "nothing was asked of it");
    // At once does not mean that a window is broken.
    assert_eq!(market.retry_region(&Actor::Operator, "eu").await.unwrap(), 1);
    change(market, limits(&[])).await;
    wait_for(market, SubmissionState::Succeeded).await;
    let status = market.region_detail(&Actor::Operator, "eu").await.unwrap().view.status.unwrap();
    assert_eq!((status.state, status.missing.bytes, status.held_submissions), (RegionState::UpToDate, 0, 1));
    assert!(status.sent_bytes > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_region_is_left_alone_and_goes_on_when_it_is_resumed() {
    let place = place().await;
    let (market, registry) = (&place.market, Registry::start().await);
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    go_live(market).await;
    add(market, RegionKind::Registry, "http://127.0.0.1:9".to_owned(), false, None).await;
    until("the region is behind", async || standing(market, &id).await.0 == "Behind").await;
    let paused = RegionChange { paused: Some(true), ..RegionChange::default() };
    assert_eq!(change(market, paused).await, RegionState::Paused);
    until("it waits", async || standing(market, &id).await.1.is_some_and(|text| text.contains("paused")))
        .await;
    market.remove_region(&Actor::Operator, "eu").await.unwrap();
    until("it is removed", async || standing(market, &id).await.0 == "Removed").await;
    add(market, RegionKind::Registry, format!("http://{}", registry.door()), false, None).await;
    until("the region is live", async || standing(market, &id).await.0 == "Live").await;
    let resumed = RegionChange { paused: Some(false), ..RegionChange::default() };
    assert_eq!(change(market, resumed).await, RegionState::UpToDate);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_region_that_is_removed_is_not_waited_for() {
    let place = place().await;
    let market = &place.market;
    add(market, RegionKind::Registry, "http://127.0.0.1:9".to_owned(), true, None).await;
    let _working = work(market);
    push(market, "one", &["latest", "1.0.0"]).await;
    let id = to_preview(market, offer(&["latest", "1.0.0"])).await;
    market.go_live(&publisher(), (&contoso(), &sensor())).await.unwrap();
    until("the region is behind", async || standing(market, &id).await.0 == "Behind").await;
    market.remove_region(&Actor::Operator, "eu").await.unwrap();
    wait_for(market, SubmissionState::Succeeded).await;
    assert_eq!(standing(market, &id).await.0, "Removed");
}

#[tokio::test]
async fn wrong_limits_are_refused() {
    let place = place().await;
    let market = &place.market;
    add(market, RegionKind::Registry, "http://127.0.0.1:9".to_owned(), false, None).await;
    for (limits, expected) in [
        (RegionLimits { transfers: 0, ..RegionLimits::default() }, "0 transfers at once of the region eu"),
        (RegionLimits { bytes_per_second: Some(1), ..RegionLimits::default() }, "is below 1024"),
        (RegionLimits { windows: vec!["tonight".to_owned()], ..RegionLimits::default() }, "is no window"),
        (
            RegionLimits { windows: vec!["01:00-02:00".to_owned(); 22], ..RegionLimits::default() },
            "more than 21",
        ),
        (RegionLimits { utc_offset: "CET".to_owned(), ..RegionLimits::default() }, "is no distance from UTC"),
    ] {
        let change = RegionChange { limits: Some(limits), ..RegionChange::default() };
        let error = market.change_region(&Actor::Operator, "eu", change).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.contains(expected), "{error}");
    }
}

/// Bytes that no compression makes smaller.
fn noise(mut seed: u64, bytes: usize) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| next()).collect()
}

/// Two offers upon one base: the second brings only what is new.
async fn base_goes_once(market: &Market, gate: &Gate) {
    let _working = work(market);
    let (base, first, second) = (noise(1, 6 << 20), noise(2, 1 << 20), noise(3, 2 << 20));
    push_layers(market, "sensor", (&[&base], elf()), &[("app/data", &first)], &["latest", "1.0.0"]).await;
    to_preview(market, offer(&["latest", "1.0.0"])).await;
    go_live(market).await;
    let all = gate.take_sent();
    assert!(all > 7 << 20, "{all}");
    let before = gate.take_lacked();
    push_layers(market, "actuator", (&[&base], elf()), &[("app/data", &second)], &["latest", "1.0.1"]).await;
    let other: OfferId = "actuator".parse().unwrap();
    let files = new_offer(&NewOffer {
        publisher: "contoso".to_owned(),
        offer: "actuator".to_owned(),
        plan: "standard".to_owned(),
        name: "Actuator".to_owned(),
        repository: "127.0.0.1:8080/incoming/contoso/actuator".to_owned(),
        tags: ["latest", "1.0.1"].map(str::to_owned).to_vec(),
        preview_subscription: CUSTOMER.to_string(),
    });
    let contoso = contoso();
    let names = (&contoso, &other);
    market.put_draft(&publisher(), names, files, IfMatch::Any).await.unwrap();
    market.publish(&publisher(), names, &Publish::default(), IfMatch::Any).await.unwrap();
    let reached = async |state| {
        let found = market.status(&publisher(), names).await.unwrap();
        assert!(found.summary.state == state || !found.summary.state.is_final(), "{found:#?}");
        found.summary.state == state
    };
    until("the preview waits", async || reached(SubmissionState::WaitingForPublisherReview).await).await;
    let id = market.status(&publisher(), names).await.unwrap().summary.id;
    market.go_live(&publisher(), names).await.unwrap();
    until("it is live", async || reached(SubmissionState::Succeeded).await).await;
    let sent = gate.take_sent();
    let submission = market.submission(&publisher(), &id).await.unwrap();
    assert_eq!(submission.regions.len(), 2);
    // What the region had nowhere: the layer of two MiB, and some kilobytes of configuration, reports and signatures.
    let mut missing = 0;
    for digest in gate.take_lacked().difference(&before) {
        missing += market.blobs().size(digest).await.unwrap().unwrap();
    }
    assert!((2 << 20..3 << 20).contains(&missing), "{missing}");
    assert!(sent.abs_diff(missing) <= missing / 100, "{sent} bytes were sent, {missing} were missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_takes_a_base_from_the_offer_that_has_it() {
    let (place, registry) = (place().await, Registry::start().await);
    let gate = Gate::before(registry.door()).await;
    add(&place.market, RegionKind::Registry, format!("http://{}", gate.address), true, None).await;
    base_goes_once(&place.market, &gate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_takes_a_base_from_the_offer_that_has_it() {
    let (home, there) = (place().await, place().await);
    let (gate, token, server) = instance(&there.market).await;
    add(&home.market, RegionKind::Instance, format!("http://{}", gate.address), true, Some(token)).await;
    base_goes_once(&home.market, &gate).await;
    server.abort();
}
