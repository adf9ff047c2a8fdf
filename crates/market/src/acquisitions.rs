//! Acquisitions: a subscription takes a plan under terms that are accepted in a version that stays known. The publisher
//! receives a lead. Nothing is sold here: what a plan costs is between publisher and customer.

mod modules;
mod terms;

pub use modules::{Change, ModuleState, MyDeployment, MyModule, MyModules, Update};
pub use terms::{TermsKind, TermsVersion};

use crate::access::{self, Actor, Operation};
use crate::catalogue::OfferPage;
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::leads;
use crate::market::Market;
use crate::store::acquisitions::{self, AcquisitionRow};
use crate::store::{history, offers, people};
use offer::document::Plan;
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::tags;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Most acquisitions of a subscription, removed ones too: far more than a fleet has modules.
pub const ACQUISITIONS_MAX: i64 = 2_000;

/// What is needed to acquire a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acquire {
    /// For whom.
    pub subscription: Uuid,
    /// Digest of the terms that were read and accepted; empty when they were not.
    #[serde(default)]
    pub accepted_terms: String,
    /// Whom the publisher may write to; all of it may be empty.
    #[serde(default)]
    pub contact: leads::Contact,
}

/// A plan that a subscription has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Acquisition {
    pub id: String,
    pub subscription: Uuid,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    /// What was live then.
    pub submission: String,
    pub version: String,
    pub terms: TermsKind,
    /// Of the terms that were accepted.
    pub terms_digest: String,
    pub acquired: Instant,
    pub removed: Option<Instant>,
}

/// What an acquisition is decided on.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ToAcquire {
    pub page: OfferPage,
    pub plan: Plan,
    pub terms: TermsVersion,
    pub version: String,
    /// Those that the actor's subscriptions have of it already.
    pub owned: Vec<Acquisition>,
}

impl Market {
    /// The plan with its terms, as the actor sees it.
    pub async fn to_acquire(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        plan: &PlanId,
    ) -> Result<ToAcquire> {
        let mut page = self.live_page(actor, offer).await;
        // An account of several subscriptions sees what any of them sees.
        for subscription in actor.subscriptions() {
            let has_plan = page.as_ref().is_ok_and(|page| page.document.plans.iter().any(|p| p.id == *plan));
            if !has_plan {
                page = self.live_page(&Actor::Customer(*subscription), offer).await;
            }
        }
        let mut found = to_acquire(page?, offer, plan, &self.config.standard_contract)?;
        let key = (offer.0.as_str(), offer.1.as_str(), plan.as_str());
        let mut c = self.store.read().await?;
        for subscription in actor.subscriptions() {
            if let Some(row) = acquisitions::in_force(&mut c, &subscription.to_string(), key).await? {
                found.owned.push(acquisition(row)?);
            }
        }
        Ok(found)
    }

    /// Acquires a plan for a subscription. Asked again, it answers with what is there, and no second lead is made.
    pub async fn acquire(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        plan: &PlanId,
        wanted: &Acquire,
    ) -> Result<Acquisition> {
        may_use(actor, wanted.subscription)?;
        wanted.contact.check()?;
        // As the subscription sees it: a private plan is for its audience, and what is withdrawn is for nobody.
        let page = self.live_page(&Actor::Customer(wanted.subscription), offer).await?;
        let found = to_acquire(page, offer, plan, &self.config.standard_contract)?;
        let subscription = wanted.subscription.to_string();
        let key = (offer.0.as_str(), offer.1.as_str(), plan.as_str());
        let mut tx = self.store.write().await?;
        let owner = people::subscription(&mut tx, &subscription).await?;
        let owner = owner.ok_or_else(|| Error::not_found("this subscription"))?;
        if let Some(known) = acquisitions::in_force(&mut tx, &subscription, key).await? {
            return acquisition(known);
        }
        found.terms.check_accepted(&wanted.accepted_terms)?;
        if acquisitions::count(&mut tx, &subscription).await? >= ACQUISITIONS_MAX {
            return Err(Error::conflict(
                format!("the subscription made {ACQUISITIONS_MAX} acquisitions, and no more are allowed"),
                "bring a removed module back instead of acquiring it again, or use another subscription",
            ));
        }
        // What was read before the transaction may have been replaced or withdrawn meanwhile.
        let live = offers::get(&mut tx, key.0, key.1).await?.and_then(|offer| offer.live);
        if live.as_ref() != Some(&found.page.submission) {
            return Err(Error::conflict(
                format!("{}.{} changed meanwhile", key.0, key.1),
                "look at the offer again",
            ));
        }
        let acquired = AcquisitionRow {
            id: self.ids.next().to_string(),
            subscription,
            publisher: key.0.to_owned(),
            offer: key.1.to_owned(),
            plan: key.2.to_owned(),
            submission: found.page.submission.clone(),
            version: found.version,
            terms: found.terms.kind.id().to_owned(),
            terms_digest: found.terms.digest,
            actor: actor.to_string(),
            acquired_ms: self.now().0,
            removed_ms: None,
        };
        acquisitions::insert(&mut tx, &acquired).await?;
        let lead = leads::acquired(self, &acquired, &found.page.document, &owner.owner, &wanted.contact)?;
        leads::enqueue(self, &mut tx, &lead).await?;
        let detail = json!({
            "subscription": acquired.subscription, "plan": acquired.plan, "version": acquired.version,
            "terms": acquired.terms_digest,
        });
        let submission = Some(acquired.submission.as_str());
        let entry = self.history_row(actor, Some((key.0, key.1)), submission, "acquired", detail);
        history::insert(&mut tx, &entry).await?;
        tx.commit().await?;
        self.bell.ring();
        acquisition(acquired)
    }

    /// Removes a module from those of its subscription. Devices keep running it, and it can be brought back.
    pub async fn remove_acquisition(&self, actor: &Actor, id: &str) -> Result<Acquisition> {
        self.change_acquisition(actor, id, true).await
    }

    /// Brings a removed module back, under the terms that were accepted for it.
    pub async fn restore_acquisition(&self, actor: &Actor, id: &str) -> Result<Acquisition> {
        self.change_acquisition(actor, id, false).await
    }

    async fn change_acquisition(&self, actor: &Actor, id: &str, remove: bool) -> Result<Acquisition> {
        let mut tx = self.store.write().await?;
        let missing = || Error::not_found(format!("the acquisition {id:.60}"));
        let mut row = acquisitions::get(&mut tx, id).await?.ok_or_else(missing)?;
        may_use(actor, parse_subscription(&row.subscription)?).map_err(|error| match error.kind {
            Kind::NotFound => missing(),
            _ => error,
        })?;
        // Pressed twice, it is done once.
        if row.removed_ms.is_some() == remove {
            return acquisition(row);
        }
        let key = (row.publisher.as_str(), row.offer.as_str(), row.plan.as_str());
        if !remove && acquisitions::in_force(&mut tx, &row.subscription, key).await?.is_some() {
            return Err(Error::conflict(
                format!("{}.{}/{} was acquired again meanwhile", row.publisher, row.offer, row.plan),
                "use the newer acquisition",
            ));
        }
        let now = self.now().0;
        match remove {
            true => acquisitions::remove(&mut tx, id, now).await?,
            false => acquisitions::restore(&mut tx, id).await?,
        };
        row.removed_ms = remove.then_some(now);
        let detail = json!({ "acquisition": id, "subscription": row.subscription, "plan": row.plan });
        let action = if remove { "acquisition-removed" } else { "acquisition-restored" };
        let entry = self.history_row(actor, Some((key.0, key.1)), None, action, detail);
        history::insert(&mut tx, &entry).await?;
        tx.commit().await?;
        acquisition(row)
    }
}

fn to_acquire(
    page: OfferPage,
    offer: (&PublisherId, &OfferId),
    plan: &PlanId,
    standard_contract: &str,
) -> Result<ToAcquire> {
    let missing = || Error::not_found(format!("the plan {plan} of {}.{}", offer.0, offer.1));
    let plan = page.document.plans.iter().find(|known| known.id == *plan).ok_or_else(missing)?.clone();
    let version = tags::greatest_version(&plan.tags).map_or_else(|| "latest".to_owned(), |v| v.to_string());
    let terms = TermsVersion::of(&page.document.listing.terms, standard_contract);
    Ok(ToAcquire { page, plan, terms, version, owned: Vec::new() })
}

/// Whether the actor may act for the subscription; one that is another's is not there.
pub(crate) fn may_use(actor: &Actor, subscription: Uuid) -> Result<()> {
    access::permit(actor, Operation::UseSubscription(&subscription)).map_err(|denied| match denied.kind {
        Kind::NotFound => Error::not_found(format!("the subscription {subscription}")),
        _ => Error::from(denied),
    })
}

pub(crate) fn parse_subscription(text: &str) -> Result<Uuid> {
    text.parse().map_err(Error::internal)
}

fn acquisition(row: AcquisitionRow) -> Result<Acquisition> {
    Ok(Acquisition {
        subscription: parse_subscription(&row.subscription)?,
        terms: TermsKind::of_id(&row.terms)?,
        id: row.id,
        publisher: row.publisher,
        offer: row.offer,
        plan: row.plan,
        submission: row.submission,
        version: row.version,
        terms_digest: row.terms_digest,
        acquired: Instant(row.acquired_ms),
        removed: row.removed_ms.map(Instant),
    })
}
