//! Garbage collection: what goes and when, what stays, and what happens to those who push, mount and pull meanwhile.

mod carried;
mod racing;

use crate::support::*;
use market::acquisitions::Acquire;
use market::clock::{Clock, Ids};
use market::collection::Collection;
use market::config::{Config, Settings};
use market::deployments::{DeploymentWanted, ModuleWanted};
use market::runs::RunState;
use market::{Actor, Faults, Kind, Market, RegistryOwner};
use oci::digest::Digest;
use oci::manifest::Manifest;
use offer::deployment::Form;
use offer::submission::SubmissionState;
use registry::owner::{Credentials, ManifestReference, Owner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

const INCOMING: &str = "incoming/contoso/sensor";
const PUBLIC: &str = "contoso/sensor/standard";
const HOUR_MS: i64 = 3_600_000;

/// A marketplace whose clock is set by the test, and which is opened again before each collection: what was stored a moment
/// ago is never removed, and only the program's own memory says so.
struct Aged {
    directory: TempDir,
    now: Arc<AtomicI64>,
    keep_versions: usize,
}

impl Aged {
    async fn new(keep_versions: usize) -> (Aged, Market) {
        let start = 1_800_000_000_000;
        let aged =
            Aged { directory: TempDir::new().unwrap(), now: Arc::new(AtomicI64::new(start)), keep_versions };
        let market = aged.open(Faults::default()).await;
        found(&market).await;
        (aged, market)
    }

    async fn open(&self, faults: Faults) -> Market {
        let mut config = config_at(self.directory.path());
        config.settings = Settings { keep_versions: self.keep_versions, ..config.settings };
        let now = Arc::clone(&self.now);
        let clock = Clock::from_fn(move || now.load(Ordering::Relaxed));
        open_when_free(config, clock, faults).await
    }

    /// Opens again some hours later and collects.
    async fn later(&self, market: Market, hours: i64, dry_run: bool) -> (Market, Collection) {
        market.close().await;
        drop(market);
        self.now.fetch_add(hours * HOUR_MS, Ordering::Relaxed);
        let market = self.open(Faults::default()).await;
        let collection = collect(&market, dry_run).await;
        (market, collection)
    }

    fn file(&self, digest: &Digest) -> std::path::PathBuf {
        file(self.directory.path(), digest)
    }
}

/// Opens as soon as what was spawned has let go of the directory.
async fn open_when_free(config: Config, clock: Clock, faults: Faults) -> Market {
    for _ in 0..3_000 {
        let opened =
            Market::open_with_faults(config.clone(), clock.clone(), Ids::system(), faults.clone()).await;
        if let Ok(market) = opened {
            return market;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the directory is never free");
}

fn file(directory: &Path, digest: &Digest) -> std::path::PathBuf {
    let hex = digest.hex();
    directory.join("data/blobs/sha256").join(&hex[..2]).join(hex)
}

async fn collect(market: &Market, dry_run: bool) -> Collection {
    market.start_collection(&Actor::Operator, dry_run).await.unwrap();
    loop {
        let found = market.last_collection(&Actor::Operator).await.unwrap();
        if found.state != RunState::Running {
            assert_eq!(found.state, RunState::Finished, "{found:?}");
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Every byte that any record names is there and sound.
async fn assert_sound(market: &Market) {
    market.start_scrub(&Actor::Operator, false).await.unwrap();
    loop {
        let scrub = market.last_scrub(&Actor::Operator).await.unwrap();
        if scrub.state != RunState::Running {
            assert_eq!((scrub.state, scrub.rotten), (RunState::Finished, 0), "{scrub:#?}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn manifest_of(market: &Market, digest: &Digest) -> Manifest {
    serde_json::from_slice(&market.blobs().read(digest, 1 << 20).await.unwrap().unwrap()).unwrap()
}

/// The registry's records. Not to be kept: it holds the directory.
fn owner(market: &Market) -> RegistryOwner {
    RegistryOwner::new(market.clone())
}

async fn untag(market: &Market, tag: &str) {
    owner(market).delete_tag(&Credentials::Anonymous, INCOMING, tag).await.unwrap();
}

async fn has_manifest(market: &Market, repository: &str, digest: Digest) -> bool {
    owner(market).manifest(repository, &ManifestReference::Digest(digest)).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_needs_goes_after_the_grace_period() {
    let (aged, market) = Aged::new(0).await;
    let kept = push(&market, "kept", &["1.0.0"]).await;
    let old = push(&market, "old", &["2.0.0"]).await;
    let (orphan, _) = market.blobs().put_bytes("nobody's").await.unwrap();
    let layer = manifest_of(&market, &old.digest).await.layers[0].clone();
    let (market, none) = aged.later(market, 1, false).await;
    assert_eq!((none.freed.manifests, none.waiting.manifests, none.waiting.contents), (0, 0, 1));
    untag(&market, "2.0.0").await;

    let (market, first) = aged.later(market, 1, false).await;
    assert_eq!((first.freed, first.waiting.manifests), (Default::default(), 1), "{first:?}");
    let (market, early) = aged.later(market, 23, false).await;
    assert_eq!(early.freed.manifests, 0, "its day is not over: {early:?}");
    assert!(!aged.file(&orphan).exists(), "the orphan's is: {early:?}");
    let (market, dry) = aged.later(market, 2, true).await;
    assert!(aged.file(&layer.digest).exists(), "a dry run removes nothing");
    let (market, done) = aged.later(market, 0, false).await;
    assert_eq!((done.freed, done.waiting), (dry.freed, dry.waiting), "a dry run says what then happens");
    assert_eq!(done.freed.manifests, 1);
    assert!(done.freed.bytes >= layer.size + old.size, "{done:?}");
    for gone in [old.digest, layer.digest] {
        assert!(!aged.file(&gone).exists());
    }
    assert!(!has_manifest(&market, INCOMING, old.digest).await);
    assert!(has_manifest(&market, INCOMING, kept.digest).await);
    assert_sound(&market).await;
    let (_, again) = aged.later(market, 48, false).await;
    assert_eq!(again.freed, Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_that_it_is_there_has_the_grace_period_for_his_push() {
    let (aged, market) = Aged::new(0).await;
    let image = push(&market, "one", &["1.0.0"]).await;
    let manifest = manifest_of(&market, &image.digest).await;
    untag(&market, "1.0.0").await;
    let (market, _) = aged.later(market, 1, false).await;
    aged.now.fetch_add(23 * HOUR_MS, Ordering::Relaxed);
    assert!(owner(&market).has_blob(INCOMING, &manifest.layers[0].digest).await.unwrap());
    let (market, went) = aged.later(market, 2, false).await;
    assert_eq!(went.freed.manifests, 1, "nobody asked for the manifest: {went:?}");
    assert!(aged.file(&manifest.layers[0].digest).exists() && !aged.file(&image.digest).exists());

    push(&market, "one", &["1.0.0"]).await;
    let (market, after) = aged.later(market, 25, false).await;
    assert_eq!(after.freed, Default::default(), "what is needed again is off the list");
    assert_sound(&market).await;

    // Mounted into another repository, it is held by that one.
    untag(&market, "1.0.0").await;
    let layer = &manifest.layers[0];
    owner(&market).link_blob("incoming/contoso/other", &layer.digest, layer.size).await.unwrap();
    let (market, _) = aged.later(market, 1, false).await;
    aged.now.fetch_add(24 * HOUR_MS, Ordering::Relaxed);
    assert!(owner(&market).has_blob("incoming/contoso/other", &layer.digest).await.unwrap());
    let (market, mounted) = aged.later(market, 0, false).await;
    assert_eq!(mounted.freed.manifests, 1);
    assert!(aged.file(&layer.digest).exists());
    assert_sound(&market).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_submission_is_about_stays_and_its_old_versions_go_by_the_policy() {
    let (aged, market) = Aged::new(1).await;
    let working = work(&market);
    let first = push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    for tag in ["latest", "1.0.0"] {
        untag(&market, tag).await;
    }
    drop(working);
    let (market, _) = aged.later(market, 1, false).await;
    let (market, waits) = aged.later(market, 25, false).await;
    assert_eq!(waits.freed, Default::default(), "what waits for sign-off needs it, tagged or not");
    let working = work(&market);
    go_live(&market).await;
    let second = push(&market, "two", &["latest", "1.1.0"]).await;
    publish(&market, offer(&["latest", "1.1.0"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    drop(working);
    let (market, _) = aged.later(market, 1, false).await;
    let (market, done) = aged.later(market, 25, false).await;
    assert!(done.freed.tags >= 1 && done.freed.manifests >= 1, "{done:?}");
    let tags = owner(&market).tags(PUBLIC, None, 10).await.unwrap();
    assert_eq!(tags, ["1.1.0", "latest"], "one version is kept");
    assert!(!aged.file(&first.digest).exists() && aged.file(&second.digest).exists());
    assert!(!has_manifest(&market, PUBLIC, first.digest).await);
    let statements = async |digest| owner(&market).referrers(PUBLIC, digest).await.unwrap().len();
    assert!(statements(&second.digest).await > 0, "its statements stay");
    assert_eq!(statements(&first.digest).await, 0, "those of the old one went");
    assert_sound(&market).await;
    // Its number is not free again: a version tag never changes, not even after it is gone.
    let working = work(&market);
    push(&market, "other", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    until("it is refused", async || {
        let found = market.status(&publisher(), (&contoso(), &sensor())).await.unwrap();
        found.summary.state == SubmissionState::Failed
    })
    .await;
    drop(working);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kept_deployment_pins_stays_until_the_module_is_removed() {
    let (aged, market) = Aged::new(1).await;
    let working = work(&market);
    let first = push(&market, "one", &["latest", "1.0.0"]).await;
    publish(&market, offer(&["latest", "1.0.0"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    let (key, plan, customer) =
        ((&contoso(), &sensor()), "standard".parse().unwrap(), Actor::Customer(CUSTOMER));
    let accepted_terms = market.to_acquire(&customer, key, &plan).await.unwrap().terms.digest;
    let wanted = Acquire { subscription: CUSTOMER, accepted_terms, ..Acquire::default() };
    let acquired = market.acquire(&customer, key, &plan, &wanted).await.unwrap();
    let module =
        ModuleWanted { publisher: contoso(), offer: sensor(), plan, name: None, values: BTreeMap::new() };
    let wanted = DeploymentWanted {
        form: Form::Compose,
        follow: false,
        preview: false,
        modules: vec![module],
        routes: Vec::new(),
    };
    market.keep_deployment(&customer, CUSTOMER, &wanted).await.unwrap();
    push(&market, "two", &["latest", "1.1.0"]).await;
    publish(&market, offer(&["latest", "1.1.0"])).await;
    wait_for(&market, SubmissionState::WaitingForPublisherReview).await;
    go_live(&market).await;
    // What is of no interest here: the publisher's own copy.
    untag(&market, "1.0.0").await;
    drop(working);
    let (market, _) = aged.later(market, 1, false).await;
    let (market, _) = aged.later(market, 25, false).await;
    assert!(has_manifest(&market, PUBLIC, first.digest).await, "the deployment's link is permanent");
    assert!(aged.file(&first.digest).exists());
    market.remove_acquisition(&customer, &acquired.id).await.unwrap();
    let (market, _) = aged.later(market, 1, false).await;
    let (market, _) = aged.later(market, 25, false).await;
    assert!(!has_manifest(&market, PUBLIC, first.digest).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_a_collection_loses_nothing() {
    for point in ["collection:rows", "collection:bytes"] {
        let (aged, market) = Aged::new(0).await;
        push(&market, "kept", &["1.0.0"]).await;
        for n in 0..3 {
            push(&market, &format!("old {n}"), &["2.0.0"]).await;
        }
        let (market, _) = aged.later(market, 1, false).await;
        market.close().await;
        drop(market);
        aged.now.fetch_add(25 * HOUR_MS, Ordering::Relaxed);
        // Stands for the kill: nothing after it is done.
        let market = aged.open(Faults::from_fn(move |at| assert_ne!(at, point, "the crash"))).await;
        market.start_collection(&Actor::Operator, false).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_sound(&market).await;
        let (market, _) = aged.later(market, 1, false).await;
        let (market, _) = aged.later(market, 25, false).await;
        assert_sound(&market).await;
        market.start_scrub(&Actor::Operator, false).await.unwrap();
        until("the scrub ended", async || {
            market.last_scrub(&Actor::Operator).await.unwrap().state == RunState::Finished
        })
        .await;
        assert_eq!(market.last_scrub(&Actor::Operator).await.unwrap().orphans, 0, "all is collected at last");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_with_a_manifest_that_is_lost_is_left_as_it_is() {
    let (aged, market) = Aged::new(0).await;
    let image = push(&market, "one", &["1.0.0"]).await;
    push(&market, "old", &["2.0.0"]).await;
    untag(&market, "2.0.0").await;
    std::fs::remove_file(aged.file(&image.digest)).unwrap();
    let (market, _) = aged.later(market, 1, false).await;
    let (market, done) = aged.later(market, 25, false).await;
    assert_eq!((done.freed, done.left_out.len()), (Default::default(), 1));
    assert!(done.left_out[0].reason.contains(&image.digest.to_string()), "{:?}", done.left_out);
    let denied = market.start_collection(&publisher(), true).await.unwrap_err();
    assert_eq!(denied.kind, Kind::Denied);
}
