//! Counts bytes that are dealt with, for a listener who looks now and then. A repeated upload counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The sum over all units of work.
pub(super) struct Meter(Arc<watch::Sender<u64>>);

/// One unit's part of it. Clones are the same part.
#[derive(Clone)]
pub(super) struct Share {
    sum: Arc<watch::Sender<u64>>,
    size: u64,
    counted: Arc<AtomicU64>,
}

impl Meter {
    /// A meter at nought, and the end that sees it move.
    pub fn new() -> (Meter, watch::Receiver<u64>) {
        let (sum, seen) = watch::channel(0);
        (Meter(Arc::new(sum)), seen)
    }

    /// The part of a unit of this size in bytes.
    pub fn share(&self, size: u64) -> Share {
        Share { sum: Arc::clone(&self.0), size, counted: Arc::default() }
    }
}

impl Share {
    /// So many bytes of the unit were sent in the current attempt.
    pub fn reached(&self, position: u64) {
        let position = position.min(self.size);
        let before = self.counted.fetch_max(position, Ordering::Relaxed);
        if position > before {
            self.sum.send_modify(|sum| *sum += position - before);
        }
    }

    /// The unit is dealt with, sent or not.
    pub fn finish(&self) {
        self.reached(self.size);
    }
}
