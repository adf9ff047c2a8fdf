//! What the HTTP faces (API and pages) share: who sends a request (the in-process operator, the holder of a bearer
//! token, the browser session of one, or nobody), and which status a refusal has.

use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::market::Market;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

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
        match session {
            Some(token) => Ok(Who(market.authenticate(token).await.unwrap_or(Actor::Anonymous))),
            None => Ok(Who(Actor::Anonymous)),
        }
    }
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
