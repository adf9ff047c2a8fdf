//! Rows of submissions and of the tags that a submission resolved.

use crate::error::Result;
use sqlx::AnyConnection;

/// A submission.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct SubmissionRow {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    /// From 1, per offer.
    pub number: i64,
    /// Digest of the immutable snapshot's bundle.
    pub bundle: String,
    pub state: String,
    /// Why it was cancelled, or why it failed.
    pub reason: Option<String>,
    /// Notification addresses, a JSON array.
    pub notify: String,
    pub actor: String,
    pub created_ms: i64,
    pub finished_ms: Option<i64>,
}

/// A tag of a plan and what it pointed at in step 1.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct TagRow {
    pub plan: String,
    pub tag: String,
    pub digest: String,
    pub media_type: String,
    pub size: i64,
}

/// One submission.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<SubmissionRow>> {
    let sql = "SELECT id, publisher, offer, number, bundle, state, reason, notify, actor, created_ms, finished_ms \
               FROM submissions WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// Submissions of an offer, newest first.
pub async fn of_offer(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Vec<SubmissionRow>> {
    let sql = "SELECT id, publisher, offer, number, bundle, state, reason, notify, actor, created_ms, finished_ms \
               FROM submissions WHERE publisher = $1 AND offer = $2 ORDER BY number DESC";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?)
}

/// Submissions of one publisher or of all, newest first, at most `limit`, older than the id `before` when given.
pub async fn list(
    c: &mut AnyConnection,
    publisher: Option<&str>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<SubmissionRow>> {
    let sql = "SELECT id, publisher, offer, number, bundle, state, reason, notify, actor, created_ms, finished_ms \
               FROM submissions WHERE ($1 = '' OR publisher = $1) AND ($2 = '' OR id < $2) \
               ORDER BY id DESC LIMIT $3";
    Ok(sqlx::query_as(sql)
        .bind(publisher.unwrap_or(""))
        .bind(before.unwrap_or(""))
        .bind(limit)
        .fetch_all(c)
        .await?)
}

/// Adds a submission.
pub async fn insert(c: &mut AnyConnection, row: &SubmissionRow) -> Result<()> {
    let sql = "INSERT INTO submissions (id, publisher, offer, number, bundle, state, notify, actor, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(row.number)
        .bind(&row.bundle)
        .bind(&row.state)
        .bind(&row.notify)
        .bind(&row.actor)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// Moves a submission to another state, with the reason and the instant of its end where it has them.
pub async fn set_state(
    c: &mut AnyConnection,
    id: &str,
    state: &str,
    reason: Option<&str>,
    finished_ms: Option<i64>,
) -> Result<()> {
    let sql = "UPDATE submissions SET state = $1, reason = $2, finished_ms = $3 WHERE id = $4";
    sqlx::query(sql).bind(state).bind(reason).bind(finished_ms).bind(id).execute(c).await?;
    Ok(())
}

/// Replaces the resolved tags of a submission.
pub async fn put_tags(c: &mut AnyConnection, submission: &str, tags: &[TagRow]) -> Result<()> {
    sqlx::query("DELETE FROM submission_tags WHERE submission = $1")
        .bind(submission)
        .execute(&mut *c)
        .await?;
    let sql = "INSERT INTO submission_tags (submission, plan, tag, digest, media_type, size) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    for row in tags {
        sqlx::query(sql)
            .bind(submission)
            .bind(&row.plan)
            .bind(&row.tag)
            .bind(&row.digest)
            .bind(&row.media_type)
            .bind(row.size)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// The resolved tags of a submission, by plan and tag.
pub async fn tags(c: &mut AnyConnection, submission: &str) -> Result<Vec<TagRow>> {
    let sql = "SELECT plan, tag, digest, media_type, size FROM submission_tags WHERE submission = $1 \
               ORDER BY plan, tag";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}

/// What the tags pointed at of the submissions of the offer that were live before this one; of two the later comes later.
pub async fn tags_before(c: &mut AnyConnection, row: &SubmissionRow) -> Result<Vec<TagRow>> {
    let sql = "SELECT t.plan, t.tag, t.digest, t.media_type, t.size FROM submission_tags t \
               JOIN submissions s ON s.id = t.submission WHERE s.publisher = $1 AND s.offer = $2 AND s.number < $3 \
               AND s.state = 'Succeeded' ORDER BY s.number, t.plan, t.tag";
    Ok(sqlx::query_as(sql).bind(&row.publisher).bind(&row.offer).bind(row.number).fetch_all(c).await?)
}

/// Another offer of the publisher whose newest live or flying submission names this repository is looked for by the
/// use case over these bundles: (offer, bundle) of every other offer that is live or in flight.
pub async fn other_bundles(
    c: &mut AnyConnection,
    publisher: &str,
    offer: &str,
) -> Result<Vec<(String, String)>> {
    let sql = "SELECT s.offer, s.bundle FROM submissions s LEFT JOIN offers o ON o.live = s.id \
               WHERE s.publisher = $1 AND s.offer <> $2 \
               AND (o.live IS NOT NULL OR s.state IN ('NotStarted', 'Running', 'WaitingForPublisherReview'))";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_all(c).await?)
}
