//! Rows of regions, and of what each region holds of a submission.

use crate::error::Result;
use sqlx::AnyConnection;

/// A region.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct RegionRow {
    pub name: String,
    pub kind: String,
    pub url: String,
    /// 1 when step 5 waits for it.
    pub required: i64,
    pub username: Option<String>,
    /// Sealed password or token.
    pub sealed: Option<Vec<u8>>,
    pub created_ms: i64,
}

/// Where a submission stands in a region: `Waiting`, `Holding`, `Live`, or `Behind` with a message.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct SubmissionRegionRow {
    pub region: String,
    pub required: i64,
    pub state: String,
    pub message: Option<String>,
    pub changed_ms: i64,
}

/// Adds a region; false when the name is taken.
pub async fn insert(c: &mut AnyConnection, row: &RegionRow) -> Result<bool> {
    let sql = "INSERT INTO regions (name, kind, url, required, username, sealed, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.name)
        .bind(&row.kind)
        .bind(&row.url)
        .bind(row.required)
        .bind(row.username.as_deref())
        .bind(row.sealed.as_deref())
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a region; false when there is none.
pub async fn delete(c: &mut AnyConnection, name: &str) -> Result<bool> {
    Ok(sqlx::query("DELETE FROM regions WHERE name = $1").bind(name).execute(c).await?.rows_affected() == 1)
}

/// All regions by name.
pub async fn list(c: &mut AnyConnection) -> Result<Vec<RegionRow>> {
    let sql = "SELECT name, kind, url, required, username, sealed, created_ms FROM regions ORDER BY name";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// One region.
pub async fn get(c: &mut AnyConnection, name: &str) -> Result<Option<RegionRow>> {
    let sql = "SELECT name, kind, url, required, username, sealed, created_ms FROM regions WHERE name = $1";
    Ok(sqlx::query_as(sql).bind(name).fetch_optional(c).await?)
}

/// Writes where a submission stands in a region.
pub async fn put_state(c: &mut AnyConnection, submission: &str, row: &SubmissionRegionRow) -> Result<()> {
    let sql = "INSERT INTO submission_regions (submission, region, required, state, message, changed_ms) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (submission, region) DO UPDATE SET \
               state = excluded.state, message = excluded.message, changed_ms = excluded.changed_ms";
    sqlx::query(sql)
        .bind(submission)
        .bind(&row.region)
        .bind(row.required)
        .bind(&row.state)
        .bind(row.message.as_deref())
        .bind(row.changed_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// Where a submission stands, region by region.
pub async fn states(c: &mut AnyConnection, submission: &str) -> Result<Vec<SubmissionRegionRow>> {
    let sql = "SELECT region, required, state, message, changed_ms FROM submission_regions WHERE submission = $1 \
               ORDER BY region";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}
