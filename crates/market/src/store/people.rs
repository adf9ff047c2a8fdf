//! Rows of publishers, subscriptions and tokens.

use crate::error::Result;
use sqlx::AnyConnection;

/// A publisher.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct PublisherRow {
    pub id: String,
    pub name: String,
    pub created_ms: i64,
}

/// A customer's subscription.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct SubscriptionRow {
    pub id: String,
    pub owner: String,
    pub created_ms: i64,
}

/// A token, without the token.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TokenRow {
    pub hash: String,
    pub id: String,
    pub role: String,
    pub subject: String,
    pub label: String,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub revoked_ms: Option<i64>,
    /// Whose it is; none for the marketplace's own.
    pub account: Option<String>,
}

/// Adds a publisher; false when the ID is taken.
pub async fn insert_publisher(c: &mut AnyConnection, row: &PublisherRow) -> Result<bool> {
    let sql = "INSERT INTO publishers (id, name, created_ms) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql).bind(&row.id).bind(&row.name).bind(row.created_ms).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// One publisher.
pub async fn publisher(c: &mut AnyConnection, id: &str) -> Result<Option<PublisherRow>> {
    let sql = "SELECT id, name, created_ms FROM publishers WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// All publishers by ID.
pub async fn publishers(c: &mut AnyConnection) -> Result<Vec<PublisherRow>> {
    Ok(sqlx::query_as("SELECT id, name, created_ms FROM publishers ORDER BY id").fetch_all(c).await?)
}

/// Adds a subscription; false when the ID is taken.
pub async fn insert_subscription(c: &mut AnyConnection, row: &SubscriptionRow) -> Result<bool> {
    let sql =
        "INSERT INTO subscriptions (id, owner, created_ms) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql).bind(&row.id).bind(&row.owner).bind(row.created_ms).execute(c).await?;
    Ok(done.rows_affected() == 1)
}

/// One subscription.
pub async fn subscription(c: &mut AnyConnection, id: &str) -> Result<Option<SubscriptionRow>> {
    let sql = "SELECT id, owner, created_ms FROM subscriptions WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// All subscriptions in the order of their making.
pub async fn subscriptions(c: &mut AnyConnection) -> Result<Vec<SubscriptionRow>> {
    let sql = "SELECT id, owner, created_ms FROM subscriptions ORDER BY created_ms, id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// Adds a token.
pub async fn insert_token(c: &mut AnyConnection, row: &TokenRow) -> Result<()> {
    let sql = "INSERT INTO tokens (hash, id, role, subject, label, created_ms, expires_ms, account) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(&row.hash)
        .bind(&row.id)
        .bind(&row.role)
        .bind(&row.subject)
        .bind(&row.label)
        .bind(row.created_ms)
        .bind(row.expires_ms)
        .bind(row.account.as_deref())
        .execute(c)
        .await?;
    Ok(())
}

/// The token with this hash, revoked and expired ones too.
pub async fn token(c: &mut AnyConnection, hash: &str) -> Result<Option<TokenRow>> {
    let sql = "SELECT hash, id, role, subject, label, created_ms, expires_ms, revoked_ms, account FROM tokens \
               WHERE hash = $1";
    Ok(sqlx::query_as(sql).bind(hash).fetch_optional(c).await?)
}

/// All tokens in the order of their making.
pub async fn tokens(c: &mut AnyConnection) -> Result<Vec<TokenRow>> {
    let sql = "SELECT hash, id, role, subject, label, created_ms, expires_ms, revoked_ms, account FROM tokens \
               ORDER BY id";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// The token with this ID, revoked and expired ones too.
pub async fn token_by_id(c: &mut AnyConnection, id: &str) -> Result<Option<TokenRow>> {
    let sql = "SELECT hash, id, role, subject, label, created_ms, expires_ms, revoked_ms, account FROM tokens \
               WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// Tokens of an account that were not revoked, in the order of their making.
pub async fn tokens_of_account(c: &mut AnyConnection, account: &str) -> Result<Vec<TokenRow>> {
    let sql = "SELECT hash, id, role, subject, label, created_ms, expires_ms, revoked_ms, account FROM tokens \
               WHERE account = $1 AND revoked_ms IS NULL ORDER BY id";
    Ok(sqlx::query_as(sql).bind(account).fetch_all(c).await?)
}

/// Tokens for a role and subject that were not revoked, in the order of their making.
pub async fn tokens_for(c: &mut AnyConnection, role: &str, subject: &str) -> Result<Vec<TokenRow>> {
    let sql = "SELECT hash, id, role, subject, label, created_ms, expires_ms, revoked_ms, account FROM tokens \
               WHERE role = $1 AND subject = $2 AND revoked_ms IS NULL ORDER BY id";
    Ok(sqlx::query_as(sql).bind(role).bind(subject).fetch_all(c).await?)
}

/// Revokes the tokens that an account has for a role and subject. Empty role: all that it has.
pub async fn revoke_tokens_of(
    c: &mut AnyConnection,
    account: &str,
    (role, subject): (&str, &str),
    now_ms: i64,
) -> Result<()> {
    let sql = "UPDATE tokens SET revoked_ms = $1 WHERE account = $2 AND revoked_ms IS NULL \
               AND ($3 = '' OR (role = $3 AND subject = $4))";
    sqlx::query(sql).bind(now_ms).bind(account).bind(role).bind(subject).execute(c).await?;
    Ok(())
}

/// Revokes a token; false when there is none, or it was revoked before.
pub async fn revoke_token(c: &mut AnyConnection, id: &str, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE tokens SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL";
    Ok(sqlx::query(sql).bind(now_ms).bind(id).execute(c).await?.rows_affected() == 1)
}
