//! The way to a region, which all of its transfers share: how many go at once, how fast they are together, and a stop for
//! all of them. In memory is enough: one process at a time has the data directory.

use super::schedule::{self, Schedule, WINDOWS_MAX, Window};
use crate::error::{Error, Result};
use crate::store::regions::RegionRow;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Transfers at once unless the operator says otherwise: enough to fill a line while a registry brings others to its disk,
/// and as many as skopeo makes.
pub(super) const TRANSFERS_DEFAULT: u32 = 6;
/// Most transfers at once: each takes a connection and some hundred kilobytes.
const TRANSFERS_MAX: u32 = 32;
/// Slowest cap in bytes per second: below it, registries give a connection up.
const RATE_MIN: u64 = 1 << 10;
/// Largest part of a blob that is taken at once.
const PART_BYTES_MAX: u64 = 256 << 10;
/// Smallest.
const PART_BYTES_MIN: u64 = 1 << 10;

/// How content may go to a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RegionLimits {
    /// Blobs that are sent at once, 1 to 32.
    pub transfers: u32,
    /// Most bytes per second, of all transfers together; at least 1024.
    pub bytes_per_second: Option<u64>,
    /// When content may go there, as `Mon-Fri 22:00-06:00`; always when empty.
    pub windows: Vec<String>,
    /// Distance of the windows' clock from UTC, as `+02:00`.
    pub utc_offset: String,
}

impl Default for RegionLimits {
    fn default() -> RegionLimits {
        let (bytes_per_second, windows) = (None, Vec::new());
        RegionLimits {
            transfers: TRANSFERS_DEFAULT,
            bytes_per_second,
            windows,
            utc_offset: "+00:00".to_owned(),
        }
    }
}

impl RegionLimits {
    /// Writes them into a row, in their canonical form, or says what is wrong.
    pub(super) fn write(&self, row: &mut RegionRow) -> Result<()> {
        let of = || format!("of the region {}", row.name);
        if !(1..=TRANSFERS_MAX).contains(&self.transfers) {
            return Err(Error::invalid(
                format!(
                    "{} transfers at once {} are not between 1 and {TRANSFERS_MAX}",
                    self.transfers,
                    of()
                ),
                "3 are enough for most lines",
            ));
        }
        if let Some(rate) =
            self.bytes_per_second.filter(|rate| *rate < RATE_MIN || i64::try_from(*rate).is_err())
        {
            return Err(Error::invalid(
                format!(
                    "the bandwidth cap {} of {rate} bytes per second is below {RATE_MIN} or absurd",
                    of()
                ),
                "pause the region when nothing shall go there",
            ));
        }
        if self.windows.len() > WINDOWS_MAX {
            return Err(Error::invalid(
                format!("{} windows {} are more than {WINDOWS_MAX}", self.windows.len(), of()),
                "join days: Mon-Fri 22:00-06:00",
            ));
        }
        let windows: std::result::Result<Vec<Window>, String> =
            self.windows.iter().map(|window| window.parse()).collect();
        let windows = windows.map_err(|cause| {
            Error::invalid(format!("{cause} {}", of()), "write days and times as in: Mon-Fri 22:00-06:00")
        })?;
        let offset = schedule::parse_offset(&self.utc_offset).ok_or_else(|| {
            let shown: String = self.utc_offset.chars().take(40).collect();
            Error::invalid(format!("{shown:?} is no distance from UTC {}", of()), "write it as in +02:00")
        })?;
        row.transfers = i64::from(self.transfers);
        row.bytes_per_second = self.bytes_per_second.and_then(|rate| i64::try_from(rate).ok());
        row.windows = windows.iter().map(Window::to_string).collect::<Vec<_>>().join("\n");
        row.utc_offset_minutes = offset;
        Ok(())
    }

    /// As they stand in a row.
    pub(super) fn read(row: &RegionRow) -> RegionLimits {
        RegionLimits {
            transfers: u32::try_from(row.transfers).unwrap_or(TRANSFERS_DEFAULT),
            bytes_per_second: row.bytes_per_second.and_then(|rate| u64::try_from(rate).ok()),
            windows: row.windows.lines().map(str::to_owned).collect(),
            utc_offset: schedule::show_offset(row.utc_offset_minutes),
        }
    }
}

/// When content may go to the region of this row.
pub(super) fn schedule_of(row: &RegionRow) -> Schedule {
    let windows = row.windows.lines().filter_map(|line| line.parse().ok()).collect();
    Schedule::new(windows, row.utc_offset_minutes)
}

/// The way to one region.
pub(crate) struct Lane {
    limits: (i64, Option<i64>),
    transfers: Semaphore,
    bucket: Option<Bucket>,
    sent: AtomicU64,
    /// Bytes that are dealt with, by submission, while a transfer runs.
    done: Mutex<HashMap<String, u64>>,
    /// Cancelled when the region is paused, changed or removed.
    pub halt: CancellationToken,
}

impl Lane {
    fn new(row: &RegionRow) -> Lane {
        let rate = row.bytes_per_second.and_then(|rate| u64::try_from(rate).ok());
        Lane {
            limits: (row.transfers, row.bytes_per_second),
            transfers: Semaphore::new(usize::try_from(row.transfers).unwrap_or(1).max(1)),
            bucket: rate.map(|rate| Bucket { rate: rate.max(1), free: Mutex::new(Instant::now()) }),
            sent: AtomicU64::new(0),
            done: Mutex::default(),
            halt: CancellationToken::new(),
        }
    }

    /// Waits for one of the region's transfers.
    pub async fn transfer(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        self.transfers.acquire().await.map_err(Error::internal)
    }

    /// Size of the parts in which a blob is read: a tenth of a second's worth under a cap, so that it goes evenly.
    pub fn part_bytes(&self) -> usize {
        let rate = self.bucket.as_ref().map_or(u64::MAX, |bucket| bucket.rate / 10);
        usize::try_from(rate.clamp(PART_BYTES_MIN, PART_BYTES_MAX)).unwrap_or(4 << 10)
    }

    /// Waits until so many bytes may go, and counts them.
    pub async fn pass(&self, bytes: u64) {
        if let Some(bucket) = &self.bucket {
            tokio::time::sleep_until(bucket.take(bytes)).await;
        }
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes sent since the last call.
    pub fn take_sent(&self) -> u64 {
        self.sent.swap(0, Ordering::Relaxed)
    }

    /// Tells how far a submission is.
    pub fn set_done(&self, submission: &str, bytes: Option<u64>) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match bytes {
            Some(bytes) => drop(done.insert(submission.to_owned(), bytes)),
            None => drop(done.remove(submission)),
        }
    }

    /// How far a submission is that is being transferred.
    pub fn done(&self, submission: &str) -> Option<u64> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).get(submission).copied()
    }
}

/// A token bucket without depth: whoever takes bytes waits until those before it have gone. It costs one instant.
struct Bucket {
    rate: u64,
    free: Mutex<Instant>,
}

impl Bucket {
    fn take(&self, bytes: u64) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*free).max(Instant::now());
        *free = begin + Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        begin
    }
}

/// The lanes of all regions.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<String, Arc<Lane>>>);

impl Lanes {
    /// The lane of a region with the limits of its row.
    pub fn of(&self, row: &RegionRow) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lanes.get(&row.name).filter(|lane| lane.limits == (row.transfers, row.bytes_per_second));
        if let Some(lane) = known {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane::new(row));
        if let Some(other) = lanes.insert(row.name.clone(), Arc::clone(&lane)) {
            // Its limits are others: what goes by them begins again by these, so that both never hold at once.
            other.halt.cancel();
        }
        lane
    }

    /// The lane of the region of this name, when anything goes there.
    pub fn known(&self, region: &str) -> Option<Arc<Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(region).map(Arc::clone)
    }

    /// Stops what goes to a region after its current piece; what comes later has a new lane.
    pub fn halt(&self, region: &str) {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.remove(region) {
            lane.halt.cancel();
        }
    }
}
