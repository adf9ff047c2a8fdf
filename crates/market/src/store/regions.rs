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
    pub transfers: i64,
    pub bytes_per_second: Option<i64>,
    /// One per line.
    pub windows: String,
    pub utc_offset_minutes: i64,
    /// Since when it is paused.
    pub paused_ms: Option<i64>,
    /// Bytes of blobs that were ever sent there.
    pub sent_bytes: i64,
}

const COLUMNS: &str = "name, kind, url, required, username, sealed, created_ms, transfers, bytes_per_second, windows, \
                       utc_offset_minutes, paused_ms, sent_bytes";

/// Where a submission stands in a region: `Waiting`, `Holding`, `Live`, `Removed` (the region), or
/// `Behind` with a message.
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
    let sql = format!(
        "INSERT INTO regions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (name) DO NOTHING"
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&row.name)
        .bind(&row.kind)
        .bind(&row.url)
        .bind(row.required)
        .bind(row.username.as_deref())
        .bind(row.sealed.as_deref())
        .bind(row.created_ms)
        .bind(row.transfers)
        .bind(row.bytes_per_second)
        .bind(&row.windows)
        .bind(row.utc_offset_minutes)
        .bind(row.paused_ms)
        .bind(row.sent_bytes)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what an operator may change of a region; false when there is none.
pub async fn update(c: &mut AnyConnection, row: &RegionRow) -> Result<bool> {
    let sql = "UPDATE regions SET required = $1, transfers = $2, bytes_per_second = $3, windows = $4, \
               utc_offset_minutes = $5, paused_ms = $6 WHERE name = $7";
    let done = sqlx::query(sql)
        .bind(row.required)
        .bind(row.transfers)
        .bind(row.bytes_per_second)
        .bind(&row.windows)
        .bind(row.utc_offset_minutes)
        .bind(row.paused_ms)
        .bind(&row.name)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds to the bytes that were sent to a region.
pub async fn add_sent(c: &mut AnyConnection, name: &str, bytes: i64) -> Result<()> {
    let sql = "UPDATE regions SET sent_bytes = sent_bytes + $1 WHERE name = $2";
    sqlx::query(sql).bind(bytes).bind(name).execute(c).await?;
    Ok(())
}

/// Forgets what is known of uploads to a region, and marks what stood there as removed.
pub async fn forget(c: &mut AnyConnection, name: &str, now_ms: i64) -> Result<()> {
    sqlx::query("DELETE FROM region_uploads WHERE region = $1").bind(name).execute(&mut *c).await?;
    let sql =
        "UPDATE submission_regions SET state = 'Removed', message = NULL, changed_ms = $1 WHERE region = $2";
    sqlx::query(sql).bind(now_ms).bind(name).execute(c).await?;
    Ok(())
}

/// Removes a region; false when there is none.
pub async fn delete(c: &mut AnyConnection, name: &str) -> Result<bool> {
    Ok(sqlx::query("DELETE FROM regions WHERE name = $1").bind(name).execute(c).await?.rows_affected() == 1)
}

/// All regions by name.
pub async fn list(c: &mut AnyConnection) -> Result<Vec<RegionRow>> {
    let sql = format!("SELECT {COLUMNS} FROM regions ORDER BY name");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?)
}

/// One region.
pub async fn get(c: &mut AnyConnection, name: &str) -> Result<Option<RegionRow>> {
    let sql = format!("SELECT {COLUMNS} FROM regions WHERE name = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(c).await?)
}

/// Writes where a submission stands in a region.
pub async fn put_state(c: &mut AnyConnection, submission: &str, row: &SubmissionRegionRow) -> Result<()> {
    let sql = "INSERT INTO submission_regions (submission, region, required, state, message, changed_ms, since_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (submission, region) DO UPDATE SET \
               state = excluded.state, message = excluded.message, changed_ms = excluded.changed_ms, \
               required = excluded.required, since_ms = CASE WHEN excluded.state = 'Waiting' AND \
               submission_regions.state IN ('Holding', 'Live', 'Removed') THEN excluded.changed_ms \
               ELSE submission_regions.since_ms END, missing_bytes = CASE WHEN excluded.state IN ('Holding', 'Live') THEN 0 \
               ELSE submission_regions.missing_bytes END";
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

/// Writes how much a submission is in a region, and how much of it is missing there: as it was known, or else all, when
/// that is not said.
pub async fn put_size(
    c: &mut AnyConnection,
    (submission, region): (&str, &str),
    (digests, bytes, missing_bytes): (i64, i64, Option<i64>),
) -> Result<()> {
    let sql = "UPDATE submission_regions SET digests = $1, bytes = $2, \
               missing_bytes = COALESCE($3, NULLIF(missing_bytes, 0), $2) WHERE submission = $4 AND region = $5";
    sqlx::query(sql)
        .bind(digests)
        .bind(bytes)
        .bind(missing_bytes)
        .bind(submission)
        .bind(region)
        .execute(c)
        .await?;
    Ok(())
}

/// What a region holds or should hold: of what is live, and of what goes live.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct LagRow {
    pub submission: String,
    pub publisher: String,
    pub offer: String,
    pub number: i64,
    pub required: i64,
    pub state: String,
    pub message: Option<String>,
    pub since_ms: i64,
    pub digests: Option<i64>,
    pub bytes: Option<i64>,
    pub missing_bytes: Option<i64>,
    /// 1 when it is live at home.
    pub live: i64,
}

/// The rows of a region, oldest first.
pub async fn lag(c: &mut AnyConnection, region: &str) -> Result<Vec<LagRow>> {
    let sql = "SELECT r.submission, s.publisher, s.offer, s.number, r.required, r.state, r.message, r.since_ms, \
               r.digests, r.bytes, r.missing_bytes, CASE WHEN o.live IS NULL THEN 0 ELSE 1 END AS live \
               FROM submission_regions r JOIN submissions s ON s.id = r.submission \
               LEFT JOIN offers o ON o.live = s.id \
               WHERE r.region = $1 AND r.state <> 'Removed' AND (o.live IS NOT NULL OR s.state = 'Running') \
               ORDER BY r.since_ms, r.submission";
    Ok(sqlx::query_as(sql).bind(region).fetch_all(c).await?)
}

/// Offers (`publisher/offer`) of which a region holds anything.
pub async fn held(c: &mut AnyConnection, region: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT s.publisher || '/' || s.offer FROM submission_regions r \
               JOIN submissions s ON s.id = r.submission WHERE r.region = $1 AND r.state IN ('Holding', 'Live')";
    let rows: Vec<(String,)> = sqlx::query_as(sql).bind(region).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Where an upload to a region stands: its address there, and the bytes that arrived.
pub async fn upload(
    c: &mut AnyConnection,
    (region, repository, digest): (&str, &str, &str),
) -> Result<Option<(String, i64)>> {
    let sql =
        "SELECT location, sent FROM region_uploads WHERE region = $1 AND repository = $2 AND digest = $3";
    Ok(sqlx::query_as(sql).bind(region).bind(repository).bind(digest).fetch_optional(c).await?)
}

/// Writes where an upload stands, or that there is none.
pub async fn put_upload(
    c: &mut AnyConnection,
    (region, repository, digest): (&str, &str, &str),
    place: Option<(&str, i64)>,
    now_ms: i64,
) -> Result<()> {
    let Some((location, sent)) = place else {
        let sql = "DELETE FROM region_uploads WHERE region = $1 AND repository = $2 AND digest = $3";
        sqlx::query(sql).bind(region).bind(repository).bind(digest).execute(c).await?;
        return Ok(());
    };
    let sql = "INSERT INTO region_uploads (region, repository, digest, location, sent, changed_ms) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (region, repository, digest) DO UPDATE SET \
               location = excluded.location, sent = excluded.sent, changed_ms = excluded.changed_ms";
    sqlx::query(sql)
        .bind(region)
        .bind(repository)
        .bind(digest)
        .bind(location)
        .bind(sent)
        .bind(now_ms)
        .execute(c)
        .await?;
    Ok(())
}
