//! Rows of invitations that are open: links that make an account, or give one a role, once.

use crate::error::Result;
use sqlx::AnyConnection;

/// An invitation, without its code.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct InvitationRow {
    pub id: String,
    pub hash: String,
    pub role: String,
    pub subject: String,
    /// Who invites.
    pub actor: String,
    pub created_ms: i64,
    pub expires_ms: i64,
}

/// Adds an invitation.
pub async fn insert(c: &mut AnyConnection, row: &InvitationRow) -> Result<()> {
    let sql = "INSERT INTO invitations (id, hash, role, subject, actor, created_ms, expires_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.hash)
        .bind(&row.role)
        .bind(&row.subject)
        .bind(&row.actor)
        .bind(row.created_ms)
        .bind(row.expires_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// The invitation whose code has this hash.
pub async fn by_hash(c: &mut AnyConnection, hash: &str) -> Result<Option<InvitationRow>> {
    let sql =
        "SELECT id, hash, role, subject, actor, created_ms, expires_ms FROM invitations WHERE hash = $1";
    Ok(sqlx::query_as(sql).bind(hash).fetch_optional(c).await?)
}

/// One invitation.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<InvitationRow>> {
    let sql = "SELECT id, hash, role, subject, actor, created_ms, expires_ms FROM invitations WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// All open invitations in the order of their making.
pub async fn all(c: &mut AnyConnection) -> Result<Vec<InvitationRow>> {
    let sql = "SELECT id, hash, role, subject, actor, created_ms, expires_ms FROM invitations ORDER BY id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// Ends an invitation; false when it was used or withdrawn before.
pub async fn delete(c: &mut AnyConnection, id: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM invitations WHERE id = $1").bind(id).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets invitations that expired.
pub async fn delete_expired(c: &mut AnyConnection, now_ms: i64) -> Result<()> {
    sqlx::query("DELETE FROM invitations WHERE expires_ms <= $1").bind(now_ms).execute(c).await?;
    Ok(())
}

/// Ends the invitations that this actor made for a subject; an empty one: for whatever.
pub async fn delete_of(c: &mut AnyConnection, actor: &str, subject: &str) -> Result<()> {
    let sql = "DELETE FROM invitations WHERE actor = $1 AND ($2 = '' OR subject = $2)";
    sqlx::query(sql).bind(actor).bind(subject).execute(c).await?;
    Ok(())
}
