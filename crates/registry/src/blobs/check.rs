//! Whether what lies in the store is what its name says: for a scrub.

use super::{Blobs, Error, Stored};
use futures_util::{Stream, StreamExt};
use oci::digest::{Digest, Hasher};
use std::io;

/// Bytes that are gathered before they are hashed on a thread of its own.
const BATCH_BYTES: usize = 4 << 20;

/// What a check of one blob found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is what its name says.
    Sound,
    /// It is something else.
    WrongDigest {
        /// Of the content.
        found: Digest,
    },
    /// The store does not give its content.
    Unreadable {
        /// For people.
        cause: String,
    },
    /// It is not there.
    Missing,
}

impl Blobs {
    /// Every blob in the store, in no order. What is stored or goes meanwhile may be in it or not.
    pub fn list(&self) -> impl Stream<Item = Result<Stored, Error>> + Send + '_ {
        self.0.storage.list()
    }

    /// Reads a blob to its end and compares. Errors are of a store that cannot be asked, not of the blob.
    pub async fn check(&self, digest: &Digest) -> Result<Condition, Error> {
        let blob = match self.0.storage.open(digest).await {
            Ok(Some(blob)) => blob,
            Ok(None) => return Ok(Condition::Missing),
            Err(Error::Io { source, .. }) => return Ok(Condition::Unreadable { cause: source.to_string() }),
            Err(other) => return Err(other),
        };
        let size = blob.size();
        let mut pieces = blob.read(0..size);
        let mut hasher = digest.hasher();
        loop {
            let (mut batch, mut bytes, mut end) = (Vec::new(), 0, false);
            while bytes < BATCH_BYTES && !end {
                match pieces.next().await {
                    Some(Ok(piece)) => {
                        bytes += piece.len();
                        batch.push(piece);
                    }
                    Some(Err(cause)) => return Ok(Condition::Unreadable { cause: text(&cause) }),
                    None => end = true,
                }
            }
            hasher = super::blocking(move || Ok(hash(hasher, &batch))).await?;
            if end {
                break;
            }
        }
        let found = hasher.finish();
        Ok(if found == *digest { Condition::Sound } else { Condition::WrongDigest { found } })
    }

    /// Moves a blob into quarantine, where it is never served; `false` when it was not there. It can be pushed again.
    pub async fn set_aside(&self, digest: &Digest) -> Result<bool, Error> {
        self.0.storage.set_aside(digest).await
    }
}

fn hash(mut hasher: Hasher, batch: &[bytes::Bytes]) -> Hasher {
    batch.iter().for_each(|piece| hasher.update(piece));
    hasher
}

fn text(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => cause.to_string(),
    }
}
