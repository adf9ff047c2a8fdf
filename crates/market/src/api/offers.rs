//! Drafts and publications of a publisher's offers. A draft comes as the tar of its directory.

use crate::bundles::{archive, untar};
use crate::error::{Error, Kind};
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::offers::{Draft, IfMatch, OfferSummary};
use crate::problem::Problem;
use crate::submissions::{Action, PAGE_MAX, Publish, Submission, SubmissionSummary};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use offer::finding::{Finding, Severity};

use serde::Serialize;
use std::collections::BTreeMap;

type Answer<T> = Result<T, Problem>;

/// What the rules say about an offer that was not stored.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Validation {
    pub valid: bool,
    pub findings: Vec<Finding>,
}

pub(super) async fn validate(
    State(market): State<Market>,
    Who(actor): Who,
    body: Bytes,
) -> Answer<Json<Validation>> {
    let findings = market.validate(&actor, untar(&body)?).await?;
    let valid = findings.iter().all(|finding| finding.severity != Severity::Error);
    Ok(Json(Validation { valid, findings }))
}

pub(super) async fn offers(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<OfferSummary>>> {
    Ok(Json(market.offers(&actor).await?))
}

/// The draft's directory as a tar, with its ETag.
pub(super) async fn draft(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
) -> Answer<Response> {
    let (publisher, offer) = offer_of_path(&names)?;
    let draft = market.draft(&actor, (&publisher, &offer)).await?;
    let tag = [(header::ETAG, format!("\"{}\"", draft.etag))];
    Ok((tag, [(header::CONTENT_TYPE, "application/x-tar")], archive(&draft.files)?).into_response())
}

pub(super) async fn put_draft(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (publisher, offer) = offer_of_path(&names)?;
    let draft = market.put_draft(&actor, (&publisher, &offer), untar(&body)?, if_match(&headers)?).await?;
    Ok(with_etag(&draft).into_response())
}

pub(super) async fn delete_draft(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let (publisher, offer) = offer_of_path(&names)?;
    market.delete_draft(&actor, (&publisher, &offer), if_match(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn publish(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    headers: HeaderMap,
    Json(request): Json<Publish>,
) -> Answer<Response> {
    let (publisher, offer) = offer_of_path(&names)?;
    let submission = market.publish(&actor, (&publisher, &offer), &request, if_match(&headers)?).await?;
    let location = format!("/api/v1/submissions/{}", submission.summary.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(submission)).into_response())
}

pub(super) async fn submissions(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
) -> Answer<Json<Vec<SubmissionSummary>>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.submissions(&actor, (&publisher, &offer)).await?))
}

pub(super) async fn go_live(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
) -> Answer<Json<Submission>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.go_live(&actor, (&publisher, &offer)).await?))
}

pub(super) async fn cancel(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
) -> Answer<Json<Submission>> {
    let (publisher, offer) = offer_of_path(&names)?;
    Ok(Json(market.cancel(&actor, (&publisher, &offer)).await?))
}

/// All of it, oldest first. With `limit` or `before` (the id that the last page ended with) a page, newest first.
pub(super) async fn history(
    State(market): State<Market>,
    Who(actor): Who,
    Path(names): Path<(String, String)>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Answer<Json<Vec<Action>>> {
    let (publisher, offer) = offer_of_path(&names)?;
    let (before, limit) = (parameters.get("before"), parameters.get("limit"));
    if before.is_none() && limit.is_none() {
        return Ok(Json(market.history(&actor, (&publisher, &offer)).await?));
    }
    let limit = limit.map_or(Ok(PAGE_MAX), |limit| limit.parse()).map_err(|_| {
        Error::invalid("the limit is no number", format!("give a number from 1 to {PAGE_MAX}"))
    })?;
    let page = market.history_before(&actor, (&publisher, &offer), before.map(String::as_str), limit);
    Ok(Json(page.await?))
}

fn with_etag(draft: &Draft) -> impl IntoResponse + use<> {
    let body = serde_json::to_value(draft).unwrap_or_default();
    ([(header::ETAG, format!("\"{}\"", draft.etag))], Json(body))
}

/// `If-Match` in the forms `"7"`, `7` and `*` (RFC 9110 § 13.1.1); without it nothing is compared.
fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(IfMatch::Any) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(IfMatch::Any);
    }
    text.trim_matches('"').parse().map(IfMatch::Etag).map_err(|_| {
        Error::new(
            Kind::Stale,
            format!("If-Match is {text:.60}, which is no ETag of a draft"),
            "send the ETag that the draft was answered with",
        )
    })
}
