//! The suite that every back end of the blob store passes, and the back ends that it runs on: a directory, memory, S3 (the
//! server of the crates `s3s` and `s3s-fs`, which checks signatures) and Azure Blob (Azurite, from npm).

mod azurite;
mod s3;
mod suite;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use object_store::{ObjectStoreExt, memory::InMemory, path::Path as Key};
use oci::digest::Digest;
use registry::{Blobs, blobs::ObjectStore};
use std::sync::Arc;
use tempfile::TempDir;

/// A back end, and how to get at it behind the store's back.
pub struct Place {
    /// Spool, and all of it for a directory.
    dir: TempDir,
    kind: Kind,
}

enum Kind {
    Directory,
    Remote {
        /// What of it a program that starts again would connect to; memory has nothing of that kind.
        settings: Option<ObjectStore>,
        raw: Arc<dyn object_store::ObjectStore>,
    },
}

impl Place {
    /// As a program does that starts.
    async fn open(&self) -> Blobs {
        match &self.kind {
            Kind::Directory => Blobs::open(self.dir.path()).unwrap(),
            Kind::Remote { settings: Some(settings), .. } => {
                Blobs::connect(self.dir.path(), settings).await.unwrap()
            }
            Kind::Remote { settings: None, raw } => Blobs::over(self.dir.path(), Arc::clone(raw)).unwrap(),
        }
    }

    /// Puts something else where a blob lies.
    fn damage<'a>(&'a self, digest: &'a Digest, content: &'a [u8]) -> BoxFuture<'a, ()> {
        let path = format!("blobs/{}/{}/{}", digest.algorithm(), &digest.hex()[..2], digest.hex());
        Box::pin(async move {
            match &self.kind {
                Kind::Directory => std::fs::write(self.dir.path().join(path), content).unwrap(),
                Kind::Remote { settings, raw } => {
                    let prefix = settings.as_ref().and_then(|s| s.prefix.clone());
                    let key = prefix.map_or(path.clone(), |prefix| format!("{prefix}/{path}"));
                    raw.put(&Key::from(key), Bytes::copy_from_slice(content).into()).await.map(drop).unwrap();
                }
            }
        })
    }

    /// Whether links lead to its blobs.
    fn has_links(&self) -> bool {
        matches!(&self.kind, Kind::Remote { settings: Some(settings), .. } if settings.redirect)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_conforms() {
    suite::run(&Place { dir: tempfile::tempdir().unwrap(), kind: Kind::Directory }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    let kind = Kind::Remote { settings: None, raw: Arc::new(InMemory::new()) };
    suite::run(&Place { dir: tempfile::tempdir().unwrap(), kind }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_conforms() {
    let server = s3::Server::start().await;
    suite::run(&server.place(None, true)).await;
    suite::run(&server.place(Some("market/west"), false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_conforms() {
    let server = azurite::Server::start().await;
    suite::run(&server.place(Some("market"), true)).await;
    let Kind::Remote { settings: Some(settings), .. } = server.place(None, false).kind else {
        unreachable!()
    };
    refused(ObjectStore { bucket: "nowhere".to_owned(), ..settings }, azurite::KEY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_used_is_named_and_the_secret_is_not() {
    let server = s3::Server::start().await;
    let settings = server.settings(None, false);
    let guessed = Some(registry::blobs::Secret::new("guessed".to_owned()));
    refused(ObjectStore { secret: guessed, ..settings.clone() }, "guessed").await;
    refused(ObjectStore { endpoint: Some("not a URL".to_owned()), ..settings }, s3::SECRET).await;
}

async fn refused(place: ObjectStore, secret: &str) {
    let dir = tempfile::tempdir().unwrap();
    let error = Blobs::connect(dir.path(), &place).await.err().expect("it cannot be used");
    let text = format!("{error} {error:?} {place:?}");
    assert!(text.contains(&place.bucket), "{text}");
    assert!(!text.contains(secret), "{text}");
    assert!(error.hint().contains("credentials"), "{}", error.hint());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_waits_for_a_store_that_is_away() {
    use crate::support::{Registry, failure, header};
    use reqwest::{Method, StatusCode};
    let mut server = s3::Server::start().await;
    let place = server.place(None, false);
    let registry = Registry::over(place.open().await).await;
    let held = registry.push_blob("acme/app", b"from before").await;
    server.stop();
    let upload = registry.begin("acme/app").await;
    let sent = registry.acme(Method::PATCH, &upload).body("a layer").send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::ACCEPTED, "what is sent is spooled here");
    let finish = format!("{upload}?digest={}", Digest::of(b"a layer"));
    let refused = registry.acme(Method::PUT, &finish).send().await.unwrap();
    assert_eq!(failure(refused).await, (503, "UNKNOWN".to_owned()));
    let refused = registry.get(&format!("/v2/acme/app/blobs/{held}")).await;
    assert_eq!(failure(refused).await, (503, "UNKNOWN".to_owned()));
    server.start_again().await;
    let status = registry.get(&upload).await;
    assert_eq!(header(&status, "range"), "0-6");
    let stored = registry.acme(Method::PUT, &finish).send().await.unwrap();
    assert_eq!(stored.status(), StatusCode::CREATED);
    let read = registry.get(&format!("/v2/acme/app/blobs/{}", Digest::of(b"a layer"))).await;
    assert_eq!(read.bytes().await.unwrap(), "a layer");
}
