//! Uploads that arrive in pieces and may be resumed, also after a restart. An upload's id is 122 random bits that only
//! its client was told, so it is not recorded which repository it was begun in: where the blob becomes readable is
//! decided when it is finished.

use super::{Blobs, Error, Sink, Spooled, at, blocking, check_digest, pump};
use bytes::Bytes;
use futures_util::Stream;
use oci::digest::Digest;
use sha2::Sha256;
use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// How long a request waits for another one that writes to the same upload: a client that lost its connection and
/// comes back is faster than the server in noticing.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// One writer at a time; inside, the running hash, unless the file has to be hashed again.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Running>>>;

#[derive(Clone)]
pub(super) struct Running {
    hasher: Sha256,
    size: u64,
}

impl Blobs {
    /// Begins an upload.
    pub async fn start(&self) -> Result<Uuid, Error> {
        let id = Uuid::new_v4();
        let path = self.upload_path(id);
        blocking(move || fs::File::create_new(&path).map(|_| id).map_err(at("create", &path))).await
    }

    /// How many bytes of an upload have arrived.
    pub async fn status(&self, id: Uuid) -> Result<u64, Error> {
        let path = self.upload_path(id);
        blocking(move || fs::metadata(&path).map(|m| m.len()).map_err(unknown_or_io(id, "read", path))).await
    }

    /// Appends a stream and returns how many bytes have arrived in all. With `offset`, it must be where the upload
    /// stands ([`Error::WrongOffset`] leaves everything as it was). When the stream breaks off, what has arrived stays
    /// and can be gone on with; when it passes `size_max` or the disk is full, the upload is cancelled.
    pub async fn append<S, E>(
        &self,
        id: Uuid,
        offset: Option<u64>,
        size_max: u64,
        bytes: S,
    ) -> Result<u64, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        let open = self.fill(id, offset, size_max, bytes).await?;
        Ok(open.sink.size)
    }

    /// Appends a last stream, which may be empty, and makes a blob of the upload if its digest is the stated one.
    /// Returns its size in bytes. With another digest the upload is cancelled.
    pub async fn finish<S, E>(
        &self,
        id: Uuid,
        digest: Digest,
        offset: Option<u64>,
        size_max: u64,
        bytes: S,
    ) -> Result<u64, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        let open = self.fill(id, offset, size_max, bytes).await?;
        // On its own, so that a client that does not wait for a slow store finds the blob there when it comes back.
        let storing = tokio::spawn(open.store(digest));
        match storing.await {
            Ok(stored) => stored,
            Err(failure) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Stopping),
            },
        }
    }

    /// Ends an upload and removes what has arrived.
    pub async fn cancel(&self, id: Uuid) -> Result<(), Error> {
        let _guard = self.lock(id).await?;
        self.sessions().remove(&id);
        let path = self.upload_path(id);
        blocking(move || fs::remove_file(&path).map_err(unknown_or_io(id, "remove", path))).await
    }

    async fn fill<S, E>(&self, id: Uuid, offset: Option<u64>, size_max: u64, bytes: S) -> Result<Open, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        let guard = self.lock(id).await?;
        let blobs = self.clone();
        let open = blocking(move || blobs.open_upload(id, guard)).await?;
        match offset {
            Some(found) if found != open.sink.size => {
                Err(Error::WrongOffset { stands: open.sink.size, found })
            }
            _ => match pump(open, size_max, bytes).await {
                Err(e @ Error::TooLarge { .. }) => {
                    // Whatever keeps it from going is met again by `expire`; the limit is what the client must hear.
                    let _ = self.cancel(id).await;
                    Err(e)
                }
                other => other,
            },
        }
    }

    async fn lock(&self, id: Uuid) -> Result<OwnedMutexGuard<Option<Running>>, Error> {
        let slot = self.sessions().entry(id).or_default().clone();
        tokio::time::timeout(BUSY_WAIT, slot.lock_owned()).await.map_err(|_| Error::UploadBusy(id))
    }

    fn open_upload(&self, id: Uuid, mut guard: OwnedMutexGuard<Option<Running>>) -> Result<Open, Error> {
        let path = self.upload_path(id);
        let file = fs::OpenOptions::new().read(true).append(true).open(&path).map_err(|e| {
            self.sessions().remove(&id);
            unknown_or_io(id, "open", path.clone())(e)
        })?;
        let size = file.metadata().map_err(at("read", &path))?.len();
        let sink = match guard.take() {
            Some(running) if running.size == size => {
                Sink { file, hasher: running.hasher, size, failed: false }
            }
            _ => rehash(file, size).map_err(at("read", &path))?,
        };
        Ok(Open { sink, guard, blobs: self.clone(), id, over: false })
    }

    /// Drops the running hash of an upload that nobody is writing; `false` if somebody is.
    pub(super) fn forget_if_idle(&self, file_name: &OsStr) -> bool {
        let Some(id) = file_name.to_str().and_then(|name| Uuid::parse_str(name).ok()) else { return true };
        let mut sessions = self.sessions();
        match sessions.get(&id) {
            Some(slot) if slot.try_lock().is_err() => false,
            _ => {
                sessions.remove(&id);
                true
            }
        }
    }

    fn upload_path(&self, id: Uuid) -> PathBuf {
        self.0.uploads.join(id.to_string())
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<Uuid, Slot>> {
        self.0.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// An upload that is being written. When dropped, the running hash goes back to its slot; after a failed write, a
/// wrong digest, or success (there is nothing left to go on with), the upload goes instead.
struct Open {
    sink: Sink,
    guard: OwnedMutexGuard<Option<Running>>,
    blobs: Blobs,
    id: Uuid,
    /// Nothing can follow.
    over: bool,
}

impl Open {
    async fn store(mut self, digest: Digest) -> Result<u64, Error> {
        self.over = true;
        let path = self.blobs.upload_path(self.id);
        let of_file = path.clone();
        let mut open = blocking(move || {
            check_digest(Some(digest), self.sink.digest_like(Some(digest), &of_file)?)?;
            Ok(self)
        })
        .await?;
        let size = open.sink.size;
        open.blobs.hold(&digest).await;
        match open.blobs.0.storage.keep(Spooled { path: &path, digest, size }).await {
            // It expired just before it was locked.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::UploadUnknown(open.id))
            }
            // All of it is here, so the client can finish once more when the store is up again.
            Err(away @ Error::Remote { .. }) => {
                open.over = false;
                Err(away)
            }
            other => other.map(|()| size),
        }
    }
}

impl AsMut<Sink> for Open {
    fn as_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.sink.failed || self.over {
            self.blobs.sessions().remove(&self.id);
            // After success the file has been renamed and is no longer there.
            let _ = fs::remove_file(self.blobs.upload_path(self.id));
        } else {
            *self.guard = Some(Running { hasher: self.sink.hasher.clone(), size: self.sink.size });
        }
    }
}

/// Hashes what is there, at most `size` bytes.
fn rehash(file: fs::File, size: u64) -> io::Result<Sink> {
    use sha2::Digest as _;
    let mut sink = Sink::new(file);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match (&sink.file).take(size - sink.size).read(&mut buffer)? {
            0 => return Ok(sink),
            n => {
                sink.hasher.update(&buffer[..n]);
                sink.size += n as u64;
            }
        }
    }
}

fn unknown_or_io(id: Uuid, operation: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::UploadUnknown(id),
        _ => at(operation, &path)(source),
    }
}
