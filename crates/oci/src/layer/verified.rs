//! The raw side of a layer: counts and hashes what comes in, and stops at the first byte more than was stated.

use crate::Error;
use crate::digest::{Digest, Hasher};
use crate::manifest::Descriptor;
use std::io::{self, BufRead, Read};

/// A buffered reader of stored bytes that compares them with their descriptor.
pub(super) struct Verified {
    inner: Box<dyn Read + Send>,
    expected: Digest,
    size: u64,
    /// Taken at the end.
    hasher: Option<Hasher>,
    read_bytes: u64,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    failure: Option<Error>,
}

impl Verified {
    pub(super) fn new(inner: Box<dyn Read + Send>, descriptor: &Descriptor, buffer_bytes: usize) -> Verified {
        Verified {
            inner,
            expected: descriptor.digest,
            size: descriptor.size,
            hasher: Some(descriptor.digest.hasher()),
            read_bytes: 0,
            buffer: vec![0; buffer_bytes].into_boxed_slice(),
            start: 0,
            end: 0,
            failure: None,
        }
    }

    /// The typed error behind a failed read, once.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Reads and hashes what is left.
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        loop {
            self.start = self.end;
            match self.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    return Err(self.failure.take().unwrap_or_else(|| Error::from_io(self.what(), error)));
                }
            }
        }
    }

    /// After the end: do size and digest agree?
    pub(super) fn close(&mut self) -> Result<Digest, Error> {
        self.drain()?;
        if self.read_bytes != self.size {
            return Err(self.size_mismatch());
        }
        let hasher = self.hasher.take().unwrap_or_else(|| self.expected.hasher());
        let found = hasher.finish();
        if found != self.expected {
            let (expected, found) = (self.expected, Box::new(found));
            return Err(Error::DigestMismatch { what: "layer".to_owned(), expected, found });
        }
        Ok(found)
    }

    /// Reads into `self.buffer` or `target`.
    fn fetch(&mut self, target: Option<&mut [u8]>) -> io::Result<usize> {
        let target = match target {
            Some(target) => target,
            None => &mut self.buffer[..],
        };
        // One byte more than stated, so that a longer stream is seen without reading it.
        let room = self.size.saturating_sub(self.read_bytes).saturating_add(1);
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(target.len());
        let count = loop {
            match self.inner.read(&mut target[..room]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let text = error.to_string();
                    self.failure = Some(Error::from_io(format!("reading layer {}", self.expected), error));
                    return Err(io::Error::other(text));
                }
                Ok(count) => break count,
            }
        };
        self.read_bytes += count as u64;
        if self.read_bytes > self.size {
            let error = self.size_mismatch();
            let text = error.to_string();
            self.failure = Some(error);
            return Err(io::Error::other(text));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&target[..count]);
        }
        Ok(count)
    }

    fn size_mismatch(&self) -> Error {
        Error::SizeMismatch { what: self.what(), expected: self.size, found: self.read_bytes }
    }

    fn what(&self) -> String {
        format!("layer {}", self.expected)
    }
}

impl BufRead for Verified {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.end = self.fetch(None)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }
    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}

impl Read for Verified {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= self.buffer.len() {
            return self.fetch(Some(out));
        }
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
