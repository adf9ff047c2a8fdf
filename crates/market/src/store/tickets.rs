//! Rows of support tickets and what was written in them, and the steps that have become overdue.

use crate::error::Result;
use sqlx::AnyConnection;

/// A ticket.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TicketRow {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub submission: String,
    pub step: String,
    /// `Open`, `Answered` or `Closed`.
    pub state: String,
    pub author: String,
    /// 1 for the one that an overdue step opened.
    pub automatic: i64,
    pub created_ms: i64,
    pub changed_ms: i64,
}

/// Something that was written in a ticket.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TicketMessageRow {
    pub id: String,
    pub ticket: String,
    pub author: String,
    pub at_ms: i64,
    pub message: String,
}

/// A step that is not complete after its time.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct OverdueRow {
    pub submission: String,
    pub publisher: String,
    pub offer: String,
    pub started_ms: i64,
}

const COLUMNS: &str = "SELECT id, publisher, offer, submission, step, state, author, automatic, created_ms, changed_ms \
                       FROM tickets";

/// Adds a ticket; false when it is there already.
pub async fn insert(c: &mut AnyConnection, row: &TicketRow) -> Result<bool> {
    let sql = "INSERT INTO tickets (id, publisher, offer, submission, step, state, author, automatic, created_ms, \
               changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.submission)
        .bind(&row.step)
        .bind(&row.state)
        .bind(&row.author)
        .bind(row.automatic)
        .bind(row.created_ms)
        .bind(row.changed_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// One ticket.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<TicketRow>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(c).await?)
}

/// Tickets of a submission, oldest first.
pub async fn of_submission(c: &mut AnyConnection, submission: &str) -> Result<Vec<TicketRow>> {
    let sql = format!("{COLUMNS} WHERE submission = $1 ORDER BY created_ms, id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(submission).fetch_all(c).await?)
}

/// Tickets of a publisher or of all, and of one state or of all; those that changed last come first.
pub async fn list(
    c: &mut AnyConnection,
    publisher: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<TicketRow>> {
    let sql = format!(
        "{COLUMNS} WHERE ($1 = '' OR publisher = $1) AND ($2 = '' OR state = $2) \
         ORDER BY changed_ms DESC, id DESC LIMIT $3"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(publisher.unwrap_or(""))
        .bind(state.unwrap_or(""))
        .bind(limit)
        .fetch_all(c)
        .await?)
}

/// Moves a ticket to a state.
pub async fn set_state(c: &mut AnyConnection, id: &str, state: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE tickets SET state = $1, changed_ms = $2 WHERE id = $3";
    sqlx::query(sql).bind(state).bind(now_ms).bind(id).execute(c).await?;
    Ok(())
}

/// Adds a message; false when it is there already.
pub async fn insert_message(c: &mut AnyConnection, row: &TicketMessageRow) -> Result<bool> {
    let sql = "INSERT INTO ticket_messages (id, ticket, author, at_ms, message) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.ticket)
        .bind(&row.author)
        .bind(row.at_ms)
        .bind(&row.message)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// What was written in a ticket, oldest first.
pub async fn messages(c: &mut AnyConnection, ticket: &str) -> Result<Vec<TicketMessageRow>> {
    let sql =
        "SELECT id, ticket, author, at_ms, message FROM ticket_messages WHERE ticket = $1 ORDER BY at_ms, id";
    Ok(sqlx::query_as(sql).bind(ticket).fetch_all(c).await?)
}

/// Submissions whose step began before this instant, has not ended, and has no ticket of its own yet.
pub async fn overdue(c: &mut AnyConnection, step: &str, began_before_ms: i64) -> Result<Vec<OverdueRow>> {
    let sql = "SELECT t.submission, s.publisher, s.offer, t.started_ms FROM steps t \
               JOIN submissions s ON s.id = t.submission \
               WHERE t.step = $1 AND t.started_ms < $2 AND t.status IN ('InProgress', 'Blocked', 'WaitingForApproval') \
               AND NOT EXISTS (SELECT 1 FROM tickets k WHERE k.submission = t.submission AND k.step = t.step \
               AND k.automatic = 1) ORDER BY t.submission";
    Ok(sqlx::query_as(sql).bind(step).bind(began_before_ms).fetch_all(c).await?)
}
