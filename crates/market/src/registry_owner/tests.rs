//! The registry's owner with more than a test over HTTP would push.

use super::*;
use crate::clock::{Clock, Ids};
use crate::config::{Config, Settings};
use std::time::{Duration, Instant};

const REPOSITORY: &str = "contoso/sensor/standard";

/// Ten thousand tags of one repository, all at once and page by page.
#[tokio::test]
async fn ten_thousand_tags_are_listed_quickly() {
    let directory = tempfile::TempDir::new().unwrap();
    let settings = Settings { sandbox: "off".to_owned(), ..Settings::default() };
    let config = Config::new(directory.path().join("data"), settings);
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    let row = ManifestRow {
        digest: Digest::of(b"manifest").to_string(),
        media_type: oci::manifest::media_type::OCI_MANIFEST.to_owned(),
        size: 8,
        subject: None,
        artifact_type: None,
        annotations: "{}".to_owned(),
    };
    let mut tx = market.store.write().await.unwrap();
    store::put_manifest(&mut tx, REPOSITORY, &row).await.unwrap();
    for number in 0..10_000 {
        store::put_tag(&mut tx, REPOSITORY, &format!("1.{number}.0"), &row.digest, 0).await.unwrap();
    }
    tx.commit().await.unwrap();

    let owner = RegistryOwner::new(market);
    let began = Instant::now();
    let all = owner.tags(REPOSITORY, None, 10_001).await.unwrap();
    assert_eq!(all.len(), 10_000);
    assert!(all.is_sorted());
    let (mut pages, mut seen, mut last) = (0, Vec::new(), None);
    loop {
        let page = owner.tags(REPOSITORY, last.as_deref(), 100).await.unwrap();
        let Some(end) = page.last().cloned() else { break };
        (pages, last) = (pages + 1, Some(end));
        seen.extend(page);
    }
    assert_eq!((pages, seen == all), (100, true));
    // A page is a range of an index: a hundred of them take some tens of milliseconds, here on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
