//! Durable work: a table of tasks, each leased to one worker at a time. A task is enqueued in the transaction that makes
//! it necessary and completed in the transaction that records its result, so neither is ever there without the other.
//!
//! - Leases are measured by the database's clock and renewed by a tokio task of their own, so that work which keeps the
//!   CPU does not lose its lease. Each claim has a fresh token, checked at renewal and completion: a worker that was
//!   paused for longer than its lease can no longer record anything.
//! - Attempts count at the claim, because a process that dies does not count. Two limits: `attempts_max` for all of
//!   them, and [`LOST_MAX`] for claims in a row that never came back (a task that kills its process).
//! - `dead` tasks stay, visible, until somebody runs them again. Cancelling removes waiting tasks and asks running ones
//!   to stop; a cancelled task can no longer complete.
//! - One active task per kind and key.
//! - A wake-up in memory makes the next task start at once; a poll of a second is the safety net.
//!
//! What a task does is the pipeline's business: [`Kind`] is matched there, exhaustively.

use crate::access::{self, Actor, Operation};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::{self, Tx};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

mod worker;
pub use worker::Worker;

/// How long a claim is good without renewal.
pub const LEASE: Duration = Duration::from_secs(30);
/// Claims in a row that may end without a word before the task is given up: more than any honest series of crashes.
pub const LOST_MAX: i64 = 30;

/// What kinds of tasks there are. Stored by [`Kind::id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is described at its step in `pipeline`")]
pub enum Kind {
    ValidatePrerequisites,
    Certification,
    Packaging,
    Replicate,
    Live,
    MoveTags,
    Recertify,
    SendLead,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 8] = [
        Kind::ValidatePrerequisites,
        Kind::Certification,
        Kind::Packaging,
        Kind::Replicate,
        Kind::Live,
        Kind::MoveTags,
        Kind::Recertify,
        Kind::SendLead,
    ];

    /// Stable name, as stored.
    pub fn id(self) -> &'static str {
        match self {
            Kind::ValidatePrerequisites => "validate-prerequisites",
            Kind::Certification => "certification",
            Kind::Packaging => "packaging",
            Kind::Replicate => "replicate",
            Kind::Live => "live",
            Kind::MoveTags => "move-tags",
            Kind::Recertify => "recertify",
            Kind::SendLead => "send-lead",
        }
    }

    /// How many of the kind run at the same time in one process: a long scan never keeps a short step waiting.
    fn concurrency(self, settings: &Settings) -> usize {
        match self {
            Kind::Certification => settings.certifications.max(1),
            // A campaign is in no hurry: it leaves half of the machine to what publishers wait for.
            Kind::Recertify => settings.certifications.div_ceil(2).max(1),
            Kind::ValidatePrerequisites | Kind::Packaging | Kind::Live => 4,
            // They wait for networks, and one endpoint that never answers hinders no other.
            Kind::SendLead => 16,
            // They wait for networks; how much goes to one region at once is limited there.
            Kind::Replicate | Kind::MoveTags => 32,
        }
    }

    /// Attempts before the task is given up. With the back-off below these are about three days, as long as a region or
    /// a publisher's registry may be away over a long weekend.
    fn attempts_max(self) -> i64 {
        match self {
            Kind::Live => 1_000,
            // Half an hour: then the campaign ends and says which offers could not be judged, and another can be started.
            Kind::Recertify => 16,
            // A year: a region comes back by itself, whenever that is.
            Kind::Replicate | Kind::MoveTags => 105_000,
            _ => 900,
        }
    }

    /// Wait after this many attempts: doubling from a quarter of a second to five minutes.
    fn back_off(self, attempts: i64) -> Duration {
        let doublings = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
        Duration::from_millis(250 << doublings).min(Duration::from_secs(300))
    }
}

/// Wakes sleeping workers and renewals of this process.
#[derive(Clone)]
pub(crate) struct Bell {
    work: Arc<Notify>,
    cancel: watch::Sender<()>,
}

impl Default for Bell {
    fn default() -> Bell {
        Bell { work: Arc::default(), cancel: watch::Sender::new(()) }
    }
}

impl Bell {
    /// There is work. Call after the commit.
    pub fn ring(&self) {
        self.work.notify_one();
    }

    /// Somebody cancelled: running tasks look at once whether it is theirs. Call after the commit.
    pub fn ring_cancel(&self) {
        self.cancel.send_replace(());
    }
}

/// A task that this process holds.
pub struct Claim {
    id: String,
    kind: Kind,
    token: String,
    /// What it is about: a submission's id, a campaign's, or a lead's.
    pub(crate) subject: String,
    /// Unique among active tasks of the kind; carries the region where there is one.
    pub(crate) key: String,
    /// This attempt's number, from 1.
    pub(crate) attempt: i64,
    /// Cancelled when the lease is lost, the task is cancelled, or the program shuts down. Look at it between units of
    /// work.
    pub(crate) stop: CancellationToken,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// The result is recorded and the task completed, in one transaction.
    Done,
    /// It could not be done now; again later.
    Retry(Error),
    /// Nothing failed, but it may not go on before this time has passed; without one, until somebody wakes it. The
    /// error says why.
    Wait(Option<Duration>, Error),
    /// It stopped because [`Claim::stop`] said so, or because the lease was lost.
    Stopped,
}

impl Claim {
    /// What kind of task it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the work must end now.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Completes the task inside the transaction that records its result. False when the lease was lost or the task
    /// cancelled: roll back then.
    pub(crate) async fn complete(&self, tx: &mut Tx) -> Result<bool> {
        store::tasks::complete(tx, &self.id, &self.token).await
    }
}

/// A task that was given up.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct DeadTask {
    pub id: String,
    pub kind: String,
    pub submission: String,
    pub attempts: i64,
    pub last_error: Option<String>,
}

impl Market {
    /// Tasks that used their attempts up. Operators only.
    pub async fn dead_tasks(&self, actor: &Actor) -> Result<Vec<DeadTask>> {
        access::permit(actor, Operation::Administer)?;
        let rows = store::tasks::dead(&mut *self.store.read().await?).await?;
        let task = |row: store::tasks::TaskRow| DeadTask {
            id: row.id,
            kind: row.kind,
            submission: row.subject,
            attempts: row.attempts,
            last_error: row.last_error,
        };
        Ok(rows.into_iter().map(task).collect())
    }

    /// Runs a dead task again, with fresh counters. Operators only.
    pub async fn run_again(&self, actor: &Actor, id: &str) -> Result<()> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        let now = store::tasks::now_ms(&mut tx).await?;
        if !store::tasks::revive(&mut tx, id, now).await? {
            return Err(Error::not_found(format!("the dead task {id}")));
        }
        let detail = serde_json::json!({ "task": id });
        let entry = self.history_row(actor, None, None, "task-run-again", detail);
        store::history::insert(&mut tx, &entry).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(())
    }
}

/// Enqueues a task in the caller's transaction. False when one with the same kind and key is active: it will do.
/// Ring the [`Bell`] after the commit.
pub(crate) async fn enqueue(
    market: &Market,
    tx: &mut Tx,
    kind: Kind,
    key: &str,
    subject: &str,
) -> Result<bool> {
    let now = store::tasks::now_ms(tx).await?;
    let id = market.ids.next().to_string();
    store::tasks::insert(tx, &id, kind.id(), key, subject, kind.attempts_max(), now, now).await
}

/// As [`enqueue`], before everything of its kind that waits already.
pub(crate) async fn enqueue_first(
    market: &Market,
    tx: &mut Tx,
    kind: Kind,
    key: &str,
    subject: &str,
) -> Result<bool> {
    let now = store::tasks::now_ms(tx).await?;
    let id = market.ids.next().to_string();
    store::tasks::insert(tx, &id, kind.id(), key, subject, kind.attempts_max(), 0, now).await
}
