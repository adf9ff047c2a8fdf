//! Finds Go's build information in a program that is too large to be held, while it streams by.

use crate::packages::go::{self, BuildInfo};
use std::io::{self, Read};

/// Bytes kept of what passed, so that marks which two reads share are found.
const KEPT_BYTES: usize = 64;

/// A reader that looks at what passes.
pub(crate) struct GoWatch<R> {
    inner: R,
    active: bool,
    tail: Vec<u8>,
    header: Vec<u8>,
    modules: Option<Vec<u8>>,
}

impl<R> GoWatch<R> {
    /// Watches `inner`, if it is a program (`active`).
    pub(crate) fn new(inner: R, active: bool) -> GoWatch<R> {
        GoWatch { inner, active, tail: Vec::new(), header: Vec::new(), modules: None }
    }

    /// The reader inside.
    pub(crate) fn get_ref(&self) -> &R {
        &self.inner
    }

    /// What was found, after the last byte.
    pub(crate) fn build_info(&self) -> Option<BuildInfo> {
        go::find(&[self.header.as_slice(), self.modules.as_deref()?].concat())
    }

    fn watch(&mut self, bytes: &[u8]) {
        if let Some(modules) = &mut self.modules
            && modules.len() < go::BYTES_MAX
            && !go::ends(modules)
        {
            modules.extend_from_slice(&bytes[..bytes.len().min(go::BYTES_MAX)]);
        }
        let seam = [self.tail.as_slice(), &bytes[..bytes.len().min(KEPT_BYTES)]].concat();
        for (part, is_seam) in [(seam.as_slice(), true), (bytes, false)] {
            if self.header.is_empty()
                && let Some(at) = go::header_at(part)
                && (is_seam || part.len() - at >= KEPT_BYTES)
            {
                self.header = part[at..part.len().min(at + 2 * KEPT_BYTES)].to_vec();
            }
            if self.modules.is_none()
                && let Some(at) = go::start_at(part)
            {
                // From a seam, the rest of this read follows what the seam holds of it.
                let mut modules = part[at..].to_vec();
                if is_seam {
                    modules.extend_from_slice(&bytes[bytes.len().min(KEPT_BYTES)..]);
                }
                self.modules = Some(modules);
            }
        }
        let keep = bytes.len().saturating_sub(KEPT_BYTES);
        if bytes.len() >= KEPT_BYTES {
            self.tail.clear();
        }
        self.tail.extend_from_slice(&bytes[keep..]);
        let surplus = self.tail.len().saturating_sub(KEPT_BYTES);
        self.tail.drain(..surplus);
    }
}

impl<R: Read> Read for GoWatch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if self.active {
            self.watch(&buffer[..count]);
        }
        Ok(count)
    }
}
