//! Rows of kept deployments and their modules. Deployments are added, read and deleted, never changed.

use crate::error::Result;
use sqlx::AnyConnection;

/// A deployment.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct DeploymentRow {
    pub id: String,
    pub subscription: String,
    pub form: String,
    /// 1 where images follow a tag.
    pub follows: i64,
    /// What was generated and what it was asked with, as JSON.
    pub sealed: Vec<u8>,
    pub actor: String,
    pub created_ms: i64,
}

/// A module of a deployment.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ModuleRow {
    pub deployment: String,
    pub position: i64,
    /// Its name on the device.
    pub module: String,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    pub submission: String,
    pub version: String,
    pub digest: String,
}

/// Adds a deployment with its modules.
pub async fn insert(c: &mut AnyConnection, row: &DeploymentRow, modules: &[ModuleRow]) -> Result<()> {
    let sql = "INSERT INTO deployments (id, subscription, form, follows, sealed, actor, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.subscription)
        .bind(&row.form)
        .bind(row.follows)
        .bind(&row.sealed[..])
        .bind(&row.actor)
        .bind(row.created_ms)
        .execute(&mut *c)
        .await?;
    let sql = "INSERT INTO deployment_modules (deployment, position, module, publisher, offer, plan, submission, version, \
               digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    for module in modules {
        sqlx::query(sql)
            .bind(&module.deployment)
            .bind(module.position)
            .bind(&module.module)
            .bind(&module.publisher)
            .bind(&module.offer)
            .bind(&module.plan)
            .bind(&module.submission)
            .bind(&module.version)
            .bind(&module.digest)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// Deletes a deployment with its modules.
pub async fn delete(c: &mut AnyConnection, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM deployment_modules WHERE deployment = $1").bind(id).execute(&mut *c).await?;
    sqlx::query("DELETE FROM deployments WHERE id = $1").bind(id).execute(c).await?;
    Ok(())
}

/// One deployment.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<DeploymentRow>> {
    let sql =
        "SELECT id, subscription, form, follows, sealed, actor, created_ms FROM deployments WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// How many a subscription keeps.
pub async fn count(c: &mut AnyConnection, subscription: &str) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM deployments WHERE subscription = $1";
    let (count,): (i64,) = sqlx::query_as(sql).bind(subscription).fetch_one(c).await?;
    Ok(count)
}

/// Deployments of a subscription, newest first, at most `limit`, without what is sealed.
pub async fn of_subscription(
    c: &mut AnyConnection,
    subscription: &str,
    limit: i64,
) -> Result<Vec<(String, String, i64, i64)>> {
    let sql = "SELECT id, form, follows, created_ms FROM deployments WHERE subscription = $1 \
               ORDER BY id DESC LIMIT $2";
    Ok(sqlx::query_as(sql).bind(subscription).bind(limit).fetch_all(c).await?)
}

/// The modules of a deployment in their order.
pub async fn modules(c: &mut AnyConnection, deployment: &str) -> Result<Vec<ModuleRow>> {
    let sql = "SELECT deployment, position, module, publisher, offer, plan, submission, version, digest \
               FROM deployment_modules WHERE deployment = $1 ORDER BY position";
    Ok(sqlx::query_as(sql).bind(deployment).fetch_all(c).await?)
}

/// The newest deployments of a subscription that have this plan, at most `limit`.
pub async fn of_plan(
    c: &mut AnyConnection,
    subscription: &str,
    (publisher, offer, plan): (&str, &str, &str),
    limit: i64,
) -> Result<Vec<ModuleRow>> {
    let sql = "SELECT m.deployment, m.position, m.module, m.publisher, m.offer, m.plan, m.submission, m.version, m.digest \
               FROM deployment_modules m JOIN deployments d ON d.id = m.deployment \
               WHERE d.subscription = $1 AND m.publisher = $2 AND m.offer = $3 AND m.plan = $4 \
               ORDER BY m.deployment DESC LIMIT $5";
    Ok(sqlx::query_as(sql)
        .bind(subscription)
        .bind(publisher)
        .bind(offer)
        .bind(plan)
        .bind(limit)
        .fetch_all(c)
        .await?)
}

/// Publisher, offer, plan and version tag of everything that a kept deployment pins, where its subscription has the plan
/// still.
pub async fn pinned(c: &mut AnyConnection) -> Result<Vec<(String, String, String, String)>> {
    let sql = "SELECT DISTINCT m.publisher, m.offer, m.plan, m.version FROM deployment_modules m \
               JOIN deployments d ON d.id = m.deployment \
               JOIN acquisitions a ON a.subscription = d.subscription AND a.publisher = m.publisher \
               AND a.offer = m.offer AND a.plan = m.plan AND a.removed_ms IS NULL WHERE d.follows = 0";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}
