//! The six steps. Each does its work first, idempotently and content-addressed, and then records result, next step and
//! next task in **one** transaction: a crash at any instant leaves either the step undone, and it is done again without
//! harm, or all of it done. The pipeline never imports a face.

pub(crate) mod publisher_signoff;
pub(crate) mod replication;

use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::steps::MessageRow;
use crate::store::{registry, steps, submissions};
use crate::submissions::Level;
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::Value;
use sqlx::AnyConnection;

/// The step at which a submission is: the first that is not complete.
pub(crate) async fn current_step(c: &mut AnyConnection, submission: &str) -> Result<Step> {
    let rows = steps::of_submission(c, submission).await?;
    let complete = format!("{:?}", StepStatus::Complete);
    let open = |step: &Step| !rows.iter().any(|row| row.step == step.id() && row.status == complete);
    Ok(Step::ALL.into_iter().find(open).unwrap_or(Step::Live))
}

/// Withdraws what was staged for the preview. The bytes stay for other repositories and for garbage collection.
pub(crate) async fn withdraw(c: &mut AnyConnection, submission: &str) -> Result<()> {
    for repository in registry::granted_repositories(c, submission).await? {
        registry::clear(c, &repository).await?;
    }
    registry::withdraw_preview(c, submission).await
}

/// Moves a step to a status.
pub(crate) async fn set_step(
    market: &Market,
    c: &mut AnyConnection,
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
    c: &mut AnyConnection,
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
}

impl Note {
    /// A plain fact.
    pub fn info(text: impl Into<String>) -> Note {
        Note { level: Level::Info, text: text.into(), hint: None, place: None }
    }

    /// An error with its way out.
    pub fn error(text: impl Into<String>, hint: impl Into<String>) -> Note {
        Note { level: Level::Error, text: text.into(), hint: Some(hint.into()), place: None }
    }
}

/// Adds a message to a step.
pub(crate) async fn say(
    market: &Market,
    c: &mut AnyConnection,
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
    };
    steps::insert_message(c, submission, &row).await
}

/// Tells listeners that a submission changed. Call after the commit.
pub(crate) async fn announce(market: &Market, submission: &str) -> Result<()> {
    let mut c = market.store.read().await?;
    let row = submissions::get(&mut c, submission).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the submission {submission} is missing")))?;
    market.announce(submission, &row.publisher, &row.offer);
    Ok(())
}
