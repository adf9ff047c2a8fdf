//! What can go wrong with an image: the fact, and a `hint` with the way out.

use crate::digest::Digest;

/// An error of this crate. `Display` states the fact; [`Error::hint`] the way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or stream could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// Operation and object.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The named thing is not there.
    #[error("{0} was not found")]
    NotFound(String),
    /// The registry wants other credentials.
    #[error("access to {0} was refused")]
    Denied(String),
    /// The registry cannot be reached, or broke the connection.
    #[error("{registry} cannot be reached: {cause}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// What happened.
        cause: String,
    },
    /// The registry answered, but not with what was asked for.
    #[error("{registry} answered {status} to {request}{cause}")]
    Refused {
        /// Host and port.
        registry: String,
        /// HTTP status code.
        status: u16,
        /// Method and path.
        request: String,
        /// The registry's own message, with a colon before it; may be empty.
        cause: String,
    },
    /// Content whose digest is not the one that its descriptor states.
    #[error("{what} has digest {found}, but {expected} was stated")]
    DigestMismatch {
        /// Object.
        what: String,
        /// Stated digest.
        expected: Digest,
        /// Digest of the bytes. In a box, as other digests here, because every result would grow with them.
        found: Box<Digest>,
    },
    /// Content whose size is not the stated one.
    #[error("{what} has {found} bytes, but {expected} were stated")]
    SizeMismatch {
        /// Object.
        what: String,
        /// Stated size in bytes.
        expected: u64,
        /// Bytes read (reading stops at the first byte too many).
        found: u64,
    },
    /// Uncompressed content whose digest is not the diff ID of the config.
    #[error("layer {layer} unpacks to {found}, but the image config states diff ID {expected}")]
    DiffIdMismatch {
        /// Digest of the compressed layer.
        layer: Digest,
        /// Stated diff ID.
        expected: Box<Digest>,
        /// Digest of the uncompressed bytes.
        found: Box<Digest>,
    },
    /// A limit was passed.
    #[error("{what} passes the limit of {limit}")]
    Limit {
        /// Object, with the value found.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// Content that does not have the form it should have.
    #[error("{what} is malformed: {cause}")]
    Malformed {
        /// Object.
        what: String,
        /// Why.
        cause: String,
    },
    /// A form that this program does not handle.
    #[error("{0} is not supported")]
    Unsupported(String),
}

impl Error {
    /// An [`Error::Io`] with its operation and object.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    /// The error of this crate that an I/O error carries, else an [`Error::Io`].
    pub fn from_io(what: impl Into<String>, error: std::io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => Error::Io { what: what.into(), source },
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Unreachable { .. } => true,
            Error::Refused { status, .. } => matches!(status, 408 | 429 | 500..),
            Error::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// The way out, as one sentence.
    pub fn hint(&self) -> String {
        match self {
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                "free some space on the disk, then run the same command again"
            }
            Error::Io { .. } => "check that the path exists and may be read and written",
            Error::NotFound(_) => {
                "check the name and the tag; `skopeo list-tags` shows what a repository holds"
            }
            Error::Denied(_) => {
                "check user name and password (or token), and that they may pull from this repository"
            }
            Error::Unreachable { .. } => "check the host name, the port and the network, then try again",
            Error::Refused { status: 429, .. } => "the registry limits requests; wait, or log in",
            Error::Refused { status: 500.., .. } => "the registry has a problem of its own; try again later",
            Error::Refused { .. } => "check that this is a registry and that it takes such images",
            Error::DigestMismatch { .. } | Error::SizeMismatch { .. } => {
                "the content is damaged or was changed on the way; push the image again"
            }
            Error::DiffIdMismatch { .. } => "the image was assembled wrongly; build and push it again",
            Error::Limit { .. } => {
                "make the image smaller or simpler, or ask the operator to raise the limit"
            }
            Error::Malformed { .. } => "build and push the image again with a current tool",
            Error::Unsupported(_) => "convert the image, for example with `skopeo copy --format oci`",
        }
        .to_owned()
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> std::io::Error {
        std::io::Error::other(error)
    }
}
