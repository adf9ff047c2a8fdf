//! Rows of offers and plans that are not sold any more. The plan is empty for an offer as a whole.

use crate::error::Result;
use sqlx::AnyConnection;

/// Something that is not sold any more.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct WithdrawalRow {
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    pub since_ms: i64,
    pub actor: String,
}

/// Adds a withdrawal; false when it is there already.
pub async fn insert(c: &mut AnyConnection, row: &WithdrawalRow) -> Result<bool> {
    let sql = "INSERT INTO withdrawals (publisher, offer, plan, since_ms, actor) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.plan)
        .bind(row.since_ms)
        .bind(&row.actor)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a withdrawal; false when there is none.
pub async fn delete(c: &mut AnyConnection, (publisher, offer): (&str, &str), plan: &str) -> Result<bool> {
    let sql = "DELETE FROM withdrawals WHERE publisher = $1 AND offer = $2 AND plan = $3";
    let done = sqlx::query(sql).bind(publisher).bind(offer).bind(plan).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// What is withdrawn of an offer, the offer as a whole first.
pub async fn of_offer(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<WithdrawalRow>> {
    let sql = "SELECT publisher, offer, plan, since_ms, actor FROM withdrawals WHERE publisher = $1 AND offer = $2 \
               ORDER BY plan";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?)
}
