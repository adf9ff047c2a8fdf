//! What of an offer is sold, and two versions of it beside each other.

use crate::comparison::{Comparison, Version};
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::problem::Problem;
use crate::selling::{Part, Selling};
use axum::Json;
use axum::extract::{Path, Query, State};
use std::collections::BTreeMap;

type Answer<T> = Result<T, Problem>;
type Names = Path<(String, String)>;

pub(super) async fn selling(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Names,
) -> Answer<Json<Selling>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.selling(&actor, (&publisher, &offer)).await?))
}

pub(super) async fn stop(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Names,
    Json(part): Json<Part>,
) -> Answer<Json<Selling>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.stop_selling(&actor, (&publisher, &offer), &part).await?))
}

pub(super) async fn restore(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Names,
    Json(part): Json<Part>,
) -> Answer<Json<Selling>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.restore(&actor, (&publisher, &offer), &part).await?))
}

/// Parameters: `from` and `to`, each `live`, `draft` or the id of a submission; without them live and draft.
pub(super) async fn compare(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Names,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Answer<Json<Comparison>> {
    let (publisher, offer) = offer_of_path(&names)?;
    let version = |name, usual| Version::of(parameters.get(name).map_or(usual, String::as_str));
    let (from, to) = (version("from", "live"), version("to", "draft"));
    Ok(Json(market.compare(&actor, (&publisher, &offer), (&from, &to)).await?))
}
