//! Drafts: what a publisher edits before it submits. A draft may be incomplete or wrong; it is stored all the same, and
//! what is wrong with it is said. Concurrent writers are kept apart by an ETag.

use crate::access::{self, Actor, Operation};
use crate::bundles::Files;
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::submissions::SubmissionRow;
use crate::store::{history, listings, offers, people, submissions, withdrawals};
use offer::document::Offer;
use offer::finding::{Finding, Severity};
use offer::identity::{OfferId, PublisherId};
use offer::submission::SubmissionState;
use offer::{reading, repository};
use serde::Serialize;
use serde_json::json;

/// How long one who types goes on with one change, in the eyes of the history: ten minutes.
const TYPING_MS: i64 = 10 * 60 * 1_000;

/// What must be true of the stored draft for a write to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// Anything (no header).
    Any,
    /// There is no draft yet (`If-None-Match: *`).
    New,
    /// It still has this ETag (`If-Match`).
    Etag(i64),
}

/// A draft as it is stored, with what the rules say about it.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Draft {
    pub publisher: PublisherId,
    pub offer: OfferId,
    /// Grows with every write that changes the draft.
    pub etag: i64,
    pub changed: Instant,
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub files: Files,
    /// The typed offer, when no rule of its form is broken.
    #[serde(skip)]
    pub document: Option<Offer>,
}

/// An offer in a list.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OfferSummary {
    pub publisher: String,
    pub offer: String,
    pub etag: i64,
    pub changed: Instant,
    /// State of the newest submission.
    pub state: SubmissionState,
    /// Id of the newest submission.
    pub submission: Option<String>,
    pub live: bool,
    /// Since when it is live and not sold any more; absent while it is sold.
    pub stopped: Option<Instant>,
}

impl Market {
    /// Stores the draft. The document's own publisher and offer ID, where they can be read, must be the ones given.
    pub async fn put_draft(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        files: Files,
        if_match: IfMatch,
    ) -> Result<Draft> {
        self.store_draft(actor, (publisher, id), files, if_match, false).await
    }

    /// As [`put_draft`](Market::put_draft). With `typing`, a change that follows the same person's last one within
    /// [`TYPING_MS`] is no action of its own in the history.
    pub(crate) async fn store_draft(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        files: Files,
        if_match: IfMatch,
        typing: bool,
    ) -> Result<Draft> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let policy = self.config.policy.clone();
        let bundles = self.bundles.clone();
        let (files, reading, bundle) = blocking(move || {
            let reading = reading::read(&files, &policy);
            let bundle = bundles.put(&files)?;
            Ok((files, reading, bundle.to_string()))
        })
        .await?;
        if let Some(found) = &reading.offer {
            check_identity(found, publisher, id)?;
        }
        let mut tx = self.store.write().await?;
        if people::publisher(&mut tx, publisher.as_str()).await?.is_none() {
            return Err(Error::not_found(format!("the publisher {publisher}")));
        }
        let stored = offers::get(&mut tx, publisher.as_str(), id.as_str()).await?;
        check_etag(if_match, stored.as_ref().map(|row| row.version), publisher, id)?;
        let now = self.now();
        let mut row = stored.clone().unwrap_or_else(|| offers::OfferRow {
            publisher: publisher.to_string(),
            offer: id.to_string(),
            bundle: String::new(),
            version: 0,
            live: None,
            created_ms: now.0,
            changed_ms: now.0,
        });
        if row.bundle != bundle {
            row = offers::OfferRow { bundle, version: row.version + 1, changed_ms: now.0, ..row };
            offers::put(&mut tx, &row).await?;
            let action = if stored.is_none() { "draft-created" } else { "draft-changed" };
            let detail = json!({ "etag": row.version, "bundle": row.bundle });
            let offer = Some((publisher.as_str(), id.as_str()));
            let last = history::last_of_offer(&mut tx, publisher.as_str(), id.as_str()).await?;
            let goes_on = last.is_some_and(|last| {
                last.action == action && last.actor == actor.to_string() && now.0 - last.at_ms < TYPING_MS
            });
            if !(typing && goes_on) {
                history::insert(&mut tx, &self.history_row(actor, offer, None, action, detail)).await?;
            }
        }
        tx.commit().await?;
        Ok(Draft {
            publisher: publisher.clone(),
            offer: id.clone(),
            etag: row.version,
            changed: Instant(row.changed_ms),
            findings: reading.findings,
            files,
            document: reading.offer,
        })
    }

    /// The draft with its files and findings.
    pub async fn draft(&self, actor: &Actor, (publisher, id): (&PublisherId, &OfferId)) -> Result<Draft> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let row = self.offer_row(publisher, id).await?;
        let (policy, bundles, bundle) = (self.config.policy.clone(), self.bundles.clone(), row.bundle);
        let (files, reading) = blocking(move || {
            let files = bundles.get(&bundle)?;
            let reading = reading::read(&files, &policy);
            Ok((files, reading))
        })
        .await?;
        Ok(Draft {
            publisher: publisher.clone(),
            offer: id.clone(),
            etag: row.version,
            changed: Instant(row.changed_ms),
            findings: reading.findings,
            files,
            document: reading.offer,
        })
    }

    /// Deletes the draft: of an offer that was never live the offer goes; of a live one the draft becomes what is live.
    pub async fn delete_draft(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        if_match: IfMatch,
    ) -> Result<()> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let mut tx = self.store.write().await?;
        let row = offers::get(&mut tx, publisher.as_str(), id.as_str())
            .await?
            .ok_or_else(|| Error::not_found(format!("the offer {publisher}.{id}")))?;
        check_etag(if_match, Some(row.version), publisher, id)?;
        let newest = submissions::of_offer(&mut tx, publisher.as_str(), id.as_str()).await?;
        if newest.first().is_some_and(|submission| !state_of(submission).is_final()) {
            return Err(Error::conflict(
                format!("the draft of {publisher}.{id} cannot be deleted: a submission of it is in flight"),
                "cancel the submission first, or wait until it ends",
            ));
        }
        match &row.live {
            None => offers::delete(&mut tx, publisher.as_str(), id.as_str()).await?,
            Some(live) => {
                let live = submissions::get(&mut tx, live).await?;
                let bundle = live.ok_or_else(|| Error::internal("the live submission is missing"))?.bundle;
                let row =
                    offers::OfferRow { bundle, version: row.version + 1, changed_ms: self.now().0, ..row };
                offers::put(&mut tx, &row).await?;
            }
        }
        let offer = Some((publisher.as_str(), id.as_str()));
        history::insert(&mut tx, &self.history_row(actor, offer, None, "draft-deleted", json!({}))).await?;
        tx.commit().await
    }

    /// The ETag of a draft, and whether the offer is live.
    pub async fn draft_etag(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<(i64, bool)> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let row = self.offer_row(publisher, id).await?;
        Ok((row.version, row.live.is_some()))
    }

    /// The offers that the actor manages: its own, or all for an operator.
    pub async fn offers(&self, actor: &Actor) -> Result<Vec<OfferSummary>> {
        let own = managed_by(actor)?;
        let mut c = self.store.read().await?;
        let mut rows = Vec::new();
        match own {
            None => rows = offers::list(&mut c, None).await?,
            Some(publishers) => {
                for publisher in publishers {
                    rows.extend(offers::list(&mut c, Some(publisher.as_str())).await?);
                }
            }
        }
        let mut summaries = Vec::new();
        for row in rows {
            let newest = submissions::of_offer(&mut c, &row.publisher, &row.offer).await?.into_iter().next();
            let stopped = withdrawals::of_offer(&mut c, &row.publisher, &row.offer).await?;
            let stopped = stopped.iter().find(|one| one.plan.is_empty()).map(|one| Instant(one.since_ms));
            summaries.push(OfferSummary {
                stopped,
                state: newest.as_ref().map_or(SubmissionState::NeverPublished, state_of),
                submission: newest.map(|submission| submission.id),
                live: row.live.is_some(),
                publisher: row.publisher,
                offer: row.offer,
                etag: row.version,
                changed: Instant(row.changed_ms),
            });
        }
        Ok(summaries)
    }

    /// The row of an offer that must exist.
    pub(crate) async fn offer_row(&self, publisher: &PublisherId, id: &OfferId) -> Result<offers::OfferRow> {
        let mut c = self.store.read().await?;
        offers::get(&mut c, publisher.as_str(), id.as_str())
            .await?
            .ok_or_else(|| Error::not_found(format!("the offer {publisher}.{id}")))
    }

    /// What speaks against publishing this document now, seen from what others have published: the marketing identifier
    /// and the image repositories must be free.
    pub(crate) async fn uniqueness(&self, offer: &Offer) -> Result<Vec<Finding>> {
        let mut c = self.store.read().await?;
        let mut findings = Vec::new();
        let (publisher, id) = (offer.publisher.as_str(), offer.id.as_str());
        let identifier = &offer.listing.marketing_identifier;
        if let Some(row) = listings::by_identifier(&mut c, identifier).await?
            && (row.publisher != publisher || row.offer != id)
        {
            findings.push(Finding::error(
                "marketing-identifier-taken",
                "/listing/marketingIdentifier",
                format!("the marketing identifier {identifier} belongs to another live offer"),
                "choose another one, for example with your publisher ID in front",
            ));
        }
        for (other, bundle) in submissions::other_bundles(&mut c, publisher, id).await? {
            let (policy, bundles) = (self.config.policy.clone(), self.bundles.clone());
            let reading = blocking(move || Ok(reading::read(&bundles.get(&bundle)?, &policy))).await?;
            let taken: Vec<String> = reading
                .offer
                .iter()
                .flat_map(|o| &o.plans)
                .map(|p| repository::canonical(&p.repository.name))
                .collect();
            for (index, plan) in offer.plans.iter().enumerate() {
                if taken.contains(&repository::canonical(&plan.repository.name)) {
                    findings.push(Finding::error(
                        "repository-taken",
                        format!("/plans/{index}/repository/name"),
                        format!(
                            "the image repository {} is used by your offer {other}",
                            plan.repository.name
                        ),
                        "give each offer a repository of its own",
                    ));
                }
            }
        }
        Ok(findings)
    }
}

/// Whether a finding hinders publication.
pub(crate) fn hinders(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// The publishers whose offers the actor manages; `None` for all of them.
pub(crate) fn managed_by(actor: &Actor) -> Result<Option<&[PublisherId]>> {
    access::permit(actor, Operation::HaveOffers)?;
    Ok(if actor.is_operator() { None } else { Some(actor.publishers()) })
}

/// The state of a row. What this program wrote it can read; anything else counts as failed rather than as in flight.
pub(crate) fn state_of(row: &SubmissionRow) -> SubmissionState {
    SubmissionState::ALL
        .into_iter()
        .find(|state| format!("{state:?}") == row.state)
        .unwrap_or(SubmissionState::Failed)
}

/// Runs work for the CPU or the disk away from the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal(format!("the program failed: {error}")))?
}

fn check_identity(found: &Offer, publisher: &PublisherId, id: &OfferId) -> Result<()> {
    if found.publisher == *publisher && found.id == *id {
        return Ok(());
    }
    Err(Error::invalid(
        format!(
            "the document is of the offer {}.{}, but it was sent for {publisher}.{id}",
            found.publisher, found.id
        ),
        "send it to the offer that it names, or correct its publisher and id",
    ))
}

fn check_etag(if_match: IfMatch, found: Option<i64>, publisher: &PublisherId, id: &OfferId) -> Result<()> {
    let (holds, what) = match (if_match, found) {
        (IfMatch::Any, _) | (IfMatch::New, None) => (true, String::new()),
        (IfMatch::New, Some(_)) => (false, format!("the draft of {publisher}.{id} exists already")),
        (IfMatch::Etag(given), Some(found)) => (
            given == found,
            format!("the draft of {publisher}.{id} was changed: it has the ETag {found}, you gave {given}"),
        ),
        (IfMatch::Etag(_), None) => (false, format!("the draft of {publisher}.{id} does not exist any more")),
    };
    if holds {
        return Ok(());
    }
    Err(Error::new(
        Kind::Stale,
        what,
        "read the draft again, repeat your change on it, and send it with the new ETag",
    ))
}
