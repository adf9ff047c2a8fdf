//! The port: what a back end does with blobs that are complete and verified. Everything that a client sends is spooled on
//! the local disk before, so that a back end never sees a part of a blob, and one that stores whole objects only (S3) will do.

use super::{Error, reader::Reader};
use bytes::Bytes;
use futures_util::{
    future::BoxFuture,
    stream::{BoxStream, StreamExt},
};
use oci::digest::Digest;
use std::{fs, io, ops::Range, path::Path, sync::Arc};

/// A complete blob in a file of the local disk, of which the digest is known.
pub(super) struct Spooled<'a> {
    pub path: &'a Path,
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

/// A blob that lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its name. Whether the content has it, [`Blobs::check`](super::Blobs::check) says.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

/// One place where blobs lie. Each method is safe to repeat, also after a crash in its middle.
pub(super) trait Storage: Send + Sync {
    /// Makes a blob of a spooled file, which may be moved away or stay. When this returns, the blob outlives a power cut;
    /// before, nobody sees any of it.
    fn keep<'a>(&'a self, spooled: Spooled<'a>) -> BoxFuture<'a, Result<(), Error>>;

    /// A blob for reading, if it is there.
    fn open<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<Blob>, Error>>;

    /// A blob's size in bytes, if it is there.
    fn size<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// The whole of a small blob; [`Error::TooLarge`] beyond `size_max` bytes.
    fn read<'a>(&'a self, digest: &'a Digest, size_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, Error>>;

    /// A blob for callers that block. `NotFound` if it is not there. Not to be called by a task of the runtime.
    fn open_blocking(&self, digest: &Digest) -> io::Result<Box<dyn io::Read + Send>>;

    /// Where a client may fetch a blob itself for a while, without credentials; none where that is not possible.
    fn link<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<String>, Error>>;

    /// Every blob, in no order.
    fn list(&self) -> BoxStream<'_, Result<Stored, Error>>;

    /// Removes a blob, if it is there (S3 does not say whether it was). Those who read it may be cut off, where the store does
    /// that.
    fn remove<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<(), Error>>;

    /// Moves a blob to where it is never served; `false` when it was not there.
    fn set_aside<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, Error>>;
}

/// A blob that was found, for reading.
pub struct Blob {
    size: u64,
    content: Content,
}

enum Content {
    File(fs::File, Reader),
    /// Makes the stream of a part.
    Remote(Fetch),
}

/// Makes the stream of a part of a blob that lies elsewhere.
pub(super) type Fetch = Arc<dyn Fn(Range<u64>) -> BoxStream<'static, io::Result<Bytes>> + Send + Sync>;

impl Blob {
    pub(super) fn file(file: fs::File, size: u64, reader: Reader) -> Blob {
        Blob { size, content: Content::File(file, reader) }
    }

    pub(super) fn remote(size: u64, fetch: Fetch) -> Blob {
        Blob { size, content: Content::Remote(fetch) }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A part of the content, in pieces of at most some hundred kilobytes; it must lie within the size.
    pub fn read(self, part: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        match self.content {
            Content::File(file, reader) => reader.read(file, part).boxed(),
            Content::Remote(_) if part.is_empty() => futures_util::stream::empty().boxed(),
            Content::Remote(fetch) => fetch(part),
        }
    }
}
