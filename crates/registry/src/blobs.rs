//! Where the bytes lie: content-addressed, each blob once, in a directory or in an object store. Nothing here knows a
//! repository, a tag or a right; a digest found here is readable only where the owner's records say so.
//!
//! ```text
//! DIR/uploads/UUID   what a client has sent so far and may go on with
//! DIR/tmp/UUID       a blob on its way in from `put`; useless after a crash
//! ```
//!
//! Wherever blobs lie (`directory`, `remote`; both behind the port `storage`), they arrive in these files on the local disk,
//! hashed while they are written, and only what has the right digest is given to the back end, which shows all of it or
//! nothing. What a crash leaves in `uploads/` and `tmp/` is never readable as a blob, and [`Blobs::expire`] removes it.
//!
//! The directory is ours and not `object_store`'s: that one reads by hops between threads, and has no rename of a file that
//! it did not write itself.

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
use storage::{Spooled, Storage};
use uuid::Uuid;

mod check;
mod connect;
mod directory;
mod error;
mod reader;
mod remote;
mod removal;
mod sink;
mod storage;
mod uploads;

pub use check::Condition;
pub use connect::{ObjectStore, Protocol, Secret};
pub use error::Error;
pub use remote::LINK_LIFE;
pub use removal::HOLD_MIN;
pub use storage::{Blob, Stored};

use error::at;
use sink::{Sink, pump};

/// Largest blob that the server takes, in bytes: ten times the largest layer seen in the field (AI runtimes of about
/// 1.6 GB), small enough that one mistaken upload does not fill a device-class disk.
pub const BLOB_BYTES_MAX: u64 = 16 << 30;

/// The store. Cheap to clone; all clones are one store. Open a directory once per process.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
    storage: Box<dyn Storage>,
    uploads: PathBuf,
    tmp: PathBuf,
    /// Running hashes of uploads that this process has seen; others are hashed again from the file.
    sessions: Mutex<HashMap<Uuid, uploads::Slot>>,
    turns: removal::Turns,
}

impl Blobs {
    /// Opens the store in a directory, which is made if it is missing. Blocks for a moment.
    pub fn open(dir: &Path) -> Result<Blobs, Error> {
        Blobs::with_storage(dir, Box::new(directory::Directory::open(dir)?))
    }

    /// Opens the store with its blobs in an object store; the directory holds what is on its way there.
    pub async fn connect(dir: &Path, place: &ObjectStore) -> Result<Blobs, Error> {
        let remote = place.connect(dir.join("tmp")).await?;
        Blobs::with_storage(dir, Box::new(remote))
    }

    /// Opens the store with its blobs in any object store, such as one in memory for tests; nobody is sent there for a blob.
    /// To be called within a runtime.
    pub fn over(dir: &Path, store: Arc<dyn object_store::ObjectStore>) -> Result<Blobs, Error> {
        let runtime = tokio::runtime::Handle::current();
        let spool = dir.join("tmp");
        let remote = remote::Remote {
            store,
            signer: None,
            prefix: String::new(),
            spool,
            runtime,
            sending: Default::default(),
        };
        Blobs::with_storage(dir, Box::new(remote))
    }

    fn with_storage(dir: &Path, storage: Box<dyn Storage>) -> Result<Blobs, Error> {
        let (uploads, tmp) = (dir.join("uploads"), dir.join("tmp"));
        for path in [&uploads, &tmp] {
            fs::create_dir_all(path).map_err(at("create", path))?;
        }
        Ok(Blobs(Arc::new(Inner {
            storage,
            uploads,
            tmp,
            sessions: Mutex::default(),
            turns: removal::Turns::default(),
        })))
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
        let (temporary, digest) = blocking(move || temporary.checked(expected)).await?;
        let size = temporary.sink.size;
        self.hold(&digest).await;
        self.0.storage.keep(Spooled { path: &temporary.path, digest, size }).await?;
        Ok((digest, size))
    }

    /// Stores bytes that are in memory, such as a manifest.
    pub async fn put_bytes(&self, bytes: impl Into<Bytes>) -> Result<(Digest, u64), Error> {
        let bytes: Bytes = bytes.into();
        let size = bytes.len() as u64;
        self.put(None, size, stream::iter([Ok::<_, std::convert::Infallible>(bytes)])).await
    }

    /// A blob, for reading.
    pub async fn get(&self, digest: &Digest) -> Result<Option<Blob>, Error> {
        self.0.storage.open(digest).await
    }

    /// A small blob's bytes, such as a manifest's; [`Error::TooLarge`] beyond `size_max`.
    pub async fn read(&self, digest: &Digest, size_max: u64) -> Result<Option<Bytes>, Error> {
        self.0.storage.read(digest, size_max).await
    }

    /// A blob's size in bytes, or `None` if it is not here.
    pub async fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        self.0.storage.size(digest).await
    }

    /// As [`size`](Blobs::size); what is here then stays for a while ([`hold`](Blobs::hold)).
    pub async fn held_size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        self.hold(digest).await;
        self.size(digest).await
    }

    /// Whether a blob is here; then it stays for a while ([`hold`](Blobs::hold)).
    pub async fn contains(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.held_size(digest).await?.is_some())
    }

    /// A blob's content for callers that block, such as the certification pass. `NotFound` if it is not here. Not to be
    /// called by a task of the runtime.
    pub fn open_blocking(&self, digest: &Digest) -> io::Result<Box<dyn io::Read + Send>> {
        self.0.storage.open_blocking(digest)
    }

    /// Where a client may fetch a blob itself for [`LINK_LIFE`], by `GET` and without credentials; `None` unless the store
    /// is set up for it.
    pub async fn link(&self, digest: &Digest) -> Result<Option<String>, Error> {
        self.0.storage.link(digest).await
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

    fn checked(self, expected: Option<Digest>) -> Result<(Temporary, Digest), Error> {
        let digest = self.sink.digest_like(expected, &self.path)?;
        check_digest(expected, digest)?;
        Ok((self, digest))
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
