//! Recertification: what is live is judged again from stored evidence, one task per offer, as step 2 would judge it today.
//! Only blobs of this instance are read, and layers only where their evidence does not suffice; nobody asks a publisher's
//! registry. An offer that fails has until its date to be mended; from then on the catalogue hides it. It is no step of a
//! submission, and it moves no tag.

use super::certification::{Subject, judge, keep_report, unchecked};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::blocking;
use crate::recertification::{self, CampaignState, OfferState, covers};
use crate::stage;
use crate::store::campaigns::{self, CampaignRow, DeadlineRow, OfferRow};
use crate::store::documents::DocumentRow;
use crate::store::submissions::{self, SubmissionRow, TagRow};
use crate::store::{Tx, history, offers, steps};
use crate::tasks::{self, Claim, Kind, Outcome};
use crate::waivers;
use certify::Certification;
use certify::report::Verdict;
use offer::reading;
use offer::submission::Step;
use serde_json::json;

/// What judging an offer gave.
struct Judged {
    reports: Vec<DocumentRow>,
    /// Plan and criterion of all that blocks.
    failed: Vec<String>,
}

/// Adds a campaign with its offers and their tasks: all of it, in the caller's transaction. False when it is there
/// already. Ring the bell after the commit.
pub(crate) async fn begin(market: &Market, tx: &mut Tx, campaign: &CampaignRow) -> Result<bool> {
    let live = offers::list(tx, None).await?.into_iter().filter_map(|row| {
        let wanted = covers(&campaign.scope, &row.publisher, &row.offer);
        row.live.filter(|_| wanted).map(|live| (row.publisher, row.offer, live))
    });
    let live: Vec<_> = live.collect();
    if !campaigns::insert(tx, campaign).await? {
        return Ok(false);
    }
    for (publisher, offer, submission) in &live {
        wait(market, tx, campaign, (publisher, offer), submission).await?;
    }
    let detail = json!({
        "campaign": campaign.id, "reason": campaign.reason, "offers": live.len(), "dryRun": campaign.dry_run == 1,
    });
    let entry = market.history_row(&campaign.actor, None, None, "recertification-started", detail);
    history::insert(tx, &entry).await?;
    finish(market, tx, &campaign.id).await?;
    Ok(true)
}

async fn wait(
    market: &Market,
    tx: &mut Tx,
    campaign: &CampaignRow,
    (publisher, offer): (&str, &str),
    submission: &str,
) -> Result<()> {
    let row = OfferRow {
        campaign: campaign.id.clone(),
        publisher: publisher.to_owned(),
        offer: offer.to_owned(),
        submission: Some(submission.to_owned()),
        state: OfferState::Waiting.id(),
        message: None,
        changed_ms: market.now().0,
    };
    campaigns::put_offer(tx, &row).await?;
    let key = format!("{}/{publisher}/{offer}", campaign.id);
    tasks::enqueue(market, tx, Kind::Recertify, &key, &campaign.id).await?;
    Ok(())
}

/// A submission went live. It lifts the deadline of its offer, unless a campaign began after it was certified: by what
/// that campaign was started for it is judged now.
pub(crate) async fn went_live(market: &Market, tx: &mut Tx, row: &SubmissionRow) -> Result<()> {
    let rows = steps::of_submission(tx, &row.id).await?;
    let certified = rows.iter().find(|step| step.step == Step::Certification.id());
    let certified_ms = certified.and_then(|step| step.started_ms).unwrap_or(row.created_ms);
    let since = campaigns::since(tx, certified_ms).await?;
    let Some(campaign) = since.iter().find(|found| covers(&found.scope, &row.publisher, &row.offer)) else {
        return lift(market, tx, row).await;
    };
    campaigns::set_state(tx, &campaign.id, &CampaignState::Running.id(), None).await?;
    wait(market, tx, campaign, (&row.publisher, &row.offer), &row.id).await
}

/// Judges one offer of a campaign.
pub(super) async fn run(market: &Market, claim: &Claim) -> Result<Outcome> {
    let (publisher, offer) = names(claim)?;
    let mut c = market.store.read().await?;
    let live = offers::get(&mut c, publisher, offer).await?.and_then(|row| row.live);
    let row = submissions::get(&mut c, &live.unwrap_or_default()).await?;
    let tags = match &row {
        Some(row) => submissions::tags(&mut c, &row.id).await?,
        None => Vec::new(),
    };
    drop(c);
    let Some(row) = row else { return gone(market, claim).await };
    let Some(judged) = judge_all(market, claim, &row, &tags).await? else { return Ok(Outcome::Stopped) };
    market.faults.at("recertification:judged");
    record(market, claim, &row, &judged).await
}

/// `None` when it was broken off. What could not be checked is an error: the task comes again.
async fn judge_all(
    market: &Market,
    claim: &Claim,
    row: &SubmissionRow,
    tags: &[TagRow],
) -> Result<Option<Judged>> {
    let policy = waivers::policy_in_force(market, &mut *market.store.read().await?).await?;
    let (rules, bundles, bundle) = (market.config.policy.clone(), market.bundles.clone(), row.bundle.clone());
    let reading = blocking(move || Ok(reading::read(&bundles.get(&bundle)?, &rules))).await?;
    let mut plans: Vec<&str> = tags.iter().map(|tag| tag.plan.as_str()).collect();
    plans.dedup();
    let mut judged = Judged { reports: Vec::new(), failed: Vec::new() };
    for plan in plans {
        // A document that the policy of today refuses has no plans; its findings fail the report.
        let document = reading.offer.as_ref();
        let known = document.and_then(|offer| offer.plans.iter().find(|own| own.id.as_str() == plan));
        let repository = known.map_or(plan, |plan| plan.repository.name.as_str());
        let subject = Subject { row, reading: &reading, plan, repository, tags, policy: &policy };
        let found = judge(market, claim, &subject, |_, _| ()).await?;
        // A start that was broken off is no result.
        if claim.is_stopped() {
            return Ok(None);
        }
        match found.report.verdict {
            Verdict::Errored => return Err(unchecked(plan, &found)),
            Verdict::Failed => {
                check_content(market, plan, tags).await?;
                judged.failed.extend(blocking_of(plan, &found));
            }
            _ => {}
        }
        judged.reports.push(keep_report(market, plan, &found).await?);
    }
    Ok(Some(judged))
}

/// An image that lacks a part fails; when it is we who lost the part, that is no finding about the offer.
async fn check_content(market: &Market, plan: &str, tags: &[TagRow]) -> Result<()> {
    let of_plan = tags.iter().filter(|tag| tag.plan == plan);
    let roots = of_plan.map(super::descriptor_of).collect::<Result<Vec<_>>>()?;
    for blob in stage::walk(&market.blobs, &roots).await?.blobs {
        if !market.blobs.contains(&blob.digest).await? {
            return Err(Error::internal(format!("plan {plan}: {} is lost in the blob store", blob.digest)));
        }
    }
    Ok(())
}

fn blocking_of(plan: &str, found: &Certification) -> Vec<String> {
    let failed = found.report.criteria.iter().filter(|criterion| criterion.verdict == Verdict::Failed);
    failed.map(|criterion| format!("plan {plan}: {}", criterion.id)).collect()
}

/// Writes the result and what follows from it, in one transaction.
async fn record(market: &Market, claim: &Claim, row: &SubmissionRow, judged: &Judged) -> Result<Outcome> {
    let key = (row.publisher.as_str(), row.offer.as_str());
    let mut tx = market.store.write().await?;
    let live = offers::get(&mut tx, key.0, key.1).await?.and_then(|offer| offer.live);
    if live.as_deref() != Some(&row.id) {
        let hint = "what is live now is judged instead";
        return Ok(Outcome::Retry(Error::conflict("another submission went live meanwhile", hint)));
    }
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    let campaign = campaign_of(&mut tx, claim).await?;
    campaigns::put_reports(&mut tx, (&campaign.id, key.0, key.1), &judged.reports).await?;
    let state = if judged.failed.is_empty() { OfferState::Passed } else { OfferState::Failed };
    let message = Some(judged.failed.join("; ")).filter(|text| !text.is_empty());
    tell(market, &mut tx, claim, Some(&row.id), state, message).await?;
    if campaign.dry_run == 0 && judged.failed.is_empty() {
        let detail = json!({ "campaign": campaign.id, "number": row.number });
        let entry = market.history_row(&"pipeline", Some(key), Some(&row.id), "recertified", detail);
        history::insert(&mut tx, &entry).await?;
        lift(market, &mut tx, row).await?;
    } else if campaign.dry_run == 0 {
        set_deadline(market, &mut tx, &campaign, row, judged).await?;
    }
    finish(market, &mut tx, &campaign.id).await?;
    market.faults.at("recertification:before-commit");
    tx.commit().await?;
    market.faults.at("recertification:after-commit");
    market.announce(&row.id, key.0, key.1);
    Ok(Outcome::Done)
}

/// An earlier date stays when nobody gave another: a new import does not postpone it.
async fn set_deadline(
    market: &Market,
    tx: &mut Tx,
    campaign: &CampaignRow,
    row: &SubmissionRow,
    judged: &Judged,
) -> Result<()> {
    let key = (row.publisher.as_str(), row.offer.as_str());
    let earlier = campaigns::deadline(tx, key.0, key.1).await?;
    let hide_ms = match &earlier {
        Some(earlier) if campaign.dated == 0 => earlier.hide_ms.min(campaign.hide_ms),
        _ => campaign.hide_ms,
    };
    let hidden_ms = earlier.and_then(|row| row.hidden_ms).filter(|_| hide_ms <= market.now().0);
    let deadline = DeadlineRow {
        publisher: row.publisher.clone(),
        offer: row.offer.clone(),
        campaign: campaign.id.clone(),
        hide_ms,
        hidden_ms,
    };
    campaigns::put_deadline(tx, &deadline).await?;
    let hide_on = recertification::day_of(hide_ms).to_string();
    let detail = json!({
        "campaign": campaign.id, "number": row.number, "failed": judged.failed, "hideOn": hide_on,
    });
    let entry = market.history_row(&"pipeline", Some(key), Some(&row.id), "recertification-failed", detail);
    history::insert(tx, &entry).await
}

/// The offer is in order again.
async fn lift(market: &Market, tx: &mut Tx, row: &SubmissionRow) -> Result<()> {
    let key = (row.publisher.as_str(), row.offer.as_str());
    let Some(deadline) = campaigns::deadline(tx, key.0, key.1).await? else { return Ok(()) };
    campaigns::lift(tx, key.0, key.1).await?;
    let detail = json!({
        "campaign": deadline.campaign, "number": row.number, "wasHidden": deadline.hide_ms <= market.now().0,
    });
    let entry = market.history_row(&"pipeline", Some(key), Some(&row.id), "deadline-lifted", detail);
    history::insert(tx, &entry).await
}

/// Nothing of the offer is live any more.
async fn gone(market: &Market, claim: &Claim) -> Result<Outcome> {
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    let message = Some("it is not live any more".to_owned());
    tell(market, &mut tx, claim, None, OfferState::Canceled, message).await?;
    finish(market, &mut tx, &claim.subject).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// The attempt could not finish: it is said, and the task comes again.
pub(super) async fn blocked(market: &Market, tx: &mut Tx, claim: &Claim, error: &Error) -> Result<()> {
    let message = format!("{}; it is tried again by itself", error.message);
    tell(market, tx, claim, None, OfferState::Waiting, Some(message)).await
}

/// The attempts are used up. Nothing is known of the offer, so nothing follows for it.
pub(super) async fn given_up(market: &Market, tx: &mut Tx, claim: &Claim, reason: &str) -> Result<()> {
    let message = format!("given up after {} attempts: {reason}", claim.attempt - 1);
    tell(market, tx, claim, None, OfferState::Errored, Some(message)).await?;
    finish(market, tx, &claim.subject).await
}

/// Writes what the campaign says of the claim's offer; without a submission the one that it knew stays.
async fn tell(
    market: &Market,
    tx: &mut Tx,
    claim: &Claim,
    submission: Option<&str>,
    state: OfferState,
    message: Option<String>,
) -> Result<()> {
    let (publisher, offer) = names(claim)?;
    let known = campaigns::offer(tx, (&claim.subject, publisher, offer)).await?;
    let row = OfferRow {
        campaign: claim.subject.clone(),
        publisher: publisher.to_owned(),
        offer: offer.to_owned(),
        submission: submission.map(str::to_owned).or(known.and_then(|row| row.submission)),
        state: state.id(),
        message,
        changed_ms: market.now().0,
    };
    campaigns::put_offer(tx, &row).await
}

/// A campaign of which no offer waits is complete.
async fn finish(market: &Market, tx: &mut Tx, id: &str) -> Result<()> {
    let counts = campaigns::counts(tx, id).await?;
    let campaign = campaigns::get(tx, id).await?;
    let campaign = campaign.ok_or_else(|| Error::internal("a campaign is missing"))?;
    let waits = counts.iter().any(|(state, _)| *state == OfferState::Waiting.id());
    if waits || campaign.state != CampaignState::Running.id() {
        return Ok(());
    }
    campaigns::set_state(tx, id, &CampaignState::Complete.id(), Some(market.now().0)).await?;
    let counts: serde_json::Map<_, _> =
        counts.into_iter().map(|(state, count)| (state.to_lowercase(), count.into())).collect();
    let detail = json!({ "campaign": id, "offers": counts });
    let entry = market.history_row(&"pipeline", None, None, "recertification-complete", detail);
    history::insert(tx, &entry).await
}

/// Begins the campaign that an import asked for, and tells the history of offers whose date has come. Looked at every
/// second; the catalogue itself goes by the date alone.
pub(crate) async fn look(market: &Market) -> Result<()> {
    let data = market.config.data.clone();
    if let Some(id) = blocking(move || recertification::take_request(&data)).await? {
        begin_requested(market, &id).await?;
    }
    if campaigns::passed(&mut *market.store.read().await?, market.now().0).await?.is_empty() {
        return Ok(());
    }
    let mut tx = market.store.write().await?;
    let now = market.now().0;
    for deadline in campaigns::passed(&mut tx, now).await? {
        campaigns::put_deadline(&mut tx, &DeadlineRow { hidden_ms: Some(now), ..deadline.clone() }).await?;
        let detail = json!({ "campaign": deadline.campaign });
        let offer = Some((deadline.publisher.as_str(), deadline.offer.as_str()));
        history::insert(&mut tx, &market.history_row(&"pipeline", offer, None, "hidden", detail)).await?;
    }
    market.faults.at("recertification:hidden");
    tx.commit().await
}

async fn begin_requested(market: &Market, id: &str) -> Result<()> {
    let mut tx = market.store.write().await?;
    // The first data of a new marketplace is no campaign.
    if offers::list(&mut tx, None).await?.iter().any(|offer| offer.live.is_some()) {
        begin(market, &mut tx, &recertification::of_import(market, id)).await?;
    }
    market.faults.at("recertification:before-begin");
    tx.commit().await?;
    market.faults.at("recertification:begun");
    let data = market.config.data.clone();
    blocking(move || recertification::forget_request(&data)).await?;
    market.bell.ring();
    Ok(())
}

async fn campaign_of(tx: &mut Tx, claim: &Claim) -> Result<CampaignRow> {
    let campaign = campaigns::get(tx, &claim.subject).await?;
    campaign.ok_or_else(|| Error::internal(format!("the campaign {} is missing", claim.subject)))
}

/// Publisher and offer of a task: its key is `CAMPAIGN/PUBLISHER/OFFER`.
fn names(claim: &Claim) -> Result<(&str, &str)> {
    let rest = claim.key.split_once('/').and_then(|(_, rest)| rest.split_once('/'));
    rest.ok_or_else(|| Error::internal(format!("the task {} names no offer", claim.key)))
}
