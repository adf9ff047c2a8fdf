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
    /// What else the storefront finds it by, as JSON; empty where it was not gathered yet.
    pub facts: String,
}

/// A listing that changed, as the storefront's index takes it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ChangedRow {
    pub publisher: String,
    pub publisher_name: String,
    pub offer: String,
    pub title: String,
    pub summary: String,
    /// JSON array.
    pub categories: String,
    pub submission: String,
    pub live_ms: i64,
    pub facts: String,
    pub changed: i64,
}

/// An offer that is not shown from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct HiddenRow {
    pub publisher: String,
    pub offer: String,
    pub hide_ms: i64,
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
    let sql = "INSERT INTO listings (publisher, offer, identifier, title, summary, categories, submission, live_ms, \
               facts, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
               (SELECT COALESCE(MAX(changed), 0) + 1 FROM listings)) ON CONFLICT (publisher, offer) DO UPDATE SET \
               identifier = excluded.identifier, title = excluded.title, summary = excluded.summary, \
               categories = excluded.categories, submission = excluded.submission, live_ms = excluded.live_ms, \
               facts = excluded.facts, changed = excluded.changed";
    sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.identifier)
        .bind(&row.title)
        .bind(&row.summary)
        .bind(&row.categories)
        .bind(&row.submission)
        .bind(row.live_ms)
        .bind(&row.facts)
        .execute(c)
        .await?;
    Ok(())
}

/// Listings that changed after this one of their changes, oldest change first. A listing is never deleted: nobody would be
/// told of it.
pub async fn changed(c: &mut AnyConnection, after: i64) -> Result<Vec<ChangedRow>> {
    let sql = "SELECT l.publisher, p.name AS publisher_name, l.offer, l.title, l.summary, l.categories, l.submission, \
               l.live_ms, l.facts, l.changed FROM listings l JOIN publishers p ON p.id = l.publisher \
               WHERE l.changed > $1 ORDER BY l.changed, l.live_ms";
    Ok(sqlx::query_as(sql).bind(after).fetch_all(c).await?)
}

/// Keeps what was gathered of a listing of before there were facts.
pub async fn put_facts(c: &mut AnyConnection, (publisher, offer): (&str, &str), facts: &str) -> Result<()> {
    let sql = "UPDATE listings SET facts = $1 WHERE publisher = $2 AND offer = $3";
    sqlx::query(sql).bind(facts).bind(publisher).bind(offer).execute(c).await?;
    Ok(())
}

/// Offers that are hidden from some instant on: those that must be mended, those that their own marketplace withdrew, and
/// those that are not sold any more.
pub async fn hidden(c: &mut AnyConnection) -> Result<Vec<HiddenRow>> {
    let sql = "SELECT publisher, offer, hide_ms FROM deadlines UNION ALL \
               SELECT i.publisher, i.offer, 0 AS hide_ms FROM imported_offers i JOIN listings l \
               ON l.publisher = i.publisher AND l.offer = i.offer AND l.submission = i.submission \
               WHERE i.withdrawn_ms IS NOT NULL UNION ALL \
               SELECT publisher, offer, since_ms AS hide_ms FROM withdrawals WHERE plan = '' ORDER BY 1, 2, 3";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// A tag of an offer and since when it is live.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ReleaseRow {
    pub plan: String,
    pub tag: String,
    pub digest: String,
    pub since_ms: i64,
}

/// Every tag and digest of what went live of an offer, with the first instant of each; `live` is what is live now, whose
/// regions may not have moved yet.
pub async fn releases(
    c: &mut AnyConnection,
    (publisher, offer): (&str, &str),
    live: &str,
) -> Result<Vec<ReleaseRow>> {
    let sql = "SELECT t.plan, t.tag, t.digest, MIN(COALESCE(s.finished_ms, s.created_ms)) AS since_ms \
               FROM submissions s JOIN submission_tags t ON t.submission = s.id \
               WHERE s.publisher = $1 AND s.offer = $2 AND (s.state = 'Succeeded' OR s.id = $3) \
               GROUP BY t.plan, t.tag, t.digest ORDER BY t.plan, t.tag";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).bind(live).fetch_all(c).await?)
}

/// All listings by title, without the offers that are hidden at this instant, those that their own marketplace withdrew, and
/// those that are not sold any more.
pub async fn list(c: &mut AnyConnection, now_ms: i64) -> Result<Vec<ListingRow>> {
    let sql = "SELECT publisher, offer, identifier, title, summary, categories, submission, live_ms, facts FROM listings l \
               WHERE NOT EXISTS (SELECT 1 FROM deadlines d WHERE d.publisher = l.publisher AND d.offer = l.offer \
               AND d.hide_ms <= $1) AND NOT EXISTS (SELECT 1 FROM imported_offers i WHERE i.publisher = l.publisher \
               AND i.offer = l.offer AND i.submission = l.submission AND i.withdrawn_ms IS NOT NULL) \
               AND NOT EXISTS (SELECT 1 FROM withdrawals w WHERE w.publisher = l.publisher AND w.offer = l.offer \
               AND w.plan = '') ORDER BY title, publisher, offer";
    Ok(sqlx::query_as(sql).bind(now_ms).fetch_all(c).await?)
}

/// The listing with this marketing identifier.
pub async fn by_identifier(c: &mut AnyConnection, identifier: &str) -> Result<Option<ListingRow>> {
    let sql = "SELECT publisher, offer, identifier, title, summary, categories, submission, live_ms, facts FROM listings \
               WHERE identifier = $1";
    Ok(sqlx::query_as(sql).bind(identifier).fetch_optional(c).await?)
}

/// The listing of an offer.
pub async fn of_offer(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Option<ListingRow>> {
    let sql = "SELECT publisher, offer, identifier, title, summary, categories, submission, live_ms, facts FROM listings \
               WHERE publisher = $1 AND offer = $2";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_optional(c).await?)
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
