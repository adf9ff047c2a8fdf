//! Submissions as people and programs see them: publish, follow, sign off, cancel, look back. What the steps do is the
//! pipeline's business.

use crate::access::{self, Actor, Operation};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::{IfMatch, state_of};
use crate::pipeline;
use crate::store::submissions::SubmissionRow;
use crate::store::{self, Tx, history, offers, steps, submissions};
use crate::tasks;
use offer::identity::{OfferId, PublisherId};
use offer::submission::{OnPublish, Step, SubmissionState};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

mod failures;
mod listing;
mod once;
mod view;
pub use failures::Failure;
pub(crate) use once::names;
pub(crate) use view::status_of;
pub use view::{
    Action, Document, Image, Level, Message, RegionStanding, StepView, Submission, SubmissionSummary,
};

/// Most notification addresses of one submission.
pub const NOTIFY_MAX: usize = 20;
/// Longest e-mail address (RFC 5321, 4.5.3.1.3, less its brackets).
const ADDRESS_CHARS_MAX: usize = 254;
/// Longest password or token of a repository in bytes; cloud registries give out tokens of some kilobytes.
const CREDENTIAL_BYTES_MAX: usize = 16 << 10;
/// Most credentials of one offer: one per plan.
const CREDENTIALS_MAX: usize = 100;
/// Most submissions in one answer.
pub const PAGE_MAX: usize = 200;

/// What comes with a wish to publish.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Publish {
    /// E-mail addresses that are told of the submission's way.
    pub notify: Vec<String>,
    /// Values of the environment variables that the document names for its repositories; kept sealed.
    pub credentials: BTreeMap<String, String>,
    /// The submission that has to be the newest one still: whoever sends the same request twice publishes once.
    pub after: Option<String>,
}

impl Market {
    /// Submits the draft as it is now. Answers at once; the pipeline does the rest.
    pub async fn publish(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        publish: &Publish,
        if_match: IfMatch,
    ) -> Result<Submission> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        check_publish(publish)?;
        let sealed = self.seal_credentials(publisher, id, &publish.credentials)?;
        let (key, now) = ((publisher.as_str(), id.as_str()), self.now());
        let mut tx = self.store.write().await?;
        let draft = offers::get(&mut tx, key.0, key.1)
            .await?
            .ok_or_else(|| Error::not_found(format!("the offer {publisher}.{id}")))?;
        if let IfMatch::Etag(given) = if_match
            && given != draft.version
        {
            return Err(Error::new(
                crate::Kind::Stale,
                format!("the draft of {publisher}.{id} has the ETag {}, you gave {given}", draft.version),
                "read the draft again before you publish it",
            ));
        }
        let newest = submissions::of_offer(&mut tx, key.0, key.1).await?.into_iter().next();
        if let Some(after) = &publish.after {
            check_newest(newest.as_ref(), after)?;
        }
        let number = newest.as_ref().map_or(1, |row| row.number + 1);
        if let Some(row) = &newest {
            self.make_way(&mut tx, actor, row, number).await?;
        }
        for (name, sealed) in &sealed {
            offers::put_credential(&mut tx, key.0, key.1, name, sealed, now.0).await?;
        }
        let row = SubmissionRow {
            id: self.ids.next().to_string(),
            publisher: key.0.to_owned(),
            offer: key.1.to_owned(),
            number,
            bundle: draft.bundle,
            state: format!("{:?}", SubmissionState::NotStarted),
            reason: None,
            notify: json!(publish.notify).to_string(),
            actor: actor.to_string(),
            created_ms: now.0,
            finished_ms: None,
        };
        submissions::insert(&mut tx, &row).await?;
        steps::insert(&mut tx, &row.id, &Step::ALL.map(Step::id)).await?;
        tasks::enqueue(self, &mut tx, tasks::Kind::ValidatePrerequisites, &row.id, &row.id).await?;
        let detail = json!({ "number": number, "bundle": row.bundle });
        history::insert(&mut tx, &self.history_row(actor, Some(key), Some(&row.id), "published", detail))
            .await?;
        self.faults.at("publish:before-commit");
        tx.commit().await?;
        self.bell.ring();
        self.announce(&row.id, key.0, key.1);
        self.view(row).await
    }

    /// The submission with this id, as it is now.
    pub async fn submission(&self, actor: &Actor, id: &str) -> Result<Submission> {
        access::permit(actor, Operation::HaveOffers)?;
        let missing = || Error::not_found(format!("the submission {id:.60}"));
        let mut c = self.store.read().await?;
        let found = submissions::get(&mut c, id).await?;
        drop(c);
        let row = found.ok_or_else(missing)?;
        let publisher = row.publisher.parse().map_err(Error::internal)?;
        // Another publisher's submission looks like one that does not exist.
        access::permit(actor, Operation::ManageOffers(&publisher)).map_err(|_| missing())?;
        self.view(row).await
    }

    /// Signs the waiting submission off: it goes to the regions and then live.
    pub async fn go_live(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Submission> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        self.sign_off(actor, (publisher, id), None).await
    }

    async fn sign_off(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        wanted: Option<&str>,
    ) -> Result<Submission> {
        let key = (publisher.as_str(), id.as_str());
        let mut tx = self.store.write().await?;
        let newest = submissions::of_offer(&mut tx, key.0, key.1).await?.into_iter().next();
        let row = newest.ok_or_else(|| Error::not_found(format!("a submission of {publisher}.{id}")))?;
        if let Some(wanted) = wanted {
            check_newest(Some(&row), wanted)?;
            if pipeline::is_signed_off(&mut tx, wanted).await? {
                drop(tx);
                return self.view(row).await;
            }
        }
        if state_of(&row) != SubmissionState::WaitingForPublisherReview {
            return Err(Error::conflict(
                format!("{publisher}.{id} cannot go live: its submission {} is {}", row.number, row.state),
                "publish it and wait until it waits for the publisher's review",
            ));
        }
        pipeline::publisher_signoff::sign_off(self, &mut tx, &row).await?;
        let detail = json!({ "number": row.number });
        history::insert(&mut tx, &self.history_row(actor, Some(key), Some(&row.id), "went-live", detail))
            .await?;
        self.faults.at("go-live:before-commit");
        tx.commit().await?;
        self.bell.ring();
        self.announce(&row.id, key.0, key.1);
        self.status(actor, (publisher, id)).await
    }

    /// Cancels the submission that is in flight, at any step before 6, and withdraws what was staged.
    pub async fn cancel(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Submission> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        self.call_off(actor, (publisher, id), None).await
    }

    async fn call_off(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        wanted: Option<&str>,
    ) -> Result<Submission> {
        let key = (publisher.as_str(), id.as_str());
        let mut tx = self.store.write().await?;
        let newest = submissions::of_offer(&mut tx, key.0, key.1).await?.into_iter().next();
        let row = newest.ok_or_else(|| Error::not_found(format!("a submission of {publisher}.{id}")))?;
        if let Some(wanted) = wanted {
            check_newest(Some(&row), wanted)?;
            if state_of(&row) == SubmissionState::Canceled {
                drop(tx);
                return self.view(row).await;
            }
        }
        let step = pipeline::current_step(&mut tx, &row.id).await?;
        if !state_of(&row).may_cancel(step) {
            return Err(Error::conflict(
                format!(
                    "submission {} of {publisher}.{id} cannot be cancelled: it is {} at step {}",
                    row.number,
                    row.state,
                    step.id()
                ),
                "only a submission in flight, before step live, can be cancelled",
            ));
        }
        self.end_canceled(&mut tx, actor, &row, "canceled", &format!("cancelled by {actor}")).await?;
        self.faults.at("cancel:before-commit");
        tx.commit().await?;
        self.bell.ring_cancel();
        self.announce(&row.id, key.0, key.1);
        self.status(actor, (publisher, id)).await
    }

    /// Every action on an offer, oldest first.
    pub async fn history(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
    ) -> Result<Vec<Action>> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let mut c = self.store.read().await?;
        let rows = history::of_offer(&mut c, publisher.as_str(), id.as_str()).await?;
        Ok(rows.into_iter().map(view::action).collect())
    }

    /// Actions on an offer, newest first: those before the one with this id, or the last ones; at most [`PAGE_MAX`].
    pub async fn history_before(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Action>> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        let limit = i64::try_from(limit.clamp(1, PAGE_MAX)).map_err(Error::internal)?;
        let mut c = self.store.read().await?;
        let rows = history::before(&mut c, (publisher.as_str(), id.as_str()), before, limit).await?;
        Ok(rows.into_iter().map(view::action).collect())
    }

    /// One submission is in flight at a time; one that waits for sign-off gives way.
    async fn make_way(&self, tx: &mut Tx, actor: &Actor, row: &SubmissionRow, number: i64) -> Result<()> {
        match state_of(row).on_publish() {
            OnPublish::Begin => Ok(()),
            OnPublish::Supersede => {
                let reason = format!("superseded by submission {number}");
                self.end_canceled(tx, actor, row, "superseded", &reason).await
            }
            OnPublish::Refuse => Err(Error::conflict(
                format!(
                    "submission {} of {}.{} is in flight ({})",
                    row.number, row.publisher, row.offer, row.state
                ),
                "wait until it waits for sign-off or has ended, or cancel it",
            )),
        }
    }

    async fn end_canceled(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        row: &SubmissionRow,
        action: &str,
        reason: &str,
    ) -> Result<()> {
        let (now, state) = (self.now().0, format!("{:?}", SubmissionState::Canceled));
        submissions::set_state(tx, &row.id, &state, Some(reason), Some(now)).await?;
        steps::cancel_open(tx, &row.id, now).await?;
        store::tasks::cancel_subject(tx, &row.id).await?;
        pipeline::withdraw(tx, &row.id).await?;
        let offer = Some((row.publisher.as_str(), row.offer.as_str()));
        let detail = json!({ "number": row.number, "reason": reason });
        history::insert(tx, &self.history_row(actor, offer, Some(&row.id), action, detail)).await
    }

    async fn newest(&self, publisher: &PublisherId, id: &OfferId) -> Result<SubmissionRow> {
        let mut c = self.store.read().await?;
        let newest = submissions::of_offer(&mut c, publisher.as_str(), id.as_str()).await?.into_iter().next();
        newest.ok_or_else(|| Error::not_found(format!("a submission of {publisher}.{id}")))
    }

    fn seal_credentials(
        &self,
        publisher: &PublisherId,
        id: &OfferId,
        credentials: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let seal = |(name, value): (&String, &String)| {
            let owner = credential_owner(publisher.as_str(), id.as_str(), name);
            Ok((name.clone(), self.vault.seal(&owner, value)?))
        };
        credentials.iter().map(seal).collect()
    }
}

/// What a sealed repository credential is bound to.
pub(crate) fn credential_owner(publisher: &str, offer: &str, name: &str) -> String {
    format!("repository credential {name} of {publisher}.{offer}")
}

/// Refuses an act on a submission that a newer one has followed: somebody looked at another one than would be meant.
fn check_newest(newest: Option<&SubmissionRow>, wanted: &str) -> Result<()> {
    match newest {
        Some(row) if row.id == wanted => Ok(()),
        Some(row) => Err(Error::conflict(
            format!(
                "the newest submission of {}.{} is {}, not the one that was meant",
                row.publisher, row.offer, row.number
            ),
            "open the newest submission and look at it first",
        )),
        None => Err(Error::conflict(
            "the submission that was meant is not there",
            "publish without naming an earlier submission",
        )),
    }
}

fn check_publish(publish: &Publish) -> Result<()> {
    if publish.notify.len() > NOTIFY_MAX {
        return Err(Error::invalid(
            format!(
                "{} notification addresses were given, at most {NOTIFY_MAX} are taken",
                publish.notify.len()
            ),
            "name a mailing list instead",
        ));
    }
    let is_address = |address: &String| {
        let (chars, parts) = (address.chars().count(), address.split_once('@'));
        chars <= ADDRESS_CHARS_MAX
            && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
            && !address.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if let Some(bad) = publish.notify.iter().find(|address| !is_address(address)) {
        let shown: String = bad.chars().take(100).collect();
        return Err(Error::invalid(
            format!("{shown:?} is no e-mail address"),
            "give addresses such as releases@example.com",
        ));
    }
    let too_long = |value: &String| value.len() > CREDENTIAL_BYTES_MAX;
    if publish.credentials.len() > CREDENTIALS_MAX || publish.credentials.values().any(too_long) {
        return Err(Error::invalid(
            format!(
                "the credentials pass the limit of {CREDENTIALS_MAX} values of {CREDENTIAL_BYTES_MAX} bytes each"
            ),
            "send only the variables that the document names for its repositories",
        ));
    }
    Ok(())
}
