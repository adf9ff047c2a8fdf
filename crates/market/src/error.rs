//! What a use case can refuse, in the words of the field: the fact, and a separate hint. Faces translate the kind into
//! their own terms (an HTTP status, an exit status); nothing here knows of them.

use offer::finding::Finding;

/// Result of the use cases.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The way out where there is no more to say than that something is not there.
pub(crate) const NOT_FOUND_HINT: &str = "check the name, and that your token may see it";

/// What kind of refusal an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The thing is not there, or this actor may not know that it is.
    NotFound,
    /// The actor may not do this.
    Denied,
    /// The token is unknown, expired or revoked.
    Unauthenticated,
    /// What was given is not well-formed or passes a limit.
    Invalid,
    /// The state of the thing does not allow this now.
    Conflict,
    /// The thing changed since it was read (HTTP 412).
    Stale,
    /// The configuration or the data directory cannot be used.
    Setup,
    /// The store, the disk or the program itself failed; details are in the log.
    Internal,
}

/// A refusal or failure. `Display` states the fact.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind it is.
    pub kind: Kind,
    /// The fact: operation, object, limit, found value.
    pub message: String,
    /// The way out.
    pub hint: String,
    /// What the rules found, when the offer was refused by rule.
    pub findings: Vec<Finding>,
}

impl Error {
    /// An error of this kind with fact and hint.
    pub fn new(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: hint.into(), findings: Vec::new() }
    }

    /// The named thing does not exist for this actor.
    pub fn not_found(what: impl std::fmt::Display) -> Error {
        Error::new(Kind::NotFound, format!("{what} was not found"), NOT_FOUND_HINT)
    }

    /// What was given cannot be used.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, message, hint)
    }

    /// The state does not allow it.
    pub fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, message, hint)
    }

    /// The set-up cannot be used.
    pub fn setup(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::new(Kind::Setup, message, hint)
    }

    /// A failure that is nobody's mistake but ours or the machine's.
    pub fn internal(message: impl std::fmt::Display) -> Error {
        Error::new(
            Kind::Internal,
            message.to_string(),
            "look into the server's log; the operation can be repeated safely",
        )
    }

    /// An input or output failure with its operation and object; a full disk gets its own hint.
    pub fn io(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Error {
        move |source| {
            let hint = match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    "free some space on the disk of the data directory; nothing is lost"
                }
                std::io::ErrorKind::PermissionDenied => {
                    "let the user that runs the program own the data directory"
                }
                _ => "check that the path exists and may be read and written",
            };
            Error::new(Kind::Internal, format!("{what}: {source}"), hint)
        }
    }
}

impl From<oci::Error> for Error {
    fn from(source: oci::Error) -> Error {
        match source {
            // Files that the marketplace reads and writes are its own: those of the data directory.
            oci::Error::Io { what, source } => Error::io(what)(source),
            other => Error::new(Kind::Internal, other.to_string(), other.hint()),
        }
    }
}

impl From<offer::zip::ZipError> for Error {
    fn from(source: offer::zip::ZipError) -> Error {
        Error::invalid(source.to_string(), source.hint())
    }
}

impl From<registry::blobs::Error> for Error {
    fn from(source: registry::blobs::Error) -> Error {
        Error::new(Kind::Internal, source.to_string(), source.hint())
    }
}
