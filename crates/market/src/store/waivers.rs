//! Rows of certifiers' waivers.

use crate::error::Result;
use sqlx::AnyConnection;

/// A waiver.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct WaiverRow {
    pub id: String,
    pub criterion: String,
    pub image: Option<String>,
    pub publisher: Option<String>,
    pub offer: Option<String>,
    pub plan: Option<String>,
    pub place: Option<String>,
    pub reason: String,
    pub until: String,
    pub accepted_by: String,
    pub created_ms: i64,
}

/// Adds a waiver.
pub async fn insert(c: &mut AnyConnection, row: &WaiverRow) -> Result<()> {
    let sql = "INSERT INTO waivers (id, criterion, image, publisher, offer, plan, place, reason, until, accepted_by, \
               created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.criterion)
        .bind(row.image.as_deref())
        .bind(row.publisher.as_deref())
        .bind(row.offer.as_deref())
        .bind(row.plan.as_deref())
        .bind(row.place.as_deref())
        .bind(&row.reason)
        .bind(&row.until)
        .bind(&row.accepted_by)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// One waiver.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<WaiverRow>> {
    let sql = "SELECT id, criterion, image, publisher, offer, plan, place, reason, until, accepted_by, created_ms \
               FROM waivers WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// All waivers in the order of their making, expired ones too.
pub async fn all(c: &mut AnyConnection) -> Result<Vec<WaiverRow>> {
    let sql = "SELECT id, criterion, image, publisher, offer, plan, place, reason, until, accepted_by, created_ms \
               FROM waivers ORDER BY id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// Removes a waiver.
pub async fn delete(c: &mut AnyConnection, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM waivers WHERE id = $1").bind(id).execute(c).await?;
    Ok(())
}
