//! What can go wrong with stored bytes: the fact, and a `hint` with the way out.

use oci::digest::Digest;
use std::{io, path::Path};

/// An error of the blob store. `Display` states the fact; [`Error::hint`] the way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk does not do what it should.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// `create`, `write`, `store` …
        operation: &'static str,
        /// File or directory. For logs, not for clients.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The object store does not do what it should.
    #[error("cannot {operation} {key} in the object store: {source}")]
    Remote {
        /// `store`, `read` …
        operation: &'static str,
        /// The object's key.
        key: String,
        /// The cause. For logs, not for clients.
        source: Box<object_store::Error>,
    },
    /// The object store cannot be used as it is set up.
    #[error("the {place} cannot be used: {source}")]
    Unusable {
        /// Kind, name and endpoint.
        place: String,
        /// The cause.
        source: Box<object_store::Error>,
    },
    /// The bytes are not those that were announced.
    #[error("the content has digest {found}, but {expected} was stated")]
    DigestMismatch {
        /// Stated.
        expected: Digest,
        /// Of the bytes. In a box, because every result would grow with it.
        found: Box<Digest>,
    },
    /// More bytes than allowed.
    #[error("the content passes the limit of {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// There is no such upload: never begun, finished, cancelled or expired.
    #[error("there is no upload {0}")]
    UploadUnknown(uuid::Uuid),
    /// Another request is writing to the same upload.
    #[error("upload {0} is being written by another request")]
    UploadBusy(uuid::Uuid),
    /// A chunk that does not follow what is there.
    #[error("the upload stands at byte {stands}, but the chunk starts at {found}")]
    WrongOffset {
        /// Where the next chunk has to start.
        stands: u64,
        /// Where this one does.
        found: u64,
    },
    /// The stream that was to be stored broke off.
    #[error("the content broke off: {0}")]
    Stream(String),
    /// The program is about to end.
    #[error("the program is stopping")]
    Stopping,
}

impl Error {
    /// The way out, as one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Io { .. } if self.is_disk_full() => {
                "free some space on the disk of the data directory, then try again"
            }
            Error::Io { .. } => "check that the data directory exists and may be read and written",
            Error::Remote { .. } => "try again; if it stays so, see whether the object store is up",
            Error::Unusable { .. } => {
                "check bucket, endpoint, region and credentials, and that they may read, write, list and remove"
            }
            Error::DigestMismatch { .. } => "the content was damaged on the way; send it again",
            Error::TooLarge { .. } => "split the content into smaller layers",
            Error::UploadUnknown(_) => "begin a new upload",
            Error::UploadBusy(_) => "wait for the other request to end, then ask for the upload's status",
            Error::WrongOffset { .. } => "go on at the byte where the upload stands",
            Error::Stream(_) => "ask for the upload's status and go on from there, or send it again",
            Error::Stopping => "try again when the program has started",
        }
    }

    /// Whether there is no room left (disk, quota or file size limit).
    pub fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Error::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}

/// An [`Error::Io`] with its operation and path.
pub(super) fn at(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { operation, path, source }
}
