//! Stop selling, and restore: a live offer or one of its plans that is not sold any more is in no catalogue and cannot be
//! acquired; whoever runs it can still pull it (spec `publishing.md`, *Operations*). Nothing of the registry moves.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::search;
use crate::store::withdrawals::{self, WithdrawalRow};
use crate::store::{Tx, history, listings, offers, submissions};
use offer::document::Offer;
use offer::identity::{OfferId, PlanId, PublisherId};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What of a live offer is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Selling {
    pub publisher: String,
    pub offer: String,
    /// Since when the offer as a whole is not sold any more; absent while it is.
    pub stopped: Option<Instant>,
    /// The plans of the live submission.
    pub plans: Vec<PlanSelling>,
}

/// Whether a plan is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlanSelling {
    pub plan: String,
    pub title: String,
    /// Since when it is not sold any more; absent while it is.
    pub stopped: Option<Instant>,
}

/// Which part of an offer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Part {
    /// A plan; the offer as a whole when it is left out.
    pub plan: Option<String>,
}

impl Market {
    /// What of an offer is sold.
    pub async fn selling(&self, actor: &Actor, offer: (&PublisherId, &OfferId)) -> Result<Selling> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let document = self.live_snapshot(offer).await?;
        let mut c = self.store.read().await?;
        let rows = withdrawals::of_offer(&mut c, offer.0.as_str(), offer.1.as_str()).await?;
        Ok(view(&document, &rows))
    }

    /// Stops selling an offer or one of its plans. What is not sold any more stays so.
    pub async fn stop_selling(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        part: &Part,
    ) -> Result<Selling> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let document = self.live_snapshot(offer).await?;
        let plan = plan_of(&document, part)?;
        let mut tx = self.store.write().await?;
        let rows = withdrawals::of_offer(&mut tx, offer.0.as_str(), offer.1.as_str()).await?;
        let is_sold = |id: &PlanId| !rows.iter().any(|row| row.plan == id.as_str());
        if !plan.is_empty()
            && document.plans.iter().all(|other| other.id.as_str() == plan || !is_sold(&other.id))
            && !rows.iter().any(|row| row.plan == plan)
        {
            return Err(Error::conflict(
                format!("{plan} is the last plan of {}.{} that is sold", offer.0, offer.1),
                "stop selling the offer as a whole",
            ));
        }
        let row = WithdrawalRow {
            publisher: offer.0.to_string(),
            offer: offer.1.to_string(),
            plan: plan.clone(),
            since_ms: self.now().0,
            actor: actor.to_string(),
        };
        if withdrawals::insert(&mut tx, &row).await? {
            self.record_selling(tx, actor, offer, &document, ("selling-stopped", &plan)).await?;
        }
        self.selling(actor, offer).await
    }

    /// Sells an offer or one of its plans again. What is sold stays so.
    pub async fn restore(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        part: &Part,
    ) -> Result<Selling> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let document = self.live_snapshot(offer).await?;
        let plan = plan_of(&document, part)?;
        let mut tx = self.store.write().await?;
        if withdrawals::delete(&mut tx, (offer.0.as_str(), offer.1.as_str()), &plan).await? {
            self.record_selling(tx, actor, offer, &document, ("selling-restored", &plan)).await?;
        }
        self.selling(actor, offer).await
    }

    /// Writes the history, lets the catalogue look again, and commits.
    async fn record_selling(
        &self,
        mut tx: Tx,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        document: &Offer,
        (action, plan): (&str, &str),
    ) -> Result<()> {
        let key = (publisher.as_str(), id.as_str());
        let detail = if plan.is_empty() { json!({}) } else { json!({ "plan": plan }) };
        let row = offers::get(&mut tx, key.0, key.1).await?;
        let live = row.and_then(|row| row.live);
        let entry = self.history_row(actor, Some(key), live.as_deref(), action, detail);
        history::insert(&mut tx, &entry).await?;
        if let Some(listing) = listings::of_offer(&mut tx, key.0, key.1).await? {
            let facts = search::facts(&mut tx, self, &listing.submission, document).await?;
            // Written anew, so that whoever follows the listings hears of it.
            listings::put(&mut tx, &listings::ListingRow { facts, ..listing }).await?;
        }
        self.faults.at("selling:before-commit");
        tx.commit().await
    }

    /// The document of what is live of an offer.
    async fn live_snapshot(&self, offer: (&PublisherId, &OfferId)) -> Result<Offer> {
        let row = self.offer_row(offer.0, offer.1).await?;
        let live = row.live.ok_or_else(|| {
            Error::conflict(
                format!("{}.{} is not live, so that nothing of it is sold", offer.0, offer.1),
                "publish it first; a draft that is not wanted any more can be deleted",
            )
        })?;
        let mut c = self.store.read().await?;
        let row = submissions::get(&mut c, &live).await?;
        drop(c);
        let row = row.ok_or_else(|| Error::internal("the live submission is missing"))?;
        Ok(self.snapshot(&row).await?.document.clone())
    }
}

/// The plan that is meant, which must be there; empty for the offer as a whole.
fn plan_of(document: &Offer, part: &Part) -> Result<String> {
    let Some(plan) = part.plan.as_deref().filter(|plan| !plan.is_empty()) else { return Ok(String::new()) };
    let found = document.plans.iter().find(|candidate| candidate.id.as_str() == plan);
    let found = found.ok_or_else(|| Error::not_found(format!("the live plan {plan:.60}")))?;
    Ok(found.id.to_string())
}

fn view(document: &Offer, rows: &[WithdrawalRow]) -> Selling {
    let since = |plan: &str| rows.iter().find(|row| row.plan == plan).map(|row| Instant(row.since_ms));
    let plan = |plan: &offer::document::Plan| PlanSelling {
        plan: plan.id.to_string(),
        title: plan.title.clone(),
        stopped: since(plan.id.as_str()),
    };
    Selling {
        publisher: document.publisher.to_string(),
        offer: document.id.to_string(),
        stopped: since(""),
        plans: document.plans.iter().map(plan).collect(),
    }
}
