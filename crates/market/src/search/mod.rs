//! The storefront's search. An index of all live offers is held in memory and follows the database: whatever asks first
//! after something was written reads the listings that changed since, which is one indexed query that mostly finds
//! nothing. Only what everybody may see is in it.

mod find;
mod index;
mod query;
#[cfg(test)]
mod tests;
mod words;

pub use find::{Count, Hits, PAGE_SIZE};
pub use index::{Entry, Index};
pub use query::{Facet, PAGE_MAX, Query, Sort, TEXT_CHARS_MAX};

use crate::access::{self, Actor, Operation};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::blocking;
use crate::store::listings::{self, ChangedRow};
use crate::store::{Connection, documents, submissions, withdrawals};
use offer::document::{LicenceModel, Offer, Plan};
use offer::reading;
use offer::tags::VersionTag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Licence models that can be filtered by.
pub const LICENCES: [&str; 2] = ["free", "byol"];
/// The badge of what supports all tier 1 platforms.
pub const SHOWCASED: &str = "showcased";
/// More changed listings than this are taken in beside the index, so that nobody waits for it meanwhile.
const IN_PLACE_MAX: usize = 256;

/// What the storefront finds of an offer beside its listing's columns.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Facts {
    long_summary: String,
    plans: Vec<String>,
    platforms: Vec<String>,
    licences: Vec<String>,
    version: String,
    showcased: bool,
}

/// The index of one marketplace, and how far it has followed the database.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    loaded: RwLock<Loaded>,
    /// One at a time brings it up to date.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Loaded {
    index: Index,
    /// Of the store, when everything was read.
    generation: Option<u64>,
    /// The last change of a listing that is in it.
    changed: i64,
    hidden: Vec<(String, String, i64)>,
}

impl Shelf {
    fn read(&self) -> RwLockReadGuard<'_, Loaded> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, Loaded> {
        self.loaded.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Found {
    /// Offers that match, on all pages.
    pub total: usize,
    pub offers: Vec<Entry>,
    pub counts: Vec<(Facet, Vec<Count>)>,
    /// No offer has all the words: these have some.
    pub relaxed: bool,
}

impl Market {
    /// Live offers that match.
    pub async fn search(&self, actor: &Actor, query: &Query) -> Result<Found> {
        access::permit(actor, Operation::Browse)?;
        self.follow().await?;
        let (market, query, now_ms) = (self.clone(), query.clone(), self.now().0);
        // It computes for milliseconds: other requests go on meanwhile.
        blocking(move || {
            let loaded = market.shelf.read();
            let hits = loaded.index.find(&query, now_ms);
            let offers = hits.slots.iter().map(|slot| loaded.index.entry(*slot).clone()).collect();
            Ok(Found { total: hits.total, offers, counts: hits.counts, relaxed: hits.relaxed })
        })
        .await
    }

    /// What the index has of one live offer; `None` when it is not live or hidden.
    pub async fn listed(&self, actor: &Actor, publisher: &str, offer: &str) -> Result<Option<Entry>> {
        access::permit(actor, Operation::Browse)?;
        self.follow().await?;
        Ok(self.shelf.read().index.named(publisher, offer, self.now().0).cloned())
    }

    /// Names of all live offers in the order of their titles, from this one on.
    pub async fn names(&self, actor: &Actor, from: usize, count: usize) -> Result<Vec<Entry>> {
        access::permit(actor, Operation::Browse)?;
        self.follow().await?;
        Ok(self.shelf.read().index.by_title(self.now().0).skip(from).take(count).cloned().collect())
    }

    /// Brings the index up to date with the database.
    pub async fn follow(&self) -> Result<()> {
        if self.shelf.read().generation == Some(self.store.generation()) {
            return Ok(());
        }
        let _turn = self.shelf.turn.lock().await;
        let generation = self.store.generation();
        let (known, after) = {
            let loaded = self.shelf.read();
            let anew = loaded.generation.is_none() || loaded.index.is_worn();
            (loaded.generation, if anew { -1 } else { loaded.changed })
        };
        if known == Some(generation) {
            return Ok(());
        }
        let mut c = self.store.read().await?;
        let rows = listings::changed(&mut c, after).await?;
        let hidden = listings::hidden(&mut c).await?;
        drop(c);
        let hidden: Vec<_> = hidden.into_iter().map(|h| (h.publisher, h.offer, h.hide_ms)).collect();
        let changed = rows.last().map(|row| row.changed);
        let entries = self.entries(rows).await?;
        let market = self.clone();
        blocking(move || {
            let shelf = &market.shelf;
            let mut fresh = (after < 0 || entries.len() > IN_PLACE_MAX).then(Index::default);
            if let Some(fresh) = &mut fresh
                && after >= 0
            {
                for entry in shelf.read().index.by_title(i64::MIN) {
                    fresh.put(entry.clone());
                }
            }
            let mut waiting = entries;
            if let Some(fresh) = &mut fresh {
                waiting.drain(..).for_each(|entry| fresh.put(entry));
                fresh.hide(&hidden);
            }
            let mut loaded = shelf.write();
            if let Some(fresh) = fresh {
                loaded.index = fresh;
            } else {
                let moved = !waiting.is_empty() || loaded.hidden != hidden;
                waiting.into_iter().for_each(|entry| loaded.index.put(entry));
                if moved {
                    loaded.index.hide(&hidden);
                }
            }
            loaded.hidden = hidden;
            loaded.generation = Some(generation);
            loaded.changed = changed.unwrap_or(loaded.changed);
            Ok(())
        })
        .await
    }

    async fn entries(&self, rows: Vec<ChangedRow>) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let facts = match row.facts.is_empty() {
                true => self.gathered(&row).await.unwrap_or_else(|error| {
                    // Without them the offer is found by its title, which is better than no search at all.
                    tracing::warn!(%error, publisher = row.publisher, offer = row.offer, "a listing has no facts");
                    "{}".to_owned()
                }),
                false => row.facts,
            };
            let facts: Facts = serde_json::from_str(&facts).map_err(Error::internal)?;
            entries.push(Entry {
                publisher: row.publisher,
                publisher_name: row.publisher_name,
                offer: row.offer,
                title: row.title,
                summary: row.summary,
                long_summary: facts.long_summary,
                submission: row.submission,
                categories: serde_json::from_str(&row.categories).map_err(Error::internal)?,
                plans: facts.plans,
                platforms: facts.platforms,
                licences: facts.licences,
                version: facts.version,
                showcased: facts.showcased,
                live_ms: row.live_ms,
            });
        }
        Ok(entries)
    }

    /// The facts of a listing that an earlier program wrote, kept from now on. One whose document no longer satisfies the
    /// policy has none.
    async fn gathered(&self, row: &ChangedRow) -> Result<String> {
        let mut c = self.store.read().await?;
        let submission = submissions::get(&mut c, &row.submission).await?;
        drop(c);
        let Some(submission) = submission else { return Ok("{}".to_owned()) };
        let (policy, bundles) = (self.config.policy.clone(), self.bundles.clone());
        let document =
            blocking(move || Ok(reading::read(&bundles.get(&submission.bundle)?, &policy).offer)).await?;
        let Some(document) = document else { return Ok("{}".to_owned()) };
        let mut tx = self.store.write().await?;
        let facts = facts(&mut tx, self, &row.submission, &document).await?;
        listings::put_facts(&mut tx, (&row.publisher, &row.offer), &facts).await?;
        tx.commit().await?;
        Ok(facts)
    }
}

/// What is kept beside a listing, as JSON. Hidden and private plans are in none of it, nor are those that are not sold.
pub(crate) async fn facts(
    c: &mut Connection,
    market: &Market,
    submission: &str,
    document: &Offer,
) -> Result<String> {
    let images = documents::of_submission(c, submission).await?;
    let tags = submissions::tags(c, submission).await?;
    let stopped = withdrawals::of_offer(c, document.publisher.as_str(), document.id.as_str()).await?;
    let is_sold = |plan: &Plan| !stopped.iter().any(|row| row.plan == plan.id.as_str());
    let is_open = |plan: &&Plan| !plan.hidden && plan.private_audience.is_empty() && is_sold(plan);
    let open: Vec<&Plan> = document.plans.iter().filter(is_open).collect();
    let platforms_of = |plan: &Plan| -> BTreeSet<String> {
        let of_plan = images.iter().filter(|image| image.kind == "sbom" && image.plan == plan.id.as_str());
        of_plan.map(|image| image.platform.clone()).collect()
    };
    let tier1: BTreeSet<String> =
        market.config.policy.platforms.tier1.iter().map(ToString::to_string).collect();
    let versions = tags.iter().filter(|tag| open.first().is_some_and(|plan| tag.plan == plan.id.as_str()));
    let licence = |model: LicenceModel| match model {
        LicenceModel::Free => LICENCES[0].to_owned(),
        LicenceModel::Byol => LICENCES[1].to_owned(),
    };
    let facts = Facts {
        long_summary: document.listing.long_summary.clone(),
        plans: open.iter().map(|plan| plan.title.clone()).collect(),
        showcased: open.iter().any(|plan| tier1.is_subset(&platforms_of(plan))),
        platforms: open
            .iter()
            .flat_map(|plan| platforms_of(plan))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        licences: open
            .iter()
            .map(|plan| licence(plan.licence_model))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        version: versions
            .filter_map(|tag| tag.tag.parse::<VersionTag>().ok())
            .max()
            .map_or_else(String::new, |version| version.to_string()),
    };
    serde_json::to_string(&facts).map_err(Error::internal)
}
