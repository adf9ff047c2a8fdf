//! SIGKILL in the middle of a replication of a large image: the next process goes on at the byte that the region has. The
//! bytes are counted on the line between the two.

use crate::faults::wait_for;
use crate::leads::LeadReceiver;
use crate::proxy::Proxy;
use crate::server::{Server, TestOffer, registry};
use oci::manifest::Manifest;
use offer::submission::SubmissionState;
use serde_json::json;
use std::time::Duration;

const MIB: u64 = 1 << 20;
/// Three pieces of an upload.
const BALLAST: u64 = 24 * MIB;
/// So slow that the kill meets the second piece.
const BYTES_PER_SECOND: u64 = 8 * MIB;
const KILL_AT: u64 = 11 * MIB;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replication_that_is_killed_goes_on_where_it_was() {
    let leads = LeadReceiver::start().await;
    let region = Server::start("region").await;
    let line = Proxy::to(region.address).await;
    let token = region.operator_token(json!({ "role": "region", "subject": "home", "label": "test" })).await;
    let mut home = Server::start("home").await;
    let east = json!({
        "name": "east", "kind": "instance", "url": format!("http://{}", line.address), "required": true,
        "password": token, "limits": { "bytesPerSecond": BYTES_PER_SECOND },
    });
    home.api("POST", "/regions", Some(east)).await;
    let offer = TestOffer::make_with(&home, "large", &leads, noise(BALLAST)).await;
    offer.publish(&home).await;
    wait_for(&home, &offer, SubmissionState::WaitingForPublisherReview).await;
    offer.go_live(&home).await;
    while line.went() < KILL_AT {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    home.kill();
    let before = line.went();
    assert!(before < BALLAST, "it was killed too late: {before} bytes had gone");
    home.restart().await;
    wait_for(&home, &offer, SubmissionState::Succeeded).await;
    let (sent, size) = (line.went(), image_bytes(&region, &offer).await);
    // What is more than the image are statements about it, headers, and what was on the way when it was killed.
    assert!((size..size + size / 33).contains(&sent), "{sent} bytes were sent of {size}, {before} before");
    region.pull_every_blob(&offer.repository(), "latest").await;
    home.stop();
    region.stop();
}

async fn image_bytes(region: &Server, offer: &TestOffer) -> u64 {
    let repository = registry(region.address, None).repository(&offer.repository()).expect("a name");
    let (_, bytes) = repository.get_manifest("latest").await.expect("the manifest");
    let manifest: Manifest = serde_json::from_slice(&bytes).expect("a manifest");
    manifest.layers.iter().chain([&manifest.config]).map(|blob| blob.size).sum()
}

/// Bytes that no compression makes smaller.
fn noise(bytes: u64) -> Vec<u8> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| next()).collect()
}
