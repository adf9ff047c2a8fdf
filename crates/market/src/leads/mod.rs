//! Leads: a customer's wish, on its way to the publisher. A lead is stored before it is sent, and sent with its id as
//! the idempotency key until the destination took it. One file for each kind of destination; this one knows them all.

mod acquired;
mod https_endpoint;

pub use acquired::{CONTACT_CHARS_MAX, Contact};
pub(crate) use acquired::{acquired, blocked, enqueue, given_up, run};

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::Result;
use crate::market::Market;
use crate::store::Connection;
use crate::store::leads::{self, LeadRow};
use crate::store::submissions::SubmissionRow;
use offer::document::{LeadDestination, Offer};
use offer::identity::{OfferId, PublisherId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The JSON that a destination receives (spec `offer.md`, *Lead destination*).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lead {
    lead_source: String,
    action_code: &'static str,
    offer_title: String,
    description: String,
    user_details: UserDetails,
}

/// Who wishes something.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDetails {
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    country: String,
    company: String,
    title: String,
}

/// How sending went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The destination has it, or there is none and the marketplace keeps it.
    Delivered,
    /// Trying again may help.
    Later(String),
    /// The destination does not take it.
    Refused(String),
}

/// Sends the one test lead of a submission, unless it is delivered already. The row is there before the first byte goes
/// out, so a crash between the two repeats the same lead, with the same key.
pub(crate) async fn test(market: &Market, row: &SubmissionRow, offer: &Offer) -> Result<Delivery> {
    let LeadDestination::HttpsEndpoint { url } = &offer.leads else { return Ok(Delivery::Delivered) };
    let mut tx = market.store.write().await?;
    let stored = match leads::test_lead(&mut tx, &row.id).await? {
        Some(stored) => stored,
        None => {
            let stored = test_row(market, row, offer, url)?;
            leads::insert(&mut tx, &stored).await?;
            stored
        }
    };
    tx.commit().await?;
    market.faults.at("packaging:lead-stored");
    if stored.state == "Delivered" {
        return Ok(Delivery::Delivered);
    }
    let destination = market.vault.open_sealed(&owner(&stored.id), &stored.sealed_destination)?;
    let delivery = https_endpoint::send(market, &destination, &stored.id, &stored.body).await;
    let mut tx = market.store.write().await?;
    record(market, &mut tx, &stored.id, &delivery).await?;
    tx.commit().await?;
    Ok(delivery)
}

/// Writes down how an attempt went.
async fn record(market: &Market, c: &mut Connection, lead: &str, delivery: &Delivery) -> Result<()> {
    match delivery {
        Delivery::Delivered => leads::attempted(c, lead, "Delivered", None, Some(market.now().0)).await,
        Delivery::Later(error) => leads::attempted(c, lead, "Waiting", Some(error), None).await,
        Delivery::Refused(error) => leads::attempted(c, lead, "Undelivered", Some(error), None).await,
    }
}

fn test_row(market: &Market, row: &SubmissionRow, offer: &Offer, url: &str) -> Result<LeadRow> {
    let id = market.ids.next().to_string();
    let lead = Lead {
        lead_source: format!("edgemarket|{}", market.config.registry_host()),
        action_code: "TST",
        offer_title: offer.listing.title.clone(),
        description: format!(
            "Test lead of submission {} of {}.{}; nobody waits for an answer",
            row.number, row.publisher, row.offer
        ),
        user_details: UserDetails {
            first_name: "Test".to_owned(),
            last_name: "Lead".to_owned(),
            email: "test@example.com".to_owned(),
            company: "Edgemarket".to_owned(),
            ..UserDetails::default()
        },
    };
    Ok(LeadRow {
        publisher: row.publisher.clone(),
        offer: row.offer.clone(),
        submission: Some(row.id.clone()),
        test: 1,
        sealed_destination: market.vault.seal(&owner(&id), url)?,
        body: serde_json::to_string(&lead).map_err(crate::Error::internal)?,
        state: "Waiting".to_owned(),
        attempts: 0,
        last_error: None,
        created_ms: market.now().0,
        delivered_ms: None,
        id,
    })
}

/// A lead as its publisher sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct LeadView {
    pub id: String,
    /// The test lead of a submission, and not a customer's.
    pub test: bool,
    pub lead: Value,
    /// `Waiting`, `Delivered` or `Undelivered`.
    pub state: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub created: Instant,
    pub delivered: Option<Instant>,
}

impl Market {
    /// The leads of an offer, oldest first.
    pub async fn leads(&self, actor: &Actor, offer: (&PublisherId, &OfferId)) -> Result<Vec<LeadView>> {
        access::permit(actor, Operation::ManageOffers(offer.0))?;
        let mut c = self.store.read().await?;
        let rows = leads::of_offer(&mut c, offer.0.as_str(), offer.1.as_str()).await?;
        let view = |row: LeadRow| LeadView {
            id: row.id,
            test: row.test == 1,
            lead: serde_json::from_str(&row.body).unwrap_or_default(),
            state: row.state,
            attempts: row.attempts,
            last_error: row.last_error,
            created: Instant(row.created_ms),
            delivered: row.delivered_ms.map(Instant),
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

/// What a lead's sealed destination is bound to.
fn owner(lead: &str) -> String {
    format!("destination of lead {lead}")
}
