//! Rows of recertification campaigns, of what they say of each offer, and of the deadlines that follow.

use super::documents::DocumentRow;
use crate::error::Result;
use sqlx::AnyConnection;

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct CampaignRow {
    pub id: String,
    pub actor: String,
    pub reason: String,
    /// JSON array; empty for every live offer.
    pub scope: String,
    /// From when on an offer that fails is hidden.
    pub hide_ms: i64,
    /// Somebody gave that date.
    pub dated: i64,
    pub dry_run: i64,
    pub state: String,
    pub created_ms: i64,
    pub finished_ms: Option<i64>,
}

/// An offer in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct OfferRow {
    pub campaign: String,
    pub publisher: String,
    pub offer: String,
    /// What was live of it when it was judged.
    pub submission: Option<String>,
    pub state: String,
    pub message: Option<String>,
    pub changed_ms: i64,
}

/// Until when an offer must be mended.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct DeadlineRow {
    pub publisher: String,
    pub offer: String,
    /// The last one that the offer failed in.
    pub campaign: String,
    pub hide_ms: i64,
    /// When the history was told of it.
    pub hidden_ms: Option<i64>,
}

/// Adds a campaign; false when there is one with this id already.
pub async fn insert(c: &mut AnyConnection, row: &CampaignRow) -> Result<bool> {
    let sql = "INSERT INTO campaigns (id, actor, reason, scope, hide_ms, dated, dry_run, state, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(&row.id)
        .bind(&row.actor)
        .bind(&row.reason)
        .bind(&row.scope)
        .bind(row.hide_ms)
        .bind(row.dated)
        .bind(row.dry_run)
        .bind(&row.state)
        .bind(row.created_ms)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// One campaign.
pub async fn get(c: &mut AnyConnection, id: &str) -> Result<Option<CampaignRow>> {
    let sql = "SELECT id, actor, reason, scope, hide_ms, dated, dry_run, state, created_ms, finished_ms \
               FROM campaigns WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(c).await?)
}

/// Campaigns, newest first, at most `limit`; of one state when it is given.
pub async fn list(c: &mut AnyConnection, state: Option<&str>, limit: i64) -> Result<Vec<CampaignRow>> {
    let sql = "SELECT id, actor, reason, scope, hide_ms, dated, dry_run, state, created_ms, finished_ms \
               FROM campaigns WHERE $1 = '' OR state = $1 ORDER BY created_ms DESC, id DESC LIMIT $2";
    Ok(sqlx::query_as(sql).bind(state.unwrap_or("")).bind(limit).fetch_all(c).await?)
}

/// Campaigns with consequences that began at this instant or later and were not cancelled, newest first.
pub async fn since(c: &mut AnyConnection, created_ms: i64) -> Result<Vec<CampaignRow>> {
    let sql = "SELECT id, actor, reason, scope, hide_ms, dated, dry_run, state, created_ms, finished_ms \
               FROM campaigns WHERE created_ms >= $1 AND dry_run = 0 AND state <> 'Canceled' \
               ORDER BY created_ms DESC, id DESC";
    Ok(sqlx::query_as(sql).bind(created_ms).fetch_all(c).await?)
}

/// Moves a campaign to another state.
pub async fn set_state(c: &mut AnyConnection, id: &str, state: &str, finished_ms: Option<i64>) -> Result<()> {
    let sql = "UPDATE campaigns SET state = $1, finished_ms = $2 WHERE id = $3";
    sqlx::query(sql).bind(state).bind(finished_ms).bind(id).execute(c).await?;
    Ok(())
}

/// Writes what a campaign says of an offer.
pub async fn put_offer(c: &mut AnyConnection, row: &OfferRow) -> Result<()> {
    let sql = "INSERT INTO campaign_offers (campaign, publisher, offer, submission, state, message, changed_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (campaign, publisher, offer) DO UPDATE SET \
               submission = excluded.submission, state = excluded.state, message = excluded.message, \
               changed_ms = excluded.changed_ms";
    sqlx::query(sql)
        .bind(&row.campaign)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(row.submission.as_deref())
        .bind(&row.state)
        .bind(row.message.as_deref())
        .bind(row.changed_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// One offer of a campaign.
pub async fn offer(
    c: &mut AnyConnection,
    (campaign, publisher, offer): (&str, &str, &str),
) -> Result<Option<OfferRow>> {
    let sql = "SELECT campaign, publisher, offer, submission, state, message, changed_ms FROM campaign_offers \
               WHERE campaign = $1 AND publisher = $2 AND offer = $3";
    Ok(sqlx::query_as(sql).bind(campaign).bind(publisher).bind(offer).fetch_optional(c).await?)
}

/// The offers of a campaign, by name.
pub async fn offers(c: &mut AnyConnection, campaign: &str) -> Result<Vec<OfferRow>> {
    let sql = "SELECT campaign, publisher, offer, submission, state, message, changed_ms FROM campaign_offers \
               WHERE campaign = $1 ORDER BY publisher, offer";
    Ok(sqlx::query_as(sql).bind(campaign).fetch_all(c).await?)
}

/// What campaigns said of a submission, oldest first; those without consequences are left out.
pub async fn of_submission(c: &mut AnyConnection, submission: &str) -> Result<Vec<OfferRow>> {
    let sql = "SELECT o.campaign, o.publisher, o.offer, o.submission, o.state, o.message, o.changed_ms \
               FROM campaign_offers o JOIN campaigns c ON c.id = o.campaign \
               WHERE o.submission = $1 AND c.dry_run = 0 ORDER BY o.changed_ms, o.campaign";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}

/// How many offers of a campaign are in each state.
pub async fn counts(c: &mut AnyConnection, campaign: &str) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT state, COUNT(*) FROM campaign_offers WHERE campaign = $1 GROUP BY state ORDER BY state";
    Ok(sqlx::query_as(sql).bind(campaign).fetch_all(c).await?)
}

/// Offers that wait get the state `Canceled`.
pub async fn cancel_waiting(c: &mut AnyConnection, campaign: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE campaign_offers SET state = 'Canceled', changed_ms = $1 \
               WHERE campaign = $2 AND state = 'Waiting'";
    sqlx::query(sql).bind(now_ms).bind(campaign).execute(c).await?;
    Ok(())
}

/// Replaces the reports of an offer in a campaign.
pub async fn put_reports(
    c: &mut AnyConnection,
    (campaign, publisher, offer): (&str, &str, &str),
    rows: &[DocumentRow],
) -> Result<()> {
    let sql = "DELETE FROM campaign_reports WHERE campaign = $1 AND publisher = $2 AND offer = $3";
    sqlx::query(sql).bind(campaign).bind(publisher).bind(offer).execute(&mut *c).await?;
    let sql = "INSERT INTO campaign_reports (campaign, publisher, offer, plan, subject, digest, size) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for row in rows {
        sqlx::query(sql)
            .bind(campaign)
            .bind(publisher)
            .bind(offer)
            .bind(&row.plan)
            .bind(&row.subject)
            .bind(&row.digest)
            .bind(row.size)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// The reports of an offer in a campaign, by plan.
pub async fn reports(
    c: &mut AnyConnection,
    (campaign, publisher, offer): (&str, &str, &str),
) -> Result<Vec<DocumentRow>> {
    let sql = "SELECT plan, 'report' AS kind, subject, '' AS platform, digest, size FROM campaign_reports \
               WHERE campaign = $1 AND publisher = $2 AND offer = $3 ORDER BY plan";
    Ok(sqlx::query_as(sql).bind(campaign).bind(publisher).bind(offer).fetch_all(c).await?)
}

/// Writes the deadline of an offer.
pub async fn put_deadline(c: &mut AnyConnection, row: &DeadlineRow) -> Result<()> {
    let sql = "INSERT INTO deadlines (publisher, offer, campaign, hide_ms, hidden_ms) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (publisher, offer) DO UPDATE SET campaign = excluded.campaign, \
               hide_ms = excluded.hide_ms, hidden_ms = excluded.hidden_ms";
    sqlx::query(sql)
        .bind(&row.publisher)
        .bind(&row.offer)
        .bind(&row.campaign)
        .bind(row.hide_ms)
        .bind(row.hidden_ms)
        .execute(c)
        .await?;
    Ok(())
}

/// The deadline of an offer.
pub async fn deadline(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<Option<DeadlineRow>> {
    let sql = "SELECT publisher, offer, campaign, hide_ms, hidden_ms FROM deadlines \
               WHERE publisher = $1 AND offer = $2";
    Ok(sqlx::query_as(sql).bind(publisher).bind(offer).fetch_optional(c).await?)
}

/// Deadlines that have passed and that nobody was told of, by offer.
pub async fn passed(c: &mut AnyConnection, now_ms: i64) -> Result<Vec<DeadlineRow>> {
    let sql = "SELECT publisher, offer, campaign, hide_ms, hidden_ms FROM deadlines \
               WHERE hide_ms <= $1 AND hidden_ms IS NULL ORDER BY publisher, offer";
    Ok(sqlx::query_as(sql).bind(now_ms).fetch_all(c).await?)
}

/// Removes the deadline of an offer.
pub async fn lift(c: &mut AnyConnection, publisher: &str, offer: &str) -> Result<()> {
    let sql = "DELETE FROM deadlines WHERE publisher = $1 AND offer = $2";
    sqlx::query(sql).bind(publisher).bind(offer).execute(c).await?;
    Ok(())
}
