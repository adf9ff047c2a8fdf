//! What a certifier decides: waivers, and the submissions that wait for one, with their rejection.

use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::submissions::Submission;
use crate::waivers::{NewWaiver, Review, WaiverView};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a submission is rejected.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the name says it")]
pub struct Rejection {
    pub reason: String,
}

type Answer<T> = Result<T, Problem>;

pub(super) async fn waivers(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<WaiverView>>> {
    Ok(Json(market.waivers(&actor).await?))
}

pub(super) async fn add_waiver(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewWaiver>,
) -> Answer<(StatusCode, Json<WaiverView>)> {
    Ok((StatusCode::CREATED, Json(market.add_waiver(&actor, new).await?)))
}

pub(super) async fn remove_waiver(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    market.remove_waiver(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parameter: `of`, a publisher or `publisher.offer`; without it all that wait.
pub(super) async fn reviews(
    State(market): State<Market>,
    Who(actor): Who,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Answer<Json<Vec<Review>>> {
    Ok(Json(market.reviews(&actor, parameters.get("of").map(String::as_str)).await?))
}

pub(super) async fn reject(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
    Json(rejection): Json<Rejection>,
) -> Answer<Json<Submission>> {
    Ok(Json(market.reject(&actor, &id, &rejection.reason).await?))
}
