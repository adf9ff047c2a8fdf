//! What can go wrong with vulnerability data: the fact, and a hint with the way out.

/// An error of this module. `Display` states the fact.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Operation, object, limit, found value.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl Error {
    /// An error with its hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { message: message.into(), hint: hint.into() }
    }

    /// A file or directory that could not be read or written.
    pub(super) fn io(what: String) -> impl Fn(std::io::Error) -> Error {
        move |cause| {
            Error::new(
                format!("{what}: {cause}"),
                "check the path, its permissions and the space on the disk",
            )
        }
    }
}
