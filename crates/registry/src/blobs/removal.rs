//! Removing blobs while others store them: whoever stores a blob, or finds one that he is going to name, and whoever removes
//! it, take turns for that digest; and what was stored or found a moment ago is not removed, since the record that names it
//! may only be on its way. All of it is in this process's memory, which is enough for a store that one process uses.

use super::{Blobs, Error};
use oci::digest::Digest;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long a blob is at least not removed after it was stored or found: no request and no step of a pipeline may take
/// longer from there to the record that names it, unless a longer time is asked for.
pub const HOLD_MIN: Duration = Duration::from_secs(60);
/// How long it is remembered at most.
const HOLD_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How many digests are remembered before those are looked through that are over.
const HELD_MAX: usize = 65_536;

#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    over: Notify,
}

#[derive(Default)]
struct State {
    /// When each digest was stored or found last.
    held: HashMap<Digest, Instant>,
    removing: HashSet<Digest>,
    /// When to look through `held` next.
    full: usize,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blobs {
    /// Keeps a blob from being removed for a while, whether it is here or not; waits while it is being removed. To be called
    /// before looking for a blob that is then to be named by a record.
    pub async fn hold(&self, digest: &Digest) {
        let turns = &self.0.turns;
        loop {
            let over = turns.over.notified();
            tokio::pin!(over);
            // Before looking, so that an end between the look and the wait is not missed.
            over.as_mut().enable();
            {
                let mut state = turns.state();
                if !state.removing.contains(digest) {
                    state.hold(*digest);
                    return;
                }
            }
            over.await;
        }
    }

    /// Removes a blob, unless it was stored or found within `unheld_for` (at least [`HOLD_MIN`], at most a day), or is not
    /// free: `is_free` is asked when nobody can come to hold it any more. Returns whether it went.
    pub async fn remove<E: From<Error>>(
        &self,
        digest: &Digest,
        unheld_for: Duration,
        is_free: impl AsyncFnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        let turns = &self.0.turns;
        {
            let mut state = turns.state();
            let unheld_for = unheld_for.clamp(HOLD_MIN, HOLD_MAX);
            let is_held = state.held.get(digest).is_some_and(|held| held.elapsed() < unheld_for);
            if is_held || !state.removing.insert(*digest) {
                return Ok(false);
            }
        }
        let _turn = Turn { turns, digest: *digest };
        if !is_free().await? {
            return Ok(false);
        }
        self.0.storage.remove(digest).await?;
        Ok(true)
    }
}

impl State {
    fn hold(&mut self, digest: Digest) {
        self.held.insert(digest, Instant::now());
        if self.held.len() > self.full.max(HELD_MAX) {
            self.held.retain(|_, held| held.elapsed() < HOLD_MAX);
            // Twice what is left, so that looking through them is rare however many there are.
            self.full = 2 * self.held.len();
        }
    }
}

/// A removal, which ends when this is dropped.
struct Turn<'a> {
    turns: &'a Turns,
    digest: Digest,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state().removing.remove(&self.digest);
        self.turns.over.notify_waiters();
    }
}
