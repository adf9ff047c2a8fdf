//! Rows of leads and their delivery.

use crate::error::Result;
use sqlx::AnyConnection;

/// A lead. The destination that it goes to is stored with it, sealed, as it was when the lead was made.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct LeadRow {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub submission: Option<String>,
    /// 1 for the test lead of packaging.
    pub test: i64,
    pub sealed_destination: Vec<u8>,
    pub body: String,
    /// `Waiting`, `Delivered` or `Undelivered`.
    pub state: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub created_ms: i64,
    pub delivered_ms: Option<i64>,
}

const COLUMNS: &str = "SELECT id, publisher, offer, submission, test, sealed_destination, body, state, attempts, \
                       last_error, created_ms, delivered_ms FROM leads";

/// Adds a lead; false when the submission already has its test lead.
pub async fn insert(c: &mut AnyConnection, row: &LeadRow) -> Result<bool> {
    let sql = "INSERT INTO leads (id, publisher, offer, submission, test, sealed_destination, body, state, attempts, \
               created_ms, delivered_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(row.submission.as_deref())
        .bind(row.test)
        .bind(&row.sealed_destination[..])
        .bind(&row.body)
        .bind(&row.state)
        .bind(row.created_ms)
        .bind(row.delivered_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The test lead of a submission.
pub async fn test_lead(c: &mut AnyConnection, submission: &str) -> Result<Option<LeadRow>> {
    let sql = format!("{COLUMNS} WHERE submission = $1 AND test = 1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(submission).fetch_optional(c).await?)
}

/// One lead.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<LeadRow>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(c).await?)
}

/// Leads of an offer, oldest first.
pub async fn of_offer(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<LeadRow>> {
    let sql = format!("{COLUMNS} WHERE publisher = $1 AND offer = $2 ORDER BY id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(publisher).bind(offer).fetch_all(c).await?)
}

/// Records how an attempt to deliver went.
pub async fn attempted(
    c: &mut AnyConnection,
    id: &str,
    state: &str,
    error: Option<&str>,
    delivered_ms: Option<i64>,
) -> Result<()> {
    let sql = "UPDATE leads SET state = $1, attempts = attempts + 1, last_error = $2, delivered_ms = $3 WHERE id = $4";
    sqlx::query(sql).bind(state).bind(error).bind(delivered_ms).bind(id).execute(c).await?;
    Ok(())
}
