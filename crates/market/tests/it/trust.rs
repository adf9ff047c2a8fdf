//! Keys and what they sign: the key file is made, given, refused, replaced; every image in the preview is signed before
//! it is stated anything about.

use crate::support::*;
use market::config::Settings;
use market::{Actor, Config, Faults, Kind, Market, RegistryOwner};
use offer::submission::SubmissionState;
use registry::owner::Owner;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A P-256 key in the form that `openssl ecparam -genkey` writes; it is no PKCS#8, and nobody's.
const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";

fn with_key(directory: &Path, key: &str) -> Config {
    let config = config_at(directory);
    Config { settings: Settings { signing_key: Some(key.into()), ..config.settings }, ..config }
}

async fn open_with(config: Config) -> market::Result<Market> {
    use market::clock::{Clock, Ids};
    Market::open(config, Clock::system(), Ids::system()).await
}

async fn keys(market: &Market) -> Vec<(String, bool)> {
    let all = market.public_keys(&Actor::Anonymous).await.unwrap();
    all.into_iter().map(|key| (key.id, key.retired.is_none())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signature_comes_before_every_statement() {
    let place = place().await;
    let image = push(&place.market, "one", &["latest", "1.0.0"]).await;
    let _working = work(&place.market);
    publish(&place.market, offer(&["latest", "1.0.0"])).await;
    wait_for(&place.market, SubmissionState::WaitingForPublisherReview).await;
    let owner = RegistryOwner::new(place.market.clone());
    let referrers = owner.referrers("preview/contoso/sensor/standard", &image.digest).await.unwrap();
    let predicate = |at: usize| referrers[at].annotations["dev.sigstore.bundle.predicateType"].as_str();
    assert_eq!(predicate(0), "https://sigstore.dev/cosign/sign/v1");
    let mut others: Vec<&str> = (1..referrers.len()).map(predicate).collect();
    others.sort();
    assert_eq!(
        others,
        ["https://cyclonedx.org/bom", "https://spdx.dev/Document", "urn:edgemarket:certification:v1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_once_and_replaced_on_demand() {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), Faults::default()).await;
    let file = directory.path().join("data/signing-key.pem");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let first = keys(&market).await;
    assert_eq!(first.len(), 1);
    market.close().await;
    drop(market);

    let market = open(directory.path(), Faults::default()).await;
    assert_eq!(keys(&market).await, first);
    let made = market.rotate_key(&Actor::Operator).await.unwrap();
    let both = vec![(made.id.clone(), true), (first[0].0.clone(), false)];
    assert_eq!(keys(&market).await, both);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(market.rotate_key(&publisher()).await.unwrap_err().kind, Kind::Denied);
    market.close().await;
    drop(market);

    let market = open(directory.path(), Faults::default()).await;
    assert_eq!(keys(&market).await, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_broke_off_is_finished_at_the_next_start() {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), Faults::from_fn(|point| assert_ne!(point, "key:made"))).await;
    let before = keys(&market).await;
    let broken = market.clone();
    tokio::spawn(async move { broken.rotate_key(&Actor::Operator).await }).await.unwrap_err();
    assert_eq!(keys(&market).await, before, "nothing was recorded");
    market.close().await;
    drop(market);
    let market = open(directory.path(), Faults::default()).await;
    let after = keys(&market).await;
    assert_eq!((after.len(), &after[1]), (2, &(before[0].0.clone(), false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_own_key_is_taken_and_never_replaced() {
    let directory = TempDir::new().unwrap();
    let market = open(directory.path(), Faults::default()).await;
    let own = keys(&market).await;
    market.close().await;
    drop(market);
    let data = directory.path().join("data");
    let given = directory.path().join("given.pem");
    fs::rename(data.join("signing-key.pem"), &given).unwrap();
    let other = TempDir::new().unwrap();
    let market = open_with(with_key(other.path(), given.to_str().unwrap())).await.unwrap();
    assert_eq!(keys(&market).await, own);
    assert!(!other.path().join("data/signing-key.pem").exists());
    let refused = market.rotate_key(&Actor::Operator).await.unwrap_err();
    assert!(refused.message.contains("is the operator's own"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_may_read_or_nobody_can_is_refused_with_the_way_out() {
    let directory = TempDir::new().unwrap();
    let key = directory.path().join("key.pem");
    let mut told = String::new();
    let cases: [(&str, u32, Option<&str>); 7] = [
        ("missing", 0o600, None),
        ("readable by others", 0o644, Some("")),
        ("writable by the group", 0o620, Some("")),
        ("empty", 0o600, Some("")),
        ("SEC1", 0o600, Some(SEC1)),
        ("encrypted", 0o600, Some("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")),
        ("public", 0o600, Some("-----BEGIN PUBLIC KEY-----\n")),
    ];
    for (case, mode, content) in cases {
        let _ = fs::remove_file(&key);
        if let Some(content) = content {
            fs::write(&key, content).unwrap();
            fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        }
        let refused =
            open_with(with_key(directory.path(), key.to_str().unwrap())).await.err().expect("it is refused");
        told += &format!("{case}\n    {}\n    hint: {}\n", refused.message, refused.hint);
    }
    insta::assert_snapshot!(told.replace(directory.path().to_str().unwrap(), "[DIR]"));
}
