//! One submission: its state, its state as it changes, its documents.

use super::forms;
use crate::access::Actor;
use crate::http::Who;
use crate::market::{Event as Change, Market};
use crate::problem::Problem;
use crate::submissions::Submission;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A comment is sent after this much silence, so that proxies keep the stream open and a dead client is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Changes that follow each other faster are sent as one: the newest state is what counts.
const QUIET: Duration = Duration::from_millis(50);

pub(super) async fn submission(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Json<Submission>, Problem> {
    Ok(Json(market.submission(&actor, &id).await?))
}

/// Server-sent events: the state now, then after every change; ends after a final state. Each event's id names the state
/// that it carries, so that whoever comes back with `Last-Event-ID` hears of what it missed, and of nothing else; when
/// nothing can change any more it is told not to come again (204, as the HTML standard has it).
pub(super) async fn events(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Subscribed before the first look, so that no change falls between the two.
    let changes = market.events();
    let now = market.submission(&actor, &id).await?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    if now.summary.state.is_final() && seen.as_deref() == state_id(&now).as_deref() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower { market, actor, id, changes, seen, first: true };
    let stream = futures_util::stream::unfold(Some(follower), next);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Names a state of a submission: equal states have equal ids, whichever process tells of them.
fn state_id(submission: &Submission) -> Option<String> {
    let text = serde_json::to_vec(submission).ok()?;
    Some(hex::encode(&Sha256::digest(text)[..16]))
}

/// The document as it is stored; of a report, `?format=` chooses another form.
pub(super) async fn document(
    State(market): State<Market>,
    Who(actor): Who,
    Path((id, digest)): Path<(String, String)>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    // The header does not count here: a bill of materials has the same kind of address.
    let format = forms::of_report(&parameters, &HeaderMap::new())?;
    let bytes = market.submission_document(&actor, &id, &digest).await?;
    Ok(forms::report(bytes, format, &parameters)?)
}

struct Follower {
    market: Market,
    actor: Actor,
    id: String,
    changes: Receiver<Change>,
    /// Id of the last state that the client has.
    seen: Option<String>,
    first: bool,
}

async fn next(follower: Option<Follower>) -> Option<(Result<Event, Infallible>, Option<Follower>)> {
    let mut follower = follower?;
    loop {
        if !std::mem::take(&mut follower.first) {
            follower.changed().await?;
        }
        let submission = follower.market.submission(&follower.actor, &follower.id).await.ok()?;
        let id = state_id(&submission);
        if follower.seen == id {
            continue;
        }
        let data = serde_json::to_string(&submission).ok()?;
        let event = Event::default().event("submission").id(id.clone().unwrap_or_default()).data(data);
        follower.seen = id;
        let more = (!submission.summary.state.is_final()).then_some(follower);
        return Some((Ok(event), more));
    }
}

impl Follower {
    /// Waits until this submission changed (or events were missed, which may have been its own).
    async fn changed(&mut self) -> Option<()> {
        loop {
            match self.changes.recv().await {
                Ok(change) if change.submission == self.id => break,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return None,
            }
        }
        tokio::time::sleep(QUIET).await;
        Some(())
    }
}
