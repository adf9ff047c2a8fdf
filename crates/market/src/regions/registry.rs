//! A region that is an OCI registry, whoever made it (Harbor, `docker-registry`, a cloud's): content by digest first,
//! tags one after another, since the protocol can move only one at a time. It knows no submissions.
//!
//! Everything is asked for before it is sent and again afterwards; what the region answers counts, not what we
//! remember. So a repetition heals what the region lost meanwhile, and sends nothing when it lost nothing.

use super::meter::{Meter, Share};
use super::sending::{PIECE_BYTES, body, keep};
use super::{Content, Place, Region, Supply, lost};
use crate::error::{Error, Kind, Result};
use crate::store::{self, regions};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::client::{Client, ClientOptions, Credentials, PieceUpload, Repository, UploadPlace};
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, MANIFEST_BYTES_MAX};
use offer::tags::Tag;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Blobs of one submission that are looked at at once; how many are sent at once is the region's limit.
const BLOBS: usize = 32;
/// Small requests at once: questions when a region is verified, and statements.
const QUESTIONS: usize = 8;
/// Repositories that are looked through for one that holds a blob already.
const HOLDERS_MAX: i64 = 100;
/// How long a transfer that is told to stop may finish its current piece.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// A registry as a region.
pub(super) struct RegistryRegion {
    place: Place,
    client: Client,
    /// What comes before the repository names: empty, or a path that ends with `/`.
    prefix: String,
    supply: Supply,
}

impl RegistryRegion {
    /// The registry at this place. Plain http is spoken to loopback addresses, and where the operator wrote `http://`.
    pub fn new(
        place: Place,
        http: reqwest::Client,
        credentials: Option<Credentials>,
        supply: Supply,
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
        Ok(RegistryRegion { place, client, prefix, supply })
    }

    /// The region's name and address.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn repository(&self, name: &str) -> Result<Repository> {
        let name = format!("{}{name}", self.prefix);
        self.client.repository(&name).map_err(|error| self.place.failed(&error))
    }

    async fn fill(&self, content: &[Content], meter: &Meter, stop: &CancellationToken) -> Result<()> {
        // Plans and offers share layers: the registry takes those from the repository that has them already.
        let held: HashSet<String> = {
            let mut c = self.supply.market.store.read().await?;
            regions::held(&mut c, &self.place.name).await?.into_iter().collect()
        };
        let mut holders: HashMap<Digest, String> = HashMap::new();
        for part in content {
            let repository = self.repository(&part.repository)?;
            let mut transfers = Vec::new();
            // The largest first: whatever is sent last, alone, is the shorter for it.
            let mut blobs: Vec<&Descriptor> = part.blobs.iter().collect();
            blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
            for blob in blobs {
                let from = match holders.get(&blob.digest) {
                    Some(name) => Some(name.clone()),
                    None => self.holder(&blob.digest, &part.repository, &held).await?,
                };
                let from = from.map(|name| format!("{}{name}", self.prefix));
                transfers.push(self.send_blob(&repository, blob, from, meter.share(blob.size), stop));
            }
            stream::iter(transfers).buffer_unordered(BLOBS).try_collect::<Vec<()>>().await?;
            for blob in &part.blobs {
                holders.entry(blob.digest).or_insert_with(|| part.repository.clone());
            }
            // Images before the indexes that name them; what only refers to them waits for nothing else.
            let (mut referring, mut attached) = (Vec::new(), Vec::new());
            for manifest in &part.manifests {
                let bytes = self.manifest(manifest).await?;
                let refers =
                    manifest::referring(manifest, &bytes).map_err(|error| self.place.failed(&error))?;
                match refers {
                    Some(refers) => {
                        referring.push(refers);
                        attached.push(self.send_manifest(&repository, manifest, bytes, meter));
                    }
                    None => self.send_manifest(&repository, manifest, bytes, meter).await?,
                }
            }
            stream::iter(attached).buffer_unordered(QUESTIONS).try_collect::<Vec<()>>().await?;
            repository.list_referrers(&referring).await.map_err(|error| self.place.failed(&error))?;
        }
        for part in content {
            self.verify(part).await?;
        }
        Ok(())
    }

    /// A public repository, other than this one, of an offer that the region holds, which holds the blob at home. When the
    /// region does not have it there after all, a mount becomes an upload.
    async fn holder(&self, digest: &Digest, not: &str, held: &HashSet<String>) -> Result<Option<String>> {
        if held.is_empty() {
            return Ok(None);
        }
        let mut c = self.supply.market.store.read().await?;
        for name in store::registry::holders(&mut c, &digest.to_string(), HOLDERS_MAX).await? {
            let offer = name.rsplit_once('/').map(|(offer, _)| offer);
            if name != not
                && offer.is_some_and(|offer| held.contains(offer))
                && store::registry::audience(&mut c, &name).await?.is_empty()
            {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    async fn send_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: Option<String>,
        share: Share,
        stop: &CancellationToken,
    ) -> Result<()> {
        let _turn = self.supply.lane.transfer().await?;
        if stop.is_cancelled() {
            return Err(self.place.stopped());
        }
        let digest = blob.digest.to_string();
        let key = (self.place.name.as_str(), repository.name(), digest.as_str());
        let begun = regions::upload(&mut *self.supply.market.store.read().await?, key).await?;
        let begun =
            begun.map(|(location, sent)| UploadPlace { location, offset: sent.try_into().unwrap_or(0) });
        let stop = stop.clone();
        let upload = PieceUpload {
            open: body(&self.supply, blob, share.clone()),
            piece_bytes: PIECE_BYTES,
            begun,
            keep: keep(&self.supply, &self.place.name, repository.name(), digest.clone(), blob.size),
            goes_on: Arc::new(move || !stop.is_cancelled()),
        };
        let pushed = repository.push_blob_in_pieces(blob, &upload, from.as_deref()).await;
        let Some(how) = pushed.map_err(|error| self.place.failed(&error))? else {
            return Err(self.place.stopped());
        };
        tracing::debug!(region = self.place.name, blob = %blob.digest, ?how, "a blob is there");
        share.finish();
        Ok(())
    }

    async fn send_manifest(
        &self,
        repository: &Repository,
        manifest: &Descriptor,
        bytes: Bytes,
        meter: &Meter,
    ) -> Result<()> {
        let digest = manifest.digest.to_string();
        let there = repository.head_manifest(&digest).await.map_err(|error| self.place.failed(&error))?;
        if there.is_none() {
            let pushed = repository.push_manifest(&digest, &manifest.media_type, &bytes).await;
            pushed.map_err(|error| self.place.failed(&error))?;
        }
        meter.share(manifest.size).finish();
        Ok(())
    }

    /// A manifest's bytes, of our own store.
    async fn manifest(&self, manifest: &Descriptor) -> Result<Bytes> {
        let bytes = self.supply.market.blobs.read(&manifest.digest, MANIFEST_BYTES_MAX).await?;
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
        pushed.map_err(|error| {
            let failed = self.place.failed(&error);
            // It took this manifest by its digest before: what it names may have been collected since, as no tag led to it.
            match error {
                oci::Error::NotFound(_) | oci::Error::Refused { status: 400..=499, .. } => {
                    Error { kind: Kind::Conflict, ..failed }
                }
                _ => failed,
            }
        })?;
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
    /// Stops at the end of a piece, or after a few seconds: what was sent until then need not be sent again.
    fn ensure<'a>(
        &'a self,
        content: &'a [Content],
        progress: &'a (dyn Fn(u64) + Send + Sync),
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (meter, mut seen) = Meter::new();
            let mut work = std::pin::pin!(self.fill(content, &meter, stop));
            let overdue = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_WAIT).await;
            };
            let mut overdue = std::pin::pin!(overdue);
            loop {
                tokio::select! {
                    biased;
                    () = &mut overdue => return Err(self.place.stopped()),
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
