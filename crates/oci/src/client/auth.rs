//! Who asks: Basic, and Docker's token authentication (distribution's *Token Authentication Specification*). Tokens
//! are kept per set of scopes until shortly before they expire.

use super::{Client, chain};
use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use std::fmt;
use std::time::{Duration, Instant};
use url::Url;

/// Most bytes of a token server's answer; tokens have a few kilobytes.
const TOKEN_BYTES_MAX: u64 = 256 << 10;

/// How long a token serves that does not say (the specification's own figure).
const TOKEN_SECONDS_DEFAULT: u64 = 60;

/// A token is replaced this long before it expires.
const TOKEN_MARGIN: Duration = Duration::from_secs(10);

/// Who asks. `Debug` and `Display` show no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password (or an access token in its place).
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// A token to send as it is (`Authorization: Bearer`).
    Token(String),
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Basic { username, .. } => write!(f, "user {username}"),
            Credentials::Token(_) => write!(f, "a token"),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Credentials {
    fn header(&self) -> HeaderValue {
        let text = match self {
            Credentials::Basic { username, password } => {
                format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
            }
            Credentials::Token(token) => format!("Bearer {token}"),
        };
        sensitive(&text)
    }
}

/// What to send with requests of one set of scopes.
pub(super) struct Session {
    header: HeaderValue,
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// A challenge of a `WWW-Authenticate` header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Client {
    /// The header for these scopes, if one is known already.
    pub(super) fn authorization(&self, scopes: &[String]) -> Option<HeaderValue> {
        let sessions = self.inner.sessions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let session = sessions.get(scopes)?;
        let expired = session.until.is_some_and(|until| Instant::now() >= until);
        (!expired).then(|| session.header.clone())
    }

    /// Answers a challenge. `false` means that there is nothing to answer it with.
    pub(super) async fn authenticate(&self, headers: &HeaderMap, scopes: &[String]) -> Result<bool, Error> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<Challenge> = texts.flat_map(parse_challenges).collect();
        let bearer = challenges.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        let session = match (bearer.or(challenges.first()), &self.inner.options.credentials) {
            (Some(_), Some(credentials @ Credentials::Token(_)))
            | (Some(Challenge::Basic), Some(credentials)) => {
                Session { header: credentials.header(), until: None }
            }
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                match self.fetch_token(realm, service.as_deref(), scope.as_deref(), scopes).await? {
                    Some(session) => session,
                    None => return Ok(false),
                }
            }
            _ => return Ok(false),
        };
        let mut sessions = self.inner.sessions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sessions.insert(scopes.to_vec(), session);
        Ok(true)
    }

    async fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        challenge_scope: Option<&str>,
        scopes: &[String],
    ) -> Result<Option<Session>, Error> {
        let mut url = Url::parse(realm).map_err(|error| {
            self.unreachable(format!("the address of its token server is wrong: {error}"))
        })?;
        self.guard(&url)?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            for scope in scopes {
                query.append_pair("scope", scope);
            }
            if let (true, Some(scope)) = (scopes.is_empty(), challenge_scope) {
                query.append_pair("scope", scope);
            }
        }
        let mut request = self.inner.http.get(url);
        if let Some(credentials) = &self.inner.options.credentials {
            request = request.header(AUTHORIZATION, credentials.header());
        }
        let response = match tokio::time::timeout(super::IDLE_TIMEOUT, request.send()).await {
            Ok(response) => response
                .map_err(|error| self.unreachable(format!("its token server fails: {}", chain(&error))))?,
            Err(_) => return Err(self.unreachable("its token server does not answer".to_owned())),
        };
        let status = response.status();
        if matches!(status.as_u16(), 400..=404) {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(self.unreachable(format!("its token server answered {status}")));
        }
        let body = self.read(response, TOKEN_BYTES_MAX, "token").await?;
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|error| self.unreachable(format!("its token server's answer is malformed: {error}")))?;
        let Some(token) = answer.token.or(answer.access_token).filter(|token| !token.is_empty()) else {
            return Err(self.unreachable("its token server gave no token".to_owned()));
        };
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(TOKEN_SECONDS_DEFAULT).min(86_400));
        let until = Instant::now() + lifetime.saturating_sub(TOKEN_MARGIN);
        Ok(Some(Session { header: sensitive(&format!("Bearer {token}")), until: Some(until) }))
    }
}

fn sensitive(text: &str) -> HeaderValue {
    // Control characters cannot stand in a header; such a password is refused by the registry then.
    let mut header = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
    header.set_sensitive(true);
    header
}

/// The challenges of one header (RFC 9110, 11.6.1), as far as they are known ones. Parameters are names with a token
/// or a quoted string; a name without `=` begins the next challenge.
pub(super) fn parse_challenges(text: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let (value, after) = parse_value(value.trim_start());
            rest = after;
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((name, value));
            }
        } else if !name.is_empty() {
            found.push((name, Vec::new()));
        }
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    found.into_iter().filter_map(|(scheme, parameters)| known_challenge(&scheme, parameters)).collect()
}

fn known_challenge(scheme: &str, parameters: Vec<(String, String)>) -> Option<Challenge> {
    let mut parameters: std::collections::HashMap<String, String> = parameters.into_iter().collect();
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service"),
            scope: parameters.remove("scope"),
        }),
        _ => None,
    }
}

/// A token or quoted string, and what follows it.
fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, character)| character)),
            other => value.push(other),
        }
    }
    (value, "")
}
