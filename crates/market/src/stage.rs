//! Images between the publisher's repository and the marketplace's scopes: their content in the blob store, read as an
//! [`oci::source::Source`], fetched from elsewhere, and walked. What is fetched is verified and content-addressed; it is
//! readable by nobody until a repository names it.

use crate::error::Result;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use oci::client::Repository;
use oci::digest::Digest;
use oci::manifest::{self, CONFIG_BYTES_MAX, Descriptor, Document, MANIFEST_BYTES_MAX};
use oci::source::Source;
use registry::Blobs;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::pin::Pin;
use tokio_util::sync::CancellationToken;

/// Most manifests below the tags of one plan.
const MANIFESTS_MAX: usize = 1_024;
/// Blobs fetched at the same time.
const TRANSFERS: usize = 3;
/// Largest blob in bytes; the image limits of the policy are far below.
const BLOB_BYTES_MAX: u64 = registry::blobs::BLOB_BYTES_MAX;

/// Tags and what they point at, with the content in the blob store.
pub(crate) struct BlobSource {
    pub name: String,
    pub tags: BTreeMap<String, Descriptor>,
    pub blobs: Blobs,
}

impl Source for BlobSource {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn tags(&self) -> Result<Vec<String>, oci::Error> {
        Ok(self.tags.keys().cloned().collect())
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, oci::Error> {
        let wanted = tag_or_digest.unwrap_or("latest");
        let by_digest = || self.tags.values().find(|found| found.digest.to_string() == wanted);
        let found = self.tags.get(wanted).or_else(by_digest);
        found.cloned().ok_or_else(|| oci::Error::NotFound(format!("{}:{wanted}", self.name)))
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        let mut bytes = Vec::new();
        let what = || format!("{} of {}", descriptor.digest, self.name);
        let limit = MANIFEST_BYTES_MAX.max(CONFIG_BYTES_MAX);
        self.blob(descriptor)?.take(limit + 1).read_to_end(&mut bytes).map_err(oci::Error::io(what()))?;
        if bytes.len() as u64 > limit {
            return Err(oci::Error::Limit { what: what(), limit: format!("{limit} bytes") });
        }
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, oci::Error> {
        match self.blobs.open_blocking(&descriptor.digest) {
            Ok(content) => Ok(content),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(oci::Error::NotFound(format!("{} of {}", descriptor.digest, self.name)))
            }
            Err(error) => Err(oci::Error::io(format!("reading {}", descriptor.digest))(error)),
        }
    }
}

/// Where the images of a plan come from.
pub(crate) enum Origin {
    /// This marketplace's own incoming scope: the content is in the blob store already.
    Own(BlobSource),
    /// A registry.
    Registry(Repository),
}

impl Origin {
    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Origin::Own(source) => source.describe(),
            Origin::Registry(repository) => repository.to_string(),
        }
    }

    /// What a tag points at now.
    pub async fn resolve(&self, tag: &str) -> Result<Descriptor, oci::Error> {
        match self {
            Origin::Own(source) => source.resolve(Some(tag)),
            Origin::Registry(repository) => Ok(repository.get_manifest(tag).await?.0),
        }
    }

    /// Every tag that there is.
    pub async fn tags(&self) -> Result<Vec<String>, oci::Error> {
        match self {
            Origin::Own(source) => source.tags(),
            Origin::Registry(repository) => repository.tags().await,
        }
    }

    /// What a tag points at now, with the manifest itself.
    pub async fn read(&self, tag: &str) -> Result<(Descriptor, Bytes), oci::Error> {
        match self {
            Origin::Registry(repository) => repository.get_manifest(tag).await,
            Origin::Own(source) => {
                let descriptor = source.resolve(Some(tag))?;
                let bytes =
                    source.blobs.read(&descriptor.digest, MANIFEST_BYTES_MAX).await.map_err(stored)?;
                let bytes = bytes.ok_or_else(|| missing(&descriptor))?;
                Ok((descriptor, bytes))
            }
        }
    }

    /// An image's config.
    pub async fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, oci::Error> {
        let limit = || oci::Error::Limit {
            what: format!("the config {}", descriptor.digest),
            limit: format!("{CONFIG_BYTES_MAX} bytes"),
        };
        if descriptor.size > CONFIG_BYTES_MAX {
            return Err(limit());
        }
        match self {
            Origin::Own(source) => {
                let bytes = source.blobs.read(&descriptor.digest, CONFIG_BYTES_MAX).await.map_err(stored)?;
                Ok(bytes.ok_or_else(|| missing(descriptor))?.to_vec())
            }
            Origin::Registry(repository) => {
                let mut config = Vec::new();
                let mut parts = Box::pin(repository.get_blob(descriptor));
                while let Some(part) = parts.next().await {
                    config.extend_from_slice(&part?);
                    if config.len() as u64 > CONFIG_BYTES_MAX {
                        return Err(limit());
                    }
                }
                Ok(config)
            }
        }
    }

    async fn manifest(&self, descriptor: &Descriptor) -> Result<Bytes, oci::Error> {
        match self {
            Origin::Own(_) => Err(missing(descriptor)),
            Origin::Registry(repository) => {
                Ok(repository.get_manifest(&descriptor.digest.to_string()).await?.1)
            }
        }
    }

    fn blob(&self, descriptor: &Descriptor) -> Pin<Box<dyn Stream<Item = Result<Bytes, oci::Error>> + Send>> {
        match self {
            Origin::Own(_) => {
                let gone = missing(descriptor);
                Box::pin(stream::iter([Err(gone)]))
            }
            Origin::Registry(repository) => Box::pin(repository.get_blob(descriptor)),
        }
    }
}

/// Everything below some roots.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Manifests and indexes, children before parents, each once.
    pub manifests: Vec<Descriptor>,
    /// Configs and layers, each once; foreign layers, which no registry stores, are left out.
    pub blobs: Vec<Descriptor>,
}

/// Brings what is missing of these roots into the blob store, verified. `progress` gets the bytes dealt with and all.
pub(crate) async fn fetch(
    blobs: &Blobs,
    origin: &Origin,
    roots: &[Descriptor],
    stop: &CancellationToken,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Tree, oci::Error> {
    let tree = walk_with(blobs, roots, Some(origin)).await?;
    let all: u64 = tree.blobs.iter().map(|blob| blob.size).sum();
    let done = std::sync::atomic::AtomicU64::new(0);
    let one = async |blob: Descriptor| -> Result<(), oci::Error> {
        if stop.is_cancelled() {
            return Ok(());
        }
        if blob.size > BLOB_BYTES_MAX {
            let what = format!("blob {} of {} bytes", blob.digest, blob.size);
            return Err(oci::Error::Limit { what, limit: format!("{BLOB_BYTES_MAX} bytes") });
        }
        if !blobs.contains(&blob.digest).await.map_err(stored)? {
            let put = blobs.put(Some(blob.digest), blob.size, origin.blob(&blob));
            let (_, found) = put.await.map_err(stored)?;
            check_size(&blob, found)?;
        }
        let before = done.fetch_add(blob.size, std::sync::atomic::Ordering::Relaxed);
        progress(before + blob.size, all);
        Ok(())
    };
    stream::iter(tree.blobs.clone()).map(one).buffer_unordered(TRANSFERS).try_collect::<Vec<()>>().await?;
    Ok(tree)
}

/// Walks what the blob store holds of these roots; something missing is an error.
pub(crate) async fn walk(blobs: &Blobs, roots: &[Descriptor]) -> Result<Tree> {
    Ok(walk_with(blobs, roots, None).await?)
}

/// Depth first, children before parents; a digest cannot contain itself, so this ends.
async fn walk_with(blobs: &Blobs, roots: &[Descriptor], origin: Option<&Origin>) -> Result<Tree, oci::Error> {
    let mut tree = Tree::default();
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut stack: Vec<(Descriptor, bool)> = roots.iter().rev().map(|root| (root.clone(), false)).collect();
    while let Some((descriptor, left)) = stack.pop() {
        if left {
            tree.manifests.push(descriptor);
            continue;
        }
        if !seen.insert(descriptor.digest) {
            continue;
        }
        if seen.len() > MANIFESTS_MAX * 256 || tree.manifests.len() + stack.len() > MANIFESTS_MAX {
            let what = "the number of manifests below the tags".to_owned();
            return Err(oci::Error::Limit { what, limit: MANIFESTS_MAX.to_string() });
        }
        let bytes = manifest_bytes(blobs, &descriptor, origin).await?;
        let document = manifest::parse(&bytes, Some(&descriptor.media_type))?;
        stack.push((descriptor, true));
        match &document {
            Document::Index(index) => {
                stack.extend(index.manifests.iter().rev().map(|child| (child.clone(), false)));
            }
            Document::Manifest(manifest) => {
                let stays = |layer: &&Descriptor| layer.urls.is_empty();
                for blob in [&manifest.config].into_iter().chain(manifest.layers.iter().filter(stays)) {
                    if seen.insert(blob.digest) {
                        tree.blobs.push(blob.clone());
                    }
                }
            }
        }
    }
    Ok(tree)
}

/// Digests of everything below a root that the blob store holds, as far as the manifests on the way are there.
pub(crate) async fn stored_below(blobs: &Blobs, root: &Descriptor) -> Result<HashSet<String>> {
    let (mut found, mut stack) = (HashSet::new(), vec![root.clone()]);
    while let Some(descriptor) = stack.pop() {
        if !found.insert(descriptor.digest.to_string()) {
            continue;
        }
        let Some(bytes) = blobs.read(&descriptor.digest, MANIFEST_BYTES_MAX).await? else { continue };
        match manifest::parse(&bytes, Some(&descriptor.media_type))? {
            Document::Index(index) => stack.extend(index.manifests),
            Document::Manifest(manifest) => {
                let blobs = [manifest.config].into_iter().chain(manifest.layers);
                found.extend(blobs.map(|blob| blob.digest.to_string()));
            }
        }
    }
    Ok(found)
}

async fn manifest_bytes(
    blobs: &Blobs,
    descriptor: &Descriptor,
    origin: Option<&Origin>,
) -> Result<Bytes, oci::Error> {
    if origin.is_some() {
        blobs.hold(&descriptor.digest).await;
    }
    if let Some(bytes) = blobs.read(&descriptor.digest, MANIFEST_BYTES_MAX).await.map_err(stored)? {
        return Ok(bytes);
    }
    let Some(origin) = origin else { return Err(missing(descriptor)) };
    let bytes = origin.manifest(descriptor).await?;
    check_size(descriptor, bytes.len() as u64)?;
    let once = stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
    blobs.put(Some(descriptor.digest), MANIFEST_BYTES_MAX, once).await.map_err(stored)?;
    Ok(bytes)
}

fn missing(descriptor: &Descriptor) -> oci::Error {
    oci::Error::NotFound(format!("the content {}", descriptor.digest))
}

fn check_size(descriptor: &Descriptor, found: u64) -> Result<(), oci::Error> {
    if found == descriptor.size {
        return Ok(());
    }
    let what = descriptor.digest.to_string();
    Err(oci::Error::SizeMismatch { what, expected: descriptor.size, found })
}

/// An error of the blob store in the terms of images: wrong content is the publisher's, the rest is ours.
fn stored(error: registry::blobs::Error) -> oci::Error {
    match error {
        registry::blobs::Error::DigestMismatch { expected, found } => {
            oci::Error::DigestMismatch { what: "a blob of the image".to_owned(), expected, found }
        }
        registry::blobs::Error::TooLarge { limit } => {
            oci::Error::Limit { what: "a blob of the image".to_owned(), limit: format!("{limit} bytes") }
        }
        registry::blobs::Error::Io { operation, source, .. } => {
            oci::Error::Io { what: format!("storing an image: {operation}"), source }
        }
        away @ registry::blobs::Error::Remote { .. } => oci::Error::Unreachable {
            registry: "the marketplace's object store".to_owned(),
            cause: away.to_string(),
        },
        other => oci::Error::Unreachable {
            registry: "the image's repository".to_owned(),
            cause: other.to_string(),
        },
    }
}

/// Whether trying again may help: the network, the disk, a registry that is away or overloaded.
pub(crate) fn may_pass(error: &oci::Error) -> bool {
    match error {
        oci::Error::Io { .. } | oci::Error::Unreachable { .. } => true,
        oci::Error::Refused { status, .. } => *status >= 500 || *status == 429,
        _ => false,
    }
}
