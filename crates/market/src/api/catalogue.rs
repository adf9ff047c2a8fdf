//! What is live, for everyone: offers, deployments, reports, SBOMs. With `preview=true`, what waits for sign-off, for
//! those who may see it.

use super::forms;
use super::offers::parse;
use crate::catalogue::{ListedOffer, OfferPage};
use crate::deployments::Wanted;
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
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

/// Parameters: `format` (`json`, `html`, `sarif`, `junit`; else by the `Accept` header), `lang` for the page.
pub(super) async fn report(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (publisher, offer) = parse(&(publisher, offer))?;
    let plan = plan_id(&plan)?;
    let format = forms::of_report(&parameters, &headers)?;
    let bytes = market.live_document(&actor, (&publisher, &offer), &plan, None).await?;
    Ok(forms::report(bytes, format, &parameters)?)
}

/// Parameters: `platform`, for example `linux/amd64`; `format` (`cyclonedx`, `spdx`; else by the `Accept` header).
pub(super) async fn sbom(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (publisher, offer) = parse(&(publisher, offer))?;
    let platform = parameters.get("platform").ok_or_else(|| {
        Error::invalid("no platform is named", "add ?platform=linux/amd64, or another platform of the plan")
    })?;
    let plan = plan_id(&plan)?;
    let format = forms::of_sbom(&parameters, &headers)?;
    let wanted = Some((platform.as_str(), format));
    let bytes = market.live_document(&actor, (&publisher, &offer), &plan, wanted).await?;
    Ok(forms::sent(format.media_type(), bytes))
}

fn plan_id(text: &str) -> Result<PlanId, Error> {
    text.parse().map_err(|_| Error::not_found(format!("the plan {text:.60}")))
}

fn is_set(parameters: &BTreeMap<String, String>, name: &str) -> bool {
    parameters.get(name).is_some_and(|value| matches!(value.as_str(), "true" | "1" | ""))
}
