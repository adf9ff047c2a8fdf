//! What is live, for everyone: offers, deployments, reports, SBOMs. With `preview=true`, what waits for sign-off, for
//! those who may see it.

use super::forms;
use crate::catalogue::{ListedOffer, OfferPage};
use crate::deployments::{DeploymentWanted, ModuleWanted};
use crate::error::Error;
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use offer::deployment::Form;
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
    let (publisher, offer) = offer_of_path(&names)?;
    let page = match is_set(&parameters, "preview") {
        true => market.preview_page(&actor, (&publisher, &offer)).await?,
        false => market.offer_page(&actor, (&publisher, &offer)).await?,
    };
    Ok(Json(page))
}

/// Parameters: `form` (`azure`, `azure-layered`, `compose`, `kubernetes`, `greengrass`, `margo`), `follow=true`,
/// `preview=true`, `name`, and `set.NAME=VALUE` for each placeholder. Without a form, the answer is the manifest for Azure
/// itself, layered with `layered=true`; with one, its files and warnings.
pub(super) async fn deployment(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
) -> Result<Json<Value>, Problem> {
    let (publisher, offer) = offer_of_path(&(publisher, offer))?;
    let plan = plan_id(&plan)?;
    let values: BTreeMap<String, String> = parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("set.")?.to_owned(), value.clone())))
        .collect();
    let form = match parameters.get("form") {
        Some(id) => form_of(id)?,
        None if is_set(&parameters, "layered") => Form::AzureLayered,
        None => Form::Azure,
    };
    let name = parameters.get("name").cloned();
    let wanted = DeploymentWanted {
        form,
        follow: is_set(&parameters, "follow"),
        preview: is_set(&parameters, "preview"),
        modules: vec![ModuleWanted { publisher, offer, plan, name, values }],
        routes: Vec::new(),
    };
    let made = market.deployment(&actor, &wanted).await?;
    let answer = match (parameters.contains_key("form"), made.files.as_slice()) {
        (false, [manifest]) => serde_json::from_str(&manifest.content),
        _ => serde_json::to_value(&made),
    };
    Ok(Json(answer.map_err(Error::internal)?))
}

/// The form of a deployment with this name.
pub(super) fn form_of(id: &str) -> Result<Form, Error> {
    Form::of_id(id).ok_or_else(|| {
        let known: Vec<&str> = Form::ALL.iter().map(|form| form.id()).collect();
        Error::invalid(
            format!("there is no form of deployment {id:.40?}"),
            format!("choose one of {}", known.join(", ")),
        )
    })
}

/// Parameters: `format` (`json`, `html`, `sarif`, `junit`; else by the `Accept` header), `lang` for the page.
pub(super) async fn report(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (publisher, offer) = offer_of_path(&(publisher, offer))?;
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
    let (publisher, offer) = offer_of_path(&(publisher, offer))?;
    let platform = parameters.get("platform").ok_or_else(|| {
        Error::invalid("no platform is named", "add ?platform=linux/amd64, or another platform of the plan")
    })?;
    let plan = plan_id(&plan)?;
    let format = forms::of_sbom(&parameters, &headers)?;
    let wanted = Some((platform.as_str(), format));
    let bytes = market.live_document(&actor, (&publisher, &offer), &plan, wanted).await?;
    Ok(forms::sent(format.media_type(), bytes))
}

pub(super) fn plan_id(text: &str) -> Result<PlanId, Error> {
    text.parse().map_err(|_| Error::not_found(format!("the plan {text:.60}")))
}

fn is_set(parameters: &BTreeMap<String, String>, name: &str) -> bool {
    parameters.get(name).is_some_and(|value| matches!(value.as_str(), "true" | "1" | ""))
}
