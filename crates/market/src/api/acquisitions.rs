//! Acquiring plans, what a subscription has, and its kept deployments.

use super::catalogue::{form_of, plan_id};
use crate::acquisitions::{Acquire, Acquisition, MyModules, TermsVersion};
use crate::deployments::{DeploymentWanted, Generated, KeptDeployment, ModuleWanted};
use crate::error::Error;
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use offer::document::NameValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

type Names = Path<(String, String, String)>;

#[derive(Deserialize)]
pub(super) struct OfSubscription {
    subscription: Uuid,
}

/// The terms of a plan in the version that is to be accepted.
pub(super) async fn terms(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
) -> Result<Json<TermsVersion>, Problem> {
    let (publisher, offer) = offer_of_path(&(publisher, offer))?;
    Ok(Json(market.to_acquire(&actor, (&publisher, &offer), &plan_id(&plan)?).await?.terms))
}

/// Body: [`Acquire`].
pub(super) async fn acquire(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, offer, plan)): Names,
    Json(wanted): Json<Acquire>,
) -> Result<Json<Acquisition>, Problem> {
    let (publisher, offer) = offer_of_path(&(publisher, offer))?;
    Ok(Json(market.acquire(&actor, (&publisher, &offer), &plan_id(&plan)?, &wanted).await?))
}

/// Parameter: `subscription`.
pub(super) async fn modules(
    State(market): State<Market>,
    Who(actor): Who,
    Query(of): Query<OfSubscription>,
) -> Result<Json<MyModules>, Problem> {
    Ok(Json(market.my_modules(&actor, of.subscription).await?))
}

pub(super) async fn remove(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Json<Acquisition>, Problem> {
    Ok(Json(market.remove_acquisition(&actor, &id).await?))
}

pub(super) async fn restore(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Json<Acquisition>, Problem> {
    Ok(Json(market.restore_acquisition(&actor, &id).await?))
}

/// A deployment that is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeploymentBody {
    /// Keeps it, for this subscription; without one it is only generated.
    subscription: Option<Uuid>,
    form: String,
    #[serde(default)]
    follow: bool,
    #[serde(default)]
    preview: bool,
    modules: Vec<ModuleBody>,
    #[serde(default)]
    routes: Vec<RouteBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModuleBody {
    publisher: String,
    offer: String,
    plan: String,
    name: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteBody {
    name: String,
    value: String,
}

impl DeploymentBody {
    fn wanted(self) -> Result<(Option<Uuid>, DeploymentWanted), Error> {
        let module = |body: ModuleBody| {
            let (publisher, offer) = offer_of_path(&(body.publisher, body.offer))?;
            Ok(ModuleWanted {
                publisher,
                offer,
                plan: plan_id(&body.plan)?,
                name: body.name,
                values: body.values,
            })
        };
        let wanted = DeploymentWanted {
            form: form_of(&self.form)?,
            follow: self.follow,
            preview: self.preview,
            modules: self.modules.into_iter().map(module).collect::<Result<_, Error>>()?,
            routes: self
                .routes
                .into_iter()
                .map(|route| NameValue { name: route.name, value: route.value })
                .collect(),
        };
        Ok((self.subscription, wanted))
    }
}

/// The answer: kept (201) or only generated (200).
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Kept(Box<KeptDeployment>),
    Generated(Generated),
}

pub(super) async fn deploy(
    State(market): State<Market>,
    Who(actor): Who,
    Json(body): Json<DeploymentBody>,
) -> Result<Response, Problem> {
    let (subscription, wanted) = body.wanted()?;
    Ok(match subscription {
        Some(subscription) => {
            let kept = market.keep_deployment(&actor, subscription, &wanted).await?;
            let place = [(header::LOCATION, format!("/api/v1/deployments/{}", kept.id))];
            (StatusCode::CREATED, place, Json(Answer::Kept(Box::new(kept)))).into_response()
        }
        None => Json(Answer::Generated(market.deployment(&actor, &wanted).await?)).into_response(),
    })
}

pub(super) async fn deployment(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Json<KeptDeployment>, Problem> {
    Ok(Json(market.kept_deployment(&actor, &id).await?))
}

pub(super) async fn delete_deployment(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    market.delete_deployment(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The Compose file of a Margo application, for whoever has the link: devices fetch it.
pub(super) async fn package(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(super::forms::sent("application/gzip", market.deployment_package(&actor, &id).await?))
}
