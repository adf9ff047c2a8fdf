//! Rows of acquisitions: which subscription has which plan, and which terms were accepted for it.

use crate::error::Result;
use sqlx::AnyConnection;

/// An acquisition.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct AcquisitionRow {
    pub id: String,
    pub subscription: String,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    /// What was live then.
    pub submission: String,
    /// The greatest version tag then.
    pub version: String,
    /// `standard-contract`, `html` or `url`.
    pub terms: String,
    pub terms_digest: String,
    pub actor: String,
    pub acquired_ms: i64,
    pub removed_ms: Option<i64>,
}

const COLUMNS: &str = "SELECT id, subscription, publisher, offer, plan, submission, version, terms, terms_digest, actor, \
                       acquired_ms, removed_ms FROM acquisitions";

/// Adds an acquisition; false when the subscription has the plan already.
pub async fn insert(c: &mut AnyConnection, row: &AcquisitionRow) -> Result<bool> {
    let sql = "INSERT INTO acquisitions (id, subscription, publisher, offer, plan, submission, version, terms, \
               terms_digest, actor, acquired_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
               ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.subscription)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.plan)
        .bind(&row.submission)
        .bind(&row.version)
        .bind(&row.terms)
        .bind(&row.terms_digest)
        .bind(&row.actor)
        .bind(row.acquired_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// One acquisition, removed or not.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<AcquisitionRow>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(c).await?)
}

/// The acquisition of a plan that is in force.
pub async fn in_force(
    c: &mut AnyConnection,
    subscription: &str,
    (publisher, offer, plan): (&str, &str, &str),
) -> Result<Option<AcquisitionRow>> {
    let sql = format!(
        "{COLUMNS} WHERE subscription = $1 AND publisher = $2 AND offer = $3 AND plan = $4 AND removed_ms IS NULL"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(subscription)
        .bind(publisher)
        .bind(offer)
        .bind(plan)
        .fetch_optional(c)
        .await?)
}

/// Acquisitions of a subscription, newest first, removed ones too, at most `limit`.
pub async fn of_subscription(
    c: &mut AnyConnection,
    subscription: &str,
    limit: i64,
) -> Result<Vec<AcquisitionRow>> {
    let sql = format!("{COLUMNS} WHERE subscription = $1 ORDER BY id DESC LIMIT $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(subscription).bind(limit).fetch_all(c).await?)
}

/// How many a subscription ever made.
pub async fn count(c: &mut AnyConnection, subscription: &str) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM acquisitions WHERE subscription = $1";
    let (count,): (i64,) = sqlx::query_as(sql).bind(subscription).fetch_one(c).await?;
    Ok(count)
}

/// Removes an acquisition; false when it was removed before.
pub async fn remove(c: &mut AnyConnection, id: &str, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE acquisitions SET removed_ms = $1 WHERE id = $2 AND removed_ms IS NULL";
    Ok(sqlx::query(sql).bind(now_ms).bind(id).execute(c).await?.rows_affected() == 1)
}

/// Brings a removed acquisition back; false when it is in force. The caller looks first whether another one is.
pub async fn restore(c: &mut AnyConnection, id: &str) -> Result<bool> {
    let sql = "UPDATE acquisitions SET removed_ms = NULL WHERE id = $1 AND removed_ms IS NOT NULL";
    Ok(sqlx::query(sql).bind(id).execute(c).await?.rows_affected() == 1)
}
