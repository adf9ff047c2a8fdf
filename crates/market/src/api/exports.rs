//! Exports and imports: what is carried to where no network leads, and what came from there.

use crate::exports::{ExportView, NewExport};
use crate::http::Who;
use crate::imports::ImportView;
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

pub(super) async fn export(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewExport>,
) -> Result<(StatusCode, Json<ExportView>), Problem> {
    Ok((StatusCode::CREATED, Json(market.export(&actor, new).await?)))
}

pub(super) async fn exports(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Vec<ExportView>>, Problem> {
    Ok(Json(market.exports(&actor).await?))
}

/// The archive, put together while it is sent.
pub(super) async fn archive(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let (archive, length) = market.export_archive(&actor, &id).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        // Whoever gets less knows that it broke off.
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(archive)))
}

/// The body is the statement's bundle. Answers what has to be sent.
pub(super) async fn begin(
    State(market): State<Market>,
    Who(actor): Who,
    bundle: Bytes,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(market.begin_import(&actor, bundle).await?))
}

/// The body is one piece of content, of any size; it is never in memory whole.
pub(super) async fn content(
    State(market): State<Market>,
    Who(actor): Who,
    Path((id, digest)): Path<(String, String)>,
    body: Body,
) -> Result<StatusCode, Problem> {
    market.receive_content(&actor, &id, &digest, body.into_data_stream()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn finish(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(market.finish_import(&actor, &id).await?))
}

pub(super) async fn abort(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    market.abort_import(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn imports(
    State(market): State<Market>,
    Who(actor): Who,
) -> Result<Json<Vec<ImportView>>, Problem> {
    Ok(Json(market.imports(&actor).await?))
}
