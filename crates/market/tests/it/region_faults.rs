//! Regions that break: in the middle of a blob, full, failing, lying, slow. Replication goes on where it was, and the bytes
//! that pass are counted at a gate before the region.

use crate::docker_registry::Registry;
use crate::region_gate::{Fault, Gate, instance};
use crate::regions::{ensure, region};
use crate::support::{Place, open, place};
use market::regions::{Content, NewRegion, Region, RegionKind, RegionLimits};
use market::{Actor, Faults};
use oci::manifest::{Descriptor, Manifest, media_type};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const MIB: u64 = 1 << 20;

/// Bytes that cannot be compressed.
fn noise(mut seed: u64, bytes: u64) -> Vec<u8> {
    let mut noise = Vec::with_capacity(bytes as usize);
    while (noise.len() as u64) < bytes {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        noise.extend_from_slice(&seed.to_le_bytes());
    }
    noise
}

/// An image of one layer of so many bytes.
async fn large(place: &Place, bytes: u64) -> Content {
    image(place, "contoso/sensor/standard", &[noise(0x9e37_79b9_7f4a_7c15, bytes)]).await
}

/// An image of as many layers of 64 KiB.
async fn many(place: &Place, offer: &str, layers: u64) -> Content {
    let seed = offer.len() as u64 * 1_000;
    let layers: Vec<Vec<u8>> = (1..=layers).map(|number| noise(seed + number, 64 << 10)).collect();
    image(place, &format!("contoso/{offer}/standard"), &layers).await
}

async fn image(place: &Place, repository: &str, layers: &[Vec<u8>]) -> Content {
    let store = async |media_type: &str, bytes: &[u8]| {
        place.market.blobs().put_bytes(bytes.to_vec()).await.unwrap();
        Descriptor::of(media_type, bytes)
    };
    let config = format!("{{\"os\":\"linux\",\"author\":\"{repository}\"}}");
    let config = store(media_type::OCI_CONFIG, config.as_bytes()).await;
    let mut blobs = vec![config.clone()];
    for layer in layers {
        blobs.push(store(media_type::OCI_LAYER, layer).await);
    }
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config,
        layers: blobs[1..].to_vec(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    let image = store(media_type::OCI_MANIFEST, &serde_json::to_vec(&manifest).unwrap()).await;
    let tags = vec![("1.0.0".to_owned(), image.digest)];
    Content { repository: repository.to_owned(), blobs, manifests: vec![image], tags }
}

/// Adds the registry behind the gate as the region `slow`.
async fn add(home: &Place, gate: &Gate, limits: RegionLimits) {
    let (required, username, password) = (false, None, None);
    let (name, url) = ("slow".to_owned(), format!("http://{}", gate.address));
    let new = NewRegion { name, kind: RegionKind::Registry, url, required, username, password, limits };
    home.market.add_region(&Actor::Operator, new).await.unwrap();
}

async fn open_slow(home: &Place) -> Box<dyn Region> {
    home.market.open_region(&Actor::Operator, "slow").await.unwrap()
}

/// A registry behind a gate, as the region `lab`.
async fn lab(home: &Place) -> (Registry, Gate, Box<dyn Region>) {
    let registry = Registry::start().await;
    let gate = Gate::before(registry.door()).await;
    let url = format!("http://{}", gate.address);
    let region = region(home, "lab", RegionKind::Registry, url, None).await;
    (registry, gate, region)
}

/// Another marketplace behind a gate, as the region `east`.
async fn east(home: &Place, there: &Place) -> (Gate, JoinHandle<()>, Box<dyn Region>) {
    let (gate, token, server) = instance(&there.market).await;
    let url = format!("http://{}", gate.address);
    let region = region(home, "east", RegionKind::Instance, url, Some(token)).await;
    (gate, server, region)
}

fn blob_bytes(content: &Content) -> u64 {
    content.blobs.iter().map(|blob| blob.size).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_breaks_goes_on_at_the_byte_that_the_region_has() {
    let (home, there) = (place().await, place().await);
    let (gate, server, region) = east(&home, &there).await;
    let content = [large(&home, 20 * MIB).await];
    gate.set(Fault::CutOnce(12 * MIB));
    ensure(&*region, &content).await.unwrap();
    let (sent, size) = (gate.take_sent(), blob_bytes(&content[0]));
    // What was on the way when it broke goes twice: some parts of the piece, never a piece that the region had.
    assert!((size..size + 4 * MIB).contains(&sent), "{sent} bytes were sent of {size}");
    assert_eq!(there.market.blobs().size(&content[0].blobs[1].digest).await.unwrap(), Some(20 * MIB));
    ensure(&*region, &content).await.unwrap();
    assert_eq!(gate.take_sent(), 0, "what is there is not sent again");
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_where_the_first_was_when_the_region_died() {
    let (home, there) = (place().await, place().await);
    let (gate, server, east) = east(&home, &there).await;
    let content = [large(&home, 20 * MIB).await];
    gate.set(Fault::Die(12 * MIB));
    let error = ensure(&*east, &content).await.unwrap_err();
    assert!(error.message.starts_with("the region east: "), "{error}");
    let first = gate.take_sent();
    drop(east);
    let Place { directory, market } = home;
    market.close().await;
    drop(market);
    let again = open(directory.path(), Faults::default()).await;
    gate.set(Fault::None);
    let east = again.open_region(&Actor::Operator, "east").await.unwrap();
    ensure(&*east, &content).await.unwrap();
    let (sent, size) = (first + gate.take_sent(), blob_bytes(&content[0]));
    assert!((size..size + 4 * MIB).contains(&sent), "{sent} bytes were sent of {size}");
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_forgets_half_pieces_gets_whole_blobs_again_and_others_go_on_between_pieces() {
    let home = place().await;
    let (registry, gate, region) = lab(&home).await;
    let content = [large(&home, 20 * MIB).await];
    gate.set(Fault::CutOnce(12 * MIB));
    ensure(&*region, &content).await.unwrap();
    let (sent, size) = (gate.take_sent(), blob_bytes(&content[0]));
    assert!((size..size + 13 * MIB).contains(&sent), "{sent} bytes were sent of {size}");
    let repository = registry.repository("contoso/sensor/standard");
    let layer = &content[0].blobs[1];
    let pulled = repository.get_small_blob(layer, 64 * MIB).await.unwrap();
    assert_eq!(pulled.len() as u64, layer.size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_full_fails_or_lies_is_not_believed_and_is_filled_when_it_is_mended() {
    let home = place().await;
    let (_registry, gate, region) = lab(&home).await;
    let content = [large(&home, MIB).await];
    gate.set(Fault::Refuse(507));
    let full = ensure(&*region, &content).await.unwrap_err();
    assert!(full.message.contains("answered 507"), "{full}");
    assert!(full.hint.starts_with("free some space in the region"), "{}", full.hint);
    gate.set(Fault::Refuse(500));
    let failing = ensure(&*region, &content).await.unwrap_err();
    assert!(failing.message.contains("answered 500"), "{failing}");
    for (fault, expected) in [
        (Fault::Lie("/manifests/"), "sha256:000000"),
        (Fault::Lie("/blobs/sha256"), "has digest sha256:000000"),
        (Fault::Truncate, "with 5 bytes, but it has"),
    ] {
        gate.set(fault);
        let lying = ensure(&*region, &content).await.unwrap_err();
        assert!(lying.message.contains(expected), "{lying}");
        assert!(lying.message.starts_with("the region lab") && !lying.hint.is_empty(), "{lying}");
    }
    gate.set(Fault::Slow(Duration::from_millis(2)));
    gate.take_sent();
    ensure(&*region, &content).await.unwrap();
    assert_eq!(gate.take_sent(), 0, "the blobs had come before it lied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_region_claims_to_have_taken_is_looked_for() {
    let home = place().await;
    let (_registry, gate, region) = lab(&home).await;
    let content = [large(&home, MIB).await];
    gate.set(Fault::Swallow);
    let lying = ensure(&*region, &content).await.unwrap_err();
    assert!(lying.message.contains("took the") && lying.message.contains("but does not hold it"), "{lying}");
    gate.set(Fault::None);
    ensure(&*region, &content).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_takes_less_than_it_is_sent_gets_the_rest_and_one_that_stands_still_is_given_up() {
    let (home, there) = (place().await, place().await);
    let (gate, server, region) = east(&home, &there).await;
    let content = [large(&home, 20 * MIB).await];
    gate.set(Fault::Still);
    let error = ensure(&*region, &content).await.unwrap_err();
    assert!(error.message.contains("it has 0 bytes, as before a piece was sent to it"), "{error}");
    let sent = gate.take_sent();
    assert!(sent <= 3 * 8 * MIB + MIB, "{sent} bytes were sent for nothing");
    gate.set(Fault::HalfOnce);
    ensure(&*region, &content).await.unwrap();
    let (sent, size) = (gate.take_sent(), blob_bytes(&content[0]));
    assert!((size..=size + 4 * MIB).contains(&sent), "{sent} bytes were sent of {size}");
    assert_eq!(there.market.blobs().size(&content[0].blobs[1].digest).await.unwrap(), Some(20 * MIB));
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_blobs_are_sent_at_once_than_the_region_allows() {
    let home = place().await;
    let registry = Registry::start().await;
    let gate = Gate::before(registry.door()).await;
    let limits = RegionLimits { transfers: 2, ..RegionLimits::default() };
    add(&home, &gate, limits).await;
    // Two submissions of eight blobs: the limit is the region's, whoever fills it.
    let (one, other) = (many(&home, "one", 8).await, many(&home, "other", 8).await);
    let (first, second) = (open_slow(&home).await, open_slow(&home).await);
    gate.set(Fault::Slow(Duration::from_millis(20)));
    let (one, other) = (std::slice::from_ref(&one), std::slice::from_ref(&other));
    let (first, second) = tokio::join!(ensure(&*first, one), ensure(&*second, other));
    first.and(second).unwrap();
    assert_eq!(gate.take_peak(), 2);
    assert_eq!(gate.take_sent(), blob_bytes(&one[0]) + blob_bytes(&other[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_transfers_of_a_region_share_its_bandwidth() {
    let home = place().await;
    let registry = Registry::start().await;
    let gate = Gate::before(registry.door()).await;
    let content = [large(&home, 2 * MIB).await];
    let limits = RegionLimits { bytes_per_second: Some(MIB), transfers: 2, ..RegionLimits::default() };
    add(&home, &gate, limits).await;
    let region = open_slow(&home).await;
    let begin = Instant::now();
    ensure(&*region, &content).await.unwrap();
    // Two seconds' worth of bytes; the first part goes at once. It may take longer, never less.
    assert!(begin.elapsed() >= Duration::from_millis(1_800), "{:?}", begin.elapsed());
    assert_eq!(gate.take_sent(), blob_bytes(&content[0]));
}
