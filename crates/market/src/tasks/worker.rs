//! The worker: claims what is due, runs it, renews its lease, and records how the attempt ended.

use super::{Claim, Kind, LEASE, LOST_MAX, Outcome};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::{downloads, pipeline, secrets, store, tickets};
use registry::Blobs;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the table is looked at when nobody rings.
const POLL: Duration = Duration::from_secs(1);

/// How often leftovers of the blob store are looked for.
const TIDY_PERIOD: Duration = Duration::from_secs(3_600);
/// Age at which an upload that nobody goes on with is a leftover: a client that is away over night may still finish it.
const UPLOAD_AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How often regions that are instances are asked for their downloads.
const COLLECT_DOWNLOADS: Duration = Duration::from_secs(600);

/// How long after the start the first garbage collection begins: a server that is started often collects, too, and one that
/// was just started has other things to do.
const COLLECT_FIRST: Duration = Duration::from_secs(600);

/// Runs tasks until it is told to shut down.
pub struct Worker {
    market: Market,
    lease: Duration,
    slots: Vec<(Kind, Arc<Semaphore>)>,
    running: TaskTracker,
    shutdown: CancellationToken,
}

impl Worker {
    /// A worker for all kinds. It stops when `shutdown` is cancelled.
    pub fn new(market: Market, shutdown: CancellationToken) -> Worker {
        let slots = Kind::ALL
            .map(|kind| (kind, Arc::new(Semaphore::new(kind.concurrency(&market.config.settings)))))
            .to_vec();
        Worker { market, lease: LEASE, slots, running: TaskTracker::new(), shutdown }
    }

    /// Another length of lease, for tests of lost leases.
    pub fn with_lease(self, lease: Duration) -> Worker {
        Worker { lease, ..self }
    }

    /// Works until shutdown; then lets running tasks stop at their next unit of work and hands them back.
    pub async fn run(self) {
        self.running.spawn(tidy(self.market.blobs.clone(), self.shutdown.clone()));
        self.running.spawn(collect(self.market.clone(), self.shutdown.clone()));
        self.running.spawn(count(self.market.clone(), self.shutdown.clone()));
        self.running.spawn(watch_dates(self.market.clone(), self.shutdown.clone()));
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.claim_due().await {
                tracing::error!(%error, "looking for work failed");
            }
            tokio::select! {
                () = self.market.bell.work.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = self.shutdown.cancelled() => {}
            }
        }
        self.running.close();
        self.running.wait().await;
    }

    async fn claim_due(&self) -> Result<()> {
        for (kind, slots) in &self.slots {
            while let Ok(permit) = Arc::clone(slots).try_acquire_owned() {
                let due = store::tasks::is_due(&mut *self.market.store.read().await?, kind.id()).await?;
                if !due {
                    break;
                }
                if let Some(claim) = self.claim(*kind).await? {
                    self.start(claim, permit);
                }
            }
        }
        Ok(())
    }

    /// Claims one task. A cancelled one is removed and one that used its attempts up is buried, instead.
    async fn claim(&self, kind: Kind) -> Result<Option<Claim>> {
        let mut tx = self.market.store.write().await?;
        let now = store::tasks::now_ms(&mut tx).await?;
        let token = self.market.ids.next().to_string();
        let until = now + millis(self.lease);
        let Some(row) = store::tasks::claim(&mut tx, kind.id(), &token, now, until).await? else {
            return Ok(None);
        };
        let claim = Claim {
            id: row.id,
            kind,
            token,
            subject: row.subject,
            key: row.key,
            attempt: row.attempts,
            stop: self.shutdown.child_token(),
        };
        if row.cancel_requested == 1 {
            store::tasks::remove_canceled(&mut tx, &claim.id, &claim.token).await?;
            tx.commit().await?;
            return Ok(None);
        }
        if row.attempts > row.attempts_max || row.lost > LOST_MAX {
            let reason =
                row.last_error.unwrap_or_else(|| "the program ended while it worked on it".to_owned());
            store::tasks::bury(&mut tx, &claim.id, &claim.token, &reason).await?;
            pipeline::given_up(&self.market, &mut tx, &claim, &reason).await?;
            tx.commit().await?;
            tracing::error!(kind = kind.id(), key = claim.key, reason, "a task was given up");
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(claim))
    }

    fn start(&self, claim: Claim, permit: OwnedSemaphorePermit) {
        let (market, lease, shutdown) = (self.market.clone(), self.lease, self.shutdown.clone());
        self.running.spawn(async move {
            if let Err(error) = execute(&market, claim, lease, &shutdown).await {
                tracing::error!(%error, "recording how a task ended failed; its lease will expire");
            }
            drop(permit);
            market.bell.ring();
        });
    }
}

/// Removes abandoned uploads, at once and then every hour.
async fn tidy(blobs: Blobs, shutdown: CancellationToken) {
    loop {
        // By the clock that stamps files, and not the marketplace's.
        if let Some(before) = SystemTime::now().checked_sub(UPLOAD_AGE_MAX) {
            match blobs.expire(before).await {
                Ok(0) => {}
                Ok(files) => tracing::info!(files, "removed abandoned uploads"),
                Err(error) => tracing::warn!(%error, "abandoned uploads could not be removed"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY_PERIOD) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Collects garbage, some minutes after the start and then regularly.
async fn collect(market: Market, shutdown: CancellationToken) {
    let every = market.config.settings.collect_every.unsigned_abs();
    if every.is_zero() {
        return;
    }
    let mut wait = every.min(COLLECT_FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = market.collect_by_itself() => {}
            () = shutdown.cancelled() => return,
        }
        wait = every;
    }
}

/// Writes the downloads that the registry counted, every few seconds, and asks the regions for theirs now and then; what was
/// counted last is written by [`Market::close`].
async fn count(market: Market, shutdown: CancellationToken) {
    let mut asked: Option<Instant> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(downloads::PERIOD) => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = market.write_downloads().await {
            tracing::warn!(%error, "downloads could not be written; they are kept for the next time");
        }
        if asked.is_none_or(|asked| asked.elapsed() >= COLLECT_DOWNLOADS) {
            tokio::select! {
                result = market.collect_downloads() => if let Err(error) = result {
                    tracing::warn!(%error, "the regions could not be asked for their downloads");
                },
                () = shutdown.cancelled() => return,
            }
            asked = Some(Instant::now());
        }
    }
}

/// Begins the recertifications that imports ask for, hides what was not mended until its date, and opens tickets for
/// steps that are overdue.
async fn watch_dates(market: Market, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = pipeline::recertification::look(&market).await {
            tracing::error!(%error, "looking for recertifications that are due failed");
        }
        if let Err(error) = tickets::look(&market).await {
            tracing::error!(%error, "looking for steps that are overdue failed");
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

async fn execute(market: &Market, claim: Claim, lease: Duration, shutdown: &CancellationToken) -> Result<()> {
    let claim = Arc::new(claim);
    let renewal = tokio::spawn(renew(market.clone(), Arc::clone(&claim), lease));
    let attempt = {
        let (market, claim) = (market.clone(), Arc::clone(&claim));
        // A task of its own, so that a panic ends the attempt and not the worker.
        tokio::spawn(async move { pipeline::run(&market, &claim).await })
    };
    let outcome = match attempt.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Retry(error),
        Err(panic) => Outcome::Retry(Error::internal(format!("the program failed in this task: {panic}"))),
    };
    renewal.abort();
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Retry(error) if !claim.is_stopped() => retry(market, &claim, &error).await,
        Outcome::Wait(wait, why) if !claim.is_stopped() => postpone(market, &claim, wait, &why).await,
        Outcome::Retry(_) | Outcome::Wait(..) | Outcome::Stopped => put_down(market, &claim, shutdown).await,
    }
}

/// The attempt ended in order but without a result: queue it again, later, and say so in its step.
async fn retry(market: &Market, claim: &Claim, error: &Error) -> Result<()> {
    let mut tx = market.store.write().await?;
    let now = store::tasks::now_ms(&mut tx).await?;
    let wait = jittered(claim.kind.back_off(claim.attempt))?;
    let held =
        store::tasks::retry(&mut tx, &claim.id, &claim.token, now + millis(wait), &error.message).await?;
    if held {
        pipeline::blocked(market, &mut tx, claim, error, wait).await?;
        tx.commit().await?;
        pipeline::announce(market, claim).await?;
        return Ok(());
    }
    drop(tx);
    put_down(market, claim, &CancellationToken::new()).await
}

/// Longest wait of a task that somebody will wake: about as good as for ever.
const WAIT_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// The task may not go on now: queue it again for then, without counting the attempt.
async fn postpone(market: &Market, claim: &Claim, wait: Option<Duration>, why: &Error) -> Result<()> {
    let mut tx = market.store.write().await?;
    let wait = pipeline::replication::still_held(market, &mut tx, claim, wait).await?;
    let due = store::tasks::now_ms(&mut tx).await? + millis(wait.unwrap_or(WAIT_MAX));
    if store::tasks::postpone(&mut tx, &claim.id, &claim.token, due, &why.message).await? {
        pipeline::held(market, &mut tx, claim, why).await?;
        tx.commit().await?;
        return pipeline::announce(market, claim).await;
    }
    drop(tx);
    put_down(market, claim, &CancellationToken::new()).await
}

/// The attempt was stopped: a cancelled task goes, one that a shutdown interrupted is handed back.
async fn put_down(market: &Market, claim: &Claim, shutdown: &CancellationToken) -> Result<()> {
    let mut tx = market.store.write().await?;
    let removed = store::tasks::remove_canceled(&mut tx, &claim.id, &claim.token).await?;
    if !removed && shutdown.is_cancelled() {
        store::tasks::hand_back(&mut tx, &claim.id, &claim.token).await?;
    }
    tx.commit().await
}

/// Renews at a third of the lease, and at once when somebody cancelled anything.
async fn renew(market: Market, claim: Arc<Claim>, lease: Duration) {
    let mut cancel = market.bell.cancel.subscribe();
    loop {
        tokio::select! {
            () = tokio::time::sleep(lease / 3) => {}
            _ = cancel.changed() => {}
        }
        match renew_once(&market, &claim, lease).await {
            Ok(Some(false)) => {}
            Ok(Some(true) | None) => {
                claim.stop.cancel();
                return;
            }
            // The lease still runs; the next third may do better.
            Err(error) => tracing::warn!(%error, "renewing a lease failed"),
        }
    }
}

async fn renew_once(market: &Market, claim: &Claim, lease: Duration) -> Result<Option<bool>> {
    let mut tx = market.store.write().await?;
    let until = store::tasks::now_ms(&mut tx).await? + millis(lease);
    let state = store::tasks::renew(&mut tx, &claim.id, &claim.token, until).await?;
    tx.commit().await?;
    Ok(state)
}

/// Between half of the wait and all of it, so that what failed together does not come back together.
fn jittered(wait: Duration) -> Result<Duration> {
    let mut byte = [0; 1];
    secrets::random(&mut byte)?;
    Ok(wait.mul_f64(0.5 + f64::from(byte[0]) / 510.0))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
