//! What the HTTP faces (API and pages) share: who sends a request (the in-process operator, the holder of a bearer
//! token, the browser session of one, or nobody), and which status a refusal has.

use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::market::Market;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use offer::reading;

/// Largest request body outside of the registry: an offer's directory as a tar, whose headers and padding add at most
/// 1 KiB a file.
pub const BODY_BYTES_MAX: usize = reading::TOTAL_BYTES_MAX + reading::FILES_MAX * 1_024 + 10_240;

/// Cookie that carries a browser's token: `HttpOnly`, `SameSite=Strict`.
pub const SESSION_COOKIE: &str = "edgemarket-session";

/// The actor behind a request.
#[derive(Debug, Clone)]
pub struct Who(pub Actor);

impl FromRequestParts<Market> for Who {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, market: &Market) -> Result<Who, Refused> {
        // Only code in this process can put an extension there: no header becomes one.
        if let Some(actor) = parts.extensions.get::<Actor>() {
            return Ok(Who(actor.clone()));
        }
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = header(header::AUTHORIZATION) {
            let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, token) = token.ok_or_else(|| {
                Refused(Error::new(
                    Kind::Unauthenticated,
                    "the Authorization header has no bearer token",
                    "send `Authorization: Bearer TOKEN`",
                ))
            })?;
            return Ok(Who(market.authenticate(token.trim()).await.map_err(Refused)?));
        }
        // An expired session is nobody's: what everyone may see stays visible.
        let cookies = header(header::COOKIE).unwrap_or_default();
        let session = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let session = session.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value).next();
        // Another site's form or script may bring the cookie along, but never changes anything with it.
        match session {
            Some(token) if parts.method.is_safe() || is_same_origin(market, &parts.headers) => {
                Ok(Who(market.authenticate(token).await.unwrap_or(Actor::Anonymous)))
            }
            _ => Ok(Who(Actor::Anonymous)),
        }
    }
}

/// Whether a browser sent this from a page of this server: its `Origin` is the host that it asked, or the public URL's
/// when a proxy in front changes the `Host`. The cookie is `SameSite=Strict` as well; but other ports of a host are the
/// same site, and not the same origin.
pub fn is_same_origin(market: &Market, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((_, origin)) = text(header::ORIGIN).and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    text(header::HOST) == Some(origin) || market.config().registry_host() == origin
}

/// Path and query of the page of this server that the browser comes from, if it says so.
pub fn own_path(market: &Market, headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (_, rest) = text(header::REFERER)?.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let is_own = text(header::HOST) == Some(host) || market.config().registry_host() == host;
    // Two slashes at the beginning would be another host.
    is_own.then(|| format!("/{}", path.trim_start_matches(['/', '\\'])))
}

/// A request whose credentials are no good: RFC 9457 problem details, from every face.
pub struct Refused(Error);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, ..) = status_of(self.0.kind);
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"edgemarket\"")];
        let body = serde_json::json!({
            "type": "/problems/unauthenticated", "title": "Not authenticated", "status": status.as_u16(),
            "detail": self.0.message, "hint": self.0.hint,
        });
        (status, challenge, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
            .into_response()
    }
}

/// HTTP status, problem type (a relative URI) and title of a kind of refusal.
pub fn status_of(kind: Kind) -> (StatusCode, &'static str, &'static str) {
    match kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "/problems/not-found", "Not found"),
        Kind::Denied => (StatusCode::FORBIDDEN, "/problems/denied", "Denied"),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "/problems/unauthenticated", "Not authenticated"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", "Invalid"),
        Kind::Conflict => (StatusCode::CONFLICT, "/problems/conflict", "Conflict"),
        Kind::Stale => (StatusCode::PRECONDITION_FAILED, "/problems/stale", "Changed meanwhile"),
        Kind::Setup | Kind::Internal => {
            (StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal", "Internal failure")
        }
    }
}
