//! Removing blobs while others store them: whoever stores a blob, or finds one that he is going to name, and whoever removes
//! it, take turns for that digest; and what was stored or found a moment ago is not removed, since the record that names it
//! may only be on its way. All of it is in this process's memory, which is enough for a store that one process uses.

use super::{Blobs, Error};
use futures_util::{StreamExt, TryStreamExt, stream};
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
/// Blobs that are removed at once, for the long way to an object store.
const REMOVERS: usize = 16;
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
    /// The turn for those that nobody has held for so long, and nobody removes.
    fn take(&self, digests: &[Digest], unheld_for: Duration) -> Turn<'_> {
        let mut state = self.state();
        let mut taken = Vec::new();
        for digest in digests {
            let is_held = state.held.get(digest).is_some_and(|held| held.elapsed() < unheld_for);
            if !is_held && state.removing.insert(*digest) {
                taken.push(*digest);
            }
        }
        Turn { turns: self, digests: taken }
    }

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

    /// Removes blobs, but for those that were stored or found within `unheld_for` (at least [`HOLD_MIN`], at most a day), and
    /// those that are not free: `free` is asked which of them are when nobody can come to hold one any more. Who comes
    /// for one of them waits for all, so let them be few. Returns which went.
    pub async fn remove<E: From<Error>>(
        &self,
        digests: &[Digest],
        unheld_for: Duration,
        free: impl AsyncFnOnce(&[Digest]) -> Result<Vec<Digest>, E>,
    ) -> Result<Vec<Digest>, E> {
        let turn = self.0.turns.take(digests, unheld_for.clamp(HOLD_MIN, HOLD_MAX));
        if turn.digests.is_empty() {
            return Ok(Vec::new());
        }
        let free = free(&turn.digests).await?;
        let free = free.into_iter().filter(|digest| turn.digests.contains(digest));
        let remove = async |digest: Digest| self.0.storage.remove(&digest).await.map(|()| digest);
        Ok(stream::iter(free).map(remove).buffer_unordered(REMOVERS).try_collect().await?)
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
    digests: Vec<Digest>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        for digest in &self.digests {
            state.removing.remove(digest);
        }
        drop(state);
        self.turns.over.notify_waiters();
    }
}
