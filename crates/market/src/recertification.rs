//! Recertification campaigns as operators start, follow and cancel them (spec `publishing.md`, *Recertification*), and
//! what publishers see of them. How an offer is judged and what follows from it is the pipeline's business.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::pipeline;
use crate::store::campaigns::{self, CampaignRow};
use crate::store::{history, tasks};
use jiff::civil::Date;
use offer::identity::{OfferId, PublisherId};
use serde::{Deserialize, Serialize};
use serde_json::json;

mod request;
mod view;
pub use request::request;
pub(crate) use request::{forget_request, take_request};
pub(crate) use view::view;
pub use view::{Campaign, CampaignState, Counts, OfferState, Recertification};

/// Most campaigns that run at the same time: imports of a night, and some by hand.
const RUNNING_MAX: usize = 16;
/// Most publishers and offers that one campaign names; without any it is about all.
const SCOPE_MAX: usize = 100;
/// Longest reason in characters.
const REASON_CHARS_MAX: usize = 200;
/// Most campaigns of one answer.
const PAGE_MAX: i64 = 200;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// A campaign to start. Without a date it is the policy's `grace-days` from now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct NewCampaign {
    /// Publishers and `publisher.offer`; empty for every live offer.
    pub scope: Vec<String>,
    /// The day from which on an offer that fails is hidden, as in `2027-03-31`; instead of `grace_days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Days until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u16>,
    /// Tell who would fail, without any consequence.
    pub dry_run: bool,
    /// What changed, for those who read of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Market {
    /// Starts a campaign. Certifiers only.
    pub async fn start_recertification(&self, actor: &Actor, new: NewCampaign) -> Result<Campaign> {
        access::permit(actor, Operation::Certify)?;
        let row = self.campaign_row(actor, &new)?;
        let mut tx = self.store.write().await?;
        let running = CampaignState::Running.id();
        if campaigns::list(&mut tx, Some(&running), PAGE_MAX).await?.len() >= RUNNING_MAX {
            return Err(Error::conflict(
                format!("{RUNNING_MAX} campaigns run already"),
                "wait until one is complete, or cancel one; `edgemarket recertify list` shows them",
            ));
        }
        pipeline::recertification::begin(self, &mut tx, &row).await?;
        if !new.scope.is_empty() && campaigns::offers(&mut tx, &row.id).await?.is_empty() {
            return Err(Error::not_found(format!("a live offer of {}", new.scope.join(", "))));
        }
        tx.commit().await?;
        self.bell.ring();
        self.recertification(actor, &row.id).await
    }

    /// Campaigns, newest first. Certifiers only.
    pub async fn recertifications(&self, actor: &Actor) -> Result<Vec<Campaign>> {
        access::permit(actor, Operation::Certify)?;
        let mut c = self.store.read().await?;
        let mut all = Vec::new();
        for row in campaigns::list(&mut c, None, PAGE_MAX).await? {
            all.push(view::campaign(&mut c, row).await?);
        }
        Ok(all)
    }

    /// A campaign with its offers. Certifiers only.
    pub async fn recertification(&self, actor: &Actor, id: &str) -> Result<Campaign> {
        access::permit(actor, Operation::Certify)?;
        let mut c = self.store.read().await?;
        let row = campaigns::get(&mut c, id).await?.ok_or_else(|| missing(id))?;
        let mut found = view::campaign(&mut c, row).await?;
        for row in campaigns::offers(&mut c, id).await? {
            found.offers.push(view(&mut c, self, row).await?);
        }
        Ok(found)
    }

    /// Ends a campaign that runs: what was judged stays, and offers that wait are left alone. Certifiers only.
    pub async fn cancel_recertification(&self, actor: &Actor, id: &str) -> Result<Campaign> {
        access::permit(actor, Operation::Certify)?;
        let mut tx = self.store.write().await?;
        let row = campaigns::get(&mut tx, id).await?.ok_or_else(|| missing(id))?;
        if row.state != CampaignState::Running.id() {
            return Err(Error::conflict(
                format!("the campaign {id} cannot be cancelled: it is {}", row.state),
                "only one that runs can be; deadlines are lifted by an update, or by another campaign that passes",
            ));
        }
        let now = self.now().0;
        campaigns::set_state(&mut tx, id, &CampaignState::Canceled.id(), Some(now)).await?;
        campaigns::cancel_waiting(&mut tx, id, now).await?;
        tasks::cancel_subject(&mut tx, id).await?;
        let entry =
            self.history_row(actor, None, None, "recertification-canceled", json!({ "campaign": id }));
        history::insert(&mut tx, &entry).await?;
        tx.commit().await?;
        self.bell.ring_cancel();
        self.recertification(actor, id).await
    }

    /// The bytes of a report of a campaign, also of one without consequences. Certifiers only; publishers read theirs with
    /// [`Market::submission_document`].
    pub async fn recertification_report(&self, actor: &Actor, id: &str, digest: &str) -> Result<Vec<u8>> {
        let campaign = self.recertification(actor, id).await?;
        let mut reports = campaign.offers.iter().flat_map(|offer| &offer.reports);
        if !reports.any(|report| report.digest == digest) {
            return Err(Error::not_found("this report of the campaign"));
        }
        self.document_bytes(digest).await
    }

    fn campaign_row(&self, actor: &Actor, new: &NewCampaign) -> Result<CampaignRow> {
        check_scope(&new.scope)?;
        let reason = new.reason.as_deref().unwrap_or("started by hand").trim();
        let chars = reason.chars().count();
        if chars == 0 || chars > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
            return Err(Error::invalid(
                format!("the reason has {chars} characters; 1 to {REASON_CHARS_MAX} on one line are taken"),
                "say in short what changed",
            ));
        }
        Ok(CampaignRow {
            id: self.ids.next().to_string(),
            actor: actor.to_string(),
            reason: reason.to_owned(),
            scope: json!(new.scope).to_string(),
            hide_ms: self.hide_ms(new)?,
            dated: i64::from(new.by.is_some() || new.grace_days.is_some()),
            dry_run: i64::from(new.dry_run),
            state: CampaignState::Running.id(),
            created_ms: self.now().0,
            finished_ms: None,
        })
    }

    /// The first millisecond (UTC) of the day from which on an offer that fails is hidden.
    fn hide_ms(&self, new: &NewCampaign) -> Result<i64> {
        let today = self.now().0.div_euclid(DAY_MS);
        let day = match (&new.by, new.grace_days) {
            (Some(_), Some(_)) => {
                let hint = "give one of the two";
                return Err(Error::invalid("there is a date and a number of days", hint));
            }
            (Some(by), None) => {
                let date: Date = by.parse().map_err(|_| {
                    Error::invalid(
                        format!("{:?} is no day", by.chars().take(100).collect::<String>()),
                        "write the day from which on an offer that fails is hidden, for example 2027-03-31",
                    )
                })?;
                let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(Error::internal)?;
                midnight.timestamp().as_millisecond().div_euclid(DAY_MS)
            }
            (None, days) => today + i64::from(days.unwrap_or(self.config.policy.certification.grace_days)),
        };
        if day < today {
            let date = day_of(day * DAY_MS);
            return Err(Error::invalid(
                format!("{date} is past"),
                "give today, to hide what fails at once, or a later day",
            ));
        }
        Ok(day * DAY_MS)
    }
}

/// The campaign that an import of vulnerability data starts: all live offers, the policy's date.
pub(crate) fn of_import(market: &Market, id: &str) -> CampaignRow {
    let days = i64::from(market.config.policy.certification.grace_days);
    let now = market.now().0;
    CampaignRow {
        id: id.to_owned(),
        actor: Actor::Operator.to_string(),
        reason: "vulnerability data was imported".to_owned(),
        scope: "[]".to_owned(),
        hide_ms: (now.div_euclid(DAY_MS) + days) * DAY_MS,
        dated: 0,
        dry_run: 0,
        state: CampaignState::Running.id(),
        created_ms: now,
        finished_ms: None,
    }
}

/// Whether a campaign of this scope is about an offer.
pub(crate) fn covers(scope: &str, publisher: &str, offer: &str) -> bool {
    let scope: Vec<String> = serde_json::from_str(scope).unwrap_or_default();
    scope.is_empty() || scope.iter().any(|wanted| is_of(wanted, publisher, offer))
}

/// Whether an offer is what `wanted` names: a publisher, or `publisher.offer`.
pub(crate) fn is_of(wanted: &str, publisher: &str, offer: &str) -> bool {
    match wanted.split_once('.') {
        None => wanted == publisher,
        Some((of, id)) => of == publisher && id == offer,
    }
}

/// The day (UTC) of an instant in milliseconds since 1970.
pub(crate) fn day_of(ms: i64) -> Date {
    Instant(ms).date()
}

fn check_scope(scope: &[String]) -> Result<()> {
    if scope.len() > SCOPE_MAX {
        return Err(Error::invalid(
            format!("{} publishers and offers are named, at most {SCOPE_MAX} are taken", scope.len()),
            "name publishers instead of their offers, or none for every live offer",
        ));
    }
    scope.iter().try_for_each(|text| check_name(text))
}

/// Refuses what is neither a publisher nor `publisher.offer`.
pub(crate) fn check_name(text: &str) -> Result<()> {
    let good = match text.split_once('.') {
        None => text.parse::<PublisherId>().is_ok(),
        Some((publisher, offer)) => {
            publisher.parse::<PublisherId>().is_ok() && offer.parse::<OfferId>().is_ok()
        }
    };
    if good {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{:?} names no publisher and no offer", text.chars().take(100).collect::<String>()),
        "write PUBLISHER or PUBLISHER.OFFER, for example contoso.telemetry",
    ))
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("the recertification campaign {id:.60}"))
}
