//! The registry's records: which manifest, tag and blob stands in which repository.

use super::unneeded::{self, NAMES_MAX};
use crate::error::Result;
use sqlx::AnyConnection;
use std::collections::BTreeSet;

/// A manifest in a repository.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct ManifestRow {
    pub digest: String,
    pub media_type: String,
    pub size: i64,
    pub subject: Option<String>,
    pub artifact_type: Option<String>,
    /// JSON object.
    pub annotations: String,
}

/// A manifest by its digest.
pub async fn manifest(c: &mut AnyConnection, repository: &str, digest: &str) -> Result<Option<ManifestRow>> {
    let sql = "SELECT digest, media_type, size, subject, artifact_type, annotations FROM repository_manifests \
               WHERE repository = $1 AND digest = $2";
    Ok(sqlx::query_as(sql).bind(repository).bind(digest).fetch_optional(c).await?)
}

/// The manifest that a tag points at.
pub async fn tagged(c: &mut AnyConnection, repository: &str, tag: &str) -> Result<Option<ManifestRow>> {
    let sql = "SELECT m.digest, m.media_type, m.size, m.subject, m.artifact_type, m.annotations \
               FROM repository_tags t JOIN repository_manifests m \
               ON m.repository = t.repository AND m.digest = t.digest WHERE t.repository = $1 AND t.tag = $2";
    Ok(sqlx::query_as(sql).bind(repository).bind(tag).fetch_optional(c).await?)
}

/// All manifests of a repository: subjects before what refers to them, and of that signatures first, so that whoever sees
/// a statement of a region finds the signature, too.
pub async fn manifests(c: &mut AnyConnection, repository: &str) -> Result<Vec<ManifestRow>> {
    let sql = "SELECT digest, media_type, size, subject, artifact_type, annotations FROM repository_manifests \
               WHERE repository = $1 ORDER BY CASE WHEN subject IS NULL THEN 0 \
               WHEN annotations LIKE '%://sigstore.dev/cosign/sign/%' THEN 1 ELSE 2 END, digest";
    Ok(sqlx::query_as(sql).bind(repository).fetch_all(c).await?)
}

/// Manifests whose subject is this digest: signatures, then the others, each by digest.
pub async fn referrers(c: &mut AnyConnection, repository: &str, subject: &str) -> Result<Vec<ManifestRow>> {
    let sql = "SELECT digest, media_type, size, subject, artifact_type, annotations FROM repository_manifests \
               WHERE repository = $1 AND subject = $2 \
               ORDER BY CASE WHEN annotations LIKE '%://sigstore.dev/cosign/sign/%' THEN 0 ELSE 1 END, digest";
    Ok(sqlx::query_as(sql).bind(repository).bind(subject).fetch_all(c).await?)
}

/// Puts a manifest into a repository; repeating it changes nothing. As whatever comes to name a digest, this takes it off
/// what a garbage collection wrote down.
pub async fn put_manifest(c: &mut AnyConnection, repository: &str, row: &ManifestRow) -> Result<()> {
    let sql = "INSERT INTO repository_manifests (repository, digest, media_type, size, subject, artifact_type, \
               annotations) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (repository, digest) DO NOTHING";
    sqlx::query(sql)
        .bind(repository)
        .bind(&row.digest)
        .bind(&row.media_type)
        .bind(row.size)
        .bind(row.subject.as_deref())
        .bind(row.artifact_type.as_deref())
        .bind(&row.annotations)
        .execute(&mut *c)
        .await?;
    unneeded::needed(c, &row.digest).await
}

/// Points a tag at a digest.
pub async fn put_tag(
    c: &mut AnyConnection,
    repository: &str,
    tag: &str,
    digest: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = "INSERT INTO repository_tags (repository, tag, digest, moved_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (repository, tag) DO UPDATE SET digest = excluded.digest, moved_ms = excluded.moved_ms \
               WHERE repository_tags.digest <> excluded.digest";
    sqlx::query(sql).bind(repository).bind(tag).bind(digest).bind(now_ms).execute(&mut *c).await?;
    unneeded::remove(c, repository, "tag", &[tag.to_owned()]).await?;
    unneeded::needed(c, digest).await
}

/// Tags of a repository in bytewise order, after `after`, at most `limit`.
pub async fn tags(
    c: &mut AnyConnection,
    repository: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = "SELECT tag FROM repository_tags WHERE repository = $1 AND tag > $2 ORDER BY tag LIMIT $3";
    let rows: Vec<(String,)> =
        sqlx::query_as(sql).bind(repository).bind(after.unwrap_or("")).bind(limit).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(tag,)| tag).collect())
}

/// Tags of a repository with the digests that they point at, at most `limit`.
pub async fn tags_with_digests(
    c: &mut AnyConnection,
    repository: &str,
    limit: i64,
) -> Result<Vec<(String, String)>> {
    let sql = "SELECT tag, digest FROM repository_tags WHERE repository = $1 ORDER BY tag LIMIT $2";
    Ok(sqlx::query_as(sql).bind(repository).bind(limit).fetch_all(c).await?)
}

/// Whether the repository holds anything.
pub async fn is_known(c: &mut AnyConnection, repository: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM repository_manifests WHERE repository = $1 \
               UNION ALL SELECT 1 AS one FROM repository_blobs WHERE repository = $1 LIMIT 1) AS content";
    let (count,): (i64,) = sqlx::query_as(sql).bind(repository).fetch_one(c).await?;
    Ok(count > 0)
}

/// Whether the repository holds this blob.
pub async fn has_blob(c: &mut AnyConnection, repository: &str, digest: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM repository_blobs WHERE repository = $1 AND digest = $2";
    let (count,): (i64,) = sqlx::query_as(sql).bind(repository).bind(digest).fetch_one(c).await?;
    Ok(count > 0)
}

/// The first of these digests that the repository holds neither as blob nor as manifest.
pub async fn absent(c: &mut AnyConnection, repository: &str, digests: &[String]) -> Result<Option<String>> {
    for part in digests.chunks(NAMES_MAX) {
        let places: Vec<String> = (2..part.len() + 2).map(|n| format!("${n}")).collect();
        let places = places.join(", ");
        let sql = format!(
            "SELECT digest FROM repository_blobs WHERE repository = $1 AND digest IN ({places}) UNION \
             SELECT digest FROM repository_manifests WHERE repository = $1 AND digest IN ({places})"
        );
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(repository);
        for digest in part {
            query = query.bind(digest);
        }
        let there: Vec<String> = query.fetch_all(&mut *c).await?;
        if let Some(absent) = part.iter().find(|digest| !there.contains(digest)) {
            return Ok(Some(absent.clone()));
        }
    }
    Ok(None)
}

/// Repositories that hold this blob, by name, at most `limit`.
pub async fn holders(c: &mut AnyConnection, digest: &str, limit: i64) -> Result<Vec<String>> {
    let sql = "SELECT repository FROM repository_blobs WHERE digest = $1 ORDER BY repository LIMIT $2";
    let rows: Vec<(String,)> = sqlx::query_as(sql).bind(digest).bind(limit).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(repository,)| repository).collect())
}

/// Digests of everything that any record says is in the blob store.
pub async fn contents(c: &mut AnyConnection) -> Result<BTreeSet<String>> {
    let sql = "SELECT digest FROM repository_blobs UNION SELECT digest FROM repository_manifests \
               UNION SELECT digest FROM documents UNION SELECT digest FROM campaign_reports";
    let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Puts a blob into a repository; repeating it changes nothing.
pub async fn put_blob(c: &mut AnyConnection, repository: &str, digest: &str, size: i64) -> Result<()> {
    let sql = "INSERT INTO repository_blobs (repository, digest, size) VALUES ($1, $2, $3) \
               ON CONFLICT (repository, digest) DO NOTHING";
    sqlx::query(sql).bind(repository).bind(digest).bind(size).execute(&mut *c).await?;
    unneeded::needed(c, digest).await
}

/// Copies every blob and manifest of one repository into another, tags not.
pub async fn copy_content(c: &mut AnyConnection, from: &str, to: &str) -> Result<()> {
    for sql in [
        "INSERT INTO repository_blobs (repository, digest, size) \
         SELECT $2, digest, size FROM repository_blobs WHERE repository = $1 ON CONFLICT (repository, digest) DO NOTHING",
        "INSERT INTO repository_manifests (repository, digest, media_type, size, subject, artifact_type, annotations) \
         SELECT $2, digest, media_type, size, subject, artifact_type, annotations FROM repository_manifests \
         WHERE repository = $1 ON CONFLICT (repository, digest) DO NOTHING",
        "DELETE FROM unneeded WHERE repository = $2 AND $1 <> ''",
    ] {
        sqlx::query(sql).bind(from).bind(to).execute(&mut *c).await?;
    }
    Ok(())
}

/// Removes a manifest and the tags that point at it; false when it was not there.
pub async fn delete_manifest(c: &mut AnyConnection, repository: &str, digest: &str) -> Result<bool> {
    let sql = "DELETE FROM repository_tags WHERE repository = $1 AND digest = $2";
    sqlx::query(sql).bind(repository).bind(digest).execute(&mut *c).await?;
    let sql = "DELETE FROM repository_manifests WHERE repository = $1 AND digest = $2";
    Ok(sqlx::query(sql).bind(repository).bind(digest).execute(c).await?.rows_affected() > 0)
}

/// Removes a tag; false when it was not there.
pub async fn delete_tag(c: &mut AnyConnection, repository: &str, tag: &str) -> Result<bool> {
    let sql = "DELETE FROM repository_tags WHERE repository = $1 AND tag = $2";
    Ok(sqlx::query(sql).bind(repository).bind(tag).execute(c).await?.rows_affected() > 0)
}

/// Removes a blob from a repository; false when it was not there.
pub async fn delete_blob(c: &mut AnyConnection, repository: &str, digest: &str) -> Result<bool> {
    let sql = "DELETE FROM repository_blobs WHERE repository = $1 AND digest = $2";
    Ok(sqlx::query(sql).bind(repository).bind(digest).execute(c).await?.rows_affected() > 0)
}

/// Removes from a repository the blobs that another record names as well.
pub async fn keep_alone(c: &mut AnyConnection, repository: &str) -> Result<()> {
    let sql = "DELETE FROM repository_blobs WHERE repository = $1 AND digest IN ( \
               SELECT digest FROM repository_blobs WHERE repository <> $1 UNION SELECT digest FROM repository_manifests \
               UNION SELECT digest FROM documents)";
    sqlx::query(sql).bind(repository).execute(c).await?;
    Ok(())
}

/// Empties a repository.
pub async fn clear(c: &mut AnyConnection, repository: &str) -> Result<()> {
    for sql in [
        "DELETE FROM repository_tags WHERE repository = $1",
        "DELETE FROM repository_manifests WHERE repository = $1",
        "DELETE FROM repository_blobs WHERE repository = $1",
    ] {
        sqlx::query(sql).bind(repository).execute(&mut *c).await?;
    }
    Ok(())
}

/// Replaces the subscriptions that alone may pull a private plan; none for a public one.
pub async fn put_audience(c: &mut AnyConnection, repository: &str, subscriptions: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM plan_audience WHERE repository = $1").bind(repository).execute(&mut *c).await?;
    let sql = "INSERT INTO plan_audience (repository, subscription) VALUES ($1, $2)";
    for subscription in subscriptions {
        sqlx::query(sql).bind(repository).bind(subscription).execute(&mut *c).await?;
    }
    Ok(())
}

/// The subscriptions that alone may pull from a repository; none when everybody may.
pub async fn audience(c: &mut AnyConnection, repository: &str) -> Result<Vec<String>> {
    let sql = "SELECT subscription FROM plan_audience WHERE repository = $1 ORDER BY subscription";
    let rows: Vec<(String,)> = sqlx::query_as(sql).bind(repository).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(subscription,)| subscription).collect())
}

/// Lets a subscription pull from a preview repository on behalf of a submission.
pub async fn grant_preview(
    c: &mut AnyConnection,
    submission: &str,
    repository: &str,
    subscription: &str,
) -> Result<()> {
    let sql = "INSERT INTO preview_grants (submission, repository, subscription) VALUES ($1, $2, $3) \
               ON CONFLICT (repository, subscription, submission) DO NOTHING";
    sqlx::query(sql).bind(submission).bind(repository).bind(subscription).execute(c).await?;
    Ok(())
}

/// The repositories that were granted on behalf of a submission, each once.
pub async fn granted_repositories(c: &mut AnyConnection, submission: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT repository FROM preview_grants WHERE submission = $1 ORDER BY repository";
    let rows: Vec<(String,)> = sqlx::query_as(sql).bind(submission).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(repository,)| repository).collect())
}

/// Whether a subscription may pull from a preview repository now: it is named, and the submission waits for sign-off.
pub async fn preview_is_granted(c: &mut AnyConnection, repository: &str, subscription: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM preview_grants g JOIN submissions s ON s.id = g.submission \
               WHERE g.repository = $1 AND g.subscription = $2 AND s.state = 'WaitingForPublisherReview'";
    let (count,): (i64,) = sqlx::query_as(sql).bind(repository).bind(subscription).fetch_one(c).await?;
    Ok(count > 0)
}

/// Withdraws every preview grant of a submission.
pub async fn withdraw_preview(c: &mut AnyConnection, submission: &str) -> Result<()> {
    sqlx::query("DELETE FROM preview_grants WHERE submission = $1").bind(submission).execute(c).await?;
    Ok(())
}
