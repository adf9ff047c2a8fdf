//! Rows of the public keys that this marketplace signed by.

use crate::error::Result;
use sqlx::AnyConnection;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct KeyRow {
    /// SHA-256 of the SubjectPublicKeyInfo, hexadecimal.
    pub id: String,
    /// SubjectPublicKeyInfo in PEM.
    pub public_key: String,
    pub created_ms: i64,
    /// None for the key that signs.
    pub retired_ms: Option<i64>,
}

/// Makes a key the one that signs, and retires every other. Repeating it changes nothing.
pub async fn activate(c: &mut AnyConnection, id: &str, public_key: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE signing_keys SET retired_ms = $1 WHERE id <> $2 AND retired_ms IS NULL";
    sqlx::query(sql).bind(now_ms).bind(id).execute(&mut *c).await?;
    let sql = "INSERT INTO signing_keys (id, public_key, created_ms, retired_ms) VALUES ($1, $2, $3, NULL) \
               ON CONFLICT (id) DO UPDATE SET retired_ms = NULL";
    sqlx::query(sql).bind(id).bind(public_key).bind(now_ms).execute(c).await?;
    Ok(())
}

/// All keys: the one that signs first, then the latest.
pub async fn all(c: &mut AnyConnection) -> Result<Vec<KeyRow>> {
    let sql = "SELECT id, public_key, created_ms, retired_ms FROM signing_keys \
               ORDER BY CASE WHEN retired_ms IS NULL THEN 0 ELSE 1 END, created_ms DESC, id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}
