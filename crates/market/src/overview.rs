//! Where each of a publisher's offers stands: its draft, what is in flight at which step, what is live, and whether the draft
//! has changes that were not published.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::Result;
use crate::market::Market;
use crate::offers::state_of;
use crate::pipeline;
use crate::store::{listings, offers, submissions};
use offer::identity::{OfferId, PublisherId};
use offer::submission::{Step, SubmissionState};
use offer::tags::Tag;

/// Offers on one page.
pub const PAGE_MAX: usize = 50;

/// Where an offer stands.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Standing {
    pub publisher: String,
    pub offer: String,
    pub changed: Instant,
    /// State of the newest submission.
    pub state: SubmissionState,
    /// Id and number of the newest submission.
    pub submission: Option<(String, i64)>,
    /// Where the submission in flight is.
    pub step: Option<Step>,
    /// Greatest version that is live, of any plan; empty when none of the tags is a version.
    pub live: Option<String>,
    /// The draft differs from what was published last.
    pub unpublished: bool,
}

impl Market {
    /// The actor's offers, or everybody's for an operator, by name, behind this one. At most [`PAGE_MAX`], and whether there
    /// are more.
    pub async fn standings(&self, actor: &Actor, after: (&str, &str)) -> Result<(Vec<Standing>, bool)> {
        access::permit(actor, Operation::HaveOffers)?;
        let mut c = self.store.read().await?;
        let limit = PAGE_MAX as i64 + 1;
        let own = actor.publishers();
        let mut rows = Vec::new();
        if access::permit(actor, Operation::Administer).is_ok() {
            rows = offers::page(&mut c, None, after, limit).await?;
        }
        for publisher in own {
            rows.extend(offers::page(&mut c, Some(publisher.as_str()), after, limit).await?);
        }
        rows.sort_by(|a, b| (&a.publisher, &a.offer).cmp(&(&b.publisher, &b.offer)));
        let more = rows.len() > PAGE_MAX;
        rows.truncate(PAGE_MAX);
        let mut standings = Vec::new();
        for row in rows {
            standings.push(standing(&mut c, row).await?);
        }
        Ok((standings, more))
    }

    /// Where one offer stands.
    pub async fn standing(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Standing> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let row = self.offer_row(publisher, id).await?;
        let mut c = self.store.read().await?;
        standing(&mut c, row).await
    }

    /// Environment variables whose passwords are stored for an offer's repositories.
    pub async fn stored_credentials(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Vec<String>> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let mut c = self.store.read().await?;
        offers::credential_names(&mut c, publisher.as_str(), id.as_str()).await
    }
}

async fn standing(c: &mut crate::store::Connection, row: offers::OfferRow) -> Result<Standing> {
    let newest = submissions::of_offer(c, &row.publisher, &row.offer).await?.into_iter().next();
    let state = newest.as_ref().map_or(SubmissionState::NeverPublished, state_of);
    let step = match &newest {
        Some(newest) if !state.is_final() => Some(pipeline::current_step(c, &newest.id).await?),
        _ => None,
    };
    let live = match &row.live {
        None => None,
        Some(_) => {
            let tags = listings::live_tags(c, &row.publisher, &row.offer).await?;
            let versions = tags.iter().filter_map(|row| match row.tag.parse() {
                Ok(Tag::Version(version)) => Some(version),
                _ => None,
            });
            Some(versions.max().map(|version| version.to_string()).unwrap_or_default())
        }
    };
    Ok(Standing {
        unpublished: newest.as_ref().is_none_or(|newest| newest.bundle != row.bundle),
        submission: newest.map(|newest| (newest.id, newest.number)),
        publisher: row.publisher,
        offer: row.offer,
        changed: Instant(row.changed_ms),
        state,
        step,
        live,
    })
}
