//! What a region lacks, and since when: of what is live, and of what goes live.

use super::lane::{RegionLimits, schedule_of};
use super::{RegionView, view};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::regions::{self, LagRow, RegionRow};
use crate::store::tasks;
use serde::{Deserialize, Serialize};

/// Most submissions that the detail of a region lists.
const SUBMISSIONS_MAX: usize = 1_000;

/// How a region stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionState {
    /// It holds everything.
    UpToDate,
    /// Something is on its way.
    Transferring,
    /// Something waits for its turn.
    Waiting,
    /// Something waits for the window to open.
    OutsideWindow,
    /// The last attempt failed; it is repeated by itself.
    Behind,
    /// An operator paused it.
    Paused,
}

/// What is not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Submissions that it does not hold, or whose tags it did not move.
    pub submissions: u64,
    /// Digests of those submissions that were not all answered for; a digest of two submissions counts twice.
    pub digests: u64,
    /// Bytes that the region did not answer for. What it has already elsewhere is among them until it is asked.
    pub bytes: u64,
    /// Submissions of which digests and bytes are not counted yet.
    pub uncounted: u64,
    /// Since when the oldest is missing.
    pub since: Option<Instant>,
}

/// What an operator sees of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// How it stands.
    pub state: RegionState,
    /// What the last attempt met.
    pub message: Option<String>,
    /// Since when it is paused.
    pub paused: Option<Instant>,
    /// When the window opens; none when it is open.
    pub window_opens: Option<Instant>,
    /// When something is tried next.
    pub next_attempt: Option<Instant>,
    /// How content may go there.
    pub limits: RegionLimits,
    /// Submissions that are wholly there, with their tags where they are live.
    pub held_submissions: u64,
    /// What is missing.
    pub missing: Missing,
    /// Bytes of blobs that were ever sent there.
    pub sent_bytes: u64,
}

/// A submission that a region lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct RegionSubmission {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub number: i64,
    /// The submission waits for this region.
    pub required: bool,
    /// As in the submission's own list of regions.
    pub state: String,
    pub message: Option<String>,
    pub since: Instant,
    pub bytes: Option<u64>,
    pub missing_bytes: Option<u64>,
    pub next_attempt: Option<Instant>,
}

/// A region with what it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDetail {
    /// The region.
    #[serde(flatten)]
    pub view: RegionView,
    /// What it lacks, oldest first, at most 1,000.
    pub submissions: Vec<RegionSubmission>,
}

impl Market {
    /// A region with what it lacks. Operators only.
    pub async fn region_detail(&self, actor: &Actor, name: &str) -> Result<RegionDetail> {
        access::permit(actor, Operation::Administer)?;
        let row = regions::get(&mut *self.store.read().await?, name).await?;
        let row = row.ok_or_else(|| Error::not_found(format!("the region {name}")))?;
        let (status, mut submissions) = self.region_status(&row).await?;
        submissions.truncate(SUBMISSIONS_MAX);
        Ok(RegionDetail { view: RegionView { status: Some(status), ..view(row) }, submissions })
    }

    /// All regions with what they lack. Operators only.
    pub async fn region_details(&self, actor: &Actor) -> Result<Vec<RegionDetail>> {
        access::permit(actor, Operation::Administer)?;
        let rows = regions::list(&mut *self.store.read().await?).await?;
        let mut all = Vec::new();
        for row in rows {
            all.push(self.region_detail(actor, &row.name).await?);
        }
        Ok(all)
    }

    /// How a region stands, and what it lacks.
    pub(super) async fn region_status(
        &self,
        row: &RegionRow,
    ) -> Result<(RegionStatus, Vec<RegionSubmission>)> {
        let mut c = self.store.read().await?;
        let rows = regions::lag(&mut c, &row.name).await?;
        let tasks = tasks::of_region(&mut c, &row.name).await?;
        // The database's clock measures tasks; on one machine it is the system's.
        let due = |submission: &str| {
            let found = tasks.iter().find(|(subject, state, _)| subject == submission && state == "queued");
            // What is paused has no next attempt: it waits for an operator.
            found.map(|(_, _, due)| Instant(*due)).filter(|due| due.0 > 0 && row.paused_ms.is_none())
        };
        let lane = self.lanes.known(&row.name);
        let (held, missing): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_held);
        let not_there = missing.iter().filter(|found| found.state != "Holding");
        let digests = not_there.filter_map(|found| unsigned(found.digests)).sum();
        let submissions: Vec<RegionSubmission> = missing
            .into_iter()
            .map(|found| {
                let (bytes, next_attempt) = (unsigned(found.bytes), due(&found.submission));
                let done = lane.as_ref().and_then(|lane| lane.done(&found.submission));
                let missing_bytes = match (done, bytes) {
                    (Some(done), Some(bytes)) => Some(bytes.saturating_sub(done)),
                    _ => unsigned(found.missing_bytes),
                };
                submission(found, bytes, missing_bytes, next_attempt)
            })
            .collect();
        let missing = Missing {
            submissions: submissions.len() as u64,
            digests,
            bytes: submissions.iter().filter_map(|found| found.missing_bytes).sum(),
            uncounted: submissions.iter().filter(|found| found.bytes.is_none()).count() as u64,
            since: submissions.iter().map(|found| found.since).min(),
        };
        let window_opens = schedule_of(row).opens(self.now());
        let is_running = tasks.iter().any(|(_, state, _)| state == "running");
        let next = submissions.iter().filter_map(|found| found.next_attempt);
        let behind = submissions.iter().find(|found| found.state == "Behind");
        let state = match () {
            () if row.paused_ms.is_some() => RegionState::Paused,
            () if submissions.is_empty() => RegionState::UpToDate,
            () if window_opens.is_some() => RegionState::OutsideWindow,
            () if is_running => RegionState::Transferring,
            () if behind.is_some() => RegionState::Behind,
            () => RegionState::Waiting,
        };
        let status = RegionStatus {
            state,
            message: behind.and_then(|found| found.message.clone()),
            paused: row.paused_ms.map(Instant),
            window_opens,
            next_attempt: next.min(),
            limits: RegionLimits::read(row),
            held_submissions: held.len() as u64,
            missing,
            sent_bytes: unsigned(Some(row.sent_bytes)).unwrap_or(0),
        };
        Ok((status, submissions))
    }
}

/// What is live must be live there too; what goes live need only be held.
fn is_held(row: &LagRow) -> bool {
    row.state == "Live" || row.state == "Holding" && row.live == 0
}

fn submission(
    row: LagRow,
    bytes: Option<u64>,
    missing_bytes: Option<u64>,
    next_attempt: Option<Instant>,
) -> RegionSubmission {
    RegionSubmission {
        id: row.submission,
        publisher: row.publisher,
        offer: row.offer,
        number: row.number,
        required: row.required == 1,
        state: row.state,
        message: row.message,
        since: Instant(row.since_ms),
        bytes,
        missing_bytes,
        next_attempt,
    }
}

fn unsigned(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}
