//! What a campaign looks like from outside: the shape that the API, the pages and the command line show.

use super::day_of;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::Connection;
use crate::store::campaigns::{self, CampaignRow, OfferRow};
use crate::submissions::Document;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// State of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CampaignState {
    Running,
    Complete,
    Canceled,
}

impl CampaignState {
    /// As stored.
    pub(crate) fn id(self) -> String {
        format!("{self:?}")
    }
}

/// What a campaign says of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferState {
    /// Not judged yet, or to be judged again.
    Waiting,
    /// Nothing blocks.
    Passed,
    /// Something blocks: the offer has a date.
    Failed,
    /// It could not be judged, so that nothing follows.
    Errored,
    /// The campaign was cancelled before, or the offer is not live any more.
    Canceled,
}

impl OfferState {
    const ALL: [OfferState; 5] = [
        OfferState::Waiting,
        OfferState::Passed,
        OfferState::Failed,
        OfferState::Errored,
        OfferState::Canceled,
    ];

    /// As stored.
    pub(crate) fn id(self) -> String {
        format!("{self:?}")
    }
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Campaign {
    pub id: String,
    pub reason: String,
    pub started_by: String,
    /// Publishers and offers; empty for every live offer.
    pub scope: Vec<String>,
    /// The day from which on an offer that fails is hidden; an offer may have an earlier one from before.
    pub hide_on: Date,
    pub dry_run: bool,
    pub state: CampaignState,
    pub created: Instant,
    pub finished: Option<Instant>,
    pub counts: Counts,
    /// By name; empty in a list of campaigns.
    pub offers: Vec<Recertification>,
}

/// How many offers are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub waiting: u64,
    pub passed: u64,
    pub failed: u64,
    pub errored: u64,
    pub canceled: u64,
}

/// What a campaign says of one offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Recertification {
    pub campaign: String,
    pub publisher: String,
    pub offer: String,
    /// What was live when it was judged.
    pub submission: Option<String>,
    pub state: OfferState,
    /// Plans and criteria that fail, or why it could not be judged yet.
    pub message: Option<String>,
    pub changed: Instant,
    /// The day from which on the offer is hidden, while this is what it has to mend.
    pub hide_on: Option<Date>,
    /// That day has come.
    pub hidden: bool,
    /// One per plan.
    pub reports: Vec<Document>,
}

/// What a campaign says of an offer, with its reports and the date that follows.
pub(crate) async fn view(c: &mut Connection, market: &Market, row: OfferRow) -> Result<Recertification> {
    let reports = campaigns::reports(c, (&row.campaign, &row.publisher, &row.offer)).await?;
    let deadline = campaigns::deadline(c, &row.publisher, &row.offer).await?;
    let deadline = deadline.filter(|deadline| deadline.campaign == row.campaign);
    let state = OfferState::ALL.into_iter().find(|state| state.id() == row.state);
    Ok(Recertification {
        state: state.ok_or_else(|| Error::internal("an offer has an unknown state in a campaign"))?,
        campaign: row.campaign,
        publisher: row.publisher,
        offer: row.offer,
        submission: row.submission,
        message: row.message,
        changed: Instant(row.changed_ms),
        hide_on: deadline.as_ref().map(|deadline| day_of(deadline.hide_ms)),
        hidden: deadline.is_some_and(|deadline| deadline.hide_ms <= market.now().0),
        reports: reports.into_iter().map(Document::from).collect(),
    })
}

/// A campaign without its offers.
pub(super) async fn campaign(c: &mut Connection, row: CampaignRow) -> Result<Campaign> {
    let mut counts = Counts::default();
    for (state, count) in campaigns::counts(c, &row.id).await? {
        let count = u64::try_from(count).unwrap_or(0);
        match OfferState::ALL.into_iter().find(|known| known.id() == state) {
            Some(OfferState::Waiting) => counts.waiting = count,
            Some(OfferState::Passed) => counts.passed = count,
            Some(OfferState::Failed) => counts.failed = count,
            Some(OfferState::Errored) => counts.errored = count,
            Some(OfferState::Canceled) | None => counts.canceled += count,
        }
    }
    let states = [CampaignState::Running, CampaignState::Complete, CampaignState::Canceled];
    let state = states.into_iter().find(|state| state.id() == row.state);
    Ok(Campaign {
        id: row.id,
        reason: row.reason,
        started_by: row.actor,
        scope: serde_json::from_str(&row.scope).map_err(Error::internal)?,
        hide_on: day_of(row.hide_ms),
        dry_run: row.dry_run == 1,
        state: state.ok_or_else(|| Error::internal("a campaign has an unknown state"))?,
        created: Instant(row.created_ms),
        finished: row.finished_ms.map(Instant),
        counts,
        offers: Vec::new(),
    })
}
