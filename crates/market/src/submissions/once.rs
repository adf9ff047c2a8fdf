//! What is done to one named submission, once however often it is asked for: a button that is pressed twice.

use super::{Publish, Submission, SubmissionSummary};
use crate::access::Actor;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::offers::IfMatch;
use offer::identity::{OfferId, PublisherId};

impl Market {
    /// Signs this submission off, which must be the newest of its offer. One that is signed off already stays so.
    pub async fn go_live_with(&self, actor: &Actor, id: &str) -> Result<Submission> {
        let summary = self.submission(actor, id).await?.summary;
        let (publisher, offer) = names(&summary)?;
        self.sign_off(actor, (&publisher, &offer), Some(id)).await
    }

    /// Cancels this submission, which must be the newest of its offer. One that was cancelled stays so.
    pub async fn cancel_with(&self, actor: &Actor, id: &str) -> Result<Submission> {
        let summary = self.submission(actor, id).await?.summary;
        let (publisher, offer) = names(&summary)?;
        self.call_off(actor, (&publisher, &offer), Some(id)).await
    }

    /// Publishes the draft as it is now, after a submission that has ended, and tells the same addresses. When a newer one
    /// is there already, it is what is answered.
    pub async fn publish_after(&self, actor: &Actor, id: &str) -> Result<Submission> {
        let before = self.submission(actor, id).await?;
        let (publisher, offer) = names(&before.summary)?;
        let publish = Publish { notify: before.notify, after: Some(id.to_owned()), ..Publish::default() };
        match self.publish(actor, (&publisher, &offer), &publish, IfMatch::Any).await {
            Err(error) if error.kind == Kind::Conflict => {
                let newest = self.status(actor, (&publisher, &offer)).await?;
                if newest.summary.id == id { Err(error) } else { Ok(newest) }
            }
            other => other,
        }
    }
}

/// Publisher and offer ID of a submission.
pub(crate) fn names(summary: &SubmissionSummary) -> Result<(PublisherId, OfferId)> {
    match (summary.publisher.parse(), summary.offer.parse()) {
        (Ok(publisher), Ok(offer)) => Ok((publisher, offer)),
        _ => Err(Error::internal("a submission with a name that is none")),
    }
}
