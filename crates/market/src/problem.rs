//! RFC 9457 problem details: how the HTTP faces say no to a program.

use crate::access::Actor;
use crate::breakdown::{self, Asked, Cause};
use crate::error::Error;
use crate::http::status_of;
use crate::market::Market;
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use offer::finding::Finding;
use serde::Serialize;

const PROBLEM_TYPE: &str = "application/problem+json";

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
    /// Under which the log says what happened, when the program failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let (status, kind, title) = status_of(error.kind);
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: error.message,
            hint: error.hint,
            findings: error.findings,
            reference: None,
        }
    }
}

impl Problem {
    /// What is said of a failure of the program: where its reason stands.
    pub(crate) fn of_failure(status: StatusCode, reference: String) -> Problem {
        Problem {
            kind: "/problems/internal",
            title: "Internal failure",
            status: status.as_u16(),
            detail: format!("the server failed at this request; its log says why, under {reference}"),
            hint: format!(
                "the operation can be repeated safely; if it goes on, give the operator the reference {reference}"
            ),
            findings: Vec::new(),
            reference: Some(reference),
        }
    }
}

/// Longest explanation of the framework in bytes that is read; they have some hundred.
const EXPLANATION_BYTES_MAX: usize = 8_192;

/// Around every handler of the API. What it answers is kept nowhere: much of it is one client's alone.
pub(crate) async fn around(State(market): State<Market>, request: Request, next: Next) -> Response {
    // The operator in this process has the log before them.
    let is_operators_own = request.extensions().get::<Actor>().is_some();
    let asked = Asked::of(&request);
    let mut response = breakdown::run(next, request).await;
    let reference = asked.reference(&market, &mut response);
    let mut response = match reference {
        Some(reference) if !(is_operators_own && is_problem(&response)) => {
            Problem::of_failure(response.status(), reference).into_response()
        }
        _ => of_framework(response).await,
    };
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether it says no to a program.
pub(crate) fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|content_type| content_type == PROBLEM_TYPE)
}

/// Makes problem details also of what the framework refuses before a handler runs: a method that is not there, a body
/// that is too long, of another type or malformed.
async fn of_framework(response: Response) -> Response {
    let status = response.status();
    if is_problem(&response) || !status.is_client_error() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let text = to_bytes(body, EXPLANATION_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let limit = crate::http::BODY_BYTES_MAX;
    let (kind, title, fact, hint) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "/problems/method",
            "No such method",
            "the path does not take this method".to_owned(),
            "use a method of the Allow header",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "/problems/too-large",
            "Too large",
            format!("the body is longer than {limit} bytes"),
            "send less; an offer's directory holds its document, texts and pictures, and no images",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "/problems/media-type",
            "Another media type",
            text,
            "send JSON with `Content-Type: application/json`",
        ),
        _ => (
            "/problems/malformed",
            "Malformed",
            text,
            "correct what the detail names, and send the request again",
        ),
    };
    let problem = Problem {
        kind,
        title,
        status: status.as_u16(),
        detail: fact,
        hint: hint.to_owned(),
        findings: Vec::new(),
        reference: None,
    };
    let mut response = problem.into_response();
    if let Some(allow) = head.headers.remove(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"edgemarket\""));
        }
        if status.is_server_error() && self.reference.is_none() {
            response.extensions_mut().insert(Cause(self.detail));
        }
        response
    }
}
