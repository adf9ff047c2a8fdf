//! The lead of an acquisition: stored in its transaction, and sent by a task of its own for three days.

use super::{Delivery, Lead, LeadRow, UserDetails, https_endpoint, owner, record};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::acquisitions::AcquisitionRow;
use crate::store::{Tx, leads};
use crate::tasks::{self, Claim, Kind, Outcome};
use offer::document::{LeadDestination, Offer};
use serde::{Deserialize, Serialize};

/// Longest field of a contact in characters.
pub const CONTACT_CHARS_MAX: usize = 100;

/// Whom the publisher may write to. Any of it may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Contact {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub phone: String,
    pub country: String,
    pub company: String,
    pub title: String,
}

impl Contact {
    /// Each field with its name.
    pub fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("first-name", &self.first_name),
            ("last-name", &self.last_name),
            ("email", &self.email),
            ("phone", &self.phone),
            ("country", &self.country),
            ("company", &self.company),
            ("title", &self.title),
        ]
    }

    /// Whether every field is a short line, and the e-mail address looks like one.
    pub fn check(&self) -> Result<()> {
        for (name, value) in self.fields() {
            let chars = value.chars().count();
            if chars > CONTACT_CHARS_MAX || value.chars().any(char::is_control) {
                return Err(Error::invalid(
                    format!(
                        "the contact's {name} has {chars} characters; at most {CONTACT_CHARS_MAX} without control \
                         characters are allowed"
                    ),
                    "shorten it to one line",
                ));
            }
        }
        if !self.email.is_empty() && !offer::deployment::values::Kind::Email.accepts(&self.email) {
            return Err(Error::invalid(
                format!("{:.100?} is no e-mail address", self.email),
                "correct it, or leave it empty",
            ));
        }
        Ok(())
    }
}

/// The lead of an acquisition. Without a destination the marketplace keeps it, and that is all.
pub(crate) fn acquired(
    market: &Market,
    row: &AcquisitionRow,
    offer: &Offer,
    subscription_owner: &str,
    contact: &Contact,
) -> Result<LeadRow> {
    let id = market.ids.next().to_string();
    let contact = contact.clone();
    let company = match contact.company.is_empty() {
        true => subscription_owner.to_owned(),
        false => contact.company,
    };
    let lead = Lead {
        lead_source: format!("edgemarket|{}", market.config.registry_host()),
        action_code: "INS",
        offer_title: offer.listing.title.clone(),
        description: format!(
            "Subscription {} acquired the plan {} of {}.{}, version {}",
            row.subscription, row.plan, row.publisher, row.offer, row.version
        ),
        user_details: UserDetails {
            first_name: contact.first_name,
            last_name: contact.last_name,
            email: contact.email,
            phone: contact.phone,
            country: contact.country,
            company,
            title: contact.title,
        },
    };
    let url = match &offer.leads {
        LeadDestination::HttpsEndpoint { url } => url.as_str(),
        LeadDestination::None => "",
    };
    let is_kept = url.is_empty();
    let state = if is_kept { "Delivered" } else { "Waiting" };
    Ok(LeadRow {
        publisher: row.publisher.clone(),
        offer: row.offer.clone(),
        submission: Some(row.submission.clone()),
        test: 0,
        sealed_destination: market.vault.seal(&owner(&id), url)?,
        body: serde_json::to_string(&lead).map_err(Error::internal)?,
        state: state.to_owned(),
        attempts: 0,
        last_error: None,
        created_ms: market.now().0,
        delivered_ms: is_kept.then(|| market.now().0),
        id,
    })
}

/// Stores a lead, and the task that sends it. Ring the bell after the commit.
pub(crate) async fn enqueue(market: &Market, tx: &mut Tx, lead: &LeadRow) -> Result<()> {
    leads::insert(tx, lead).await?;
    if lead.state == "Waiting" {
        tasks::enqueue(market, tx, Kind::SendLead, &lead.id, &lead.id).await?;
    }
    Ok(())
}

/// Sends a lead once.
pub(crate) async fn run(market: &Market, claim: &Claim) -> Result<Outcome> {
    let lead = leads::get(&mut *market.store.read().await?, &claim.subject).await?;
    let lead = lead.ok_or_else(|| Error::internal(format!("the lead {} is missing", claim.subject)))?;
    let delivery = match lead.state.as_str() {
        "Waiting" => {
            let destination = market.vault.open_sealed(&owner(&lead.id), &lead.sealed_destination)?;
            tokio::select! {
                biased;
                // An endpoint that never answers does not keep a shutdown waiting.
                () = claim.stop.cancelled() => return Ok(Outcome::Stopped),
                delivery = https_endpoint::send(market, &destination, &lead.id, &lead.body) => delivery,
            }
        }
        _ => Delivery::Delivered,
    };
    if let Delivery::Later(error) = delivery {
        return Ok(Outcome::Retry(Error::conflict(error, "check that the endpoint takes POST requests")));
    }
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    if lead.state == "Waiting" {
        record(market, &mut tx, &lead.id, &delivery).await?;
    }
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// An attempt failed; there will be another.
pub(crate) async fn blocked(tx: &mut Tx, claim: &Claim, error: &Error) -> Result<()> {
    leads::attempted(tx, &claim.subject, "Waiting", Some(&error.message), None).await
}

/// Three days went by in vain.
pub(crate) async fn given_up(tx: &mut Tx, claim: &Claim, reason: &str) -> Result<()> {
    leads::attempted(tx, &claim.subject, "Undelivered", Some(reason), None).await
}
