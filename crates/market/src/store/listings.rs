//! Rows of live listings and of tags that were ever live.

use crate::error::Result;
use sqlx::AnyConnection;

/// What the storefront lists.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ListingRow {
    pub publisher: String,
    pub offer: String,
    pub identifier: String,
    pub title: String,
    pub summary: String,
    /// JSON array.
    pub categories: String,
    pub submission: String,
    pub live_ms: i64,
}

/// A tag that is or was live.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct LiveTagRow {
    pub plan: String,
    pub tag: String,
    pub digest: String,
}

/// Writes the listing of an offer.
pub async fn put(c: &mut AnyConnection, row: &ListingRow) -> Result<()> {
    let sql = "INSERT INTO listings (publisher, offer, identifier, title, summary, categories, submission, live_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (publisher, offer) DO UPDATE SET \
               identifier = excluded.identifier, title = excluded.title, summary = excluded.summary, \
               categories = excluded.categories, submission = excluded.submission, live_ms = excluded.live_ms";
    sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.identifier)
        .bind(&row.title)
        .bind(&row.summary)
        .bind(&row.categories)
        .bind(&row.submission)
        .bind(row.live_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// All listings by title, without the offers that are hidden at this instant, and those that their own marketplace withdrew.
pub async fn list(c: &mut AnyConnection, now_ms: i64) -> Result<Vec<ListingRow>> {
    let sql = "SELECT publisher, offer, identifier, title, summary, categories, submission, live_ms FROM listings l \
               WHERE NOT EXISTS (SELECT 1 FROM deadlines d WHERE d.publisher = l.publisher AND d.offer = l.offer \
               AND d.hide_ms <= $1) AND NOT EXISTS (SELECT 1 FROM imported_offers i WHERE i.publisher = l.publisher \
               AND i.offer = l.offer AND i.submission = l.submission AND i.withdrawn_ms IS NOT NULL) ORDER BY title, publisher, offer";
    Ok(sqlx::query_as(sql).bind(now_ms).fetch_all(c).await?)
}

/// The listing with this marketing identifier.
pub async fn by_identifier(c: &mut AnyConnection, identifier: &str) -> Result<Option<ListingRow>> {
    let sql = "SELECT publisher, offer, identifier, title, summary, categories, submission, live_ms FROM listings \
               WHERE identifier = $1";
    Ok(sqlx::query_as(sql).bind(identifier).fetch_optional(c).await?)
}

/// Records that a tag of a plan is live with this digest.
pub async fn put_live_tag(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    row: &LiveTagRow,
    submission: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = "INSERT INTO live_tags (publisher, offer, plan, tag, digest, submission, since_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (publisher, offer, plan, tag) DO UPDATE SET \
               digest = excluded.digest, submission = excluded.submission, since_ms = excluded.since_ms";
    sqlx::query(sql)
        .bind(publisher)
        .bind(offer)
        .bind(&row.plan)
        .bind(&row.tag)
        .bind(&row.digest)
        .bind(submission)
        .bind(now_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// Every tag of an offer that was ever live, by plan and tag.
pub async fn live_tags(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<LiveTagRow>> {
    let sql =
        "SELECT plan, tag, digest FROM live_tags WHERE publisher = $1 AND offer = $2 ORDER BY plan, tag";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?)
}
