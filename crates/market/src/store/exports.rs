//! Rows of exports, of imports and what they brought, and of the keys whose exports are taken.

use crate::error::Result;
use sqlx::AnyConnection;

/// A key of another marketplace.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TrustedKeyRow {
    pub id: String,
    pub public_key: String,
    pub label: String,
    pub created_ms: i64,
}

/// Adds a trusted key, or gives it another label.
pub async fn put_trusted_key(c: &mut AnyConnection, row: &TrustedKeyRow) -> Result<()> {
    let sql = "INSERT INTO trusted_keys (id, public_key, label, created_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (id) DO UPDATE SET label = excluded.label";
    let insert = sqlx::query(sql).bind(&row.id).bind(&row.public_key).bind(&row.label).bind(row.created_ms);
    insert.execute(c).await?;
    Ok(())
}

/// Trusted keys, by label.
pub async fn trusted_keys(c: &mut AnyConnection) -> Result<Vec<TrustedKeyRow>> {
    let sql = "SELECT id, public_key, label, created_ms FROM trusted_keys ORDER BY label, id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// Removes a trusted key; false when it was not there.
pub async fn delete_trusted_key(c: &mut AnyConnection, id: &str) -> Result<bool> {
    Ok(sqlx::query("DELETE FROM trusted_keys WHERE id = $1").bind(id).execute(c).await?.rows_affected() > 0)
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ExportRow {
    pub id: String,
    pub base: Option<String>,
    /// Digest of the whole.
    pub root: String,
    /// Digest of the manifest that attaches the statement to it.
    pub statement: String,
    pub offers: i64,
    pub withdrawn: i64,
    /// Pieces of content in the archive.
    pub blobs: i64,
    /// Their bytes.
    pub bytes: i64,
    pub actor: String,
    pub created_ms: i64,
}

/// Adds an export.
pub async fn insert_export(c: &mut AnyConnection, row: &ExportRow) -> Result<()> {
    let sql = "INSERT INTO exports (id, base, root, statement, offers, withdrawn, blobs, bytes, actor, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(row.base.as_deref())
        .bind(&row.root)
        .bind(&row.statement)
        .bind(row.offers)
        .bind(row.withdrawn)
        .bind(row.blobs)
        .bind(row.bytes)
        .bind(&row.actor)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// An export by its id.
pub async fn export(c: &mut AnyConnection, id: &str) -> Result<Option<ExportRow>> {
    let sql = "SELECT id, base, root, statement, offers, withdrawn, blobs, bytes, actor, created_ms FROM exports \
               WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// Exports, newest first, at most `limit`.
pub async fn exports(c: &mut AnyConnection, limit: i64) -> Result<Vec<ExportRow>> {
    let sql = "SELECT id, base, root, statement, offers, withdrawn, blobs, bytes, actor, created_ms FROM exports \
               ORDER BY created_ms DESC, id DESC LIMIT $1";
    Ok(sqlx::query_as(sql).bind(limit).fetch_all(c).await?)
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ImportRow {
    /// The export's id.
    pub id: String,
    /// Host of the marketplace that made it.
    pub source: String,
    pub signing_key: String,
    pub base: Option<String>,
    /// Digest of the whole.
    pub root: String,
    /// Digest of the bundle.
    pub statement: String,
    pub exported_ms: i64,
    pub actor: String,
    pub created_ms: i64,
    /// None while its content is received.
    pub finished_ms: Option<i64>,
}

/// Adds an import; one that is known stays as it is.
pub async fn insert_import(c: &mut AnyConnection, row: &ImportRow) -> Result<()> {
    let sql = "INSERT INTO imports (id, source, signing_key, base, root, statement, exported_ms, actor, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.source)
        .bind(&row.signing_key)
        .bind(row.base.as_deref())
        .bind(&row.root)
        .bind(&row.statement)
        .bind(row.exported_ms)
        .bind(&row.actor)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// An import by the export's id.
pub async fn import(c: &mut AnyConnection, id: &str) -> Result<Option<ImportRow>> {
    let sql = "SELECT id, source, signing_key, base, root, statement, exported_ms, actor, created_ms, finished_ms \
               FROM imports WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// Imports, newest first, at most `limit`.
pub async fn imports(c: &mut AnyConnection, limit: i64) -> Result<Vec<ImportRow>> {
    let sql = "SELECT id, source, signing_key, base, root, statement, exported_ms, actor, created_ms, finished_ms \
               FROM imports ORDER BY created_ms DESC, id DESC LIMIT $1";
    Ok(sqlx::query_as(sql).bind(limit).fetch_all(c).await?)
}

/// The import is complete; what it was waiting for is forgotten.
pub async fn finish_import(c: &mut AnyConnection, id: &str, now_ms: i64) -> Result<()> {
    sqlx::query("DELETE FROM import_content WHERE import = $1").bind(id).execute(&mut *c).await?;
    sqlx::query("UPDATE imports SET finished_ms = $1 WHERE id = $2").bind(now_ms).bind(id).execute(c).await?;
    Ok(())
}

/// Forgets an import that is not complete; false when there is none.
pub async fn forget_import(c: &mut AnyConnection, id: &str) -> Result<bool> {
    let sql = "DELETE FROM import_content WHERE import = $1";
    sqlx::query(sql).bind(id).execute(&mut *c).await?;
    let sql = "DELETE FROM imports WHERE id = $1 AND finished_ms IS NULL";
    Ok(sqlx::query(sql).bind(id).execute(c).await?.rows_affected() > 0)
}

/// A piece of content that an import takes; repeating it changes nothing.
pub async fn put_content(c: &mut AnyConnection, import: &str, digest: &str, size: i64) -> Result<()> {
    let sql = "INSERT INTO import_content (import, digest, size) VALUES ($1, $2, $3) \
               ON CONFLICT (import, digest) DO NOTHING";
    sqlx::query(sql).bind(import).bind(digest).bind(size).execute(c).await?;
    Ok(())
}

/// The size of a piece of content that an import takes; none for what does not belong to it.
pub async fn content_size(c: &mut AnyConnection, import: &str, digest: &str) -> Result<Option<i64>> {
    let sql = "SELECT size FROM import_content WHERE import = $1 AND digest = $2";
    Ok(sqlx::query_scalar(sql).bind(import).bind(digest).fetch_optional(c).await?)
}

/// An offer that came by import.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ImportedOfferRow {
    pub publisher: String,
    pub offer: String,
    pub import: String,
    pub submission: String,
    pub withdrawn_ms: Option<i64>,
}

/// Writes where an offer came from.
pub async fn put_imported(c: &mut AnyConnection, row: &ImportedOfferRow) -> Result<()> {
    let sql = "INSERT INTO imported_offers (publisher, offer, import, submission, withdrawn_ms) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (publisher, offer) DO UPDATE SET import = excluded.import, \
               submission = excluded.submission, withdrawn_ms = excluded.withdrawn_ms";
    sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.import)
        .bind(&row.submission)
        .bind(row.withdrawn_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// Where an offer came from; none for one of this marketplace.
pub async fn imported(
    c: &mut AnyConnection,
    publisher: &str,
    offer: &str,
) -> Result<Option<ImportedOfferRow>> {
    let sql = "SELECT publisher, offer, import, submission, withdrawn_ms FROM imported_offers \
               WHERE publisher = $1 AND offer = $2";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_optional(c).await?)
}
