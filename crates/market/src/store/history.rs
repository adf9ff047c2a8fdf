//! The audit log: who did what to which offer, when. Rows are added and read, never changed.

use crate::error::Result;
use sqlx::AnyConnection;

/// One action.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct HistoryRow {
    pub id: String,
    pub at_ms: i64,
    pub actor: String,
    pub publisher: Option<String>,
    pub offer: Option<String>,
    pub submission: Option<String>,
    pub action: String,
    pub detail: String,
}

/// Adds an action.
pub async fn insert(c: &mut AnyConnection, row: &HistoryRow) -> Result<()> {
    let sql = "INSERT INTO history (id, at_ms, actor, publisher, offer, submission, action, detail) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(row.at_ms)
        .bind(&row.actor)
        .bind(row.publisher.as_deref())
        .bind(row.offer.as_deref())
        .bind(row.submission.as_deref())
        .bind(&row.action)
        .bind(&row.detail)
        .execute(c)
        .await?;
    Ok(())
}

/// Actions on an offer before the one with this id, or the last ones, newest first, at most `limit`.
pub async fn before(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<HistoryRow>> {
    let sql = "SELECT id, at_ms, actor, publisher, offer, submission, action, detail FROM history \
               WHERE publisher = $1 AND offer = $2 AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4";
    let query = sqlx::query_as(sql).bind(publisher).bind(offer).bind(before.unwrap_or("")).bind(limit);
    Ok(query.fetch_all(c).await?)
}

/// Actions on an offer, oldest first.
pub async fn of_offer(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<HistoryRow>> {
    let sql = "SELECT id, at_ms, actor, publisher, offer, submission, action, detail FROM history \
               WHERE publisher = $1 AND offer = $2 ORDER BY id";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?)
}

/// The last action on an offer.
pub async fn last_of_offer(
    c: &mut AnyConnection,
    publisher: &str,
    offer: &str,
) -> Result<Option<HistoryRow>> {
    let sql = "SELECT id, at_ms, actor, publisher, offer, submission, action, detail FROM history \
               WHERE publisher = $1 AND offer = $2 ORDER BY id DESC LIMIT 1";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_optional(c).await?)
}
