//! The public keys, as JSON and as one file for `curl`; their rotation; and the keys of others that are trusted.

use crate::http::Who;
use crate::imports::{NewTrustedKey, TrustedKey};
use crate::market::Market;
use crate::problem::Problem;
use crate::trust::PublicKeyView;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

pub(super) async fn keys(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Vec<PublicKeyView>>, Problem> {
    Ok(Json(market.public_keys(&actor).await?))
}

pub(super) async fn rotate(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<(StatusCode, Json<PublicKeyView>), Problem> {
    Ok((StatusCode::CREATED, Json(market.rotate_key(&actor).await?)))
}

pub(super) async fn trusted(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Vec<TrustedKey>>, Problem> {
    Ok(Json(market.trusted_keys(&actor).await?))
}

pub(super) async fn trust(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewTrustedKey>,
) -> Result<(StatusCode, Json<Vec<TrustedKey>>), Problem> {
    Ok((StatusCode::CREATED, Json(market.trust_keys(&actor, &new).await?)))
}

pub(super) async fn distrust(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    market.distrust_key(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All public keys in PEM, the one that signs first: what `edgemarket verify --key` takes.
pub(super) async fn pem(State(market): State<Market>, Who(actor): Who) -> Result<impl IntoResponse, Problem> {
    let keys = market.public_keys(&actor).await?;
    let text: String = keys.into_iter().map(|key| key.pem).collect();
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], text))
}
