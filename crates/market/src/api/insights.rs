//! Insights, and what an instance tells its home marketplace of its downloads.

use crate::downloads::CountedDownloads;
use crate::error::Error;
use crate::http::{Who, offer_of_path};
use crate::insights::{Downloads, Insights};
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use std::collections::BTreeMap;

type Answer<T> = Result<T, Problem>;
type Parameters = Query<BTreeMap<String, String>>;

/// Parameters: `from` and `to`, days as in `2026-11-28`; without them the last 30.
pub(super) async fn of_offer(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Answer<Json<Insights>> {
    let (publisher, offer) = offer_of_path(&names)?;
    let given = |name| parameters.get(name).map(String::as_str);
    let days = market.days(given("from"), given("to"))?;
    Ok(Json(market.insights(&actor, (&publisher, &offer), days).await?))
}

/// Downloads of all offers, with the same parameters.
pub(super) async fn of_all(
    State(market): State<Market>,
    Who(actor): Who,
    Query(parameters): Parameters,
) -> Answer<Json<Vec<Downloads>>> {
    let given = |name| parameters.get(name).map(String::as_str);
    let days = market.days(given("from"), given("to"))?;
    Ok(Json(market.all_downloads(&actor, days).await?))
}

/// Parameters: `since`, a day since 1970-01-01, and `offset`, how many of its rows are known already.
pub(super) async fn counted(
    State(market): State<Market>,
    Who(actor): Who,
    Query(parameters): Parameters,
) -> Answer<Json<Vec<CountedDownloads>>> {
    let number = |name: &str| match parameters.get(name) {
        None => Ok(0),
        Some(text) => text.parse::<u32>().map_err(|_| {
            Error::invalid(format!("{name} is no number: {text:.40}"), "give a number from 0 on")
        }),
    };
    let (since, offset) = (number("since")?, number("offset")?);
    Ok(Json(market.counted_downloads(&actor, i64::from(since), offset as usize).await?))
}
