//! What sees a large file's bytes while they are scanned.

use crate::clamd::Stream;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// Hashes what passes, when the operator has a list of digests, and shows it to the ClamAV daemon, when there is one.
pub(super) struct Hashing<'a> {
    pub(super) inner: &'a mut dyn Read,
    pub(super) hasher: Option<Sha256>,
    pub(super) clamd: Option<Stream<'a>>,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        if let Some(stream) = &mut self.clamd {
            stream.send(&buffer[..count]);
        }
        Ok(count)
    }
}
