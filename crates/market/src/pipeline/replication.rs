//! Step 5: one task per region brings everything there and verifies it by digest. The step is complete when every
//! required region holds everything; an optional region, or one that was added later, catches up with what is live then.
//!
//! Plans with a private audience stay at home: a region does not know the audience, so it would serve them to everybody.

use super::meter::Meter;
use super::{Note, Work, commit, complete_step, live, load, set_step};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::state_of;
use crate::regions::{Content, Lane, Region};
use crate::stage;
use crate::store::regions::{self, RegionRow, SubmissionRegionRow};
use crate::store::submissions::{self, SubmissionRow};
use crate::store::{self, Tx, offers, registry};
use crate::tasks::{self, Claim, Kind, Outcome};
use oci::manifest::Descriptor;
use offer::submission::{Step, StepStatus};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Begins the step: a row and a task for every region that there is now. A region that is added later catches up.
pub(crate) async fn begin(market: &Market, tx: &mut Tx, submission: &str) -> Result<()> {
    set_step(market, tx, submission, Step::Replication, StepStatus::InProgress).await?;
    let mut places = vec![(market.config.settings.region.clone(), 1)];
    places.extend(regions::list(tx).await?.into_iter().map(|region| (region.name, region.required)));
    for (region, required) in places {
        enqueue(market, tx, submission, (region, required)).await?;
    }
    Ok(())
}

/// A region was added: it gets everything that is live. Nothing waits for it, since all of that is live without it.
pub(crate) async fn catch_up(market: &Market, tx: &mut Tx, region: &str) -> Result<()> {
    let mut live: Vec<String> =
        offers::list(tx, None).await?.into_iter().filter_map(|offer| offer.live).collect();
    // Newest first: that is what devices are being moved to. (Ids sort by the instant of their making.)
    live.sort_unstable_by(|one, other| other.cmp(one));
    for live in live {
        enqueue(market, tx, &live, (region.to_owned(), 0)).await?;
    }
    Ok(())
}

/// The submission goes live: regions that were added after its sign-off get it too, and every region gets what was imported.
pub(crate) async fn catch_up_with(market: &Market, tx: &mut Tx, submission: &str) -> Result<()> {
    let known = regions::states(tx, submission).await?;
    for region in regions::list(tx).await? {
        if !known.iter().any(|row| row.region == region.name) {
            enqueue(market, tx, submission, (region.name, 0)).await?;
        }
    }
    Ok(())
}

async fn enqueue(
    market: &Market,
    tx: &mut Tx,
    submission: &str,
    (region, required): (String, i64),
) -> Result<()> {
    let row = SubmissionRegionRow {
        region,
        required,
        state: "Waiting".to_owned(),
        message: None,
        changed_ms: market.now().0,
    };
    regions::put_state(tx, submission, &row).await?;
    let key = format!("{submission}/{}", row.region);
    // What goes live goes before what only catches up: people wait for it.
    match super::current_step(tx, submission).await? {
        Step::Replication => tasks::enqueue_first(market, tx, Kind::Replicate, &key, submission).await?,
        _ => tasks::enqueue(market, tx, Kind::Replicate, &key, submission).await?,
    };
    Ok(())
}

/// Fills one region.
pub(super) async fn run(market: &Market, claim: &Claim, row: SubmissionRow) -> Result<Outcome> {
    let step = Step::Replication;
    let name = region_of(claim);
    let work = load(market, row).await?;
    let Some(content) = content(market, &work, &name).await? else {
        return superseded(market, claim, &work.row, step, &name).await;
    };
    // The lane before the region and its row: whatever is changed from here on cancels this lane.
    let row = regions::get(&mut *market.store.read().await?, &name).await?;
    let lane = row.map(|row| market.lanes.of(&row));
    let Some(region) = market.region(&name).await? else {
        return leave_out(market, claim, &work.row, &name).await;
    };
    if let Some(outcome) = fill(market, claim, &work.row.id, (&*region, lane.as_deref()), &content).await? {
        return Ok(outcome);
    }
    market.faults.at("replication:ensured");
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    set_standing(market, &mut tx, &work.row.id, &name, "Holding", None).await?;
    let text = format!("the region {name} holds everything, verified by digest");
    super::say(market, &mut tx, &work.row.id, step, &Note::info(text)).await?;
    say_private(market, &mut tx, &work, &name).await?;
    if claim.attempt > 1 {
        // It is back: what else waits for it need not wait any longer.
        let now = store::tasks::now_ms(&mut tx).await?;
        store::tasks::wake_region(&mut tx, &name, now).await?;
    }
    go_on(market, &mut tx, &work.row, &name).await?;
    commit(market, tx, &work.row, step).await
}

/// Fills the region, if anything may go there now; how the attempt ended when it does not hold everything.
async fn fill(
    market: &Market,
    claim: &Claim,
    submission: &str,
    (region, lane): (&dyn Region, Option<&Lane>),
    content: &[Content],
) -> Result<Option<Outcome>> {
    let name = region_of(claim);
    let row = regions::get(&mut *market.store.read().await?, &name).await?;
    let size = Size::of(content);
    put_size(market, (submission, &name), &size, None).await?;
    if let Some(outcome) = hold(market, submission, row.as_ref()).await? {
        return Ok(Some(outcome));
    }
    let meter = Meter::start(market, submission, Step::Replication);
    let done = AtomicU64::new(0);
    let progress = |bytes: u64| {
        done.fetch_max(bytes, Ordering::Relaxed);
        meter.set((0, 99), bytes, size.bytes);
        if let Some(lane) = lane {
            lane.set_done(submission, Some(bytes));
        }
    };
    let stop = claim.stop.child_token();
    let watch = async {
        ending(market, row.as_ref(), lane).await;
        stop.cancel();
        std::future::pending::<Infallible>().await
    };
    let ensured = tokio::select! {
        ensured = region.ensure(content, &progress, &stop) => ensured,
        never = watch => match never {},
    };
    settle(market, submission, &name, lane).await?;
    if claim.is_stopped() {
        return Ok(Some(Outcome::Stopped));
    }
    let Err(error) = ensured else { return Ok(None) };
    let missing = size.bytes.saturating_sub(done.into_inner());
    put_size(market, (submission, &name), &size, Some(missing)).await?;
    if stop.is_cancelled() {
        // Paused, changed, or the window closed: the next attempt sees which.
        return Ok(Some(Outcome::Wait(Some(Duration::ZERO), error)));
    }
    put_standing(market, submission, &name, "Behind", Some(&error.message)).await?;
    Ok(Some(Outcome::Retry(error)))
}

/// Says which plans stay at home.
async fn say_private(market: &Market, tx: &mut Tx, work: &Work, name: &str) -> Result<()> {
    if name != market.config.settings.region {
        return Ok(());
    }
    for plan in work.offer.plans.iter().filter(|plan| !plan.private_audience.is_empty()) {
        let text = format!(
            "plan {} has a private audience: {name} alone holds it, and sends it to no region",
            plan.id
        );
        super::say(market, tx, &work.row.id, Step::Replication, &Note::info(text)).await?;
    }
    Ok(())
}

/// How much of a submission a region must hold.
struct Size {
    digests: u64,
    bytes: u64,
}

impl Size {
    fn of(content: &[Content]) -> Size {
        let all: Vec<&Descriptor> =
            content.iter().flat_map(|part| [&part.blobs, &part.manifests]).flatten().collect();
        Size { digests: all.len() as u64, bytes: all.iter().map(|item| item.size).sum() }
    }
}

async fn put_size(market: &Market, key: (&str, &str), size: &Size, missing: Option<u64>) -> Result<()> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut tx = market.store.write().await?;
    let numbers = (signed(size.digests), signed(size.bytes), missing.map(signed));
    regions::put_size(&mut tx, key, numbers).await?;
    tx.commit().await
}

/// The wait of a region that nothing may go to now, told in the submission's row.
pub(super) async fn hold(
    market: &Market,
    submission: &str,
    row: Option<&RegionRow>,
) -> Result<Option<Outcome>> {
    let Some(row) = row else { return Ok(None) };
    let Some((wait, why)) = market.held_back(row) else { return Ok(None) };
    put_standing(market, submission, &row.name, "Waiting", Some(&why.message)).await?;
    Ok(Some(Outcome::Wait(wait, why)))
}

/// How long a task that would wait for its region still has to: an operator may have opened it since the attempt looked.
/// In the transaction that queues the task again, so that no wake is lost between the two.
pub(crate) async fn still_held(
    market: &Market,
    tx: &mut Tx,
    claim: &Claim,
    wait: Option<Duration>,
) -> Result<Option<Duration>> {
    if wait == Some(Duration::ZERO) {
        return Ok(wait);
    }
    let row = regions::get(tx, &region_of(claim)).await?;
    let row = row.filter(|row| claim.kind() == Kind::Replicate || row.paused_ms.is_some());
    Ok(row.and_then(|row| market.held_back(&row)).map_or(Some(Duration::ZERO), |(wait, _)| wait))
}

/// Ends when nothing more may go to the region.
async fn ending(market: &Market, row: Option<&RegionRow>, lane: Option<&Lane>) {
    let closes = async {
        match row.and_then(|row| market.closes_in(row)) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    };
    match lane {
        Some(lane) => tokio::select! { () = closes => {}, () = lane.halt.cancelled() => {} },
        None => closes.await,
    }
}

/// Writes what was sent, whatever came of it.
async fn settle(market: &Market, submission: &str, name: &str, lane: Option<&Lane>) -> Result<()> {
    let Some(lane) = lane else { return Ok(()) };
    lane.set_done(submission, None);
    let mut tx = market.store.write().await?;
    regions::add_sent(&mut tx, name, i64::try_from(lane.take_sent()).unwrap_or(i64::MAX)).await?;
    tx.commit().await
}

/// The step is complete when the last required region holds everything. An optional region that comes later, when the
/// offer is live already, moves its own tags; when a newer submission went live while it was filled, nothing will.
async fn go_on(market: &Market, tx: &mut Tx, row: &SubmissionRow, name: &str) -> Result<()> {
    if super::current_step(tx, &row.id).await? != Step::Replication {
        if live::is_live(tx, row).await? {
            return live::enqueue_move(market, tx, &row.id, name).await;
        }
        let now = submissions::get(tx, &row.id).await?;
        if now.is_some_and(|row| state_of(&row).is_final()) {
            set_standing(market, tx, &row.id, name, "Behind", Some(SUPERSEDED)).await?;
        }
        return Ok(());
    }
    let waiting =
        |row: &SubmissionRegionRow| row.required == 1 && !matches!(row.state.as_str(), "Holding" | "Removed");
    if !regions::states(tx, &row.id).await?.iter().any(waiting) {
        complete_step(market, tx, &row.id, Step::Replication, Some(Kind::Live)).await?;
    }
    Ok(())
}

/// A region that the operator removed meanwhile is not waited for any more.
async fn leave_out(market: &Market, claim: &Claim, row: &SubmissionRow, name: &str) -> Result<Outcome> {
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    set_standing(market, &mut tx, &row.id, name, "Removed", None).await?;
    go_on(market, &mut tx, row, name).await?;
    commit(market, tx, row, Step::Replication).await
}

/// A newer submission of the offer went live, and its own tasks fill this region: this one must not undo them.
pub(super) async fn superseded(
    market: &Market,
    claim: &Claim,
    row: &SubmissionRow,
    step: Step,
    name: &str,
) -> Result<Outcome> {
    let mut tx = market.store.write().await?;
    if !claim.complete(&mut tx).await? {
        return Ok(Outcome::Stopped);
    }
    set_standing(market, &mut tx, &row.id, name, "Behind", Some(SUPERSEDED)).await?;
    commit(market, tx, row, step).await
}

/// Why a region never goes live with a submission.
const SUPERSEDED: &str = "a newer submission went live before this one did here";

/// The region of a claim's key, `{submission}/{region}`.
pub(super) fn region_of(claim: &Claim) -> String {
    claim.key.split_once('/').map_or("", |(_, region)| region).to_owned()
}

/// What a region must hold of a submission; `None` when a newer one is live. Until it is live it is read from the preview
/// repositories, where step 3 put exactly this.
pub(super) async fn content(market: &Market, work: &Work, region: &str) -> Result<Option<Vec<Content>>> {
    // In one transaction: step 6 empties the preview, which must not be read as an offer without images.
    let mut tx = market.store.write().await?;
    let row = submissions::get(&mut tx, &work.row.id).await?;
    let row = row.ok_or_else(|| Error::internal("the submission of a task is missing"))?;
    let is_live = live::is_live(&mut tx, &row).await?;
    // Whatever is in the preview repositories now is of the submission that superseded this one.
    if !is_live && state_of(&row).is_final() {
        return Ok(None);
    }
    let at_home = region == market.config.settings.region;
    let tags = submissions::tags(&mut tx, &row.id).await?;
    let mut found = Vec::new();
    for plan in work.offer.plans.iter().filter(|plan| at_home || plan.private_audience.is_empty()) {
        let repository = live::public_repository(&row, plan);
        let from = if is_live { repository.clone() } else { format!("preview/{repository}") };
        let roots = registry::manifests(&mut tx, &from).await?;
        let of_plan = tags.iter().filter(|tag| tag.plan == plan.id.as_str());
        let tags = of_plan.map(|tag| Ok((tag.tag.clone(), tag.digest.parse().map_err(Error::internal)?)));
        found.push((repository, roots, tags.collect::<Result<_>>()?));
    }
    drop(tx);
    let mut parts = Vec::new();
    for (repository, roots, tags) in found {
        let roots = roots.iter().map(descriptor).collect::<Result<Vec<_>>>()?;
        let tree = stage::walk(&market.blobs, &roots).await?;
        parts.push(Content { repository, blobs: tree.blobs, manifests: tree.manifests, tags });
    }
    Ok(Some(parts))
}

fn descriptor(row: &registry::ManifestRow) -> Result<Descriptor> {
    let size = u64::try_from(row.size).map_err(Error::internal)?;
    Ok(Descriptor::new(&row.media_type, row.digest.parse().map_err(Error::internal)?, size))
}

async fn put_standing(
    market: &Market,
    submission: &str,
    region: &str,
    state: &str,
    message: Option<&str>,
) -> Result<()> {
    let mut tx = market.store.write().await?;
    set_standing(market, &mut tx, submission, region, state, message).await?;
    tx.commit().await
}

/// Writes where the submission stands in a region that it has a row for.
pub(super) async fn set_standing(
    market: &Market,
    tx: &mut Tx,
    submission: &str,
    region: &str,
    state: &str,
    message: Option<&str>,
) -> Result<()> {
    let rows = regions::states(tx, submission).await?;
    let Some(row) = rows.into_iter().find(|row| row.region == region) else { return Ok(()) };
    let (state, message) = (state.to_owned(), message.map(str::to_owned));
    let row = SubmissionRegionRow { state, message, changed_ms: market.now().0, ..row };
    regions::put_state(tx, submission, &row).await
}
