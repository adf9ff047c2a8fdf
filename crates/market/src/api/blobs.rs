//! The blob store's upkeep.

use crate::collection::Collection;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::scrub::Scrub;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// A scrub to begin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewScrub {
    /// Whether rotten blobs are set aside.
    #[serde(default)]
    pub quarantine: bool,
}

pub(super) async fn start_scrub(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewScrub>,
) -> Result<(StatusCode, Json<Scrub>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(market.start_scrub(&actor, new.quarantine).await?)))
}

pub(super) async fn scrub(State(market): State<Market>, Who(actor): Who) -> Result<Json<Scrub>, Problem> {
    Ok(Json(market.last_scrub(&actor).await?))
}

/// A garbage collection to begin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewCollection {
    /// Whether only to tell what would go.
    #[serde(default)]
    pub dry_run: bool,
}

pub(super) async fn start_collection(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewCollection>,
) -> Result<(StatusCode, Json<Collection>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(market.start_collection(&actor, new.dry_run).await?)))
}

pub(super) async fn collection(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Collection>, Problem> {
    Ok(Json(market.last_collection(&actor).await?))
}
