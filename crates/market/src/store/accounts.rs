//! Rows of accounts, of what they are (members of publishers, holders of subscriptions), and of their sessions.

use crate::error::Result;
use sqlx::AnyConnection;

/// An account.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct AccountRow {
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub password: String,
    pub operator: i64,
    pub language: String,
    pub theme: String,
    pub created_ms: i64,
    pub disabled_ms: Option<i64>,
    pub removed_ms: Option<i64>,
}

/// A member of a publisher, with the account's names.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct MemberRow {
    pub publisher: String,
    pub account: String,
    pub role: String,
    pub since_ms: i64,
    pub name: String,
    pub display_name: String,
    pub disabled_ms: Option<i64>,
}

/// A browser's session, without its secret.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct SessionRow {
    pub hash: String,
    pub account: String,
    pub browser: String,
    pub created_ms: i64,
    pub seen_ms: i64,
    pub expires_ms: i64,
}

/// Adds an account; false when the name is taken.
pub async fn insert(c: &mut AnyConnection, row: &AccountRow) -> Result<bool> {
    let sql = "INSERT INTO accounts (id, name, display_name, password, operator, language, theme, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.name)
        .bind(&row.display_name)
        .bind(&row.password)
        .bind(row.operator)
        .bind(&row.language)
        .bind(&row.theme)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what changes in an account: everything but its ID and name.
pub async fn update(c: &mut AnyConnection, row: &AccountRow) -> Result<()> {
    let sql = "UPDATE accounts SET display_name = $1, password = $2, operator = $3, language = $4, theme = $5, \
               disabled_ms = $6, removed_ms = $7 WHERE id = $8";
    sqlx::query(sql)
        .bind(&row.display_name)
        .bind(&row.password)
        .bind(row.operator)
        .bind(&row.language)
        .bind(&row.theme)
        .bind(row.disabled_ms)
        .bind(row.removed_ms)
        .bind(&row.id)
        .execute(c)
        .await?;
    Ok(())
}

/// The account of this name that was not removed.
pub async fn by_name(c: &mut AnyConnection, name: &str) -> Result<Option<AccountRow>> {
    let sql = "SELECT id, name, display_name, password, operator, language, theme, created_ms, disabled_ms, removed_ms \
               FROM accounts WHERE name = $1 AND removed_ms IS NULL";
    Ok(sqlx::query_as(sql).bind(name).fetch_optional(c).await?)
}

/// The account of this ID that was not removed.
pub async fn by_id(c: &mut AnyConnection, id: &str) -> Result<Option<AccountRow>> {
    let sql = "SELECT id, name, display_name, password, operator, language, theme, created_ms, disabled_ms, removed_ms \
               FROM accounts WHERE id = $1 AND removed_ms IS NULL";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// All accounts that were not removed, by name.
pub async fn all(c: &mut AnyConnection) -> Result<Vec<AccountRow>> {
    let sql = "SELECT id, name, display_name, password, operator, language, theme, created_ms, disabled_ms, removed_ms \
               FROM accounts WHERE removed_ms IS NULL ORDER BY name";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// How many accounts there ever were.
pub async fn count(c: &mut AnyConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM accounts").fetch_one(c).await?)
}

/// How many operators can sign in.
pub async fn operators(c: &mut AnyConnection) -> Result<i64> {
    let sql =
        "SELECT COUNT(*) FROM accounts WHERE operator = 1 AND disabled_ms IS NULL AND removed_ms IS NULL";
    Ok(sqlx::query_scalar(sql).fetch_one(c).await?)
}

/// Memberships of an account by publisher.
pub async fn memberships(c: &mut AnyConnection, account: &str) -> Result<Vec<MemberRow>> {
    let sql = "SELECT m.publisher, m.account, m.role, m.since_ms, a.name, a.display_name, a.disabled_ms \
               FROM members m JOIN accounts a ON a.id = m.account WHERE m.account = $1 ORDER BY m.publisher";
    Ok(sqlx::query_as(sql).bind(account).fetch_all(c).await?)
}

/// Members of a publisher by name.
pub async fn members(c: &mut AnyConnection, publisher: &str) -> Result<Vec<MemberRow>> {
    let sql = "SELECT m.publisher, m.account, m.role, m.since_ms, a.name, a.display_name, a.disabled_ms \
               FROM members m JOIN accounts a ON a.id = m.account WHERE m.publisher = $1 ORDER BY a.name";
    Ok(sqlx::query_as(sql).bind(publisher).fetch_all(c).await?)
}

/// Makes an account a member, or gives a member another role.
pub async fn put_member(
    c: &mut AnyConnection,
    publisher: &str,
    account: &str,
    role: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = "INSERT INTO members (publisher, account, role, since_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (publisher, account) DO UPDATE SET role = excluded.role";
    sqlx::query(sql).bind(publisher).bind(account).bind(role).bind(now_ms).execute(c).await?;
    Ok(())
}

/// Ends a membership.
pub async fn delete_member(c: &mut AnyConnection, publisher: &str, account: &str) -> Result<()> {
    let sql = "DELETE FROM members WHERE publisher = $1 AND account = $2";
    sqlx::query(sql).bind(publisher).bind(account).execute(c).await?;
    Ok(())
}

/// Makes an account a holder of a subscription.
pub async fn put_holder(c: &mut AnyConnection, subscription: &str, account: &str) -> Result<()> {
    let sql = "INSERT INTO holders (subscription, account) VALUES ($1, $2) \
               ON CONFLICT (subscription, account) DO NOTHING";
    sqlx::query(sql).bind(subscription).bind(account).execute(c).await?;
    Ok(())
}

/// Subscriptions of an account in the order of their making.
pub async fn held(c: &mut AnyConnection, account: &str) -> Result<Vec<super::people::SubscriptionRow>> {
    let sql = "SELECT s.id, s.owner, s.created_ms FROM holders h JOIN subscriptions s ON s.id = h.subscription \
               WHERE h.account = $1 ORDER BY s.created_ms, s.id";
    Ok(sqlx::query_as(sql).bind(account).fetch_all(c).await?)
}

/// Ends everything that an account is: memberships, subscriptions, sessions.
pub async fn strip(c: &mut AnyConnection, account: &str) -> Result<()> {
    for sql in [
        "DELETE FROM members WHERE account = $1",
        "DELETE FROM holders WHERE account = $1",
        "DELETE FROM sessions WHERE account = $1",
    ] {
        sqlx::query(sql).bind(account).execute(&mut *c).await?;
    }
    Ok(())
}

/// Begins a session.
pub async fn insert_session(c: &mut AnyConnection, row: &SessionRow) -> Result<()> {
    let sql = "INSERT INTO sessions (hash, account, browser, created_ms, seen_ms, expires_ms) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(&row.hash)
        .bind(&row.account)
        .bind(&row.browser)
        .bind(row.created_ms)
        .bind(row.seen_ms)
        .bind(row.expires_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// The session with this hash, an expired one too.
pub async fn session(c: &mut AnyConnection, hash: &str) -> Result<Option<SessionRow>> {
    let sql = "SELECT hash, account, browser, created_ms, seen_ms, expires_ms FROM sessions WHERE hash = $1";
    Ok(sqlx::query_as(sql).bind(hash).fetch_optional(c).await?)
}

/// Sessions of an account, the one that was used last first.
pub async fn sessions(c: &mut AnyConnection, account: &str) -> Result<Vec<SessionRow>> {
    let sql = "SELECT hash, account, browser, created_ms, seen_ms, expires_ms FROM sessions \
               WHERE account = $1 ORDER BY seen_ms DESC, hash";
    Ok(sqlx::query_as(sql).bind(account).fetch_all(c).await?)
}

/// Notes that a session is in use.
pub async fn see_session(c: &mut AnyConnection, hash: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE sessions SET seen_ms = $1 WHERE hash = $2";
    sqlx::query(sql).bind(now_ms).bind(hash).execute(c).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete_session(c: &mut AnyConnection, hash: &str) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(c).await?;
    Ok(())
}

/// Ends the sessions of an account but this one; an empty hash spares none. Returns how many.
pub async fn delete_other_sessions(c: &mut AnyConnection, account: &str, hash: &str) -> Result<u64> {
    let sql = "DELETE FROM sessions WHERE account = $1 AND hash <> $2";
    Ok(sqlx::query(sql).bind(account).bind(hash).execute(c).await?.rows_affected())
}

/// Forgets sessions that ended by themselves: those that expired, and those not used since `idle_ms`.
pub async fn delete_ended_sessions(c: &mut AnyConnection, now_ms: i64, idle_ms: i64) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE expires_ms <= $1 OR seen_ms <= $2";
    sqlx::query(sql).bind(now_ms).bind(idle_ms).execute(c).await?;
    Ok(())
}
