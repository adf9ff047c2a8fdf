//! A certification that failed, where the policy wants a person to look (`[certification] review`): the step waits, as a
//! row, until a certifier waives what was found, and it is judged again, or rejects the submission. No task waits.

use super::{Note, say, set_step, set_submission, withdraw};
use crate::access::Actor;
use crate::error::Result;
use crate::market::Market;
use crate::store::submissions::{self, SubmissionRow};
use crate::store::{Connection, Tx, history, steps};
use crate::tasks::{self, Kind};
use offer::policy::Waiver;
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::json;

const STEP: Step = Step::Certification;

/// Begins to wait, in the transaction that holds report and findings.
pub(super) async fn wait(market: &Market, tx: &mut Tx, row: &SubmissionRow) -> Result<()> {
    set_step(market, tx, &row.id, STEP, StepStatus::WaitingForApproval).await?;
    let note = Note::info("waits for a certifier, who waives what was found or rejects the submission");
    say(market, tx, &row.id, STEP, &note).await?;
    let offer = Some((row.publisher.as_str(), row.offer.as_str()));
    let detail = json!({ "number": row.number, "step": STEP.id() });
    history::insert(tx, &market.history_row(&"pipeline", offer, Some(&row.id), "waits-for-approval", detail))
        .await
}

/// Every certification that waits and that a waiver may be meant for is judged again. Evidence is kept, so that this is
/// quick, and one that still fails waits on. Ring the bell after the commit.
pub(crate) async fn judge_again(market: &Market, tx: &mut Tx, waiver: &Waiver) -> Result<Vec<SubmissionRow>> {
    let mut meant = Vec::new();
    for row in waiting(tx).await? {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        if is(&waiver.publisher, &row.publisher) && is(&waiver.offer, &row.offer) {
            tasks::enqueue(market, tx, Kind::Certification, &row.id, &row.id).await?;
            meant.push(row);
        }
    }
    Ok(meant)
}

/// Submissions whose certification waits for a certifier, oldest first.
pub(crate) async fn waiting(c: &mut Connection) -> Result<Vec<SubmissionRow>> {
    let status = format!("{:?}", StepStatus::WaitingForApproval);
    let mut rows = Vec::new();
    for id in steps::submissions_at(c, STEP.id(), &status).await? {
        rows.extend(submissions::get(c, &id).await?);
    }
    Ok(rows)
}

/// Whether a submission's certification waits for a certifier.
pub(crate) async fn waits(tx: &mut Tx, row: &SubmissionRow) -> Result<bool> {
    Ok(super::status(tx, &row.id, STEP).await? == StepStatus::WaitingForApproval)
}

/// Ends a submission that waits: a certifier said no.
pub(crate) async fn reject(
    market: &Market,
    tx: &mut Tx,
    actor: &Actor,
    row: &SubmissionRow,
    reason: &str,
) -> Result<()> {
    let text = format!("rejected by a certifier: {reason}");
    let hint = "correct what the certification report names, then publish again";
    say(market, tx, &row.id, STEP, &Note::error(text.clone(), hint)).await?;
    set_step(market, tx, &row.id, STEP, StepStatus::Rejected).await?;
    set_submission(market, tx, &row.id, SubmissionState::Failed, Some(&text)).await?;
    withdraw(tx, &row.id).await?;
    let offer = Some((row.publisher.as_str(), row.offer.as_str()));
    let detail = json!({ "number": row.number, "step": STEP.id(), "reason": reason });
    history::insert(tx, &market.history_row(actor, offer, Some(&row.id), "rejected", detail)).await
}
