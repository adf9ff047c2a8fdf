//! Blobs as objects of an object store: S3 and what speaks its protocol, Azure Blob, or this process's memory for tests.
//!
//! ```text
//! PREFIX/blobs/sha256/ab/abcdef…     a blob, complete, verified, never changed
//! PREFIX/quarantine/sha256-abcdef…   what a scrub found to be rotten
//! ```
//!
//! An object becomes visible as a whole: by one PUT, or by the request that completes its parts. The spooled file is
//! hashed once more on its way, and parts of anything but the stated digest are dropped. An equal object that is there
//! already is not sent again: a wrong one is for a scrub to find and to set aside.

use super::{
    Error, at, blocking,
    storage::{Blob, Fetch, Spooled, Storage, Stored},
};
use axum::http::Method;
use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart, path::Path as Key, signer::Signer,
};
use oci::digest::Digest;
use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// Bytes of a part of an upload. S3 wants at least 5 MiB and at most 10,000 parts; the largest blob has 2,048 of these.
const PART_BYTES: u64 = 8 << 20;

/// Parts that are under way at once. With the one that is being read, an upload holds 24 MiB, however large it is.
const PARTS_MAX: usize = 2;

/// Life of a link that a client is sent to. Long enough to begin a download on a poor line after some retries; one that has
/// begun goes on after it. Whoever is refused the blob meanwhile may still use a link that he was given.
pub const LINK_LIFE: Duration = Duration::from_secs(15 * 60);

/// An object store, and how clients get at it.
pub struct Remote {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Where links may be made.
    pub(super) signer: Option<Arc<dyn Signer>>,
    /// Key of all objects' parent, with a slash at its end, or empty.
    pub(super) prefix: String,
    /// What a blob is downloaded to that is set aside.
    pub(super) spool: PathBuf,
    /// For callers that block.
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) sending: Sending,
}

/// Digests that are being sent. One at a time each: of two uploads of one key Azure mixes the blocks and refuses both, and
/// whoever comes second finds it there.
#[derive(Default)]
pub(super) struct Sending(Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>);

impl Sending {
    fn turn(&self, digest: Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(digest).or_default())
    }
}

impl Remote {
    fn key(&self, digest: &Digest) -> Key {
        let (algorithm, name) = (digest.algorithm(), digest.hex());
        Key::from(format!("{}blobs/{algorithm}/{}/{name}", self.prefix, &name[..2]))
    }

    /// The digest that a key names, by its last parts.
    fn digest_of(key: &Key) -> Option<Digest> {
        let mut parts = key.as_ref().rsplit('/');
        let (name, _) = (parts.next()?, parts.next()?);
        format!("{}:{name}", parts.next()?).parse().ok()
    }

    async fn head(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let key = self.key(digest);
        match self.store.head(&key).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed("look for", &key)(source)),
        }
    }

    /// Sends a file, and makes an object of it if it is what is expected.
    async fn send(&self, path: &Path, size: u64, key: &Key, expected: Option<Digest>) -> Result<(), Error> {
        let owned = path.to_owned();
        let file = blocking(move || fs::File::open(&owned).map_err(at("read", &owned))).await?;
        let mut parts =
            Parts { file, hasher: expected.map(|digest| digest.hasher()), path: path.to_owned(), left: size };
        if size <= PART_BYTES {
            let (parts, bytes) = parts.next().await?;
            parts_check(expected, parts)?;
            self.store.put(key, bytes.into()).await.map_err(failed("store", key))?;
            return Ok(());
        }
        let upload = self.store.put_multipart(key).await.map_err(failed("store", key))?;
        let mut writing = WriteMultipart::new_with_chunk_size(upload, PART_BYTES as usize);
        let sent = async {
            while parts.left > 0 {
                let (rest, bytes) = parts.next().await?;
                parts = rest;
                writing.wait_for_capacity(PARTS_MAX).await.map_err(failed("store", key))?;
                writing.put(bytes);
            }
            parts_check(expected, parts)
        };
        match sent.await {
            Ok(()) => writing.finish().await.map(drop).map_err(failed("store", key)),
            Err(error) => {
                // What cannot be dropped now is for the store's own rules on unfinished uploads.
                let _ = writing.abort().await;
                Err(error)
            }
        }
    }

    fn fetch(&self, key: Key) -> Fetch {
        let store = Arc::clone(&self.store);
        Arc::new(move |part: Range<u64>| {
            let (store, key) = (Arc::clone(&store), key.clone());
            let begun = async move {
                let options = GetOptions { range: Some(GetRange::Bounded(part)), ..GetOptions::default() };
                let found = store.get_opts(&key, options).await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(found.into_stream().map_err(io::Error::other))
            };
            stream::once(begun).try_flatten().boxed()
        })
    }
}

impl Storage for Remote {
    fn keep<'a>(&'a self, spooled: Spooled<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Spooled { path, digest, size } = spooled;
            let turn = self.sending.turn(digest);
            let _turn = turn.lock().await;
            if self.head(&digest).await? == Some(size) {
                return Ok(());
            }
            self.send(path, size, &self.key(&digest), Some(digest)).await
        })
    }

    fn open<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<Blob>, Error>> {
        Box::pin(async move {
            let size = self.head(digest).await?;
            Ok(size.map(|size| Blob::remote(size, self.fetch(self.key(digest)))))
        })
    }

    fn size<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(self.head(digest))
    }

    fn read<'a>(&'a self, digest: &'a Digest, size_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            let key = self.key(digest);
            let found = match self.store.get(&key).await {
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                other => other.map_err(failed("read", &key))?,
            };
            if found.meta.size > size_max {
                return Err(Error::TooLarge { limit: size_max });
            }
            found.bytes().await.map(Some).map_err(failed("read", &key))
        })
    }

    fn open_blocking(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let key = self.key(digest);
        let found = match self.runtime.block_on(self.store.get(&key)) {
            Err(cause @ object_store::Error::NotFound { .. }) => {
                return Err(io::Error::new(io::ErrorKind::NotFound, cause));
            }
            other => other.map_err(io::Error::other)?,
        };
        let pieces = found.into_stream().map_err(io::Error::other).boxed();
        Ok(Box::new(Waiting { runtime: self.runtime.clone(), pieces, piece: Bytes::new() }))
    }

    fn link<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async move {
            let Some(signer) = &self.signer else { return Ok(None) };
            let key = self.key(digest);
            let link = signer.signed_url(Method::GET, &key, LINK_LIFE).await;
            link.map(|url| Some(url.into())).map_err(failed("sign a link to", &key))
        })
    }

    fn list(&self) -> BoxStream<'_, Result<Stored, Error>> {
        let parent = Key::from(format!("{}blobs", self.prefix));
        let found = self.store.list(Some(&parent)).map_err(failed("list", &parent));
        let stored = |meta: object_store::ObjectMeta| {
            Remote::digest_of(&meta.location).map(|digest| Stored { digest, size: meta.size })
        };
        found.try_filter_map(move |meta| std::future::ready(Ok(stored(meta)))).boxed()
    }

    fn remove<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let key = self.key(digest);
            match self.store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(source) => Err(failed("remove", &key)(source)),
            }
        })
    }

    /// By way of this machine, because a store copies by itself only what is not too large (S3: 5 GiB).
    fn set_aside<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let Some(blob) = self.open(digest).await? else { return Ok(false) };
            let size = blob.size();
            let path = self.spool.join(Uuid::new_v4().to_string());
            let key = Key::from(format!("{}quarantine/{}-{}", self.prefix, digest.algorithm(), digest.hex()));
            let moved = async {
                super::sink::write_all(&path, blob.read(0..size)).await?;
                self.send(&path, size, &key, None).await?;
                let key = self.key(digest);
                self.store.delete(&key).await.map_err(failed("remove", &key))
            };
            let moved = moved.await;
            // One that stays is met again by `expire`.
            let _ = tokio::fs::remove_file(&path).await;
            moved.map(|()| true)
        })
    }
}

/// A spooled file, read once more part by part and hashed.
struct Parts {
    file: fs::File,
    hasher: Option<oci::digest::Hasher>,
    path: PathBuf,
    /// Bytes to come.
    left: u64,
}

impl Parts {
    async fn next(mut self) -> Result<(Parts, Bytes), Error> {
        blocking(move || {
            let mut part = vec![0; self.left.min(PART_BYTES) as usize];
            self.file.read_exact(&mut part).map_err(at("read", &self.path))?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&part);
            }
            self.left -= part.len() as u64;
            Ok((self, part.into()))
        })
        .await
    }
}

fn parts_check(expected: Option<Digest>, parts: Parts) -> Result<(), Error> {
    match parts.hasher {
        Some(hasher) => super::check_digest(expected, hasher.finish()),
        None => Ok(()),
    }
}

/// A stream for a caller that blocks.
struct Waiting {
    runtime: tokio::runtime::Handle,
    pieces: BoxStream<'static, io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.next()) {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// An [`Error::Remote`] with its operation and key.
fn failed(operation: &'static str, key: &Key) -> impl Fn(object_store::Error) -> Error + use<> {
    let key = key.to_string();
    move |source| Error::Remote { operation, key: key.clone(), source: Box::new(source) }
}
