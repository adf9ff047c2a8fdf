//! What was read and parsed once is kept for the next visitor: documents of snapshots, reports, bills of materials, sizes
//! of images. Everything here is known by a digest, so that nothing in it ever grows old; what nobody asked for longest
//! goes when the room is used up.

use super::details::PlatformImage;
use super::packages::Component;
use crate::bundles::Files;
use certify::report::Report;
use offer::document::Offer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Room for each kind, in bytes as they are stored; in memory it is up to three times that.
const BYTES_MAX: usize = 32 << 20;

/// The files of a snapshot and the document in them.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub document: Offer,
    pub files: Files,
}

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub snapshots: Memory<Snapshot>,
    pub reports: Memory<Report>,
    pub packages: Memory<Vec<Component>>,
    pub images: Memory<Vec<PlatformImage>>,
}

/// Values of one kind by digest.
#[derive(Debug)]
pub(crate) struct Memory<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    values: HashMap<String, Value<T>>,
    /// Counts up with each use.
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Value<T> {
    value: Arc<T>,
    bytes: usize,
    used: u64,
}

impl<T> Default for Memory<T> {
    fn default() -> Memory<T> {
        Memory(Mutex::new(Inner { values: HashMap::new(), clock: 0, bytes: 0 }))
    }
}

impl<T> Memory<T> {
    /// What is kept under this digest.
    pub fn get(&self, digest: &str) -> Option<Arc<T>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let now = inner.clock;
        let found = inner.values.get_mut(digest)?;
        found.used = now;
        Some(Arc::clone(&found.value))
    }

    /// Keeps a value of this many bytes, and gives it back to be shared.
    pub fn put(&self, digest: &str, value: T, bytes: usize) -> Arc<T> {
        let value = Arc::new(value);
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let made = Value { value: Arc::clone(&value), bytes, used: inner.clock };
        inner.bytes += bytes;
        if let Some(old) = inner.values.insert(digest.to_owned(), made) {
            inner.bytes -= old.bytes;
        }
        while inner.bytes > BYTES_MAX && inner.values.len() > 1 {
            let oldest = inner.values.iter().min_by_key(|(_, value)| value.used).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| inner.values.remove(&key)) else { break };
            inner.bytes -= gone.bytes;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asks_for_goes_first() {
        let shelf = Memory::default();
        shelf.put("a", 1, BYTES_MAX / 2);
        shelf.put("b", 2, BYTES_MAX / 2);
        assert_eq!(shelf.get("a").as_deref(), Some(&1));
        shelf.put("c", 3, BYTES_MAX / 2);
        assert_eq!((shelf.get("a").is_some(), shelf.get("b").is_some()), (true, false));
        shelf.put("d", 4, BYTES_MAX * 2);
        assert_eq!(shelf.get("d").as_deref(), Some(&4), "the newest stays, however large");
    }
}
