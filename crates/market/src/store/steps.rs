//! Rows of steps and their messages.

use crate::error::Result;
use sqlx::AnyConnection;

/// A step of a submission.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct StepRow {
    pub step: String,
    pub status: String,
    pub progress: i64,
    pub started_ms: Option<i64>,
    pub finished_ms: Option<i64>,
}

/// A message of a step.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct MessageRow {
    pub id: String,
    pub step: String,
    pub level: String,
    pub at_ms: i64,
    pub message: String,
    pub hint: Option<String>,
    /// Where it applies, as JSON.
    pub place: Option<String>,
    /// The rule or criterion that it is of.
    pub rule: Option<String>,
}

/// Adds the steps of a new submission, all `NotStarted`.
pub async fn insert(c: &mut AnyConnection, submission: &str, steps: &[&str]) -> Result<()> {
    let sql = "INSERT INTO steps (submission, step, status, progress) VALUES ($1, $2, 'NotStarted', 0)";
    for step in steps {
        sqlx::query(sql).bind(submission).bind(*step).execute(&mut *c).await?;
    }
    Ok(())
}

/// Steps of a submission, in no order that means anything.
pub async fn of_submission(c: &mut AnyConnection, submission: &str) -> Result<Vec<StepRow>> {
    let sql = "SELECT step, status, progress, started_ms, finished_ms FROM steps WHERE submission = $1";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}

/// Submissions whose step has this status, oldest first.
pub async fn submissions_at(c: &mut AnyConnection, step: &str, status: &str) -> Result<Vec<String>> {
    let sql = "SELECT submission FROM steps WHERE step = $1 AND status = $2 ORDER BY submission";
    Ok(sqlx::query_scalar(sql).bind(step).bind(status).fetch_all(c).await?)
}

/// Writes a step's status and instants; an instant that is `None` stays as it was, and progress never moves back.
pub async fn set(
    c: &mut AnyConnection,
    submission: &str,
    step: &str,
    status: &str,
    progress: i64,
    started_ms: Option<i64>,
    finished_ms: Option<i64>,
) -> Result<()> {
    let sql = "UPDATE steps SET status = $1, progress = CASE WHEN progress < $2 THEN $2 ELSE progress END, started_ms = COALESCE(started_ms, $3), \
               finished_ms = COALESCE($4, finished_ms) WHERE submission = $5 AND step = $6";
    sqlx::query(sql)
        .bind(status)
        .bind(progress)
        .bind(started_ms)
        .bind(finished_ms)
        .bind(submission)
        .bind(step)
        .execute(c)
        .await?;
    Ok(())
}

/// Moves the progress of a step that is in progress forward; it never moves back.
pub async fn set_progress(c: &mut AnyConnection, submission: &str, step: &str, progress: i64) -> Result<()> {
    let sql = "UPDATE steps SET progress = $1 WHERE submission = $2 AND step = $3 AND status = 'InProgress' \
               AND progress < $1";
    sqlx::query(sql).bind(progress).bind(submission).bind(step).execute(c).await?;
    Ok(())
}

/// Ends every step that did not end: `Canceled`.
pub async fn cancel_open(c: &mut AnyConnection, submission: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE steps SET status = 'Canceled', finished_ms = $1 WHERE submission = $2 \
               AND status NOT IN ('Complete', 'Rejected', 'Canceled')";
    sqlx::query(sql).bind(now_ms).bind(submission).execute(c).await?;
    Ok(())
}

/// Adds a message.
pub async fn insert_message(c: &mut AnyConnection, submission: &str, row: &MessageRow) -> Result<()> {
    let sql = "INSERT INTO messages (id, submission, step, level, at_ms, message, hint, place, rule) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(submission)
        .bind(&row.step)
        .bind(&row.level)
        .bind(row.at_ms)
        .bind(&row.message)
        .bind(row.hint.as_deref())
        .bind(row.place.as_deref())
        .bind(row.rule.as_deref())
        .execute(c)
        .await?;
    Ok(())
}

/// Messages of a submission in the order of their making.
pub async fn messages(c: &mut AnyConnection, submission: &str) -> Result<Vec<MessageRow>> {
    let sql = "SELECT id, step, level, at_ms, message, hint, place, rule FROM messages WHERE submission = $1 ORDER BY id";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}
