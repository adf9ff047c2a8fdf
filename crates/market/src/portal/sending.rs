//! What every answer of the pages gets on its way out: the security headers, a theme, who visits, an ETag and the short
//! answer to whoever has it already, a way back for whoever is sent to sign in, and a page also where the framework refuses
//! a request with a line of text or nothing.

use super::{accounts, language, layout, session, theme};
use crate::breakdown::{self, Asked};
use crate::error::{Error, Kind};
use crate::http::{self, Visitor};
use crate::market::Market;
use crate::problem::{Problem, is_problem};
use crate::text::Text;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// Nothing but what this server sends: no inline script or style, no frame, no plug-in, no third party.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// No page needs any of these, so that nothing that is brought into one gets it.
const PERMISSIONS_POLICY: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), serial=(), usb=()";
/// Largest answer of the pages: a picture of an offer.
const ANSWER_BYTES_MAX: usize = offer::reading::TOTAL_BYTES_MAX + (1 << 20);

/// Around every handler.
pub(super) async fn around(State(market): State<Market>, mut request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let visitor = match is_asset {
        true => Visitor::default(),
        false => http::visitor(&market, request.method(), request.headers()).await,
    };
    let text = language::of(request.uri().query(), request.headers(), visitor.session.as_ref());
    let theme = theme::of(request.headers(), visitor.session.as_ref());
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let here = here(&market, &request);
    let method = request.method().clone();
    let asked = Asked::of(&request);
    request.extensions_mut().insert(visitor.clone());
    let mut response = breakdown::run(next, request).await;
    let status = response.status();
    let has_words = is_problem(&response) || content_type(response.headers()).starts_with("text/html");
    if let Some(reference) = asked.reference(&market, &mut response) {
        response = match is_problem(&response) {
            true => Problem::of_failure(status, reference).into_response(),
            false => accounts::private((status, layout::broken(&text, &reference))),
        };
    } else if !has_words && status.is_client_error() {
        response = refused(&text, status);
    }
    // A HEAD request has lost its body by the time it comes back here.
    if method != Method::HEAD && content_type(response.headers()).starts_with("text/html") {
        let who = layout::visitor(&text, &visitor, here.as_deref());
        response = dressed(response, theme, &who.into_string()).await;
    }
    if method == Method::GET {
        response = tagged(response, known).await;
    }
    if status == StatusCode::SEE_OTHER
        && response.headers().get(header::LOCATION).is_some_and(|place| place == "/sign-in")
        && let Some(way) = here.as_deref().filter(|here| !here.starts_with("/sign-in"))
        && let Ok(door) = HeaderValue::from_str(&session::door(way))
    {
        // Who is sent to the door comes back to where that was.
        response.headers_mut().insert(header::LOCATION, door);
    }
    let set = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if !is_asset {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
    }
    // No place in shared caches: a page may be one reader's only.
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

/// The page that the visitor is on: the one that is asked for, or the one whose form was sent.
fn here(market: &Market, request: &Request) -> Option<String> {
    let path = match *request.method() {
        Method::GET => request.uri().path_and_query().map(|path| path.as_str().to_owned()),
        _ => http::own_path(market, request.headers()),
    };
    path.and_then(|path| session::way_back(&path))
}

/// A page with its theme, and with who visits it.
async fn dressed(response: Response, theme: Option<&str>, who: &str) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    head.headers.remove(header::CONTENT_LENGTH);
    let mut page = put(&bytes, layout::VISITOR, who);
    if let Some(theme) = theme {
        page = put(&page, "<html", &format!("<html data-theme=\"{theme}\""));
    }
    Response::from_parts(head, Body::from(page))
}

/// Puts something into a page in the place of this, which is there once.
fn put(page: &[u8], place: &str, content: &str) -> Vec<u8> {
    match page.windows(place.len()).position(|window| window == place.as_bytes()) {
        None => page.to_vec(),
        Some(at) => [&page[..at], content.as_bytes(), &page[at + place.len()..]].concat(),
    }
}

/// The answer with its ETag, or the news that there is none.
async fn tagged(response: Response, known: Option<HeaderValue>) -> Response {
    let (mut head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Response::from_parts(head, body);
    }
    let Ok(bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
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

fn refused(text: &Text, status: StatusCode) -> Response {
    let error = Error::new(Kind::Invalid, text.get("request-refused"), text.get("request-refused-hint"));
    (status, layout::failure(text, &error)).into_response()
}
