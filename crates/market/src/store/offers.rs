//! Rows of offers (drafts, ETag, the live pointer) and their sealed repository credentials.

use crate::error::Result;
use sqlx::AnyConnection;

/// An offer.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct OfferRow {
    pub publisher: String,
    pub offer: String,
    /// Digest of the draft's bundle.
    pub bundle: String,
    /// The ETag; grows with every write of the draft.
    pub version: i64,
    /// The submission that is live.
    pub live: Option<String>,
    pub created_ms: i64,
    pub changed_ms: i64,
}

/// One offer.
pub async fn get(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Option<OfferRow>> {
    let sql = "SELECT publisher, offer, bundle, version, live, created_ms, changed_ms FROM offers \
               WHERE publisher = $1 AND offer = $2";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_optional(c).await?)
}

/// Offers of one publisher, or of all.
pub async fn list(c: &mut AnyConnection, publisher: Option<&str>) -> Result<Vec<OfferRow>> {
    let sql = "SELECT publisher, offer, bundle, version, live, created_ms, changed_ms FROM offers \
               WHERE $1 = '' OR publisher = $1 ORDER BY publisher, offer";
    Ok(sqlx::query_as(sql).bind(publisher.unwrap_or("")).fetch_all(c).await?)
}

/// At most `limit` offers of one publisher, or of all, behind this one in the order of publisher and offer.
pub async fn page(
    c: &mut AnyConnection,
    publisher: Option<&str>,
    (after_publisher, after_offer): (&str, &str),
    limit: i64,
) -> Result<Vec<OfferRow>> {
    let sql = "SELECT publisher, offer, bundle, version, live, created_ms, changed_ms FROM offers \
               WHERE ($1 = '' OR publisher = $1) AND (publisher > $2 OR (publisher = $2 AND offer > $3)) \
               ORDER BY publisher, offer LIMIT $4";
    Ok(sqlx::query_as(sql)
        .bind(publisher.unwrap_or(""))
        .bind(after_publisher)
        .bind(after_offer)
        .bind(limit)
        .fetch_all(c)
        .await?)
}

/// Names of the variables whose sealed credentials are stored.
pub async fn credential_names(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM credentials WHERE publisher = $1 AND offer = $2 ORDER BY name";
    let rows: Vec<(String,)> = sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Writes the draft of an offer, new or not.
pub async fn put(c: &mut AnyConnection, row: &OfferRow) -> Result<()> {
    let sql = "INSERT INTO offers (publisher, offer, bundle, version, created_ms, changed_ms) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (publisher, offer) \
               DO UPDATE SET bundle = excluded.bundle, version = excluded.version, changed_ms = excluded.changed_ms";
    sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.bundle)
        .bind(row.version)
        .bind(row.created_ms)
        .bind(row.changed_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// Points the offer at the submission that is live now.
pub async fn set_live(c: &mut AnyConnection, publisher: &str, offer: &str, submission: &str) -> Result<()> {
    let sql = "UPDATE offers SET live = $1 WHERE publisher = $2 AND offer = $3";
    sqlx::query(sql).bind(submission).bind(publisher).bind(offer).execute(c).await?;
    Ok(())
}

/// Removes an offer's draft row.
pub async fn delete(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<()> {
    for sql in [
        "DELETE FROM credentials WHERE publisher = $1 AND offer = $2",
        "DELETE FROM offers WHERE publisher = $1 AND offer = $2",
    ] {
        sqlx::query(sql).bind(publisher).bind(offer).execute(&mut *c).await?;
    }
    Ok(())
}

/// Stores a sealed credential under the name of its variable.
pub async fn put_credential(
    c: &mut AnyConnection,
    publisher: &str,
    offer: &str,
    name: &str,
    sealed: &[u8],
    now_ms: i64,
) -> Result<()> {
    let sql = "INSERT INTO credentials (publisher, offer, name, sealed, changed_ms) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (publisher, offer, name) \
               DO UPDATE SET sealed = excluded.sealed, changed_ms = excluded.changed_ms";
    sqlx::query(sql).bind(publisher).bind(offer).bind(name).bind(sealed).bind(now_ms).execute(c).await?;
    Ok(())
}

/// The sealed credential of this name.
pub async fn credential(
    c: &mut AnyConnection,
    publisher: &str,
    offer: &str,
    name: &str,
) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT sealed FROM credentials WHERE publisher = $1 AND offer = $2 AND name = $3";
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as(sql).bind(publisher).bind(offer).bind(name).fetch_optional(c).await?;
    Ok(row.map(|(sealed,)| sealed))
}

/// Digests of the bundles that drafts and submissions are.
pub async fn bundles(c: &mut AnyConnection) -> Result<Vec<String>> {
    let sql = "SELECT bundle FROM offers UNION SELECT bundle FROM submissions";
    let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(bundle,)| bundle).collect())
}
