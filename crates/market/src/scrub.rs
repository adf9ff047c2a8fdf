//! A scrub reads every blob again and compares: rot on the disk or in the object store is found before a device meets it.
//! What is found is told, and set aside only when asked to, because a blob that is partly right may still be worth something
//! to somebody who restores it.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::runs::RunState;
use crate::store::{history, registry as records};
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::digest::Digest;
use registry::blobs::{Condition, Stored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Blobs that are read at once: a disk or an object store is busy with two, and pulls go on beside them.
const READERS: usize = 2;
/// Most findings that are told; there are more when a disk dies, and then the first say enough.
const ROT_MAX: usize = 1_000;
/// Repositories that are named for a finding.
const HOLDERS_MAX: i64 = 3;

/// A scrub, and what it found so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scrub {
    /// How far it is.
    pub state: RunState,
    /// Whether rotten blobs are set aside.
    pub quarantine: bool,
    /// Blobs in the store, and their bytes.
    pub blobs: u64,
    /// In bytes.
    pub bytes: u64,
    /// How many of them were read.
    pub blobs_checked: u64,
    /// In bytes.
    pub bytes_checked: u64,
    /// How many are rotten.
    pub rotten: u64,
    /// The first [`ROT_MAX`] of them.
    pub rot: Vec<Rot>,
    /// Blobs that no record names: left behind by uploads and submissions that were given up, or not recorded yet. No rot.
    pub orphans: u64,
    /// In bytes.
    pub orphan_bytes: u64,
    /// Why it failed.
    pub message: Option<String>,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub finished: Option<Instant>,
}

/// One rotten blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rot {
    /// Its name.
    pub digest: String,
    /// What is wrong.
    pub kind: RotKind,
    /// For people.
    pub detail: String,
    /// Whether it is in quarantine now.
    pub set_aside: bool,
    /// Some repositories that hold it.
    pub repositories: Vec<String>,
}

/// What can be wrong with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum RotKind {
    WrongDigest,
    Unreadable,
    Missing,
}

impl Market {
    /// Begins a scrub. Operators only; [`crate::Kind::Conflict`] while one runs.
    pub async fn start_scrub(&self, actor: &Actor, quarantine: bool) -> Result<Scrub> {
        access::permit(actor, Operation::Administer)?;
        let new = Scrub {
            state: RunState::Running,
            quarantine,
            blobs: 0,
            bytes: 0,
            blobs_checked: 0,
            bytes_checked: 0,
            rotten: 0,
            rot: Vec::new(),
            orphans: 0,
            orphan_bytes: 0,
            message: None,
            started: self.now(),
            finished: None,
        };
        if !self.last_scrub.begin(&new, |last| last.state) {
            let hint = "wait for it to end; see it with: edgemarket blobs scrub --status";
            return Err(Error::conflict("a scrub is running", hint));
        }
        let (market, actor) = (self.clone(), actor.to_string());
        tokio::spawn(async move {
            let outcome = market.scrub(quarantine, &actor).await;
            if let Err(error) = &outcome {
                tracing::error!(%error, "a scrub of the blob store failed");
            }
            let finished = Some(market.now());
            market.last_scrub.progress(|scrub| {
                scrub.finished = finished;
                (scrub.state, scrub.message) = RunState::after(outcome);
            });
        });
        Ok(new)
    }

    /// The scrub that runs or ran last in this process. Operators only.
    pub async fn last_scrub(&self, actor: &Actor) -> Result<Scrub> {
        access::permit(actor, Operation::Administer)?;
        self.last_scrub.get().ok_or_else(|| Error::not_found("a scrub since the start"))
    }

    async fn scrub(&self, quarantine: bool, actor: &str) -> Result<()> {
        let stored: Vec<Stored> = self.blobs.list().try_collect().await?;
        self.last_scrub.progress(|scrub| {
            scrub.blobs = stored.len() as u64;
            scrub.bytes = stored.iter().map(|blob| blob.size).sum();
        });
        let check = async |blob: &Stored| {
            let condition = self.blobs.check(&blob.digest).await?;
            self.last_scrub.progress(|scrub| {
                scrub.blobs_checked += 1;
                scrub.bytes_checked += blob.size;
            });
            self.judge(&blob.digest, condition, quarantine, actor).await
        };
        stream::iter(&stored).map(check).buffer_unordered(READERS).try_collect::<Vec<()>>().await?;

        // Read after the list: what was recorded and stored meanwhile is looked for once more.
        let recorded = records::contents(&mut *self.store.read().await?).await?;
        let known: BTreeSet<String> = stored.iter().map(|blob| blob.digest.to_string()).collect();
        for digest in recorded.difference(&known) {
            let digest: Digest = digest.parse().map_err(Error::internal)?;
            if !self.blobs.contains(&digest).await? {
                self.judge_missing(&digest, actor).await?;
            }
        }
        let orphans = stored.iter().filter(|blob| !recorded.contains(&blob.digest.to_string()));
        let (count, bytes) = orphans.fold((0, 0), |(count, bytes), blob| (count + 1, bytes + blob.size));
        self.last_scrub.progress(|scrub| (scrub.orphans, scrub.orphan_bytes) = (count, bytes));
        Ok(())
    }

    /// One that went while the scrub ran is no rot; one that is recorded and missing is found in the records, below.
    async fn judge(&self, digest: &Digest, found: Condition, quarantine: bool, actor: &str) -> Result<()> {
        let (kind, detail) = match found {
            Condition::Sound | Condition::Missing => return Ok(()),
            Condition::WrongDigest { found } => {
                (RotKind::WrongDigest, format!("the content has digest {found}"))
            }
            Condition::Unreadable { cause } => {
                (RotKind::Unreadable, format!("the content cannot be read: {cause}"))
            }
        };
        let set_aside = quarantine && self.blobs.set_aside(digest).await?;
        self.tell(digest, kind, detail, set_aside, actor).await
    }

    async fn judge_missing(&self, digest: &Digest, actor: &str) -> Result<()> {
        let detail = "the records name it, and it is not in the store".to_owned();
        self.tell(digest, RotKind::Missing, detail, false, actor).await
    }

    async fn tell(
        &self,
        digest: &Digest,
        kind: RotKind,
        detail: String,
        set_aside: bool,
        actor: &str,
    ) -> Result<()> {
        let text = digest.to_string();
        tracing::error!(digest = text, detail, set_aside, "a blob is rotten");
        if set_aside {
            let mut tx = self.store.write().await?;
            let what = serde_json::json!({ "digest": text, "why": detail });
            history::insert(&mut tx, &self.history_row(&actor, None, None, "blob-set-aside", what)).await?;
            tx.commit().await?;
        }
        let repositories = records::holders(&mut *self.store.read().await?, &text, HOLDERS_MAX).await?;
        self.last_scrub.progress(|scrub| {
            scrub.rotten += 1;
            if scrub.rot.len() < ROT_MAX {
                scrub.rot.push(Rot { digest: text, kind, detail, set_aside, repositories });
            }
        });
        Ok(())
    }
}
