//! Publishers, subscriptions, tokens and regions.

use crate::access::TokenRole;
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::publishers::Publisher;
use crate::regions::{NewRegion, RegionChange, RegionDetail, RegionView};
use crate::subscriptions::Subscription;
use crate::tokens::{NewToken, TOKEN_AGE_DEFAULT, Token};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

type Answer<T> = Result<T, Problem>;

/// A publisher to admit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewPublisher {
    pub id: String,
    pub name: String,
}

/// A subscription to add; without an ID one is made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewSubscription {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub owner: String,
}

/// A token to make.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct TokenRequest {
    #[serde(flatten)]
    pub role: TokenRole,
    pub label: String,
    /// Days until it expires; 90 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_days: Option<u32>,
}

pub(super) async fn publishers(
    State(market): State<Market>,
    Who(actor): Who,
) -> Answer<Json<Vec<Publisher>>> {
    Ok(Json(market.publishers(&actor).await?))
}

pub(super) async fn add_publisher(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewPublisher>,
) -> Answer<(StatusCode, Json<Publisher>)> {
    let id = new.id.parse().map_err(|cause| {
        Error::invalid(
            format!("the publisher ID {:?} {cause}", new.id.chars().take(100).collect::<String>()),
            "use 1 to 50 lower-case letters, digits and dashes, for example contoso",
        )
    })?;
    Ok((StatusCode::CREATED, Json(market.add_publisher(&actor, &id, &new.name).await?)))
}

pub(super) async fn subscriptions(
    State(market): State<Market>,
    Who(actor): Who,
) -> Answer<Json<Vec<Subscription>>> {
    Ok(Json(market.subscriptions(&actor).await?))
}

pub(super) async fn add_subscription(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewSubscription>,
) -> Answer<(StatusCode, Json<Subscription>)> {
    Ok((StatusCode::CREATED, Json(market.add_subscription(&actor, new.id, &new.owner).await?)))
}

pub(super) async fn tokens(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<Token>>> {
    Ok(Json(market.tokens(&actor).await?))
}

pub(super) async fn create_token(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<TokenRequest>,
) -> Answer<(StatusCode, Json<NewToken>)> {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3_600);
    let age = new.expires_days.map_or(TOKEN_AGE_DEFAULT, days);
    Ok((StatusCode::CREATED, Json(market.create_token(&actor, new.role, &new.label, age).await?)))
}

pub(super) async fn revoke_token(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    market.revoke_token(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn regions(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<RegionView>>> {
    Ok(Json(market.regions(&actor).await?))
}

pub(super) async fn add_region(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewRegion>,
) -> Answer<(StatusCode, Json<RegionView>)> {
    Ok((StatusCode::CREATED, Json(market.add_region(&actor, new).await?)))
}

pub(super) async fn remove_region(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    market.remove_region(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn region(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
) -> Answer<Json<RegionDetail>> {
    Ok(Json(market.region_detail(&actor, &name).await?))
}

pub(super) async fn change_region(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
    Json(change): Json<RegionChange>,
) -> Answer<Json<RegionDetail>> {
    Ok(Json(market.change_region(&actor, &name, change).await?))
}

/// How many tasks are tried at once.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the name says it")]
pub struct Retried {
    pub tasks: u64,
}

pub(super) async fn retry_region(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
) -> Answer<Json<Retried>> {
    Ok(Json(Retried { tasks: market.retry_region(&actor, &name).await? }))
}
