//! The archive of an export, put together while it is sent: a tar (POSIX ustar, with GNU's long names) whose first entries say what it is
//! and who states it. The same export gives the same bytes.

use crate::access::{self, Actor, Operation};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::exports::ExportRow;
use bytes::Bytes;
use certify::trust::export::{EXPORT, EXPORT_TAG, Export};
use futures_util::stream::{self, BoxStream, StreamExt};
use oci::digest::Digest;
use oci::manifest::{Descriptor, Index, MANIFEST_BYTES_MAX, Manifest, media_type};
use oci::source::layout::REF_NAME;
use oci::trust::{BUNDLE_BYTES_MAX, BUNDLE_TYPE, Bundle};
use registry::Blobs;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Content of the file `oci-layout`.
const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// A tar's entries fill whole blocks.
const BLOCK_BYTES: u64 = 512;

/// Bytes of a tar.
pub type Archive = BoxStream<'static, io::Result<Bytes>>;

/// What an entry holds.
enum Entry {
    Bytes(String, Vec<u8>),
    Blob(Digest, u64),
}

impl Market {
    /// The archive of an export, with its length in bytes. Operators only.
    ///
    /// # Errors
    /// Content of it is not here any more: what was exported has been replaced meanwhile.
    pub async fn export_archive(&self, actor: &Actor, id: &str) -> Result<(Archive, u64)> {
        access::permit(actor, Operation::Administer)?;
        let row = self.export_row(id).await?;
        let (export, [statement, bundle]) = self.statement_of(&row).await?;
        let base = match &export.base {
            Some(base) => self.stated(base).await?.content,
            None => Vec::new(),
        };
        let base: BTreeSet<Digest> = base.into_iter().map(|content| content.digest).collect();
        let root = self.small(&row.root, MANIFEST_BYTES_MAX).await?;
        let index: Index = serde_json::from_slice(&root).map_err(Error::internal)?;
        let root = Descriptor::of(media_type::OCI_INDEX, &root);
        let mut entries = vec![Entry::Bytes("oci-layout".to_owned(), OCI_LAYOUT.to_vec())];
        let index = index_json(&root, &statement, &index, &base)?;
        entries.push(Entry::Bytes("index.json".to_owned(), index));
        let empty = Descriptor::of(media_type::OCI_EMPTY, b"{}");
        let mut written = BTreeSet::new();
        for head in [&root, &statement, &bundle, &empty] {
            written.insert(head.digest);
            entries.push(Entry::Blob(head.digest, head.size));
        }
        for content in export.content.iter().filter(|content| !base.contains(&content.digest)) {
            if written.insert(content.digest) {
                entries.push(Entry::Blob(content.digest, content.size));
            }
        }
        for entry in &entries {
            if let Entry::Blob(digest, size) = entry
                && self.blobs.size(digest).await? != Some(*size)
            {
                return Err(Error::conflict(
                    format!("the content {digest} of the export {id:.60} is not here any more"),
                    "export again",
                ));
            }
        }
        let length = entries.iter().map(length).sum::<u64>() + 2 * BLOCK_BYTES;
        let blobs = self.blobs.clone();
        let parts = stream::iter(entries).then(move |entry| part(blobs.clone(), entry)).flatten();
        let end = stream::iter([Ok(Bytes::from_static(&[0; 1_024]))]);
        Ok((parts.chain(end).boxed(), length))
    }

    /// What an export states, and the referrer and bundle that state it.
    pub(super) async fn statement_of(&self, row: &ExportRow) -> Result<(Export, [Descriptor; 2])> {
        let bytes = self.small(&row.statement, MANIFEST_BYTES_MAX).await?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        let statement = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
        let [bundle] = &manifest.layers[..] else {
            return Err(Error::internal("a statement without its bundle"));
        };
        let bytes = self.small(&bundle.digest.to_string(), BUNDLE_BYTES_MAX).await?;
        let payload =
            Bundle::parse(&bytes).ok().and_then(|found| found.envelope().and_then(|one| one.payload()));
        let payload = payload.ok_or_else(|| Error::internal("a statement that is none"))?;
        Ok((Export::parse(&payload).map_err(Error::internal)?, [statement, bundle.clone()]))
    }

    async fn small(&self, digest: &str, bytes_max: u64) -> Result<Bytes> {
        let digest = digest.parse().map_err(Error::internal)?;
        let bytes = self.blobs.read(&digest, bytes_max).await?;
        bytes.ok_or_else(|| Error::internal(format!("the content {digest} is not in the blob store")))
    }
}

/// The layout's own index: the whole, its statement, and of the whole what is in the archive, so that every tool finds it.
fn index_json(
    root: &Descriptor,
    statement: &Descriptor,
    whole: &Index,
    base: &BTreeSet<Digest>,
) -> Result<Vec<u8>> {
    let mut first = root.clone();
    first.artifact_type = Some(EXPORT.to_owned());
    first.annotations.insert(REF_NAME.to_owned(), EXPORT_TAG.to_owned());
    let mut second = statement.clone();
    second.artifact_type = Some(BUNDLE_TYPE.to_owned());
    let there = whole.manifests.iter().filter(|entry| !base.contains(&entry.digest));
    let index = Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: [first, second].into_iter().chain(there.cloned()).collect(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    serde_json::to_vec(&index).map_err(Error::internal)
}

fn name_of(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn length(entry: &Entry) -> u64 {
    let (name, size) = match entry {
        Entry::Bytes(name, bytes) => (name.clone(), bytes.len() as u64),
        Entry::Blob(digest, size) => (name_of(digest), *size),
    };
    head(&name, size).map_or(0, |head| head.len() as u64) + size.next_multiple_of(BLOCK_BYTES)
}

/// The blocks before an entry's content.
fn head(name: &str, size: u64) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, io::empty())?;
    Ok(builder.get_ref().clone())
}

async fn part(blobs: Blobs, entry: Entry) -> Archive {
    let padding = |size: u64| Bytes::from(vec![0; (size.next_multiple_of(BLOCK_BYTES) - size) as usize]);
    match entry {
        Entry::Bytes(name, bytes) => {
            let parts = [head(&name, bytes.len() as u64).map(Bytes::from), Ok(padding(bytes.len() as u64))];
            let [head, end] = parts;
            stream::iter([head, Ok(bytes.into()), end]).boxed()
        }
        Entry::Blob(digest, size) => {
            let blob = match blobs.get(&digest).await {
                Ok(Some(blob)) if blob.size() == size => blob,
                Ok(_) => {
                    let gone =
                        io::Error::new(io::ErrorKind::NotFound, format!("{digest} is not here any more"));
                    return stream::iter([Err(gone)]).boxed();
                }
                Err(error) => return stream::iter([Err(io::Error::other(error))]).boxed(),
            };
            let head = stream::iter([head(&name_of(&digest), size).map(Bytes::from)]);
            head.chain(blob.read(0..size)).chain(stream::iter([Ok(padding(size))])).boxed()
        }
    }
}
