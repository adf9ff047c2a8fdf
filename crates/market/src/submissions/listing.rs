//! Submissions as lists, and the newest of an offer.

use super::PAGE_MAX;
use super::view::{self, Submission, SubmissionSummary};
use crate::access::{self, Actor, Operation};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::managed_by;
use crate::store::submissions;
use offer::identity::{OfferId, PublisherId};

impl Market {
    /// The newest submission of an offer.
    pub async fn status(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Submission> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let row = self.newest(publisher, id).await?;
        self.view(row).await
    }

    /// Submissions, newest first: the actor's own, or everybody's for an operator. `before` is the id that the last page
    /// ended with.
    pub async fn operations(
        &self,
        actor: &Actor,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SubmissionSummary>> {
        let own = managed_by(actor)?;
        let mut c = self.store.read().await?;
        let limit = i64::try_from(limit.clamp(1, PAGE_MAX)).map_err(Error::internal)?;
        let mut rows = Vec::new();
        match own {
            None => rows = submissions::list(&mut c, None, before, limit).await?,
            Some(publishers) => {
                for publisher in publishers {
                    rows.extend(submissions::list(&mut c, Some(publisher.as_str()), before, limit).await?);
                }
                rows.sort_by(|a, b| b.id.cmp(&a.id));
                rows.truncate(usize::try_from(limit).unwrap_or(PAGE_MAX));
            }
        }
        rows.into_iter().map(view::summary).collect()
    }

    /// Submissions of one offer, newest first.
    pub async fn submissions(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Vec<SubmissionSummary>> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let mut c = self.store.read().await?;
        let rows = submissions::of_offer(&mut c, publisher.as_str(), id.as_str()).await?;
        rows.into_iter().map(view::summary).collect()
    }
}
