//! Scrubs of the blob store beside the records.

use crate::support::*;
use market::runs::RunState;
use market::scrub::{RotKind, Scrub};
use market::{Actor, Kind, Market};
use oci::digest::Digest;
use std::path::PathBuf;

async fn scrub(market: &Market, quarantine: bool) -> Scrub {
    market.start_scrub(&Actor::Operator, quarantine).await.unwrap();
    loop {
        let scrub = market.last_scrub(&Actor::Operator).await.unwrap();
        if scrub.state != RunState::Running {
            return scrub;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_or_rotten_is_found_by_the_records() {
    let stage = place().await;
    let market = &stage.market;
    assert_eq!(market.last_scrub(&Actor::Operator).await.unwrap_err().kind, Kind::NotFound);
    let image = push(market, "one", &["1.0.0"]).await;
    market.blobs().put_bytes("nobody's").await.unwrap();
    let sound = scrub(market, false).await;
    assert_eq!((sound.state, sound.rotten), (RunState::Finished, 0));
    assert_eq!((sound.blobs, sound.orphans, sound.orphan_bytes), (4, 1, 8));
    assert_eq!(sound.bytes_checked, sound.bytes);

    let file = |digest: &Digest| -> PathBuf {
        let hex = digest.hex();
        stage.directory.path().join("data").join("blobs/sha256").join(&hex[..2]).join(hex)
    };
    let manifest = market.blobs().read(&image.digest, 1 << 20).await.unwrap().unwrap();
    let manifest: oci::manifest::Manifest = serde_json::from_slice(&manifest).unwrap();
    let layer = manifest.layers[0].digest;
    std::fs::remove_file(file(&manifest.config.digest)).unwrap();
    let mut bytes = std::fs::read(file(&layer)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(file(&layer), &bytes).unwrap();
    let found = scrub(market, true).await;
    let mut rot: Vec<_> = found.rot.iter().map(|rot| (rot.digest.clone(), rot.kind, rot.set_aside)).collect();
    rot.sort_by_key(|(_, kind, _)| *kind == RotKind::Missing);
    let missing = manifest.config.digest.to_string();
    let expected = [(layer.to_string(), RotKind::WrongDigest, true), (missing, RotKind::Missing, false)];
    assert_eq!((rot.as_slice(), found.rotten), (&expected[..], 2));
    assert!(found.rot.iter().all(|rot| rot.repositories == ["incoming/contoso/sensor"]));
    assert!(!file(&layer).exists());
    let told = scrub(market, false).await;
    assert_eq!(told.rot.iter().filter(|rot| rot.kind == RotKind::Missing).count(), 2);

    push(market, "one", &["1.0.0"]).await;
    assert_eq!(scrub(market, false).await.rotten, 0, "a push heals");
    let publisher = publisher();
    assert_eq!(market.start_scrub(&publisher, true).await.unwrap_err().kind, Kind::Denied);
}
