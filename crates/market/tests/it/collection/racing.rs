//! Pushes, mounts and pulls while collections run one after the other with a grace period of a second.

use super::{assert_sound, collect, open_when_free};
use crate::http::{request, secret, send};
use crate::support::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::clock::Clock;
use market::config::Settings;
use market::{Faults, Market};
use oci::digest::Digest;
use oci::manifest::media_type;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// How many images each pusher pushes.
const ROUNDS: usize = 30;
const PUSHERS: usize = 4;

struct Pusher {
    router: Router,
    token: String,
    repository: String,
}

impl Pusher {
    async fn ask(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let path = format!("/v2/{}{path}", self.repository);
        let request = request(method, &path, &self.token).header(header::CONTENT_TYPE, kind);
        let answer = send(&self.router, request.body(Body::from(body)).unwrap()).await;
        (answer.status, answer.body)
    }

    /// As clients do: not what is there, mounted where it is elsewhere, else sent.
    async fn push_blob(&self, content: &[u8], from: Option<&str>) {
        let digest = Digest::of(content);
        let there = self.ask(Method::HEAD, &format!("/blobs/{digest}"), "", Vec::new()).await.0;
        if there == StatusCode::OK {
            return;
        }
        if let Some(from) = from {
            let path = format!("/blobs/uploads/?mount={digest}&from={from}");
            if self.ask(Method::POST, &path, "", Vec::new()).await.0 == StatusCode::CREATED {
                return;
            }
        }
        let path = format!("/blobs/uploads/?digest={digest}");
        let sent = self.ask(Method::POST, &path, "application/octet-stream", content.to_vec()).await;
        assert_eq!(sent.0, StatusCode::CREATED, "{}", String::from_utf8_lossy(&sent.1));
    }

    /// Pushes an image until the registry takes it, and returns its manifest's digest.
    async fn push(&self, number: usize, shared: &[u8], tag: &str, from: &str) -> Digest {
        let layer = format!("layer {number} of {}", self.repository).into_bytes();
        let descriptor = |kind: &str, content: &[u8]| serde_json::json!({ "mediaType": kind, "digest": Digest::of(content).to_string(), "size": content.len() });
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
            "layers": [
                descriptor("application/vnd.oci.image.layer.v1.tar", shared),
                descriptor("application/vnd.oci.image.layer.v1.tar", &layer),
            ],
        });
        let bytes = serde_json::to_vec(&manifest).unwrap();
        for _ in 0..200 {
            self.push_blob(b"{}", None).await;
            self.push_blob(shared, Some(from)).await;
            self.push_blob(&layer, None).await;
            let path = format!("/manifests/{tag}");
            let (status, said) = self.ask(Method::PUT, &path, media_type::OCI_MANIFEST, bytes.clone()).await;
            if status == StatusCode::CREATED {
                return Digest::of(&bytes);
            }
            // Slower than the grace period of this test: begin again.
            assert_eq!(status, StatusCode::BAD_REQUEST, "{}", String::from_utf8_lossy(&said));
        }
        panic!("the registry never takes {tag}");
    }

    async fn pull(&self, reference: &str) {
        let (status, bytes) = self.ask(Method::GET, &format!("/manifests/{reference}"), "", Vec::new()).await;
        assert_eq!(status, StatusCode::OK, "{reference}: {}", String::from_utf8_lossy(&bytes));
        let manifest: oci::manifest::Manifest = serde_json::from_slice(&bytes).unwrap();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            let path = format!("/blobs/{}", blob.digest);
            let (status, bytes) = self.ask(Method::GET, &path, "", Vec::new()).await;
            assert_eq!(status, StatusCode::OK, "{reference}: {}", String::from_utf8_lossy(&bytes));
            assert_eq!(Digest::of(&bytes), blob.digest);
        }
    }
}

async fn open(directory: &TempDir) -> Market {
    let mut config = config_at(directory.path());
    let collect_grace = jiff::SignedDuration::from_secs(1);
    config.settings = Settings { collect_grace, ..config.settings };
    open_when_free(config, Clock::system(), Faults::default()).await
}

async fn pusher(market: &Market, number: usize) -> Pusher {
    let token = secret(market, TokenRole::Publisher("contoso".to_owned())).await;
    let repository = format!("incoming/contoso/app-{number}");
    Pusher { router: market::router(market.clone()), token, repository }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn collections_harm_no_push_mount_or_pull() {
    let directory = TempDir::new().unwrap();
    let mut market = open(&directory).await;
    found(&market).await;
    let shared = vec![7u8; 100_000];
    pusher(&market, 99).await.push(0, &shared, "1.0.0", "incoming/contoso/app-99").await;
    // Twice, and opened again: what was stored in the last minute in the same process is never removed.
    for _ in 0..2 {
        market.close().await;
        drop(market);
        market = open(&directory).await;
        race(&market, &shared).await;
        assert_sound(&market).await;
    }
    market.close().await;
    drop(market);
    let market = open(&directory).await;
    for number in 0..PUSHERS {
        pusher(&market, number).await.pull("latest").await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    collect(&market, false).await;
    let done = collect(&market, false).await;
    assert!(done.left_out.is_empty(), "{done:?}");
    assert_sound(&market).await;
}

async fn race(market: &Market, shared: &[u8]) {
    let over = Arc::new(AtomicBool::new(false));
    let collecting = tokio::spawn({
        let (market, over) = (market.clone(), Arc::clone(&over));
        async move {
            let mut freed = 0;
            while !over.load(Ordering::Relaxed) {
                freed += collect(&market, false).await.freed.manifests;
            }
            freed
        }
    });
    let pulling = tokio::spawn({
        let (stable, over) = (pusher(market, 99).await, Arc::clone(&over));
        async move {
            while !over.load(Ordering::Relaxed) {
                stable.pull("1.0.0").await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    });
    let mut pushing = Vec::new();
    for number in 0..PUSHERS {
        let (pusher, shared) = (pusher(market, number).await, shared.to_vec());
        pushing.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                // The tag moves on, and what it pointed at is unneeded from then on.
                let digest = pusher.push(round, &shared, "latest", "incoming/contoso/app-99").await;
                pusher.pull(&digest.to_string()).await;
            }
        }));
    }
    for push in pushing {
        push.await.unwrap();
    }
    // The last ones have their second.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    over.store(true, Ordering::Relaxed);
    pulling.await.unwrap();
    assert!(collecting.await.unwrap() > 0, "something was collected meanwhile");
}
