//! Step 6: the offer goes live. Every required region holds every digest already, so nothing is copied here.
//!
//! **One** transaction moves the listing, the live pointer and all tags of this instance, and withdraws the preview: no
//! reader here ever sees half of it. The other regions move their tags in tasks that this transaction enqueues, each
//! region on its own: until its task ran a region is wholly at the old version, afterwards wholly at the new one, as far
//! as its kind can (see [`Region::move_tags`](crate::regions::Region::move_tags)); and because both versions' digests
//! are there, every deployment works, pinned to either, at every instant. The other order, regions first, would let
//! devices follow a tag to a version whose terms nobody can read yet, and could not be undone when the last required
//! region fails. The submission succeeds when every required region moved.

use super::replication::{catch_up_with, content, region_of, set_standing, superseded};
use super::{Note, Work, commit, load, recertification, set_step, set_submission};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::search;
use crate::store::listings::{self, ListingRow, LiveTagRow};
use crate::store::submissions::{self, SubmissionRow};
use crate::store::{Connection, Tx, history, offers, regions, registry};
use crate::tasks::{self, Claim, Kind, Outcome};
use offer::document::Plan;
use offer::submission::{Step, StepStatus, SubmissionState};
use serde_json::json;

/// Runs the step up to the move of this instance.
pub(super) async fn run(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let step = Step::Live;
    let work = load(market, row).await?;
    let mut tx = market.store.write().await?;
    let identifier = &work.offer.listing.marketing_identifier;
    let taken = listings::by_identifier(&mut tx, identifier).await?;
    if taken.is_some_and(|other| other.publisher != work.row.publisher || other.offer != work.row.offer) {
        let text = format!("the marketing identifier {identifier} was taken by another offer meanwhile");
        let notes = [Note::error(text, "choose another identifier and publish again")];
        return super::fail(market, claim, &work.row, step, &notes, tx).await;
    }
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    publish(market, &mut tx, &work).await?;
    let here = market.config.settings.region.clone();
    set_standing(market, &mut tx, &work.row.id, &here, "Live", None).await?;
    for standing in regions::states(&mut tx, &work.row.id).await? {
        if standing.region != here && standing.state == "Holding" {
            enqueue_move(market, &mut tx, &work.row.id, &standing.region).await?;
        }
    }
    catch_up_with(market, &mut tx, &work.row.id).await?;
    finish_if_moved(market, &mut tx, &work.row).await?;
    commit(market, tx, &work.row, step).await
}

/// Moves the tags of one region besides this instance.
pub(super) async fn move_tags(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let name = region_of(claim);
    let work = load(market, row).await?;
    // One at a time in a region, so that what is live is not replaced between the look and the move: tags of an older
    // submission never follow those of a newer one.
    let turn = market.turns.of(&name);
    let _turn = turn.lock().await;
    let Some(content) = content(market, &work, &name).await? else {
        return superseded(market, claim, &work.row, Step::Live, &name).await;
    };
    if claim.is_stopped() {
        return Ok(Outcome::Stopped);
    }
    let row = regions::get(&mut *market.store.read().await?, &name).await?;
    // Tags are no load: windows are for content, which is there already. A paused region is left alone altogether.
    let paused = row.as_ref().filter(|row| row.paused_ms.is_some());
    if let Some(outcome) = hold_tags(market, paused) {
        return Ok(outcome);
    }
    let region = market.region(&name).await?;
    if let Some(region) = &region {
        let moved = region.move_tags(&content).await;
        // A region that was away for long may have collected what no tag of it led to yet.
        if moved.as_ref().is_err_and(|error| error.kind == crate::Kind::Conflict) {
            region.ensure(&content, &|_| (), &claim.stop).await?;
            region.move_tags(&content).await?;
        } else {
            moved?;
        }
    }
    market.faults.at("live:tags-moved");
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    let state = if region.is_some() { "Live" } else { "Removed" };
    set_standing(market, &mut tx, &work.row.id, &name, state, None).await?;
    finish_if_moved(market, &mut tx, &work.row).await?;
    commit(market, tx, &work.row, Step::Live).await
}

/// The wait of a region that is paused; its standing stays, since it holds everything.
fn hold_tags(market: &Market, paused: Option<&regions::RegionRow>) -> Option<Outcome> {
    let (wait, why) = market.held_back(paused?)?;
    Some(Outcome::Wait(wait, why))
}

/// Enqueues the move of a region's tags.
pub(super) async fn enqueue_move(market: &Market, tx: &mut Tx, submission: &str, region: &str) -> Result<()> {
    let key = format!("{submission}/{region}");
    tasks::enqueue(market, tx, Kind::MoveTags, &key, submission).await?;
    Ok(())
}

/// Whether this submission is what is live of its offer.
pub(super) async fn is_live(c: &mut Connection, row: &SubmissionRow) -> Result<bool> {
    let offer = offers::get(c, &row.publisher, &row.offer).await?;
    Ok(offer.and_then(|offer| offer.live).as_deref() == Some(row.id.as_str()))
}

/// `{publisher}/{offer}/{plan}`.
pub(super) fn public_repository(row: &SubmissionRow, plan: &Plan) -> String {
    format!("{}/{}/{}", row.publisher, row.offer, plan.id)
}

/// Everything that makes the offer live on this instance.
async fn publish(market: &Market, tx: &mut Tx, work: &Work) -> Result<()> {
    let (row, now) = (&work.row, market.now().0);
    let key = (row.publisher.as_str(), row.offer.as_str());
    let tags = submissions::tags(tx, &row.id).await?;
    for plan in &work.offer.plans {
        let public = public_repository(row, plan);
        registry::copy_content(tx, &format!("preview/{public}"), &public).await?;
        let audience: Vec<String> = plan.private_audience.iter().map(ToString::to_string).collect();
        registry::put_audience(tx, &public, &audience).await?;
        for tag in tags.iter().filter(|tag| tag.plan == plan.id.as_str()) {
            registry::put_tag(tx, &public, &tag.tag, &tag.digest, now).await?;
        }
    }
    for tag in &tags {
        let live = LiveTagRow { plan: tag.plan.clone(), tag: tag.tag.clone(), digest: tag.digest.clone() };
        listings::put_live_tag(tx, key, &live, &row.id, now).await?;
    }
    let listing = &work.offer.listing;
    let listed = ListingRow {
        publisher: row.publisher.clone(),
        offer: row.offer.clone(),
        identifier: listing.marketing_identifier.clone(),
        title: listing.title.clone(),
        summary: listing.summary.clone(),
        categories: serde_json::to_string(&listing.categories).map_err(Error::internal)?,
        submission: row.id.clone(),
        live_ms: now,
        facts: search::facts(tx, market, &row.id, &work.offer).await?,
    };
    listings::put(tx, &listed).await?;
    offers::set_live(tx, key.0, key.1, &row.id).await?;
    super::withdraw(tx, &row.id).await?;
    recertification::went_live(market, tx, row).await?;
    let said = Note::info("listed, and every tag of this instance moved");
    super::say(market, tx, &row.id, Step::Live, &said).await?;
    let entry =
        market.history_row(&"pipeline", Some(key), Some(&row.id), "live", json!({ "number": row.number }));
    history::insert(tx, &entry).await
}

/// The submission has succeeded when every required region moved its tags.
async fn finish_if_moved(market: &Market, tx: &mut Tx, row: &SubmissionRow) -> Result<()> {
    let waiting = regions::states(tx, &row.id)
        .await?
        .into_iter()
        .any(|r| r.required == 1 && !matches!(r.state.as_str(), "Live" | "Removed"));
    if waiting || super::status(tx, &row.id, Step::Live).await? == StepStatus::Complete {
        return Ok(());
    }
    set_step(market, tx, &row.id, Step::Live, StepStatus::Complete).await?;
    super::say(market, tx, &row.id, Step::Live, &Note::info("complete")).await?;
    set_submission(market, tx, &row.id, SubmissionState::Succeeded, None).await
}
