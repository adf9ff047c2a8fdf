//! One request: who asks, whether they may, and the challenge that tells a client where to get a token (Docker's token
//! authentication specification; RFC 6750).

use super::{
    Server,
    failure::{Code, Failure},
};
use crate::{
    Owner,
    owner::{Action, Credentials, ManifestReference, Refusal, Service},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use oci::digest::Digest;
use std::borrow::Cow;

pub(super) struct Call<'a, O> {
    pub server: &'a Server<O>,
    pub parts: &'a Parts,
    pub who: Credentials,
}

impl<'a, O: Owner> Call<'a, O> {
    pub fn new(server: &'a Server<O>, parts: &'a Parts) -> Result<Call<'a, O>, Failure> {
        let call = Call { server, parts, who: Credentials::Anonymous };
        match credentials(&parts.headers) {
            Some(who) => Ok(Call { who, ..call }),
            None => Err(call.challenge(None)),
        }
    }

    /// `GET /v2/`: an answer other than 401 would tell clients that no token is ever needed.
    pub async fn base(&self) -> Result<Response, Failure> {
        if self.who == Credentials::Anonymous {
            return Err(self.challenge(None));
        }
        match self.server.owner.authenticate(&self.who).await {
            Ok(()) => Ok(json("{}".into())),
            Err(Refusal::Unauthenticated) => Err(self.challenge(None)),
            Err(refusal) => Err(Failure::refused(refusal, Code::NameUnknown)),
        }
    }

    /// Whether the asker may do this here. Who may not pull learns nothing about the repository, not even from trying
    /// to push.
    pub async fn authorize(&self, action: Action, repository: &str) -> Result<(), Failure> {
        self.authorize_beside(action, repository, None).await
    }

    /// The same where the request will also read from another repository, if it may: a challenge then names both, so
    /// that one token is enough.
    pub async fn authorize_beside(
        &self,
        action: Action,
        repository: &str,
        source: Option<&str>,
    ) -> Result<(), Failure> {
        let owner = &self.server.owner;
        let Err(refusal) = owner.authorize(&self.who, action, repository).await else { return Ok(()) };
        Err(match refusal {
            Refusal::Unauthenticated => self.challenge(Some((action, repository, source))),
            Refusal::Denied(_) | Refusal::NotFound if action == Action::Pull => Failure::name_unknown(),
            Refusal::Denied(_) | Refusal::NotFound
                if owner.authorize(&self.who, Action::Pull, repository).await.is_err() =>
            {
                let message = format!("these credentials may not {} here", action.name());
                Failure::new(StatusCode::FORBIDDEN, Code::Denied, message)
            }
            other => Failure::refused(other, Code::NameUnknown),
        })
    }

    /// A refusal by one of the owner's records; `missing` is the code for what is not found.
    pub fn refused(&self, missing: Code) -> impl FnOnce(Refusal) -> Failure {
        move |refusal| match refusal {
            Refusal::Unauthenticated => self.challenge(None),
            other => Failure::refused(other, missing),
        }
    }

    pub fn header(&self, name: header::HeaderName) -> Option<&'a str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The first value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<Cow<'a, str>> {
        self.queries(name).next()
    }

    /// All values of a query parameter, decoded.
    pub fn queries(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        let query = self.parts.uri.query().unwrap_or("").as_bytes();
        url::form_urlencoded::parse(query).filter(move |(key, _)| key == name).map(|(_, value)| value)
    }

    /// The challenge for a token that lacks a scope.
    pub fn challenge_beside(&self, action: Action, repository: &str, source: Option<&str>) -> Failure {
        self.challenge(Some((action, repository, source)))
    }

    fn challenge(&self, wanted: Option<(Action, &str, Option<&str>)>) -> Failure {
        let Service { name, url } = self.server.owner.service();
        let url = url.unwrap_or_else(|| url_of(&self.parts.headers));
        let mut value = format!("Bearer realm=\"{url}/v2/token\",service=\"{name}\"");
        if let Some((action, repository, source)) = wanted {
            let actions = match action {
                Action::Pull => "pull",
                Action::Push => "pull,push",
                Action::Delete => "delete",
            };
            let source = source.map(|source| format!(" repository:{source}:pull")).unwrap_or_default();
            value.push_str(&format!(",scope=\"repository:{repository}:{actions}{source}\""));
        }
        if matches!(self.who, Credentials::Bearer(_)) {
            // Clients that hold a token ask for a wider one on this word.
            value.push_str(",error=\"insufficient_scope\"");
        }
        unauthorized(&value)
    }
}

/// A 401 with this challenge.
pub(super) fn unauthorized(challenge: &str) -> Failure {
    match HeaderValue::from_str(challenge) {
        Ok(value) => Failure::refused(Refusal::Unauthenticated, Code::Unauthorized)
            .with_header(header::WWW_AUTHENTICATE, value),
        Err(_) => Failure::internal(&"the owner's service name or URL is no header text"),
    }
}

/// What a request shows of who it comes from; `None` if it is malformed.
pub(super) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Some(Credentials::Anonymous) };
    let (scheme, value) = value.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Bearer(value.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credentials::Basic { username: username.to_owned(), password: password.to_owned() })
}

/// Scheme and authority as the client used them. A forged host misleads only the forger.
fn url_of(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = |host: &&str| {
        host.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_'))
    };
    let host = text("host").filter(plain).unwrap_or("localhost");
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// A digest in a path; some clients write its colon as `%3A`.
pub(super) fn parse_digest(text: &str) -> Result<Digest, Failure> {
    decoded(text)
        .parse()
        .map_err(|e: oci::digest::DigestError| Failure::bad(Code::DigestInvalid, e.to_string()))
}

/// A tag or digest in a path. `Ok(None)`: neither, so that nothing of this name can exist.
pub(super) fn parse_reference(text: &str) -> Result<Option<ManifestReference>, Failure> {
    let text = decoded(text);
    if text.contains(':') {
        return parse_digest(&text).map(|digest| Some(ManifestReference::Digest(digest)));
    }
    Ok(crate::name::is_tag(&text).then(|| ManifestReference::Tag(text.into_owned())))
}

/// A JSON answer.
pub(super) fn json(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A header value of text that is known to be plain ASCII: names, digests, numbers and paths made of them.
pub(super) fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("checked names, digests and numbers are header text")
}

fn decoded(text: &str) -> Cow<'_, str> {
    match text.contains('%') {
        true => Cow::Owned(text.replace("%3A", ":").replace("%3a", ":")),
        false => Cow::Borrowed(text),
    }
}
