//! Manifests by digest, in memory, bounded: nearly every request of a pull is for one of a few. Content under a digest
//! never changes, and who may read it is asked before, so nothing ever has to be invalidated.

use bytes::Bytes;
use oci::digest::Digest;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// All manifests together, in bytes: some ten thousand ordinary ones.
const CACHE_BYTES_MAX: usize = 16 << 20;

/// A larger manifest is read from the disk each time, so that a few giants do not push all others out.
const ENTRY_BYTES_MAX: usize = 256 << 10;

#[derive(Default)]
pub(super) struct Cache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_digest: HashMap<Digest, Bytes>,
    /// Oldest first; first in, first out is enough for content this small.
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Cache {
    pub fn get(&self, digest: &Digest) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_digest.get(digest).cloned()
    }

    pub fn insert(&self, digest: Digest, bytes: Bytes) {
        if bytes.len() > ENTRY_BYTES_MAX {
            return;
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = bytes.len();
        if entries.by_digest.insert(digest, bytes).is_some() {
            return;
        }
        entries.bytes += size;
        entries.order.push_back(digest);
        while entries.bytes > CACHE_BYTES_MAX {
            let Some(oldest) = entries.order.pop_front() else { break };
            let removed = entries.by_digest.remove(&oldest);
            entries.bytes -= removed.map_or(0, |bytes| bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_it_is_full() {
        let cache = Cache::default();
        let entry = |n: usize| Bytes::from(vec![n as u8; ENTRY_BYTES_MAX]);
        let room = CACHE_BYTES_MAX / ENTRY_BYTES_MAX;
        for n in 0..=room {
            cache.insert(Digest::of(&entry(n)), entry(n));
            cache.insert(Digest::of(&entry(n)), entry(n));
        }
        assert!(cache.get(&Digest::of(&entry(0))).is_none());
        assert_eq!(cache.get(&Digest::of(&entry(1))), Some(entry(1)));
        assert_eq!(cache.get(&Digest::of(&entry(room))), Some(entry(room)));
        let giant = Bytes::from(vec![1; ENTRY_BYTES_MAX + 1]);
        cache.insert(Digest::of(&giant), giant.clone());
        assert!(cache.get(&Digest::of(&giant)).is_none());
    }
}
