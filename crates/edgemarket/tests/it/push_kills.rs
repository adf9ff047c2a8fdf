//! SIGKILL at random instants of pushes: whatever a client was told is there stays there, whole, and a push that broke is
//! repeated and ends.

use crate::images::make_image_with;
use crate::kills::{Random, kills_and_random};
use crate::server::{Server, TAGS, pull_every_blob, registry, try_push};
use oci::digest::Digest;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the server is killed, unless `EDGEMARKET_KILLS` says otherwise.
const KILLS: usize = 12;

/// Longest wait before a kill: long enough for some of the images to arrive, at whatever instant.
const KILL_WITHIN_MS: u64 = 1_200;

/// Clients that push at the same time; each kill hits all of them.
const PUSHERS: u64 = 3;

/// Bytes of an image that do not compress.
const BALLAST_BYTES: usize = 1 << 20;

/// A repository and the image that its client was told is there.
type Promised = Arc<Mutex<Vec<(String, Digest)>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_push_was_promised_survives_kills_at_random_instants() {
    let (kills, mut random) = kills_and_random(KILLS);
    let mut server = Server::start("pushes").await;
    server.api("POST", "/publishers", Some(json!({ "id": "contoso", "name": "Contoso" }))).await;
    let request = json!({ "role": "publisher", "subject": "contoso", "label": "test" });
    let token = server.operator_token(request).await;
    let (promised, ends) = (Promised::default(), Arc::new(AtomicBool::new(false)));
    let pushers: Vec<_> = (0..PUSHERS)
        .map(|number| {
            let (to, promised, ends) = ((server.address, token.clone()), promised.clone(), ends.clone());
            tokio::spawn(push_until(to, number, Random::of(random.below(u64::MAX)), promised, ends))
        })
        .collect();
    let mut checked = 0;
    for kill in 1..=kills {
        tokio::time::sleep(Duration::from_millis(random.below(KILL_WITHIN_MS))).await;
        let before = promised.lock().expect("no pusher panicked")[checked..].to_vec();
        server.kill();
        server.restart().await;
        // Those of this kill; all of them are looked at in the end.
        for (repository, digest) in &before {
            check_tags(server.address, &token, repository, *digest, kill).await;
        }
        checked += before.len();
    }
    ends.store(true, Ordering::Relaxed);
    for pusher in pushers {
        pusher.await.expect("a pusher ends");
    }
    let promised = promised.lock().expect("no pusher panicked").clone();
    assert!(promised.len() >= usize::try_from(PUSHERS).expect("few"), "{promised:?}");
    server.api("POST", "/blobs/scrub", Some(json!({}))).await;
    let mut scrub = server.api("GET", "/blobs/scrub", None).await;
    while scrub["state"] == "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
        scrub = server.api("GET", "/blobs/scrub", None).await;
    }
    assert_eq!((&scrub["state"], &scrub["rotten"]), (&json!("finished"), &json!(0)), "{scrub:#}");
    assert_eq!(scrub["blobsChecked"], scrub["blobs"], "{scrub:#}");
    for (repository, digest) in &promised {
        check_tags(server.address, &token, repository, *digest, kills).await;
        pull_every_blob(&registry(server.address, Some(&token)), repository, TAGS[0]).await;
    }
    eprintln!("{} images were pushed whole through {kills} kills", promised.len());
}

/// Pushes one image after another, each until the registry has taken it.
async fn push_until(
    (address, token): (SocketAddr, String),
    number: u64,
    mut random: Random,
    promised: Promised,
    ends: Arc<AtomicBool>,
) {
    for image in 0.. {
        let repository = format!("incoming/contoso/pushed-{number}-{image}");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = dir.path().join("image");
        let ballast = std::iter::repeat_with(|| random.below(256) as u8).take(BALLAST_BYTES).collect();
        let digest = make_image_with(&layout, &repository, ballast);
        while let Err(error) = try_push(&layout, address, &repository, &token).await {
            assert!(error.is_transient(), "a killed server may not make a push fail otherwise: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        promised.lock().expect("no pusher panicked").push((repository, digest));
        if ends.load(Ordering::Relaxed) {
            return;
        }
    }
}

async fn check_tags(address: SocketAddr, token: &str, repository: &str, digest: Digest, kill: usize) {
    let there = registry(address, Some(token)).repository(repository).expect("a name");
    for tag in TAGS {
        let found = there.head_manifest(tag).await.expect("the server answers");
        let found = found.map(|descriptor| descriptor.digest);
        assert_eq!(found, Some(digest), "{repository}:{tag} after kill {kill}");
    }
}
