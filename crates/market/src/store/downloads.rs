//! Rows of downloads: how often an image was fetched, by day, plan, tag, platform and region.

use crate::error::Result;
use sqlx::AnyConnection;

/// Downloads of one image on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct DownloadRow {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    /// The greatest version that leads to the image, else another tag; empty for an image that no tag leads to any more.
    pub tag: String,
    /// Empty where it is not known.
    pub platform: String,
    pub region: String,
    pub downloads: i64,
}

/// Adds to what was counted before.
pub async fn add(c: &mut AnyConnection, row: &DownloadRow) -> Result<()> {
    let sql = "INSERT INTO downloads (day, publisher, offer, plan, tag, platform, region, downloads) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (publisher, offer, day, plan, tag, platform, region) \
               DO UPDATE SET downloads = downloads.downloads + excluded.downloads";
    written(c, sql, row).await
}

/// Puts a whole count in the place of an earlier one: of another instance, which counts for itself.
pub async fn put(c: &mut AnyConnection, row: &DownloadRow) -> Result<()> {
    let sql = "INSERT INTO downloads (day, publisher, offer, plan, tag, platform, region, downloads) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (publisher, offer, day, plan, tag, platform, region) \
               DO UPDATE SET downloads = excluded.downloads";
    written(c, sql, row).await
}

async fn written(c: &mut AnyConnection, sql: &'static str, row: &DownloadRow) -> Result<()> {
    sqlx::query(sql)
        .bind(row.day)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.plan)
        .bind(&row.tag)
        .bind(&row.platform)
        .bind(&row.region)
        .bind(row.downloads)
        .execute(c)
        .await?;
    Ok(())
}

/// Downloads of an offer from one day to another, both counted, by day.
pub async fn of_offer(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    (from, to): (i64, i64),
) -> Result<Vec<DownloadRow>> {
    let sql = "SELECT day, publisher, offer, plan, tag, platform, region, downloads FROM downloads \
               WHERE publisher = $1 AND offer = $2 AND day >= $3 AND day <= $4 \
               ORDER BY day, plan, tag, platform, region";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).bind(from).bind(to).fetch_all(c).await?)
}

/// Downloads of all offers of a publisher, or of all, by day, offer and region; plan, tag and platform are left out.
pub async fn by_offer(
    c: &mut AnyConnection,
    publisher: Option<&str>,
    (from, to): (i64, i64),
    limit: i64,
) -> Result<Vec<DownloadRow>> {
    let sql = "SELECT day, publisher, offer, '' AS plan, '' AS tag, '' AS platform, region, \
               CAST(SUM(downloads) AS BIGINT) AS downloads FROM downloads \
               WHERE ($1 = '' OR publisher = $1) AND day >= $2 AND day <= $3 \
               GROUP BY day, publisher, offer, region ORDER BY day, publisher, offer, region LIMIT $4";
    let query = sqlx::query_as(sql).bind(publisher.unwrap_or("")).bind(from).bind(to).bind(limit);
    Ok(query.fetch_all(c).await?)
}

/// What was counted in a region from this day on, a page of it.
pub async fn of_region(
    c: &mut AnyConnection,
    region: &str,
    since: i64,
    (offset, limit): (i64, i64),
) -> Result<Vec<DownloadRow>> {
    let sql = "SELECT day, publisher, offer, plan, tag, platform, region, downloads FROM downloads \
               WHERE region = $1 AND day >= $2 ORDER BY day, publisher, offer, plan, tag, platform LIMIT $3 OFFSET $4";
    Ok(sqlx::query_as(sql).bind(region).bind(since).bind(limit).bind(offset).fetch_all(c).await?)
}

/// The last day of which there are counts of a region.
pub async fn last_day(c: &mut AnyConnection, region: &str) -> Result<Option<i64>> {
    let sql = "SELECT day FROM downloads WHERE region = $1 ORDER BY day DESC LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(region).fetch_optional(c).await?)
}

/// Leads of an offer by the day of their making, test leads aside.
pub async fn leads_by_day(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    (from, to): (i64, i64),
) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT created_ms / 86400000 AS day, COUNT(*) FROM leads WHERE publisher = $1 AND offer = $2 AND test = 0 \
               AND created_ms / 86400000 >= $3 AND created_ms / 86400000 <= $4 GROUP BY 1 ORDER BY 1";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).bind(from).bind(to).fetch_all(c).await?)
}

/// Acquisitions of an offer by the day that they were made, those that were removed since too.
pub async fn acquisitions_by_day(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    (from, to): (i64, i64),
) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT acquired_ms / 86400000 AS day, COUNT(*) FROM acquisitions WHERE publisher = $1 AND offer = $2 \
               AND acquired_ms / 86400000 >= $3 AND acquired_ms / 86400000 <= $4 GROUP BY 1 ORDER BY 1";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).bind(from).bind(to).fetch_all(c).await?)
}
