//! A region that is an OCI registry, whoever made it (Harbor, `docker-registry`, a cloud's): content by digest first,
//! tags one after another, since the protocol can move only one at a time. It knows no submissions.
//!
//! Everything is asked for before it is sent and again afterwards; what the region answers counts, not what we
//! remember. So a repetition heals what the region lost meanwhile, and sends nothing when it lost nothing.

use super::meter::{Meter, Share};
use super::{Content, Place, Region};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::client::{BlobBody, ByteStream, Client, ClientOptions, Credentials, Repository};
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, MANIFEST_BYTES_MAX};
use offer::tags::Tag;
use registry::Blobs;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Blobs that are sent at once: enough to fill a line while a registry digests, few enough to leave it to others too.
const TRANSFERS: usize = 3;
/// Questions that are asked at once when a region is verified; they are small.
const QUESTIONS: usize = 8;

/// A registry as a region.
pub(super) struct RegistryRegion {
    place: Place,
    client: Client,
    /// What comes before the repository names: empty, or a path that ends with `/`.
    prefix: String,
    blobs: Blobs,
}

impl RegistryRegion {
    /// The registry at this place. Plain http is spoken to loopback addresses, and where the operator wrote `http://`.
    pub fn new(
        place: Place,
        http: reqwest::Client,
        credentials: Option<Credentials>,
        blobs: Blobs,
    ) -> Result<RegistryRegion> {
        let options = ClientOptions {
            credentials,
            allow_http: place.url.scheme() == "http",
            ..ClientOptions::default()
        };
        let host = place.url.host_str().unwrap_or_default();
        let authority = match place.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let client = Client::new(http, &authority, options).map_err(|error| place.failed(&error))?;
        let prefix = match place.url.path().trim_matches('/') {
            "" => String::new(),
            path => format!("{path}/"),
        };
        Ok(RegistryRegion { place, client, prefix, blobs })
    }

    /// The region's name and address.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn repository(&self, name: &str) -> Result<Repository> {
        let name = format!("{}{name}", self.prefix);
        self.client.repository(&name).map_err(|error| self.place.failed(&error))
    }

    async fn fill(&self, content: &[Content], meter: &Meter) -> Result<()> {
        // Plans of one offer share layers: the registry takes those from the repository that has them already.
        let mut holders: HashMap<Digest, String> = HashMap::new();
        for part in content {
            let repository = self.repository(&part.repository)?;
            let mut transfers = Vec::new();
            for blob in &part.blobs {
                let from = holders.get(&blob.digest).cloned();
                transfers.push(self.send_blob(&repository, blob, from, meter.share(blob.size)));
            }
            stream::iter(transfers).buffer_unordered(TRANSFERS).try_collect::<Vec<()>>().await?;
            for blob in &part.blobs {
                holders.entry(blob.digest).or_insert_with(|| repository.name().to_owned());
            }
            let mut referring = Vec::new();
            for manifest in &part.manifests {
                let bytes = self.manifest(manifest).await?;
                self.send_manifest(&repository, manifest, &bytes).await?;
                meter.share(manifest.size).finish();
                referring.extend(
                    manifest::referring(manifest, &bytes).map_err(|error| self.place.failed(&error))?,
                );
            }
            repository.list_referrers(&referring).await.map_err(|error| self.place.failed(&error))?;
        }
        for part in content {
            self.verify(part).await?;
        }
        Ok(())
    }

    async fn send_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: Option<String>,
        share: Share,
    ) -> Result<()> {
        let body = body(self.blobs.clone(), blob.clone(), share.clone());
        let pushed = repository.push_blob(blob, &body, from.as_deref()).await;
        let how = pushed.map_err(|error| self.place.failed(&error))?;
        tracing::debug!(region = self.place.name, blob = %blob.digest, ?how, "a blob is there");
        share.finish();
        Ok(())
    }

    async fn send_manifest(
        &self,
        repository: &Repository,
        manifest: &Descriptor,
        bytes: &Bytes,
    ) -> Result<()> {
        let digest = manifest.digest.to_string();
        let there = repository.head_manifest(&digest).await.map_err(|error| self.place.failed(&error))?;
        if there.is_none() {
            let pushed = repository.push_manifest(&digest, &manifest.media_type, bytes).await;
            pushed.map_err(|error| self.place.failed(&error))?;
        }
        Ok(())
    }

    /// A manifest's bytes, of our own store.
    async fn manifest(&self, manifest: &Descriptor) -> Result<Bytes> {
        let bytes = self.blobs.read(&manifest.digest, MANIFEST_BYTES_MAX).await?;
        bytes.ok_or_else(|| Error::internal(lost(&manifest.digest)))
    }

    async fn verify(&self, part: &Content) -> Result<()> {
        let repository = self.repository(&part.repository)?;
        let blobs = part.blobs.iter().map(|blob| self.verify_one(&repository, blob, true));
        let manifests = part.manifests.iter().map(|manifest| self.verify_one(&repository, manifest, false));
        let questions: Vec<_> = blobs.chain(manifests).collect();
        stream::iter(questions).buffer_unordered(QUESTIONS).try_collect::<Vec<()>>().await.map(drop)
    }

    async fn verify_one(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        is_blob: bool,
    ) -> Result<()> {
        let what = if is_blob { "blob" } else { "manifest" };
        let found = match is_blob {
            true => repository.blob_size(descriptor.digest).await,
            false => {
                let found = repository.head_manifest(&descriptor.digest.to_string()).await;
                found.map(|found| found.map(|found| found.size))
            }
        };
        match found.map_err(|error| self.place.failed(&error))? {
            Some(size) if size == descriptor.size => Ok(()),
            Some(size) => Err(self.place.refused(
                format!(
                    "holds the {what} {} of {repository} with {size} bytes, but it has {}",
                    descriptor.digest, descriptor.size
                ),
                "the region's storage is damaged: remove the content there, and replication sends it again",
            )),
            None => Err(self.place.refused(
                format!("took the {what} {} of {repository}, but does not hold it", descriptor.digest),
                "look into the region's log and its storage; replication is repeated and sends what is missing",
            )),
        }
    }

    async fn move_one(&self, pointer: &Pointer<'_>) -> Result<()> {
        let repository = self.repository(pointer.repository)?;
        let points_right = async || -> Result<bool> {
            let found = repository.head_manifest(pointer.tag).await;
            let found = found.map_err(|error| self.place.failed(&error))?;
            Ok(found.is_some_and(|found| found.digest == pointer.manifest.digest))
        };
        if points_right().await? {
            return Ok(());
        }
        let bytes = self.manifest(pointer.manifest).await?;
        let pushed = repository.push_manifest(pointer.tag, &pointer.manifest.media_type, &bytes).await;
        pushed.map_err(|error| self.place.failed(&error))?;
        if points_right().await? {
            return Ok(());
        }
        Err(self.place.refused(
            format!("did not point the tag {} of {repository} at {}", pointer.tag, pointer.manifest.digest),
            "see whether somebody else moves this tag there, or the region forbids to move tags",
        ))
    }
}

impl Region for RegistryRegion {
    /// Stops at once: a registry shows nothing of an upload before its end.
    fn ensure<'a>(
        &'a self,
        content: &'a [Content],
        progress: &'a (dyn Fn(u64) + Send + Sync),
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (meter, mut seen) = Meter::new();
            let mut work = std::pin::pin!(self.fill(content, &meter));
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Err(self.place.stopped()),
                    result = &mut work => {
                        progress(*seen.borrow_and_update());
                        return result;
                    }
                    Ok(()) = seen.changed() => progress(*seen.borrow_and_update()),
                }
            }
        })
    }

    fn move_tags<'a>(&'a self, content: &'a [Content]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for pointer in pointers(content)? {
                self.move_one(&pointer).await?;
            }
            Ok(())
        })
    }
}

/// Where a tag is to point.
struct Pointer<'a> {
    repository: &'a str,
    tag: &'a str,
    manifest: &'a Descriptor,
}

/// All tags in the order in which they move: whoever sees a rolling tag or `latest` at a version finds its version tag.
fn pointers(content: &[Content]) -> Result<Vec<Pointer<'_>>> {
    let mut pointers = Vec::new();
    for part in content {
        let manifests: HashMap<Digest, &Descriptor> =
            part.manifests.iter().map(|manifest| (manifest.digest, manifest)).collect();
        for (tag, digest) in &part.tags {
            let manifest = manifests.get(digest).ok_or_else(|| {
                Error::internal(format!(
                    "the tag {tag} of {} points at {digest}, which is not replicated",
                    part.repository
                ))
            })?;
            pointers.push(Pointer { repository: &part.repository, tag, manifest });
        }
    }
    pointers.sort_by_key(|pointer| (turn(pointer.tag), pointer.repository, pointer.tag));
    Ok(pointers)
}

/// When a tag has its turn.
fn turn(tag: &str) -> u8 {
    match tag.parse::<Tag>() {
        Ok(Tag::Version(_)) => 0,
        Ok(Tag::Platform { .. }) | Err(_) => 1,
        Ok(Tag::Rolling { .. }) => 2,
        Ok(Tag::Latest) => 3,
    }
}

/// A blob of our own store, as often as it is asked for.
fn body(blobs: Blobs, blob: Descriptor, share: Share) -> BlobBody {
    BlobBody::Stream(Arc::new(move || {
        let (blobs, blob, share) = (blobs.clone(), blob.clone(), share.clone());
        Box::pin(async move {
            let opened = blobs.get(&blob.digest).await.map_err(io::Error::other);
            let found = opened.and_then(|found| {
                let missing = || io::Error::new(io::ErrorKind::NotFound, lost(&blob.digest));
                found.ok_or_else(missing)
            });
            let found = found.map_err(oci::Error::io("reading the marketplace's own store"))?;
            let (size, mut position) = (found.size(), 0);
            let pieces = found.read(0..size).inspect_ok(move |piece| {
                position += piece.len() as u64;
                share.reached(position);
            });
            Ok(Box::pin(pieces) as ByteStream)
        })
    }))
}

fn lost(digest: &Digest) -> String {
    format!("the content {digest}, which the records name, is not in the blob store")
}
