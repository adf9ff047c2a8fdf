//! Copying an image, with everything that its index names, from any source into a repository.

use super::push::{BlobBody, BlobPush, ByteStream};
use super::{Repository, pull::is_manifest};
use crate::Error;
use crate::manifest::{self, Descriptor, Document};
use crate::source::Source;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Blobs that are uploaded at once.
const UPLOADS_AT_ONCE: usize = 3;

/// Size of the pieces in which a blob is read, and how many may wait to be sent.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_AHEAD: usize = 4;

/// Most manifests of one copy.
const MANIFESTS_MAX: usize = 1_024;

/// What a copy has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyEvent {
    /// What there is to do: distinct blobs and their bytes.
    Planned {
        /// Number of distinct blobs.
        blobs: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// So many bytes more were sent. (A repeated upload counts again.)
    Sent(u64),
    /// So many bytes of a blob were there from a copy that was broken off, and are not sent again.
    Resumed(u64),
    /// A blob is there.
    Blob(Descriptor, BlobPush),
    /// A manifest or index is there.
    Manifest(Descriptor),
}

/// Is told what happens; must be quick.
pub type CopyProgress = Arc<dyn Fn(CopyEvent) + Send + Sync>;

/// Copies `root` and all that it names, then points `tags` at it. Manifests that the repository has already are taken
/// to be whole there and not walked. Blobs are verified by the receiving registry.
pub async fn copy(
    source: Arc<dyn Source>,
    root: &Descriptor,
    to: &Repository,
    tags: &[&str],
    mount_from: Option<&str>,
    progress: CopyProgress,
) -> Result<(), Error> {
    check_root(root)?;
    let mut pending = vec![root.clone()];
    let mut manifests: Vec<(Descriptor, Vec<u8>)> = Vec::new();
    let mut blobs: Vec<Descriptor> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(descriptor) = pending.pop() {
        if !seen.insert(descriptor.digest) {
            continue;
        }
        if !is_manifest(&descriptor.media_type) {
            blobs.push(descriptor);
            continue;
        }
        if manifests.len() >= MANIFESTS_MAX {
            let what = format!("number of manifests below {}", root.digest);
            return Err(Error::Limit { what, limit: MANIFESTS_MAX.to_string() });
        }
        let bytes = read_manifest(&source, &descriptor).await?;
        let there = to.head_manifest(&descriptor.digest.to_string()).await?.is_some();
        if !there {
            let document = manifest::parse(&bytes, Some(&descriptor.media_type))?;
            if let Document::Manifest(manifest) = &document
                && let Some(layer) = manifest.layers.iter().find(|layer| !layer.urls.is_empty())
            {
                return Err(Error::Unsupported(format!("foreign layer {}", layer.digest)));
            }
            pending.extend(document.children().into_iter().cloned());
        }
        manifests.push((descriptor, bytes));
    }
    progress(CopyEvent::Planned { blobs: blobs.len(), bytes: blobs.iter().map(|blob| blob.size).sum() });
    futures_util::stream::iter(blobs.into_iter().map(|blob| {
        let (source, progress) = (source.clone(), progress.clone());
        async move {
            let body = body_of(source, blob.clone(), progress.clone());
            let how = to.push_blob(&blob, &body, mount_from).await?;
            progress(CopyEvent::Blob(blob, how));
            Ok::<(), Error>(())
        }
    }))
    .buffer_unordered(UPLOADS_AT_ONCE)
    .try_collect::<()>()
    .await?;
    push_manifests(to, manifests, tags, &progress).await
}

/// What is named goes before what names it: parents were read before their children.
async fn push_manifests(
    to: &Repository,
    manifests: Vec<(Descriptor, Vec<u8>)>,
    tags: &[&str],
    progress: &CopyProgress,
) -> Result<(), Error> {
    let order = children_first(&manifests)?;
    for position in order {
        let (descriptor, bytes) = &manifests[position];
        to.push_manifest(&descriptor.digest.to_string(), &descriptor.media_type, bytes).await?;
        progress(CopyEvent::Manifest(descriptor.clone()));
    }
    if let Some((root, bytes)) = manifests.first() {
        for tag in tags {
            to.push_manifest(tag, &root.media_type, bytes).await?;
        }
    }
    Ok(())
}

/// Positions in an order in which each manifest comes after those it names.
fn children_first(manifests: &[(Descriptor, Vec<u8>)]) -> Result<Vec<usize>, Error> {
    let mut names = Vec::new();
    for (descriptor, bytes) in manifests {
        let document = manifest::parse(bytes, Some(&descriptor.media_type))?;
        let digests: HashSet<_> = document.children().into_iter().map(|child| child.digest).collect();
        names.push(digests);
    }
    let mut order: Vec<usize> = Vec::new();
    let mut left: Vec<usize> = (0..manifests.len()).collect();
    while !left.is_empty() {
        let (ready, waiting): (Vec<usize>, Vec<usize>) = left
            .iter()
            .partition(|at| !left.iter().any(|other| names[**at].contains(&manifests[*other].0.digest)));
        if ready.is_empty() {
            return Err(Error::Malformed {
                what: "index".to_owned(),
                cause: "it contains itself".to_owned(),
            });
        }
        order.extend(ready);
        left = waiting;
    }
    Ok(order)
}

async fn read_manifest(source: &Arc<dyn Source>, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    let (source, descriptor) = (source.clone(), descriptor.clone());
    tokio::task::spawn_blocking(move || source.manifest(&descriptor))
        .await
        .map_err(|error| Error::io("reading a manifest")(io::Error::other(error)))?
}

fn body_of(source: Arc<dyn Source>, descriptor: Descriptor, progress: CopyProgress) -> BlobBody {
    BlobBody::Stream(Arc::new(move || {
        let (source, descriptor, progress) = (source.clone(), descriptor.clone(), progress.clone());
        Box::pin(async move {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            tokio::task::spawn_blocking(move || read_pieces(&*source, &descriptor, &sender));
            let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|piece| (piece, receiver))
            });
            let counted =
                stream.inspect_ok(move |piece: &Bytes| progress(CopyEvent::Sent(piece.len() as u64)));
            Ok(Box::pin(counted) as ByteStream)
        })
    }))
}

fn read_pieces(source: &dyn Source, descriptor: &Descriptor, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let mut raw = match source.blob(descriptor) {
        Ok(raw) => raw,
        Err(error) => return drop(sender.blocking_send(Err(error.into()))),
    };
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match raw.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => return,
            Ok(_) if sender.blocking_send(Ok(piece.into())).is_err() => return,
            Ok(_) => {}
            Err(error) => return drop(sender.blocking_send(Err(error))),
        }
    }
}

/// That what an image is to be copied from is a manifest or an index. A layout may name anything, and a blob that is
/// copied as one is nothing that could be pulled again.
pub(crate) fn check_root(root: &Descriptor) -> Result<(), Error> {
    if is_manifest(&root.media_type) {
        return Ok(());
    }
    let media_type: String = root.media_type.chars().take(100).collect();
    Err(Error::Unsupported(format!(
        "{} with media type {media_type:?}, which is neither image nor index,",
        root.digest
    )))
}
