//! Where the bytes lie: content-addressed, on the local disk, each blob once. Nothing here knows a repository, a tag
//! or a right; a digest found here is readable only where the owner's records say so.
//!
//! ```text
//! DIR/blobs/sha256/ab/abcdef…   a blob, complete, verified, never changed; its name is its digest
//! DIR/blobs/sha512/ab/abcdef…   the same, for those that were pushed by such a digest
//! DIR/uploads/UUID              what a client has sent so far and may go on with
//! DIR/tmp/UUID                  a blob on its way in from `put`; useless after a crash
//! ```
//!
//! A blob is written elsewhere, hashed while it is written, synced, renamed into place, and then its directory is
//! synced: at no instant, crash or power cut included, is there a partial or wrong file under `blobs/`. What a crash
//! leaves in `uploads/` and `tmp/` is never readable as a blob, and [`Blobs::expire`] removes it.
//!
//! Plain files, not the `object_store` crate: one machine is all there is so far, `object_store` buffers parts of
//! 5 MiB and has no append. S3, Azure and Google come behind this same narrow face, with uploads still spooled here.

use bytes::Bytes;
use futures_util::{Stream, stream};
use oci::digest::Digest;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};
use uuid::Uuid;

mod error;
mod sink;
mod uploads;

pub use error::Error;
use error::at;
use sink::{Sink, pump};

/// Largest blob that the server takes, in bytes: ten times the largest layer seen in the field (AI runtimes of about
/// 1.6 GB), small enough that one mistaken upload does not fill a device-class disk.
pub const BLOB_BYTES_MAX: u64 = 16 << 30;

/// The store. Cheap to clone; all clones are one store. Open a directory once per process.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
    blobs: PathBuf,
    uploads: PathBuf,
    tmp: PathBuf,
    /// Running hashes of uploads that this process has seen; others are hashed again from the file.
    sessions: Mutex<HashMap<Uuid, uploads::Slot>>,
}

impl Blobs {
    /// Opens the store in a directory, which is made if it is missing. Blocks for a moment.
    pub fn open(dir: &Path) -> Result<Blobs, Error> {
        let inner = Inner {
            blobs: dir.join("blobs"),
            uploads: dir.join("uploads"),
            tmp: dir.join("tmp"),
            sessions: Mutex::default(),
        };
        for path in [&inner.uploads, &inner.tmp] {
            fs::create_dir_all(path).map_err(at("create", path))?;
        }
        for algorithm in ["sha256", "sha512"] {
            let parent = inner.blobs.join(algorithm);
            fs::create_dir_all(&parent).map_err(at("create", &parent))?;
            // All 256 now, so that no write ever has to make one and sync its parent.
            for byte in 0..=u8::MAX {
                let path = parent.join(hex::encode([byte]));
                match fs::create_dir(&path) {
                    Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(at("create", &path)(e)),
                    _ => {}
                }
            }
            sync_dir(&parent)?;
        }
        for path in [&inner.blobs, dir] {
            sync_dir(path)?;
        }
        Ok(Blobs(Arc::new(inner)))
    }

    /// Stores a stream and returns its digest and size in bytes. With `expected`, any other digest is refused. The
    /// stream is read and verified even if the blob is already here: knowing a digest is no proof of having the bytes
    /// (ask [`contains`](Blobs::contains) first where that does not matter). Reading stops at the first chunk beyond
    /// `size_max`. After any error, or when the future is dropped, nothing is left on the disk.
    pub async fn put<S, E>(
        &self,
        expected: Option<Digest>,
        size_max: u64,
        bytes: S,
    ) -> Result<(Digest, u64), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        let path = self.0.tmp.join(Uuid::new_v4().to_string());
        let temporary = blocking(move || Temporary::create(path)).await?;
        let temporary = pump(temporary, size_max, bytes).await?;
        let blobs = self.clone();
        blocking(move || temporary.store(&blobs, expected)).await
    }

    /// Stores bytes that are in memory, such as a manifest.
    pub async fn put_bytes(&self, bytes: impl Into<Bytes>) -> Result<(Digest, u64), Error> {
        let bytes: Bytes = bytes.into();
        let size = bytes.len() as u64;
        self.put(None, size, stream::iter([Ok::<_, std::convert::Infallible>(bytes)])).await
    }

    /// A blob's file, at its start, and its size in bytes.
    pub async fn get(&self, digest: &Digest) -> Result<Option<(tokio::fs::File, u64)>, Error> {
        let path = self.path(digest);
        blocking(move || match fs::File::open(&path) {
            Ok(file) => {
                let size = file.metadata().map_err(at("read", &path))?.len();
                Ok(Some((tokio::fs::File::from_std(file), size)))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at("open", &path)(e)),
        })
        .await
    }

    /// A small blob's bytes, such as a manifest's; [`Error::TooLarge`] beyond `size_max`.
    pub async fn read(&self, digest: &Digest, size_max: u64) -> Result<Option<Bytes>, Error> {
        let path = self.path(digest);
        blocking(move || {
            let found = match fs::metadata(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other.map_err(at("read", &path))?.len(),
            };
            if found > size_max {
                return Err(Error::TooLarge { limit: size_max });
            }
            fs::read(&path).map(|bytes| Some(bytes.into())).map_err(at("read", &path))
        })
        .await
    }

    /// A blob's size in bytes, or `None` if it is not here.
    pub async fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let path = self.path(digest);
        blocking(move || match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at("read", &path)(e)),
        })
        .await
    }

    /// Whether a blob is here.
    pub async fn contains(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.size(digest).await?.is_some())
    }

    /// A blob's file for callers that block, such as the certification pass. `NotFound` if it is not here.
    pub fn open_blocking(&self, digest: &Digest) -> io::Result<fs::File> {
        fs::File::open(self.path(digest))
    }

    /// Removes what was left over in `uploads/` and `tmp/` and last written before this instant, unless it is being
    /// written right now. Returns how many files went.
    pub async fn expire(&self, before: SystemTime) -> Result<u64, Error> {
        let blobs = self.clone();
        blocking(move || {
            let uploads = blobs.expire_in(&blobs.0.uploads, before)?;
            Ok(uploads + blobs.expire_in(&blobs.0.tmp, before)?)
        })
        .await
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.hex();
        self.0.blobs.join(digest.algorithm()).join(&name[..2]).join(name)
    }

    /// Makes a finished, verified file visible. An equal blob that is already there is replaced, which heals one that
    /// the disk has damaged; those who read it keep the file they opened.
    fn persist(&self, sink: &Sink, from: &Path, digest: &Digest) -> Result<(), Error> {
        sink.file.sync_all().map_err(at("sync", from))?;
        let to = self.path(digest);
        fs::rename(from, &to).map_err(at("store", &to))?;
        sync_dir(to.parent().expect("a blob lies in a directory"))
    }

    fn expire_in(&self, dir: &Path, before: SystemTime) -> Result<u64, Error> {
        let mut removed = 0;
        for entry in fs::read_dir(dir).map_err(at("list", dir))? {
            let entry = entry.map_err(at("list", dir))?;
            let path = entry.path();
            // A file that vanishes meanwhile was finished or cancelled.
            let Ok(modified) = entry.metadata().and_then(|m| m.modified()) else { continue };
            if modified >= before || !self.forget_if_idle(&entry.file_name()) {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => removed += 1,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(at("remove", &path)(e)),
            }
        }
        Ok(removed)
    }
}

/// A file in `tmp/` that goes when it is dropped; once it is stored it has another name.
struct Temporary {
    sink: Sink,
    path: PathBuf,
}

impl Temporary {
    fn create(path: PathBuf) -> Result<Temporary, Error> {
        let file = fs::File::create_new(&path).map_err(at("create", &path))?;
        Ok(Temporary { sink: Sink::new(file), path })
    }

    fn store(self, blobs: &Blobs, expected: Option<Digest>) -> Result<(Digest, u64), Error> {
        let digest = self.sink.digest_like(expected, &self.path)?;
        check_digest(expected, digest)?;
        blobs.persist(&self.sink, &self.path, &digest)?;
        Ok((digest, self.sink.size))
    }
}

impl AsMut<Sink> for Temporary {
    fn as_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A failure leaves a file that nobody can read; `expire` meets it again.
        let _ = fs::remove_file(&self.path);
    }
}

fn check_digest(expected: Option<Digest>, found: Digest) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != found => {
            Err(Error::DigestMismatch { expected, found: Box::new(found) })
        }
        _ => Ok(()),
    }
}

fn sync_dir(path: &Path) -> Result<(), Error> {
    fs::File::open(path).and_then(|dir| dir.sync_all()).map_err(at("sync", path))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Stopping),
        },
    }
}
