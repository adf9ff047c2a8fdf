//! Campaigns judge what is live again, from what is stored: what they say, what follows from it and what ends it; and that
//! a crash at any instant loses and doubles nothing.

use crate::http::{get, secret};
use crate::support::*;
use axum::http::StatusCode;
use market::access::TokenRole;
use market::clock::{Clock, Ids};
use market::recertification::{Campaign, CampaignState, NewCampaign, OfferState};
use market::waivers::NewWaiver;
use market::{Actor, Faults, Kind, Market, RegistryOwner};
use offer::policy::Policy;
use offer::submission::SubmissionState;
use registry::owner::{Action, Credentials, ManifestReference, Owner};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use tempfile::TempDir;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// 2026-11-24T20:00:00Z.
const NOW_MS: i64 = 1_795_550_400_000;
/// The tests' image has no health check.
pub const STRICT: &str = "[criteria.healthcheck-defined]\nblocking = true\n";
const TAGS: [&str; 2] = ["latest", "1.0.0"];

/// A marketplace with this policy, whose days go by as the number says.
pub async fn open_at(directory: &Path, policy: &str, days: &Arc<AtomicI64>, faults: Faults) -> Market {
    let mut config = config_at(directory);
    config.policy = Policy::from_toml(policy).unwrap();
    let days = Arc::clone(days);
    let clock = Clock::from_fn(move || NOW_MS + days.load(Ordering::Relaxed) * DAY_MS);
    Market::open_with_faults(config, clock, Ids::system(), faults).await.unwrap()
}

/// One offer, live under the policy of the day.
pub async fn live(directory: &Path, days: &Arc<AtomicI64>) {
    let market = open_at(directory, "", days, Faults::default()).await;
    found(&market).await;
    let working = work(&market);
    push(&market, "one", &TAGS).await;
    publish(&market, offer(&TAGS)).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    drop(working);
    market.close().await;
}

async fn ended(market: &Market, id: &str) -> Campaign {
    let campaign = async || market.recertification(&Actor::Operator, id).await.unwrap();
    until("the campaign ends", async || campaign().await.state != CampaignState::Running).await;
    campaign().await
}

/// Starts a campaign and waits for its end.
pub async fn run(market: &Market, new: NewCampaign) -> Campaign {
    let begun = market.start_recertification(&Actor::Operator, new).await.unwrap();
    ended(market, &begun.id).await
}

async fn actions(market: &Market) -> Vec<String> {
    let history = market.history(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let after = history.into_iter().map(|entry| entry.action).skip_while(|action| action != "live");
    after.skip(1).collect()
}

pub fn days(count: i64) -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(count))
}

fn waiver(image: Option<String>) -> NewWaiver {
    NewWaiver {
        criterion: "healthcheck-defined".to_owned(),
        image,
        publisher: Some("contoso".to_owned()),
        offer: Some("sensor".to_owned()),
        plan: None,
        place: None,
        reason: "the module watches itself".to_owned(),
        until: "2999-12-31".to_owned(),
        by: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_passes_gets_the_same_report_and_nothing_follows() {
    let (directory, days) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &days).await;
    let market = open_at(directory.path(), "", &days, Faults::default()).await;
    let _working = work(&market);
    let campaign = run(&market, NewCampaign::default()).await;
    assert_eq!((campaign.counts.passed, campaign.offers.len()), (1, 1), "{campaign:#?}");
    assert_eq!(campaign.hide_on.to_string(), "2026-12-08");
    let told = &campaign.offers[0];
    assert_eq!((told.state, told.hide_on, told.hidden), (OfferState::Passed, None, false));

    let (anonymous, key) = (Actor::Anonymous, (&contoso(), &sensor()));
    let plan = "standard".parse().unwrap();
    let first = market.live_document(&anonymous, key, &plan, None).await.unwrap();
    let digest = &told.reports[0].digest;
    let again = market.recertification_report(&Actor::Operator, &campaign.id, digest).await.unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(first).unwrap());
    let submission = market.status(&publisher(), key).await.unwrap();
    assert_eq!(submission.recertifications, campaign.offers);
    assert_eq!(actions(&market).await, ["recertified"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_hidden_on_its_day_and_comes_back_when_it_passes() {
    let (directory, days) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &days).await;
    let market = open_at(directory.path(), STRICT, &days, Faults::default()).await;
    let _working = work(&market);
    let (anonymous, key) = (Actor::Anonymous, (&contoso(), &sensor()));

    let dry = run(&market, NewCampaign { dry_run: true, ..NewCampaign::default() }).await;
    assert_eq!((dry.offers[0].state, dry.offers[0].hide_on), (OfferState::Failed, None));
    assert_eq!(market.status(&publisher(), key).await.unwrap().recertifications, []);
    assert!(actions(&market).await.is_empty());

    let scope = vec!["contoso.sensor".to_owned()];
    let failed = run(&market, NewCampaign { scope, ..NewCampaign::default() }).await;
    let told = &failed.offers[0];
    assert_eq!(told.message.as_deref(), Some("plan standard: healthcheck-defined"));
    assert_eq!(told.hide_on.map(|day| day.to_string()).as_deref(), Some("2026-12-08"));
    let submission = market.status(&publisher(), key).await.unwrap();
    let (id, report) = (&submission.summary.id, &submission.recertifications[0].reports[0]);
    let bytes = market.submission_document(&publisher(), id, &report.digest).await.unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains("\"verdict\": \"failed\""));

    let (router, token) =
        (market::router(market.clone()), secret(&market, TokenRole::Publisher("contoso".to_owned())).await);
    let page = get(&router, &format!("/submissions/{id}"), &token).await;
    assert!(page.text().contains("Hidden from the catalogue from 2026-12-08 on"), "{}", page.text());
    assert!(page.text().contains(&format!("/documents/{}?format=html", report.digest)));

    // Another campaign, a day later, does not postpone the day; a given one does.
    days.store(1, Ordering::Relaxed);
    let again = run(&market, NewCampaign::default()).await;
    assert_eq!(again.offers[0].hide_on.map(|day| day.to_string()).as_deref(), Some("2026-12-08"));
    let given = NewCampaign { by: Some("2026-12-10".to_owned()), ..NewCampaign::default() };
    assert_eq!(run(&market, given).await.offers[0].hide_on.unwrap().to_string(), "2026-12-10");

    days.store(15, Ordering::Relaxed);
    assert_eq!(market.live_offers(&anonymous).await.unwrap().len(), 1);
    days.store(16, Ordering::Relaxed);
    assert_eq!(market.live_offers(&anonymous).await.unwrap(), []);
    let refused = market.offer_page(&anonymous, key).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    assert!(refused.message.contains("is hidden from the catalogue since 2026-12-10"), "{refused}");
    market.offer_page(&publisher(), key).await.unwrap();
    for path in ["/offers/contoso/sensor", "/api/v1/catalogue/contoso/sensor/standard/deployment"] {
        let refused = get(&router, path, "").await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        assert!(refused.text().contains("no longer passes certification"), "{}", refused.text());
    }
    // The first one has expired.
    let token = secret(&market, TokenRole::Publisher("contoso".to_owned())).await;
    let page = get(&router, &format!("/submissions/{id}"), &token).await;
    assert!(page.text().contains("Hidden from the catalogue since 2026-12-10"), "{}", page.text());
    let (owner, public) = (RegistryOwner::new(market.clone()), "contoso/sensor/standard");
    owner.authorize(&Credentials::Anonymous, Action::Pull, public).await.unwrap();
    let digest = ManifestReference::Digest(submission.images[0].digest.parse().unwrap());
    assert!(owner.manifest(public, &digest).await.unwrap().is_some());
    until("the history tells of it", async || actions(&market).await.last().unwrap() == "hidden").await;

    market.add_waiver(&Actor::Operator, waiver(None)).await.unwrap();
    let passed = run(&market, NewCampaign::default()).await;
    assert_eq!(passed.counts.passed, 1);
    assert_eq!(market.live_offers(&anonymous).await.unwrap().len(), 1);
    let failures = ["recertification-failed"; 3].map(str::to_owned).to_vec();
    let after = ["hidden", "waiver-added", "recertified", "deadline-lifted"].map(str::to_owned).to_vec();
    assert_eq!(actions(&market).await, [failures, after].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_lifts_the_date_by_what_is_judged_by_today() {
    let (directory, days) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &days).await;
    let market = open_at(directory.path(), STRICT, &days, Faults::default()).await;
    let _working = work(&market);
    let (anonymous, key) = (Actor::Anonymous, (&contoso(), &sensor()));
    let at_once = NewCampaign { grace_days: Some(0), ..NewCampaign::default() };
    let failed = run(&market, at_once).await;
    assert!(failed.offers[0].hidden);
    assert_eq!(market.live_offers(&anonymous).await.unwrap(), []);

    days.store(1, Ordering::Relaxed);
    let two = push(&market, "two", &["latest", "1.0.1"]).await;
    let accepted = market.add_waiver(&Actor::Operator, waiver(Some(two.digest.to_string()))).await.unwrap();
    publish(&market, offer(&["latest", "1.0.1"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    // While it waits for sign-off the world changes again: it is certified by the old one.
    days.store(2, Ordering::Relaxed);
    market.remove_waiver(&Actor::Operator, &accepted.id).await.unwrap();
    let second = run(&market, NewCampaign::default()).await;
    go_live(&market).await;
    let second = ended(&market, &second.id).await;
    let newest = market.status(&publisher(), key).await.unwrap();
    assert_eq!(second.offers[0].submission.as_ref(), Some(&newest.summary.id));
    assert_eq!(second.offers[0].state, OfferState::Failed);
    assert_eq!(market.live_offers(&anonymous).await.unwrap(), []);

    days.store(3, Ordering::Relaxed);
    let three = push(&market, "three", &["latest", "1.0.2"]).await;
    market.add_waiver(&Actor::Operator, waiver(Some(three.digest.to_string()))).await.unwrap();
    publish(&market, offer(&["latest", "1.0.2"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    assert_eq!(market.live_offers(&anonymous).await.unwrap().len(), 1);
    assert!(actions(&market).await.contains(&"deadline-lifted".to_owned()));
    let old = market.recertification(&Actor::Operator, &second.id).await.unwrap();
    assert_eq!((old.offers[0].state, old.offers[0].hide_on), (OfferState::Failed, None));
}

fn blob(directory: &Path, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let found = walk(&directory.join("data/blobs"));
    found.into_iter().find(|path| path.to_string_lossy().ends_with(hex)).expect("the blob is stored")
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_suffices_and_what_we_lost_is_no_failure_of_the_offer() {
    let (directory, days) = (TempDir::new().unwrap(), days(0));
    live(directory.path(), &days).await;
    let market = open_at(directory.path(), "", &days, Faults::default()).await;
    let _working = work(&market);
    let submission = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
    let digest = submission.images[0].digest.parse().unwrap();
    let manifest = market.blobs().read(&digest, 1 << 20).await.unwrap().unwrap();
    let manifest: oci::manifest::Manifest = serde_json::from_slice(&manifest).unwrap();
    std::fs::remove_file(blob(directory.path(), &manifest.layers[0].digest.to_string())).unwrap();
    assert_eq!(run(&market, NewCampaign::default()).await.counts.passed, 1);

    std::fs::remove_dir_all(directory.path().join("data/evidence")).unwrap();
    std::fs::create_dir(directory.path().join("data/evidence")).unwrap();
    let begun = market.start_recertification(&Actor::Operator, NewCampaign::default()).await.unwrap();
    let told = async || market.recertification(&Actor::Operator, &begun.id).await.unwrap().offers.remove(0);
    until("it is said why it waits", async || told().await.message.is_some()).await;
    let told = told().await;
    assert_eq!(told.state, OfferState::Waiting);
    assert!(told.message.unwrap().contains("is lost in the blob store"));

    let canceled = market.cancel_recertification(&Actor::Operator, &begun.id).await.unwrap();
    assert_eq!((canceled.state, canceled.counts.canceled), (CampaignState::Canceled, 1));
    let late = market.cancel_recertification(&Actor::Operator, &begun.id).await.unwrap_err();
    assert_eq!(late.kind, Kind::Conflict);
    assert_eq!(market.live_offers(&Actor::Anonymous).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_says_enough_or_is_refused() {
    let (directory, days) = (TempDir::new().unwrap(), days(0));
    let market = open_at(directory.path(), "", &days, Faults::default()).await;
    found(&market).await;
    let new = NewCampaign::default;
    let by = |day: &str| NewCampaign { by: Some(day.to_owned()), ..new() };
    let of = |name: &str| NewCampaign { scope: vec![name.to_owned()], ..new() };
    for (fact, wrong) in [
        ("is no day", by("soon")),
        ("2026-11-23 is past", by("2026-11-23")),
        ("a date and a number", NewCampaign { grace_days: Some(3), ..by("2026-12-01") }),
        ("names no publisher", of("Contoso!")),
        ("contoso.sensor was not found", of("contoso.sensor")),
        ("reason has 0", NewCampaign { reason: Some(" ".to_owned()), ..new() }),
    ] {
        let error = market.start_recertification(&Actor::Operator, wrong).await.unwrap_err();
        assert!(error.message.contains(fact), "{fact}: {}", error.message);
    }
    assert_eq!(market.recertifications(&Actor::Operator).await.unwrap(), []);
    let refused = market.start_recertification(&publisher(), new()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Denied);
    // Nothing is live: it ends at once. An import into a new marketplace starts none.
    let empty = market.start_recertification(&Actor::Operator, new()).await.unwrap();
    assert_eq!((empty.state, empty.offers.len()), (CampaignState::Complete, 0));
    let _working = work(&market);
    let data = directory.path().join("data");
    market::recertification::request(&data).unwrap();
    until("the request is taken", async || !data.join("recertify.request").exists()).await;
    until("and forgotten", async || !data.join("recertify.taken").exists()).await;
    assert_eq!(market.recertifications(&Actor::Operator).await.unwrap().len(), 1);
}

/// `DIRECTORY` of the marketplace that the child process works in.
const DIRECTORY: &str = "EDGEMARKET_TEST_RECERTIFY_DIRECTORY";
/// At which point it dies, from 1; 0 for never.
const POINT: &str = "EDGEMARKET_TEST_RECERTIFY_POINT";

/// Not a test of its own: the process that works, and dies where it is told.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let point: u32 = std::env::var(POINT).unwrap().parse().unwrap();
    let passed = Arc::new(AtomicU32::new(0));
    let faults = Faults::from_fn(move |_| {
        if passed.fetch_add(1, Ordering::Relaxed) + 1 == point {
            std::process::abort();
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let days = days(0);
        let market = open_at(Path::new(&directory), STRICT, &days, faults).await;
        let _working = work(&market);
        let all = async || market.recertifications(&Actor::Operator).await.unwrap();
        until("the campaign begins", async || !all().await.is_empty()).await;
        ended(&market, &all().await[0].id).await;
        days.store(14, Ordering::Relaxed);
        until("it is hidden", async || actions(&market).await.contains(&"hidden".to_owned())).await;
        let data = Path::new(&directory).join("data");
        until("the request is forgotten", async || !data.join("recertify.taken").exists()).await;
        market.close().await;
    });
}

fn run_child(directory: &Path, point: u32) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "recertification::child"]).env(DIRECTORY, directory);
    command.env(POINT, point.to_string()).output().unwrap().status.success()
}

#[test]
fn every_crash_is_survived_and_nothing_is_done_twice() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut points = 0;
    for point in 1..20 {
        let directory = TempDir::new().unwrap();
        runtime.block_on(live(directory.path(), &days(0)));
        market::recertification::request(&directory.path().join("data")).unwrap();
        let survived = run_child(directory.path(), point);
        if !survived {
            points += 1;
            assert!(run_child(directory.path(), 0), "the process after the crash at point {point} ends well");
        }
        runtime.block_on(async {
            let market = open_at(directory.path(), STRICT, &days(14), Faults::default()).await;
            let all = market.recertifications(&Actor::Operator).await.unwrap();
            assert_eq!((all.len(), all[0].counts.failed), (1, 1), "point {point}");
            assert_eq!(actions(&market).await, ["recertification-failed", "hidden"], "point {point}");
            assert_eq!(market.live_offers(&Actor::Anonymous).await.unwrap(), [], "point {point}");
            market.close().await;
        });
        if survived {
            break;
        }
    }
    assert_eq!(points, 6);
}
