//! What every answer of the pages gets on its way out: the security headers, a theme, an ETag and the short answer to
//! whoever has it already, and a page also where the framework refuses a request with a line of text or nothing.

use super::language::Language;
use super::{layout, theme};
use crate::error::{Error, Kind};
use crate::text::Text;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// Nothing but what this server sends: no inline script or style, no frame, no third party.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// Largest answer of the pages: a picture of an offer.
const ANSWER_BYTES_MAX: usize = offer::reading::TOTAL_BYTES_MAX + (1 << 20);

/// Around every handler.
pub(super) async fn around(
    Language(text): Language,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    // A HEAD request has lost its body by the time it comes back here.
    let is_read = *request.method() == Method::GET;
    let theme = theme::chosen(request.headers());
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    let status = response.status();
    let has_words = response.headers().get(header::CONTENT_TYPE).is_some_and(|content_type| {
        content_type == "application/problem+json" || content_type.as_bytes().starts_with(b"text/html")
    });
    if !has_words && (status.is_client_error() || status.is_server_error()) {
        response = refused(text, status);
    }
    if is_read {
        response = finished(response, theme, known).await;
    }
    let set = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // No place in shared caches: a page may be one reader's only.
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

/// The answer with its theme and its ETag, or the news that there is none.
async fn finished(response: Response, theme: Option<&str>, known: Option<HeaderValue>) -> Response {
    let (mut head, body) = response.into_parts();
    let is_page = content_type(&head.headers).starts_with("text/html");
    if !is_page && head.status != StatusCode::OK {
        return Response::from_parts(head, body);
    }
    let Ok(mut bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if is_page && let Some(theme) = theme {
        bytes = theme::put(theme, &bytes).into();
        head.headers.remove(header::CONTENT_LENGTH);
    }
    if head.status != StatusCode::OK {
        return Response::from_parts(head, Body::from(bytes));
    }
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
    let is_known = known.as_ref().and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
    });
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    if is_known {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn refused(text: Text, status: StatusCode) -> Response {
    let kind = if status.is_server_error() { Kind::Internal } else { Kind::Invalid };
    let error = Error::new(kind, text.get("request-refused"), text.get("request-refused-hint"));
    (status, layout::failure(&text, &error)).into_response()
}
