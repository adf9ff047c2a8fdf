//! Progress of a running step: told often, from any thread; written a few times a second, so that it costs nothing.

use crate::market::Market;
use crate::store::steps;
use offer::submission::Step;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often a change is written.
const PERIOD: Duration = Duration::from_millis(250);

/// Where the work says how far it is. Writing ends when this is dropped.
pub(super) struct Meter {
    percent: Arc<AtomicU8>,
    _writing: DropGuard,
}

impl Meter {
    /// Begins to write the progress of a step.
    pub fn start(market: &Market, submission: &str, step: Step) -> Meter {
        let (percent, ended) = (Arc::new(AtomicU8::new(0)), CancellationToken::new());
        let writer = write(market.clone(), submission.to_owned(), step, Arc::clone(&percent));
        let until = ended.clone();
        tokio::spawn(async move {
            tokio::select! { () = until.cancelled() => {}, () = writer => {} }
        });
        Meter { percent, _writing: ended.drop_guard() }
    }

    /// `done` of `all` in the part of the step from `from` to `to` percent.
    pub fn set(&self, (from, to): (u8, u8), done: u64, all: u64) {
        let share = if all == 0 { 1.0 } else { (done as f64 / all as f64).min(1.0) };
        let percent = f64::from(from) + f64::from(to.saturating_sub(from)) * share;
        self.percent.fetch_max((percent as u8).min(99), Ordering::Relaxed);
    }
}

async fn write(market: Market, submission: String, step: Step, percent: Arc<AtomicU8>) {
    let mut written = 0;
    loop {
        tokio::time::sleep(PERIOD).await;
        let now = percent.load(Ordering::Relaxed);
        if now == written {
            continue;
        }
        let result = async {
            let mut tx = market.store.write().await?;
            steps::set_progress(&mut tx, &submission, step.id(), i64::from(now)).await?;
            tx.commit().await?;
            super::announce_submission(&market, &submission).await
        };
        if let Err(error) = result.await {
            tracing::warn!(%error, "progress could not be written");
        }
        written = now;
    }
}
