//! What the HTTP faces (API and pages) share: who sends a request (the in-process operator, the holder of a bearer
//! token, the browser session of a person or a token, or nobody), from which address, and which status a refusal has.

use crate::access::Actor;
use crate::accounts::Session;
use crate::egress;
use crate::error::{Error, Kind};
use crate::market::Market;
use crate::problem::Problem;
use crate::secrets::SESSION_PREFIX;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use offer::identity::{OfferId, PublisherId};
use offer::reading;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

/// Largest request body outside of the registry: an offer's directory as a tar, whose headers and padding add at most
/// 1 KiB a file.
pub const BODY_BYTES_MAX: usize = reading::TOTAL_BYTES_MAX + reading::FILES_MAX * 1_024 + 10_240;

/// Cookie that carries the secret of a person's session, or a token: `HttpOnly`.
pub const SESSION_COOKIE: &str = "edgemarket-session";

/// Address of the machine at the other end of the connection, which the server puts into a request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

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
        let visitor = Visitor::from_request_parts(parts, market).await.unwrap_or_default();
        Ok(Who(visitor.actor))
    }
}

/// Who is behind a browser's cookie.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who acts.
    pub actor: Actor,
    /// The session, of a person who signed in by name.
    pub session: Option<Session>,
}

impl Default for Visitor {
    fn default() -> Visitor {
        Visitor { actor: Actor::Anonymous, session: None }
    }
}

impl FromRequestParts<Market> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, market: &Market) -> Result<Visitor, Infallible> {
        if let Some(visitor) = parts.extensions.get::<Visitor>() {
            return Ok(visitor.clone());
        }
        Ok(visitor(market, &parts.method, &parts.headers).await)
    }
}

/// Who is behind the cookie. An expired session is nobody's: what everyone may see stays visible. Another site's form or
/// script may bring the cookie along, but never changes anything with it.
pub async fn visitor(market: &Market, method: &Method, headers: &HeaderMap) -> Visitor {
    let Some(secret) = session_cookie(headers) else { return Visitor::default() };
    if !method.is_safe() && !is_same_origin(market, headers) {
        return Visitor::default();
    }
    if !secret.starts_with(SESSION_PREFIX) {
        let actor = market.authenticate(secret).await.unwrap_or(Actor::Anonymous);
        return Visitor { actor, session: None };
    }
    match market.session(secret).await {
        Ok(Some(session)) => Visitor { actor: session.actor.clone(), session: Some(session) },
        Ok(None) => Visitor::default(),
        Err(error) => {
            tracing::error!(error = %error, "a session could not be looked up");
            Visitor::default()
        }
    }
}

/// The value of the session's cookie.
pub fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok())?;
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value)
}

/// Address of whoever sends a request: the connection's, or what a trusted proxy says of it.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Market> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, market: &Market) -> Result<ClientAddress, Infallible> {
        // Without a connection it is a router in this process that is asked.
        let peer = parts.extensions.get::<PeerAddress>().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0);
        let header = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = header.flat_map(|value| value.split(',')).map(str::trim).collect();
        Ok(ClientAddress(client(&market.config().settings.trusted_proxies, peer, &named)))
    }
}

/// The nearest address that is no proxy of ours: each proxy adds at the end whom it was asked by.
fn client(proxies: &[String], peer: IpAddr, forwarded: &[&str]) -> IpAddr {
    let is_proxy = |address: IpAddr| {
        let mut networks = proxies.iter().filter_map(|text| egress::network(text));
        networks.any(|(network, bits)| egress::contains(network, bits, address.to_canonical()))
    };
    let mut client = peer;
    for named in forwarded.iter().rev() {
        if !is_proxy(client) {
            break;
        }
        match named.parse() {
            Ok(address) => client = address,
            Err(_) => break,
        }
    }
    client
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
        Problem::from(self.0).into_response()
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

/// Publisher and offer ID of a path. A text that is no ID names nothing that could be there.
pub(crate) fn offer_of_path<S: AsRef<str>>(
    (publisher, offer): &(S, S),
) -> Result<(PublisherId, OfferId), Error> {
    let (publisher, offer) = (publisher.as_ref(), offer.as_ref());
    match (publisher.parse(), offer.parse()) {
        (Ok(publisher), Ok(offer)) => Ok((publisher, offer)),
        _ => Err(Error::not_found(format!("the offer {publisher:.60}.{offer:.60}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::client;
    use std::net::IpAddr;

    #[test]
    fn a_header_is_believed_from_a_proxy_alone() {
        let proxies = ["127.0.0.0/8".to_owned(), "10.0.0.0/8".to_owned()];
        let of =
            |peer: &str, forwarded: &[&str]| client(&proxies, peer.parse().unwrap(), forwarded).to_string();
        assert_eq!(of("198.51.100.7", &["192.0.2.1"]), "198.51.100.7");
        assert_eq!(of("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of("::ffff:127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(
            of("127.0.0.1", &["192.0.2.66", "192.0.2.1", "10.0.0.4"]),
            "192.0.2.1",
            "not what it claims"
        );
        assert_eq!(of("127.0.0.1", &["192.0.2.1", "unknown"]), "127.0.0.1");
        let _: IpAddr = of("127.0.0.1", &["10.0.0.9", "10.0.0.4"]).parse().unwrap();
    }
}
