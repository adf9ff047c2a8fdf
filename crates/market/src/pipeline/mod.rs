//! The six steps. Each does its work first, idempotently and content-addressed, and then records result, next step and
//! next task in **one** transaction: a crash at any instant leaves either the step undone, and it is done again without
//! harm, or all of it done. The pipeline never imports a face.

mod certification;
mod deltas;
pub(crate) mod live;
mod meter;
pub(crate) mod packaging;
pub(crate) mod publisher_signoff;
pub(crate) mod recertification;
pub(crate) mod replication;
pub(crate) mod review;
mod starting;
pub(crate) mod validate_prerequisites;

use crate::error::{Error, Result};
use crate::leads;
use crate::market::Market;
use crate::offers::{blocking, state_of};
use crate::store::steps::MessageRow;
use crate::store::submissions::{SubmissionRow, TagRow};
use crate::store::{Connection, Tx, history, registry, steps, submissions};
use crate::submissions::{Level, status_of};
use crate::tasks::{self, Claim, Kind, Outcome};
use oci::manifest::Descriptor;
use offer::document::Offer;
use offer::reading::{self, Reading};
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::{Value, json};
use std::time::Duration;

/// Most messages that one failure leaves in its step; the certification report has all findings.
const NOTES_MAX: usize = 1_000;

/// The step at which a submission is: the first that is not complete.
pub(crate) async fn current_step(c: &mut Connection, submission: &str) -> Result<Step> {
    let rows = steps::of_submission(c, submission).await?;
    let complete = format!("{:?}", StepStatus::Complete);
    let open = |step: &Step| !rows.iter().any(|row| row.step == step.id() && row.status == complete);
    Ok(Step::ALL.into_iter().find(open).unwrap_or(Step::Live))
}

/// Whether the publisher has signed this submission off.
pub(crate) async fn is_signed_off(c: &mut Connection, submission: &str) -> Result<bool> {
    Ok(status(c, submission, Step::PublisherSignoff).await? == StepStatus::Complete)
}

/// Withdraws what was staged for the preview. The bytes stay for other repositories and for garbage collection.
pub(crate) async fn withdraw(c: &mut Connection, submission: &str) -> Result<()> {
    for repository in registry::granted_repositories(c, submission).await? {
        registry::clear(c, &repository).await?;
    }
    registry::withdraw_preview(c, submission).await
}

/// Moves a step to a status.
pub(crate) async fn set_step(
    market: &Market,
    c: &mut Connection,
    submission: &str,
    step: Step,
    status: StepStatus,
) -> Result<()> {
    let now = Some(market.now().0);
    let (progress, finished) = if status == StepStatus::Complete { (100, now) } else { (0, None) };
    let finished = if status.is_final() { now } else { finished };
    steps::set(c, submission, step.id(), &format!("{status:?}"), progress, now, finished).await
}

/// Moves a submission to a state.
pub(crate) async fn set_submission(
    market: &Market,
    c: &mut Connection,
    submission: &str,
    state: SubmissionState,
    reason: Option<&str>,
) -> Result<()> {
    let finished = state.is_final().then(|| market.now().0);
    submissions::set_state(c, submission, &format!("{state:?}"), reason, finished).await
}

/// Something to say in a step.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub level: Level,
    pub text: String,
    pub hint: Option<String>,
    pub place: Option<Value>,
    /// The rule or criterion that it is of.
    pub rule: Option<String>,
}

impl Note {
    /// A plain fact.
    pub fn info(text: impl Into<String>) -> Note {
        Note { level: Level::Info, text: text.into(), hint: None, place: None, rule: None }
    }

    /// An error with its way out.
    pub fn error(text: impl Into<String>, hint: impl Into<String>) -> Note {
        Note { level: Level::Error, text: text.into(), hint: Some(hint.into()), place: None, rule: None }
    }
}

/// Adds a message to a step.
pub(crate) async fn say(
    market: &Market,
    c: &mut Connection,
    submission: &str,
    step: Step,
    note: &Note,
) -> Result<()> {
    let row = MessageRow {
        id: market.ids.next().to_string(),
        step: step.id().to_owned(),
        level: note.level.id().to_owned(),
        at_ms: market.now().0,
        message: note.text.clone(),
        hint: note.hint.clone(),
        place: note.place.as_ref().map(Value::to_string),
        rule: note.rule.clone(),
    };
    steps::insert_message(c, submission, &row).await
}

/// Tells listeners that a submission changed. Call after the commit. Of a campaign nobody is told.
pub(crate) async fn announce(market: &Market, claim: &Claim) -> Result<()> {
    match step_of(claim.kind()) {
        Some(_) => announce_submission(market, &claim.subject).await,
        None => Ok(()),
    }
}

async fn announce_submission(market: &Market, submission: &str) -> Result<()> {
    let mut c = market.store.read().await?;
    let row = submissions::get(&mut c, submission).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the submission {submission} is missing")))?;
    market.announce(submission, &row.publisher, &row.offer);
    Ok(())
}

/// What every step begins with: the submission and its snapshot.
pub(crate) struct Work {
    pub row: SubmissionRow,
    pub offer: Offer,
    pub reading: Reading,
}

/// Runs a claimed task.
pub(crate) async fn run(market: &Market, claim: &Claim) -> Result<Outcome> {
    if claim.kind() == Kind::SendLead {
        return leads::run(market, claim).await;
    }
    let Some(step) = step_of(claim.kind()) else { return recertification::run(market, claim).await };
    let Some(row) = begin(market, claim, step).await? else { return Ok(Outcome::Stopped) };
    match claim.kind() {
        Kind::ValidatePrerequisites => validate_prerequisites::run(market, claim, row).await,
        Kind::Certification => certification::run(market, claim, row).await,
        Kind::Packaging => packaging::run(market, claim, row).await,
        Kind::Replicate => replication::run(market, claim, row).await,
        Kind::Live => live::run(market, claim, row).await,
        Kind::MoveTags => live::move_tags(market, claim, row).await,
        // They have no step, so they went their way above.
        Kind::Recertify => recertification::run(market, claim).await,
        Kind::SendLead => leads::run(market, claim).await,
    }
}

/// The step that a kind of task works for; recertification and leads are none.
fn step_of(kind: Kind) -> Option<Step> {
    Some(match kind {
        Kind::ValidatePrerequisites => Step::ValidatePrerequisites,
        Kind::Certification => Step::Certification,
        Kind::Packaging => Step::Packaging,
        Kind::Replicate => Step::Replication,
        Kind::Live | Kind::MoveTags => Step::Live,
        Kind::Recertify | Kind::SendLead => return None,
    })
}

/// Marks the step as in progress. `None` when the submission has ended or the step is complete already: an optional
/// region that catches up late is the only work left then, and it goes on.
async fn begin(market: &Market, claim: &Claim, step: Step) -> Result<Option<SubmissionRow>> {
    let mut tx = market.store.write().await?;
    let row = submissions::get(&mut tx, &claim.subject).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the submission {} is missing", claim.subject)))?;
    let late = matches!(claim.kind(), Kind::Replicate | Kind::MoveTags);
    let state = state_of(&row);
    let complete = status(&mut tx, &row.id, step).await? == StepStatus::Complete;
    if late && (state == SubmissionState::Succeeded || complete && !state.is_final()) {
        return Ok(Some(row));
    }
    if state.is_final() || complete {
        claim.complete(&mut tx).await?;
        tx.commit().await?;
        return Ok(None);
    }
    if state == SubmissionState::NotStarted {
        set_submission(market, &mut tx, &row.id, SubmissionState::Running, None).await?;
    }
    set_step(market, &mut tx, &row.id, step, StepStatus::InProgress).await?;
    if !late {
        let text = match claim.attempt {
            1 => "started".to_owned(),
            attempt => format!("started again (attempt {attempt})"),
        };
        say(market, &mut tx, &row.id, step, &Note::info(text)).await?;
    }
    tx.commit().await?;
    market.announce(&row.id, &row.publisher, &row.offer);
    market.faults.at(&format!("{}:begun", claim.kind().id()));
    Ok(Some(row))
}

/// Loads the snapshot. It passed the rules in step 1, under a policy that may have changed since.
pub(crate) async fn load(market: &Market, row: SubmissionRow) -> Result<Work> {
    let (policy, bundles, bundle) =
        (market.config.policy.clone(), market.bundles.clone(), row.bundle.clone());
    let reading = blocking(move || Ok(reading::read(&bundles.get(&bundle)?, &policy))).await?;
    let offer = reading.offer.clone().ok_or_else(|| {
        Error::conflict(
            format!("submission {} no longer satisfies the marketplace's policy", row.number),
            "cancel it, correct the offer, and publish again",
        )
    })?;
    Ok(Work { row, offer, reading })
}

/// Ends a step with success and enqueues what follows, in the transaction that holds the step's result.
pub(crate) async fn complete_step(
    market: &Market,
    tx: &mut Tx,
    submission: &str,
    step: Step,
    next: Option<Kind>,
) -> Result<()> {
    set_step(market, tx, submission, step, StepStatus::Complete).await?;
    say(market, tx, submission, step, &Note::info("complete")).await?;
    if let Some(kind) = next {
        tasks::enqueue(market, tx, kind, submission, submission).await?;
    }
    Ok(())
}

/// Commits a step's result, with the points between which a crash must do no harm, and wakes who waits for it.
pub(crate) async fn commit(market: &Market, tx: Tx, row: &SubmissionRow, step: Step) -> Result<Outcome> {
    market.faults.at(&format!("{}:before-commit", step.id()));
    tx.commit().await?;
    market.faults.at(&format!("{}:after-commit", step.id()));
    market.bell.ring();
    market.announce(&row.id, &row.publisher, &row.offer);
    Ok(Outcome::Done)
}

/// Ends the submission as failed: the step is rejected with everything that was found, and what was staged goes.
pub(crate) async fn fail(
    market: &Market,
    claim: &Claim,
    row: &SubmissionRow,
    step: Step,
    notes: &[Note],
    mut tx: Tx,
) -> Result<Outcome> {
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    for note in notes.iter().take(NOTES_MAX) {
        say(market, &mut tx, &row.id, step, note).await?;
    }
    let errors = notes.iter().filter(|note| note.level == Level::Error);
    let reason = match errors.clone().count() {
        1 => errors.clone().next().map(|note| note.text.clone()).unwrap_or_default(),
        count => format!("{count} findings in step {}", step.id()),
    };
    set_step(market, &mut tx, &row.id, step, StepStatus::Rejected).await?;
    set_submission(market, &mut tx, &row.id, SubmissionState::Failed, Some(&reason)).await?;
    withdraw(&mut tx, &row.id).await?;
    let detail = json!({ "number": row.number, "step": step.id(), "reason": reason });
    let offer = Some((row.publisher.as_str(), row.offer.as_str()));
    let entry = market.history_row(&"pipeline", offer, Some(&row.id), "failed", detail);
    history::insert(&mut tx, &entry).await?;
    commit(market, tx, row, step).await
}

/// The attempt could not finish; the step says why and when it is tried again. Called by the worker in the transaction
/// that queues the task again. The same reason is said once, not at every attempt.
pub(crate) async fn blocked(
    market: &Market,
    tx: &mut Tx,
    claim: &Claim,
    error: &Error,
    wait: Duration,
) -> Result<()> {
    if claim.kind() == Kind::SendLead {
        return leads::blocked(tx, claim, error).await;
    }
    let Some(step) = step_of(claim.kind()) else {
        return recertification::blocked(market, tx, claim, error).await;
    };
    let messages = steps::messages(tx, &claim.subject).await?;
    let said = messages.iter().rfind(|row| row.step == step.id() && row.level != "info");
    if said.is_none_or(|row| row.message != error.message) {
        let hint =
            format!("{}; it is tried again by itself, next in {:.1} s", error.hint, wait.as_secs_f32());
        let note = Note { level: Level::Warning, ..Note::error(error.message.clone(), hint) };
        say(market, tx, &claim.subject, step, &note).await?;
    }
    if status(tx, &claim.subject, step).await? == StepStatus::InProgress {
        set_step(market, tx, &claim.subject, step, StepStatus::Blocked).await?;
    }
    Ok(())
}

/// The attempt waits for something that will come by itself; a step that is not complete says for what, once.
pub(crate) async fn held(market: &Market, tx: &mut Tx, claim: &Claim, why: &Error) -> Result<()> {
    let Some(step) = step_of(claim.kind()) else { return Ok(()) };
    if status(tx, &claim.subject, step).await? != StepStatus::InProgress {
        return Ok(());
    }
    let messages = steps::messages(tx, &claim.subject).await?;
    let said = messages.iter().rfind(|row| row.step == step.id() && row.level != "info");
    if said.is_none_or(|row| row.message != why.message) {
        let note = Note { level: Level::Warning, ..Note::error(why.message.clone(), why.hint.clone()) };
        say(market, tx, &claim.subject, step, &note).await?;
    }
    set_step(market, tx, &claim.subject, step, StepStatus::Blocked).await
}

/// The task used its attempts up: the step stays blocked until an operator runs the task again.
pub(crate) async fn given_up(market: &Market, tx: &mut Tx, claim: &Claim, reason: &str) -> Result<()> {
    if claim.kind() == Kind::SendLead {
        return leads::given_up(tx, claim, reason).await;
    }
    let Some(step) = step_of(claim.kind()) else {
        return recertification::given_up(market, tx, claim, reason).await;
    };
    let note = Note::error(
        format!("given up after {} attempts: {reason}", claim.attempt - 1),
        "an operator can run the task again when the cause is removed, or the submission can be cancelled",
    );
    say(market, tx, &claim.subject, step, &note).await?;
    if !status(tx, &claim.subject, step).await?.is_final() {
        set_step(market, tx, &claim.subject, step, StepStatus::Blocked).await?;
    }
    Ok(())
}

async fn status(c: &mut Connection, submission: &str, step: Step) -> Result<StepStatus> {
    let rows = steps::of_submission(c, submission).await?;
    let row = rows.iter().find(|row| row.step == step.id());
    status_of(row.ok_or_else(|| Error::internal("a submission lacks a step"))?)
}

/// A descriptor of a resolved tag.
pub(crate) fn descriptor_of(tag: &TagRow) -> Result<Descriptor> {
    let digest = tag.digest.parse().map_err(Error::internal)?;
    let size = u64::try_from(tag.size).map_err(Error::internal)?;
    Ok(Descriptor::new(&tag.media_type, digest, size))
}
