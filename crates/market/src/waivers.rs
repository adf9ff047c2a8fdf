//! Waivers of certifiers: rows that are added to the policy of every certification. What a waiver does to a report is
//! `certify`'s business; a failed submission is published again after a waiver, or judged again when it waits for one.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::state_of;
use crate::pipeline::review;
use crate::recertification;
use crate::store::waivers::{self, WaiverRow};
use crate::store::{Connection, history, submissions};
use crate::submissions::{Submission, SubmissionSummary};
use certify::report::{Report, Verdict};
use offer::policy::{Policy, WAIVERS_MAX, Waiver};
use offer::submission::Step;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Longest reason of a rejection in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// A waiver to add. The parts of its scope that are left out hold for all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs, reason = "as offer::policy::Waiver")]
pub struct NewWaiver {
    pub criterion: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub reason: String,
    /// The last day on which it holds, as in `2027-03-31`.
    pub until: String,
    /// Who answers for it; whoever asks when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A waiver of the marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct WaiverView {
    pub id: String,
    #[serde(flatten)]
    pub waiver: Waiver,
    /// Its last day is past.
    pub expired: bool,
    pub created: Instant,
}

/// A submission whose certification failed and waits for a certifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Review {
    #[serde(flatten)]
    pub summary: SubmissionSummary,
    pub waiting_since: Instant,
    /// What fails: plan and criterion.
    pub failed: Vec<FailedCriterion>,
}

/// A criterion that blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FailedCriterion {
    pub plan: String,
    pub criterion: String,
    /// Findings that no waiver covers.
    pub findings: usize,
}

impl Market {
    /// Waives findings from now on. Certifiers only.
    pub async fn add_waiver(&self, actor: &Actor, new: NewWaiver) -> Result<WaiverView> {
        access::permit(actor, Operation::Certify)?;
        let until = new.until.parse().map_err(|_| {
            Error::invalid(
                format!("{:?} is no day", new.until.chars().take(100).collect::<String>()),
                "write the last day on which the waiver holds, for example 2027-03-31",
            )
        })?;
        let waiver = Waiver {
            criterion: new.criterion,
            image: new.image,
            publisher: new.publisher,
            offer: new.offer,
            plan: new.plan,
            place: new.place,
            reason: new.reason,
            until,
            by: new.by.unwrap_or_else(|| actor.to_string()),
        };
        waiver.check().map_err(|finding| Error::invalid(finding.message, finding.hint))?;
        let own = self.config.policy.custom_criteria.iter().any(|criterion| criterion.id == waiver.criterion);
        if !own && !certify::policy::ids().any(|id| id == waiver.criterion) {
            return Err(Error::invalid(
                format!("there is no criterion {:.100?}", waiver.criterion),
                "name it as the certification report does",
            ));
        }
        if !waiver.holds_on(self.now().date()) {
            return Err(Error::invalid(
                format!("{} is past, so that the waiver would have no effect", waiver.until),
                "give a later day",
            ));
        }
        let row = row_of(self, &waiver);
        let mut tx = self.store.write().await?;
        if waivers::all(&mut tx).await?.len() >= WAIVERS_MAX {
            return Err(Error::conflict(
                format!("there are {WAIVERS_MAX} waivers already"),
                "remove those that expired; `edgemarket waiver list` shows them",
            ));
        }
        waivers::insert(&mut tx, &row).await?;
        let detail = json!({ "waiver": row.id, "what": waiver });
        history::insert(&mut tx, &self.history_row(actor, offer_of(&row), None, "waiver-added", detail))
            .await?;
        let again = review::judge_again(self, &mut tx, &waiver).await?;
        self.faults.at("waiver:before-commit");
        tx.commit().await?;
        self.bell.ring();
        for submission in again {
            self.announce(&submission.id, &submission.publisher, &submission.offer);
        }
        view(self, row)
    }

    /// All waivers, expired ones too, in the order of their making. Certifiers only.
    pub async fn waivers(&self, actor: &Actor) -> Result<Vec<WaiverView>> {
        access::permit(actor, Operation::Certify)?;
        let mut c = self.store.read().await?;
        waivers::all(&mut c).await?.into_iter().map(|row| view(self, row)).collect()
    }

    /// Submissions that wait for a certifier, those that wait longest first; `of` names a publisher or `publisher.offer`.
    /// Certifiers only.
    pub async fn reviews(&self, actor: &Actor, of: Option<&str>) -> Result<Vec<Review>> {
        access::permit(actor, Operation::Certify)?;
        of.map_or(Ok(()), recertification::check_name)?;
        let mut waiting = Vec::new();
        for row in review::waiting(&mut *self.store.read().await?).await? {
            if of.is_none_or(|of| recertification::is_of(of, &row.publisher, &row.offer)) {
                waiting.push(self.review(self.view(row).await?).await?);
            }
        }
        waiting.sort_by_key(|review| review.waiting_since);
        Ok(waiting)
    }

    async fn review(&self, submission: Submission) -> Result<Review> {
        let step = submission.steps.iter().find(|step| step.id == Step::Certification);
        // To wait is the last thing that the step said.
        let said = step.and_then(|step| step.messages.last()).map(|message| message.at);
        let mut failed = Vec::new();
        for document in submission.documents.iter().filter(|document| document.kind == "report") {
            let bytes = self.document_bytes(&document.digest).await?;
            let report: Report = serde_json::from_slice(&bytes).map_err(Error::internal)?;
            let blocking = report.criteria.into_iter().filter(|found| found.verdict == Verdict::Failed);
            failed.extend(blocking.map(|found| FailedCriterion {
                plan: document.plan.clone(),
                findings: found.findings.iter().filter(|finding| finding.waived.is_none()).count(),
                criterion: found.id.to_string(),
            }));
        }
        let waiting_since = said.unwrap_or(submission.summary.created);
        Ok(Review { summary: submission.summary, waiting_since, failed })
    }

    /// Ends a submission whose certification waits for a certifier. Certifiers only.
    pub async fn reject(&self, actor: &Actor, submission: &str, reason: &str) -> Result<Submission> {
        access::permit(actor, Operation::Certify)?;
        let chars = reason.trim().chars().count();
        if chars == 0 || chars > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
            return Err(Error::invalid(
                format!("the reason has {chars} characters; 1 to {REASON_CHARS_MAX} on one line are needed"),
                "tell the publisher what to correct",
            ));
        }
        let mut tx = self.store.write().await?;
        let row = submissions::get(&mut tx, submission).await?;
        let row = row.ok_or_else(|| Error::not_found(format!("the submission {submission:.60}")))?;
        if state_of(&row).is_final() || !review::waits(&mut tx, &row).await? {
            return Err(Error::conflict(
                format!(
                    "submission {} of {}.{} does not wait for a certifier; it is {}",
                    row.number, row.publisher, row.offer, row.state
                ),
                "only a failed certification that waits can be rejected; the policy says whether it waits",
            ));
        }
        review::reject(self, &mut tx, actor, &row, reason).await?;
        tx.commit().await?;
        self.announce(&row.id, &row.publisher, &row.offer);
        self.submission(actor, submission).await
    }

    /// Takes a waiver back: it has no effect on later certifications. Certifiers only.
    pub async fn remove_waiver(&self, actor: &Actor, id: &str) -> Result<()> {
        access::permit(actor, Operation::Certify)?;
        let mut tx = self.store.write().await?;
        let row = waivers::get(&mut tx, id).await?;
        let row = row.ok_or_else(|| Error::not_found(format!("a waiver {id:.60}")))?;
        waivers::delete(&mut tx, id).await?;
        let detail = json!({ "waiver": id, "criterion": row.criterion });
        history::insert(&mut tx, &self.history_row(actor, offer_of(&row), None, "waiver-removed", detail))
            .await?;
        tx.commit().await
    }
}

/// The policy of the file with the certifiers' waivers: what a certification is judged by.
pub(crate) async fn policy_in_force(market: &Market, c: &mut Connection) -> Result<Policy> {
    let mut policy = market.config.policy.clone();
    for row in waivers::all(c).await? {
        policy.waivers.push(waiver_of(row)?);
    }
    Ok(policy)
}

/// The offer whose history tells of the waiver.
fn offer_of(row: &WaiverRow) -> Option<(&str, &str)> {
    row.publisher.as_deref().zip(row.offer.as_deref())
}

fn row_of(market: &Market, waiver: &Waiver) -> WaiverRow {
    let waiver = waiver.clone();
    WaiverRow {
        id: market.ids.next().to_string(),
        criterion: waiver.criterion,
        image: waiver.image,
        publisher: waiver.publisher,
        offer: waiver.offer,
        plan: waiver.plan,
        place: waiver.place,
        reason: waiver.reason,
        until: waiver.until.to_string(),
        accepted_by: waiver.by,
        created_ms: market.now().0,
    }
}

fn waiver_of(row: WaiverRow) -> Result<Waiver> {
    Ok(Waiver {
        criterion: row.criterion,
        image: row.image,
        publisher: row.publisher,
        offer: row.offer,
        plan: row.plan,
        place: row.place,
        reason: row.reason,
        until: row.until.parse().map_err(Error::internal)?,
        by: row.accepted_by,
    })
}

fn view(market: &Market, row: WaiverRow) -> Result<WaiverView> {
    let (id, created) = (row.id.clone(), Instant(row.created_ms));
    let waiver = waiver_of(row)?;
    Ok(WaiverView { id, expired: !waiver.holds_on(market.now().date()), waiver, created })
}
