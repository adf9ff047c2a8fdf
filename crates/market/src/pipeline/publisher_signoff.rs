//! Step 4: the preview waits, as a row, until the publisher goes live. No task waits.

use super::{replication, set_step, set_submission};
use crate::error::Result;
use crate::market::Market;
use crate::store::Tx;
use crate::store::submissions::SubmissionRow;
use offer::submission::{Step, StepStatus, SubmissionState};

/// Begins to wait, in the transaction that completes packaging.
#[allow(dead_code, reason = "called by packaging, which follows")]
pub(crate) async fn wait(market: &Market, tx: &mut Tx, submission: &str) -> Result<()> {
    let waiting = StepStatus::WaitingForPublisherReview;
    set_step(market, tx, submission, Step::PublisherSignoff, waiting).await?;
    set_submission(market, tx, submission, SubmissionState::WaitingForPublisherReview, None).await
}

/// The publisher went live: the step completes and replication begins.
pub(crate) async fn sign_off(market: &Market, tx: &mut Tx, row: &SubmissionRow) -> Result<()> {
    set_step(market, tx, &row.id, Step::PublisherSignoff, StepStatus::Complete).await?;
    set_submission(market, tx, &row.id, SubmissionState::Running, None).await?;
    replication::begin(market, tx, &row.id).await
}
