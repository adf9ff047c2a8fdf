//! Recertification campaigns, for certifiers. Publishers see what campaigns say of their offers in their submissions.

use super::forms;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::recertification::{Campaign, NewCampaign};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::collections::BTreeMap;

type Answer<T> = Result<T, Problem>;

pub(super) async fn campaigns(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<Campaign>>> {
    Ok(Json(market.recertifications(&actor).await?))
}

pub(super) async fn start(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewCampaign>,
) -> Answer<(StatusCode, Json<Campaign>)> {
    Ok((StatusCode::CREATED, Json(market.start_recertification(&actor, new).await?)))
}

pub(super) async fn campaign(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<Json<Campaign>> {
    Ok(Json(market.recertification(&actor, &id).await?))
}

pub(super) async fn cancel(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<Json<Campaign>> {
    Ok(Json(market.cancel_recertification(&actor, &id).await?))
}

/// The report as it is stored; `?format=` chooses another form.
pub(super) async fn report(
    State(market): State<Market>,
    Who(actor): Who,
    Path((id, digest)): Path<(String, String)>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Answer<Response> {
    let format = forms::of_report(&parameters, &HeaderMap::new())?;
    let bytes = market.recertification_report(&actor, &id, &digest).await?;
    Ok(forms::report(bytes, format, &parameters)?)
}
