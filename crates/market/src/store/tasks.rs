//! Rows of the task table. What the columns mean, and why, is told in `crate::tasks`.
//!
//! On PostgreSQL the claim's inner select will end with `FOR UPDATE SKIP LOCKED`; SQLite has one writer at a time.

use crate::error::Result;
use sqlx::AnyConnection;

/// A task that somebody claimed.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TaskRow {
    pub id: String,
    pub kind: String,
    pub key: String,
    pub subject: String,
    pub attempts: i64,
    pub attempts_max: i64,
    pub lost: i64,
    pub cancel_requested: i64,
    pub last_error: Option<String>,
}

const COLUMNS: &str = "id, kind, key, subject, attempts, attempts_max, lost, cancel_requested, last_error";

/// Now, by the database's clock, in milliseconds: leases are compared with it and with nothing else, so that machines
/// whose clocks differ agree on what has expired.
pub async fn now_ms(c: &mut AnyConnection) -> Result<i64> {
    let sql = "SELECT CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)";
    let (now,): (i64,) = sqlx::query_as(sql).fetch_one(c).await?;
    Ok(now)
}

/// Adds a queued task; nothing happens when an active one has the same kind and key.
#[allow(clippy::too_many_arguments, reason = "one per column")]
pub async fn insert(
    c: &mut AnyConnection,
    id: &str,
    kind: &str,
    key: &str,
    subject: &str,
    attempts_max: i64,
    run_at_ms: i64,
    now_ms: i64,
) -> Result<bool> {
    let sql = "INSERT INTO tasks (id, kind, key, subject, state, attempts, attempts_max, lost, run_at_ms, \
               cancel_requested, created_ms) VALUES ($1, $2, $3, $4, 'queued', 0, $5, 0, $6, 0, $7) \
               ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(id)
        .bind(kind)
        .bind(key)
        .bind(subject)
        .bind(attempts_max)
        .bind(run_at_ms)
        .bind(now_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a task of this kind is due, without taking the write lock.
pub async fn is_due(c: &mut AnyConnection, kind: &str) -> Result<bool> {
    let now = now_ms(c).await?;
    let sql = "SELECT COUNT(*) FROM tasks WHERE kind = $1 AND ((state = 'queued' AND run_at_ms <= $2) \
               OR (state = 'running' AND lease_until_ms <= $2))";
    let (count,): (i64,) = sqlx::query_as(sql).bind(kind).bind(now).fetch_one(c).await?;
    Ok(count > 0)
}

/// Claims the task of this kind that is due longest. Attempts and lost claims count here, not at the end, because a
/// process that dies does not count.
pub async fn claim(
    c: &mut AnyConnection,
    kind: &str,
    lease_token: &str,
    now_ms: i64,
    lease_until_ms: i64,
) -> Result<Option<TaskRow>> {
    let sql = format!(
        "UPDATE tasks SET state = 'running', lease_token = $1, lease_until_ms = $2, attempts = attempts + 1, \
         lost = lost + 1 WHERE id = (SELECT id FROM tasks WHERE kind = $3 AND ((state = 'queued' AND run_at_ms <= $4) \
         OR (state = 'running' AND lease_until_ms <= $4)) ORDER BY run_at_ms, id LIMIT 1) RETURNING {COLUMNS}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(lease_token)
        .bind(lease_until_ms)
        .bind(kind)
        .bind(now_ms)
        .fetch_optional(c)
        .await?)
}

/// Prolongs a lease that is still held. Answers whether it is, and whether somebody asked to cancel.
pub async fn renew(
    c: &mut AnyConnection,
    id: &str,
    lease_token: &str,
    lease_until_ms: i64,
) -> Result<Option<bool>> {
    let sql = "UPDATE tasks SET lease_until_ms = $1 WHERE id = $2 AND lease_token = $3 AND state = 'running' \
               RETURNING cancel_requested";
    let row: Option<(i64,)> =
        sqlx::query_as(sql).bind(lease_until_ms).bind(id).bind(lease_token).fetch_optional(c).await?;
    Ok(row.map(|(requested,)| requested == 1))
}

/// Removes a task whose lease is still held and that nobody cancelled; false when that is not so any more.
pub async fn complete(c: &mut AnyConnection, id: &str, lease_token: &str) -> Result<bool> {
    let sql =
        "DELETE FROM tasks WHERE id = $1 AND lease_token = $2 AND state = 'running' AND cancel_requested = 0";
    Ok(sqlx::query(sql).bind(id).bind(lease_token).execute(c).await?.rows_affected() == 1)
}

/// Removes a task that was cancelled while it ran.
pub async fn remove_canceled(c: &mut AnyConnection, id: &str, lease_token: &str) -> Result<bool> {
    let sql = "DELETE FROM tasks WHERE id = $1 AND lease_token = $2 AND cancel_requested = 1";
    Ok(sqlx::query(sql).bind(id).bind(lease_token).execute(c).await?.rows_affected() == 1)
}

/// Queues a held task again for later, after an orderly end of the attempt; false when the lease was lost.
pub async fn retry(
    c: &mut AnyConnection,
    id: &str,
    lease_token: &str,
    run_at_ms: i64,
    error: &str,
) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'queued', lease_token = NULL, lease_until_ms = NULL, lost = 0, \
               run_at_ms = $1, last_error = $2 WHERE id = $3 AND lease_token = $4 AND cancel_requested = 0";
    let done = sqlx::query(sql).bind(run_at_ms).bind(error).bind(id).bind(lease_token).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// Queues a held task again for later although nothing failed: the attempt does not count.
pub async fn postpone(
    c: &mut AnyConnection,
    id: &str,
    lease_token: &str,
    run_at_ms: i64,
    reason: &str,
) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'queued', lease_token = NULL, lease_until_ms = NULL, lost = 0, \
               attempts = attempts - 1, run_at_ms = $1, last_error = $2 \
               WHERE id = $3 AND lease_token = $4 AND cancel_requested = 0";
    let done = sqlx::query(sql).bind(run_at_ms).bind(reason).bind(id).bind(lease_token).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// The key of a region's task is a submission's id (a UUID of 36 characters), a slash, and the region's name.
const OF_REGION: &str = "kind IN ('replicate', 'move-tags') AND SUBSTR(key, 38) = $1";

/// Makes whatever waits for a region due now, given up or not, with fresh counters; how many tasks.
pub async fn wake_region(c: &mut AnyConnection, region: &str, now_ms: i64) -> Result<u64> {
    let sql = format!(
        "UPDATE tasks SET state = 'queued', attempts = 0, lost = 0, run_at_ms = $2 \
         WHERE {OF_REGION} AND (state = 'dead' OR (state = 'queued' AND run_at_ms > $2))"
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(region).bind(now_ms).execute(c).await?;
    Ok(done.rows_affected())
}

/// State and due instant of a region's tasks, by submission.
pub async fn of_region(c: &mut AnyConnection, region: &str) -> Result<Vec<(String, String, i64)>> {
    let sql = format!("SELECT subject, state, run_at_ms FROM tasks WHERE {OF_REGION} ORDER BY run_at_ms, id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(region).fetch_all(c).await?)
}

/// Hands a held task back untouched: the attempt does not count.
pub async fn hand_back(c: &mut AnyConnection, id: &str, lease_token: &str) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'queued', lease_token = NULL, lease_until_ms = NULL, lost = 0, \
               attempts = attempts - 1 WHERE id = $1 AND lease_token = $2";
    Ok(sqlx::query(sql).bind(id).bind(lease_token).execute(c).await?.rows_affected() == 1)
}

/// Gives a task up: it stays, visible, until somebody runs it again.
pub async fn bury(c: &mut AnyConnection, id: &str, lease_token: &str, error: &str) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'dead', lease_token = NULL, lease_until_ms = NULL, last_error = $1 \
               WHERE id = $2 AND lease_token = $3";
    Ok(sqlx::query(sql).bind(error).bind(id).bind(lease_token).execute(c).await?.rows_affected() == 1)
}

/// Queues a dead task again with fresh counters; false when it is not dead.
pub async fn revive(c: &mut AnyConnection, id: &str, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'queued', attempts = 0, lost = 0, run_at_ms = $1 \
               WHERE id = $2 AND state = 'dead'";
    Ok(sqlx::query(sql).bind(now_ms).bind(id).execute(c).await?.rows_affected() == 1)
}

/// Cancels the tasks of a subject: those that wait are removed, those that run are asked to stop.
pub async fn cancel_subject(c: &mut AnyConnection, subject: &str) -> Result<()> {
    sqlx::query("DELETE FROM tasks WHERE subject = $1 AND state IN ('queued', 'dead')")
        .bind(subject)
        .execute(&mut *c)
        .await?;
    sqlx::query("UPDATE tasks SET cancel_requested = 1 WHERE subject = $1 AND state = 'running'")
        .bind(subject)
        .execute(c)
        .await?;
    Ok(())
}

/// Voids every lease. Only for a process that knows that no other one works on this database.
pub async fn void_leases(c: &mut AnyConnection) -> Result<u64> {
    let sql = "UPDATE tasks SET state = 'queued', lease_token = NULL, lease_until_ms = NULL WHERE state = 'running'";
    Ok(sqlx::query(sql).execute(c).await?.rows_affected())
}

/// Tasks that were given up, oldest first.
pub async fn dead(c: &mut AnyConnection) -> Result<Vec<TaskRow>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE state = 'dead' ORDER BY id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?)
}

#[cfg(test)]
mod tests;
