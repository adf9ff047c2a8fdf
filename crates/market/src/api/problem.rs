//! RFC 9457 problem details: how the API says no.

use crate::error::Error;
use crate::http::status_of;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use offer::finding::Finding;
use serde::Serialize;

/// A refusal as `application/problem+json`.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// What kind of problem, as a relative URI.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The same for people.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The fact.
    pub detail: String,
    /// The way out.
    pub hint: String,
    /// What the rules found, when an offer was refused by rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let (status, kind, title) = status_of(error.kind);
        if status.is_server_error() {
            tracing::error!(error = %error, "a request failed");
        }
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: error.message,
            hint: error.hint,
            findings: error.findings,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"edgemarket\""));
        }
        response
    }
}
