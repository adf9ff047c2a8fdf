//! What a garbage collection found to be needed by nothing, and the removal of such rows from the registry's records.

use super::registry::ManifestRow;
use crate::error::Result;
use sqlx::AnyConnection;
use std::collections::{BTreeSet, HashMap};

/// Names in one statement; SQLite takes 32,766 parameters and PostgreSQL 65,535.
pub(super) const NAMES_MAX: usize = 500;

/// Content that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct UnneededRow {
    pub repository: String,
    pub kind: String,
    pub name: String,
    pub since_ms: i64,
}

/// Everything that is written down.
pub async fn all(c: &mut AnyConnection) -> Result<Vec<UnneededRow>> {
    let sql = "SELECT repository, kind, name, since_ms FROM unneeded";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// What is written down of one repository; the empty one stands for bytes in the blob store.
pub async fn of_repository(c: &mut AnyConnection, repository: &str) -> Result<Vec<UnneededRow>> {
    let sql = "SELECT repository, kind, name, since_ms FROM unneeded WHERE repository = $1";
    Ok(sqlx::query_as(sql).bind(repository).fetch_all(c).await?)
}

/// Writes rows down; those that are there keep their instant.
pub async fn put(c: &mut AnyConnection, rows: &[UnneededRow]) -> Result<()> {
    for part in rows.chunks(NAMES_MAX) {
        let places: Vec<String> = (0..part.len())
            .map(|n| format!("(${}, ${}, ${}, ${})", 4 * n + 1, 4 * n + 2, 4 * n + 3, 4 * n + 4))
            .collect();
        let sql = format!(
            "INSERT INTO unneeded (repository, kind, name, since_ms) VALUES {} \
             ON CONFLICT (repository, kind, name) DO NOTHING",
            places.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in part {
            query = query.bind(&row.repository).bind(&row.kind).bind(&row.name).bind(row.since_ms);
        }
        query.execute(&mut *c).await?;
    }
    Ok(())
}

/// Takes rows of one repository and kind off.
pub async fn remove(c: &mut AnyConnection, repository: &str, kind: &str, names: &[String]) -> Result<()> {
    let sql = "DELETE FROM unneeded WHERE repository = $1 AND kind = $2 AND name IN";
    in_parts(c, sql, &[repository, kind], names).await.map(drop)
}

/// Takes off whatever has this digest, wherever: somebody relies on it.
pub async fn needed(c: &mut AnyConnection, digest: &str) -> Result<()> {
    sqlx::query("DELETE FROM unneeded WHERE name = $1").bind(digest).execute(c).await?;
    Ok(())
}

/// Repositories that hold anything.
pub async fn repositories(c: &mut AnyConnection) -> Result<Vec<String>> {
    let sql = "SELECT repository FROM repository_manifests UNION SELECT repository FROM repository_blobs \
               UNION SELECT repository FROM repository_tags ORDER BY 1";
    let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(repository,)| repository).collect())
}

/// Manifests, tags (with what they point at) and blobs of a repository. Annotations, which may be megabytes, are left out.
#[allow(clippy::type_complexity, reason = "three lists of rows")]
pub async fn content(
    c: &mut AnyConnection,
    repository: &str,
) -> Result<(Vec<ManifestRow>, Vec<(String, String)>, Vec<String>)> {
    let sql = "SELECT digest, media_type, size, subject, artifact_type, '{}' AS annotations \
               FROM repository_manifests WHERE repository = $1";
    let manifests = sqlx::query_as(sql).bind(repository).fetch_all(&mut *c).await?;
    let sql = "SELECT tag, digest FROM repository_tags WHERE repository = $1";
    let tags = sqlx::query_as(sql).bind(repository).fetch_all(&mut *c).await?;
    let sql = "SELECT digest FROM repository_blobs WHERE repository = $1";
    let blobs: Vec<(String,)> = sqlx::query_as(sql).bind(repository).fetch_all(c).await?;
    Ok((manifests, tags, blobs.into_iter().map(|(digest,)| digest).collect()))
}

/// Tags of submissions that are in flight: publisher, offer, plan, tag, digest, media type, size.
pub async fn in_flight(
    c: &mut AnyConnection,
) -> Result<Vec<(String, String, String, String, String, String, i64)>> {
    let sql = "SELECT s.publisher, s.offer, t.plan, t.tag, t.digest, t.media_type, t.size FROM submissions s \
               JOIN submission_tags t ON t.submission = s.id \
               WHERE s.state IN ('NotStarted', 'Running', 'WaitingForPublisherReview')";
    Ok(sqlx::query_as(sql).fetch_all(c).await?)
}

/// Offers with a submission in flight.
pub async fn offers_in_flight(c: &mut AnyConnection) -> Result<BTreeSet<(String, String)>> {
    let sql = "SELECT DISTINCT publisher, offer FROM submissions \
               WHERE state IN ('NotStarted', 'Running', 'WaitingForPublisherReview')";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(c).await?;
    Ok(rows.into_iter().collect())
}

/// Tags of what is live on this instance: publisher, offer, plan, tag.
pub async fn live(c: &mut AnyConnection) -> Result<BTreeSet<(String, String, String, String)>> {
    let sql = "SELECT o.publisher, o.offer, t.plan, t.tag FROM offers o JOIN submission_tags t ON t.submission = o.live";
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(sql).fetch_all(c).await?;
    Ok(rows.into_iter().collect())
}

/// Removes rows of a repository: of `tag`, `manifest` or `blob`.
pub async fn sweep(c: &mut AnyConnection, repository: &str, kind: &str, names: &[String]) -> Result<u64> {
    let sql = match kind {
        "tag" => "DELETE FROM repository_tags WHERE repository = $1 AND tag IN",
        "manifest" => "DELETE FROM repository_manifests WHERE repository = $1 AND digest IN",
        _ => "DELETE FROM repository_blobs WHERE repository = $1 AND digest IN",
    };
    in_parts(c, sql, &[repository], names).await
}

/// How many records say of each of these digests that it is in the blob store; what none names is left out.
pub async fn named(c: &mut AnyConnection, digests: &[String]) -> Result<HashMap<String, i64>> {
    let mut found = HashMap::new();
    for part in digests.chunks(NAMES_MAX) {
        let places: Vec<String> = (1..=part.len()).map(|n| format!("${n}")).collect();
        let those =
            |table: &str| format!("SELECT digest FROM {table} WHERE digest IN ({})", places.join(", "));
        let tables = ["repository_blobs", "repository_manifests", "documents", "campaign_reports"].map(those);
        let sql = format!(
            "SELECT digest, COUNT(*) FROM ({}) AS records GROUP BY digest",
            tables.join(" UNION ALL ")
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for digest in part {
            query = query.bind(digest);
        }
        let rows: Vec<(String, i64)> = query.fetch_all(&mut *c).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Runs a statement that ends with `IN` for these names, some hundred at a time, and counts the rows.
async fn in_parts(c: &mut AnyConnection, sql: &str, before: &[&str], names: &[String]) -> Result<u64> {
    let mut rows = 0;
    for part in names.chunks(NAMES_MAX) {
        let places: Vec<String> = (1..=part.len()).map(|n| format!("${}", n + before.len())).collect();
        let text = format!("{sql} ({})", places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for value in before {
            query = query.bind(*value);
        }
        for name in part {
            query = query.bind(name);
        }
        rows += query.execute(&mut *c).await?.rows_affected();
    }
    Ok(rows)
}
