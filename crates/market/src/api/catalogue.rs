//! What is live, for everyone: offers, deployments, reports, SBOMs. With `preview=true`, what waits for sign-off, for
//! those who may see it.

use super::offers::parse;
use crate::catalogue::{ListedOffer, OfferPage};
use crate::deployments::Wanted;
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use offer::identity::PlanId;
use serde_json::Value;
use std::collections::BTreeMap;

type Parameters = Query<BTreeMap<String, String>>;
type Names = Path<(String, String, String)>;

pub(super) async fn live_offers(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Vec<ListedOffer>>, Problem> {
    Ok(Json(market.live_offers(&actor).await?))
}

pub(super) async fn offer_page(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Result<Json<OfferPage>, Problem> {
    let (publisher, offer) = parse(&names)?;
    let page = match is_set(&parameters, "preview") {
        true => market.preview_page(&actor, (&publisher, &offer)).await?,
        false => market.offer_page(&actor, (&publisher, &offer)).await?,
    };
    Ok(Json(page))
}

/// Parameters: `layered=true`, `preview=true`, and `set.NAME=VALUE` for each placeholder.
pub(super) async fn deployment(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
) -> Result<Json<Value>, Problem> {
    let (publisher, offer) = parse(&(publisher, offer))?;
    let plan = plan_id(&plan)?;
    let values: BTreeMap<String, String> = parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("set.")?.to_owned(), value.clone())))
        .collect();
    let (layered, preview) = (is_set(&parameters, "layered"), is_set(&parameters, "preview"));
    Ok(Json(
        market.deployment(&actor, (&publisher, &offer), &plan, &values, Wanted { layered, preview }).await?,
    ))
}

pub(super) async fn report(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
) -> Result<Response, Problem> {
    let (publisher, offer) = parse(&(publisher, offer))?;
    let bytes = market.live_document(&actor, (&publisher, &offer), &plan_id(&plan)?, None).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// Parameter: `platform`, for example `linux/amd64`.
pub(super) async fn sbom(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
) -> Result<Response, Problem> {
    let (publisher, offer) = parse(&(publisher, offer))?;
    let platform = parameters.get("platform").ok_or_else(|| {
        Error::invalid("no platform is named", "add ?platform=linux/amd64, or another platform of the plan")
    })?;
    let plan = plan_id(&plan)?;
    let bytes = market.live_document(&actor, (&publisher, &offer), &plan, Some(platform)).await?;
    Ok(([(header::CONTENT_TYPE, "application/vnd.cyclonedx+json")], bytes).into_response())
}

fn plan_id(text: &str) -> Result<PlanId, Error> {
    text.parse().map_err(|_| Error::not_found(format!("the plan {text:.60}")))
}

fn is_set(parameters: &BTreeMap<String, String>, name: &str) -> bool {
    parameters.get(name).is_some_and(|value| matches!(value.as_str(), "true" | "1" | ""))
}
