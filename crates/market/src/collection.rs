//! Garbage collection while the registry is used: tags that the retention gives up, manifests that no tag leads to, blobs that
//! no manifest has, and bytes that no record names.
//!
//! A collection writes down what it finds to be unneeded, with the instant (`store::unneeded`), and removes what is found
//! unneeded again when the grace period is over. Whoever is told that something is there, by a `HEAD`, a mount or a push that
//! refers to it, has it taken off that list ([`Market::rely_on`]) before he is answered, and so do all rows that come to name
//! it; so a client that skips an upload can still push its manifest until the grace period is over. Rows go in one
//! transaction for each repository, only while that repository is still as it was judged; bytes go after their last row, one
//! digest at a time, never while they are being stored ([`Blobs::remove`](registry::Blobs::remove)).
//!
//! It never follows what a manifest that it cannot read may lead to: such a repository is left out, and said.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::runs::RunState;
use crate::store::{history, unneeded as records};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

mod bytes;
mod keep;
mod mark;
mod repositories;

/// Most repositories that are named because they were left out.
const LEFT_OUT_MAX: usize = 100;

/// How much of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// Tags of repositories.
    pub tags: u64,
    /// Manifests in repositories; one that lies in two counts twice.
    pub manifests: u64,
    /// Blobs in repositories; one that lies in two counts twice.
    pub blobs: u64,
    /// Contents of the blob store, manifests included.
    pub contents: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// A garbage collection, and what came of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// How far it is.
    pub state: RunState,
    /// Nothing was removed or written down: `freed` is what would be.
    pub dry_run: bool,
    /// Repositories that were judged.
    pub repositories: u64,
    /// What went.
    pub freed: Amounts,
    /// What is unneeded, but not yet for the whole grace period.
    pub waiting: Amounts,
    /// Repositories that were left as they are, and why; the first of them.
    pub left_out: Vec<LeftOut>,
    /// Why it failed.
    pub message: Option<String>,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub finished: Option<Instant>,
}

/// A repository that a collection left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LeftOut {
    pub repository: String,
    pub reason: String,
}

/// What a collection goes by.
#[derive(Debug, Clone, Copy)]
struct Order {
    dry_run: bool,
    now: Instant,
    /// What is unneeded since then or longer goes.
    cutoff_ms: i64,
    grace: Duration,
}

impl Market {
    /// Begins a garbage collection. Operators only; [`crate::Kind::Conflict`] while one runs.
    pub async fn start_collection(&self, actor: &Actor, dry_run: bool) -> Result<Collection> {
        access::permit(actor, Operation::Administer)?;
        let begun = self.begin_collection(dry_run)?;
        let market = self.clone();
        let actor = actor.to_string();
        tokio::spawn(async move { market.run_collection(&actor, dry_run).await });
        Ok(begun)
    }

    /// The collection that runs or ran last in this process. Operators only.
    pub async fn last_collection(&self, actor: &Actor) -> Result<Collection> {
        access::permit(actor, Operation::Administer)?;
        self.last_collection.get().ok_or_else(|| Error::not_found("a collection since the start"))
    }

    /// One by itself, to its end, unless one runs.
    pub(crate) async fn collect_by_itself(&self) {
        if self.begin_collection(false).is_ok() {
            self.run_collection("pipeline", false).await;
        }
    }

    /// Takes a digest off the list of what is unneeded, because somebody is told that it is there.
    pub(crate) async fn rely_on(&self, digest: &str) -> Result<()> {
        if !self.unneeded.has(digest) {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        records::needed(&mut tx, digest).await?;
        // In the writer's turn, as `add`: what is in the records is in the memory, too, whoever comes first.
        self.unneeded.forget(digest);
        let committed = tx.commit().await;
        if committed.is_err() {
            self.unneeded.add([digest.to_owned()].iter());
        }
        committed
    }

    fn begin_collection(&self, dry_run: bool) -> Result<Collection> {
        let new = Collection {
            state: RunState::Running,
            dry_run,
            repositories: 0,
            freed: Amounts::default(),
            waiting: Amounts::default(),
            left_out: Vec::new(),
            message: None,
            started: self.now(),
            finished: None,
        };
        let hint = "wait for it to end; see it with: edgemarket blobs collect --status";
        if self.last_collection.begin(&new, |last| last.state) {
            Ok(new)
        } else {
            Err(Error::conflict("a collection is running", hint))
        }
    }

    async fn run_collection(&self, actor: &str, dry_run: bool) {
        let outcome = self.collect(actor, dry_run).await;
        if let Err(error) = &outcome {
            tracing::error!(%error, "a garbage collection failed");
        }
        let finished = Some(self.now());
        self.last_collection.progress(|collection| {
            collection.finished = finished;
            (collection.state, collection.message) = RunState::after(outcome);
            let Collection { freed, waiting, .. } = collection;
            let (manifests, blobs, bytes) = (freed.manifests, freed.blobs, freed.bytes);
            let later = waiting.bytes;
            tracing::info!(dry_run, manifests, blobs, bytes, later, "a garbage collection ended");
        });
    }

    async fn collect(&self, actor: &str, dry_run: bool) -> Result<()> {
        let now = self.now();
        let grace = self.config.settings.collect_grace.unsigned_abs();
        let cutoff_ms = now.0 - i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let order = Order { dry_run, now, cutoff_ms, grace };
        let held = self.flying().await?;
        let gone = self.collect_repositories(order, &held).await?;
        self.collect_bytes(order, &held, gone).await?;
        if !dry_run {
            self.collect_bundles(cutoff_ms).await?;
        }
        let freed = self.last_collection.get().map(|last| last.freed);
        if let Some(freed) = freed.filter(|freed| !dry_run && *freed != Amounts::default()) {
            let mut tx = self.store.write().await?;
            let detail = serde_json::to_value(freed).map_err(Error::internal)?;
            history::insert(&mut tx, &self.history_row(&actor, None, None, "collected", detail)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Drafts that were typed over, once they are as old as the grace period: a form saves often.
    async fn collect_bundles(&self, cutoff_ms: i64) -> Result<()> {
        let before = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(cutoff_ms).unwrap_or(0));
        let bundles = self.bundles.clone();
        // In the writer's turn: no row begins to name a bundle meanwhile.
        let mut tx = self.store.write().await?;
        let named = crate::store::offers::bundles(&mut tx).await?.into_iter().collect();
        let freed = crate::offers::blocking(move || bundles.sweep(&named, before)).await?;
        tracing::info!(freed, "bundles that nothing names any more are gone");
        tx.commit().await
    }

    fn leave_out(&self, repository: &str, reason: String) {
        tracing::warn!(repository, reason, "a garbage collection left a repository out");
        self.last_collection.progress(|collection| {
            if collection.left_out.len() < LEFT_OUT_MAX {
                collection.left_out.push(LeftOut { repository: repository.to_owned(), reason });
            }
        });
    }
}

/// Names that are written down as unneeded, in memory, since every pull asks.
pub(crate) struct Unneeded(Mutex<std::collections::HashSet<String>>);

impl Unneeded {
    /// What the records say.
    pub async fn read(store: &crate::store::Store) -> Result<Unneeded> {
        let rows = records::all(&mut *store.read().await?).await?;
        Ok(Unneeded(Mutex::new(rows.into_iter().map(|row| row.name).collect())))
    }

    fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// To be called in the transaction that writes the rows, before they can be seen.
    fn add<'a>(&self, names: impl Iterator<Item = &'a String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(names.cloned());
    }

    fn replace(&self, names: std::collections::HashSet<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }
}
