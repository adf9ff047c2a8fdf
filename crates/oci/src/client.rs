//! A client for registries (OCI distribution spec 1.1, and Docker's token authentication), asynchronous.
//!
//! Our own rather than the crate `oci-client` (read at 0.18), because of what this project needs from it: a mount that
//! is answered with 202 goes on as an upload instead of failing; a streamed upload has a second way when the registry
//! does not take the first; a broken download resumes; a hook sees every address before it is asked (redirects and
//! token servers included), so that a marketplace can refuse private ones; and the digest of what came is compared
//! here, whatever the registry's headers say.
//!
//! It does not verify layers: those are streamed, and `layer::LayerReader` or the receiving registry verifies them.

use crate::Error;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, OnceCell};
use url::{Host, Url};

mod auth;
mod copy;
mod http;
mod pieces;
mod pull;
mod push;
mod referrers;
#[cfg(test)]
mod tests;

use http::chain;

pub use auth::Credentials;
pub(crate) use copy::check_root;
pub use copy::{CopyEvent, CopyProgress, copy};
pub use http::{HttpOptions, http_client};
pub use pieces::{KeepPlace, OpenRange, PieceUpload, UploadPlace};
pub use pull::Repository;
pub(crate) use pull::is_manifest;
pub use push::{BlobBody, BlobPush, ByteStream, OpenStream};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the next bytes of an answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a request is repeated after the first failure that may pass.
const RETRIES_MAX: u32 = 4;

/// Longest wait that a registry's `Retry-After` may impose.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Most redirects followed for one request. Registries need one, to their blob store.
const REDIRECTS_MAX: u32 = 5;

/// Most bytes read of an answer that reports an error.
const ERROR_BYTES_MAX: u64 = 16 << 10;

/// Sees each address before it is asked; an error text refuses it. A resolver cannot do this alone: addresses that
/// are numbers are never resolved.
pub type UrlGuard = Arc<dyn Fn(&Url) -> Result<(), String> + Send + Sync>;

/// How one registry is spoken to.
#[derive(Clone)]
pub struct ClientOptions {
    /// Who asks; anonymous without.
    pub credentials: Option<Credentials>,
    /// Whether plain http may be spoken. With loopback addresses it always may; https is tried first in any case.
    pub allow_http: bool,
    /// Sees each address before it is asked.
    pub guard: Option<UrlGuard>,
    /// Wait before the first repetition; it doubles with each further one.
    pub retry_delay: Duration,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            credentials: None,
            allow_http: false,
            guard: None,
            retry_delay: Duration::from_millis(500),
        }
    }
}

/// A client of one registry. Clones share connections and tokens.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    registry: String,
    /// Host and port that answer for the registry.
    authority: String,
    loopback: bool,
    options: ClientOptions,
    base: OnceCell<Url>,
    sessions: Mutex<HashMap<Vec<String>, auth::Session>>,
}

/// One request, repeatable.
struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: BlobBody,
    body_bytes: u64,
    scopes: Vec<String>,
    /// What is asked for, for messages.
    what: String,
    /// Whether a failure that may pass is met by repeating this request alone.
    repeat: bool,
    /// Rings whenever a part of the body was taken. Then a body may take as long as it likes, as long as it moves.
    moved: Option<Arc<Notify>>,
}

impl Call {
    fn new(method: Method, url: Url, scopes: Vec<String>, what: String) -> Call {
        let body = BlobBody::Bytes(Bytes::new());
        let headers = HeaderMap::new();
        Call { method, url, headers, body, body_bytes: 0, scopes, what, repeat: true, moved: None }
    }
    fn with_body(mut self, body: BlobBody, body_bytes: u64) -> Call {
        self.body = body;
        self.body_bytes = body_bytes;
        self
    }
}

impl Client {
    /// A client for `registry` (host, with or without port, as in a reference). `http` must not follow redirects by
    /// itself and must have no read timeout, which would also end long uploads; [`http_client`] makes one.
    pub fn new(http: reqwest::Client, registry: &str, options: ClientOptions) -> Result<Client, Error> {
        let authority = match registry {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let malformed = |cause: String| Error::Malformed { what: format!("registry {registry:?}"), cause };
        let url =
            Url::parse(&format!("https://{authority}/")).map_err(|error| malformed(error.to_string()))?;
        if url.path() != "/"
            || !url.username().is_empty()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(malformed("only host and port are expected".to_owned()));
        }
        let inner = Inner {
            http,
            registry: registry.to_owned(),
            authority: authority.to_owned(),
            loopback: is_loopback(&url),
            options,
            base: OnceCell::new(),
            sessions: Mutex::default(),
        };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Host and port, as given.
    pub fn registry(&self) -> &str {
        &self.inner.registry
    }

    /// Is this a registry, and does it take the credentials?
    pub async fn ping(&self) -> Result<(), Error> {
        let url = self.url("/v2/").await?;
        let call = Call::new(Method::GET, url, Vec::new(), format!("registry {}", self.registry()));
        let response = self.send(&call).await?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(self.refusal(&call, response).await),
        }
    }

    /// The address of a path of the registry.
    async fn url(&self, path: &str) -> Result<Url, Error> {
        let base = self.inner.base.get_or_try_init(|| self.find_base()).await?;
        base.join(path).map_err(|error| self.unreachable(error.to_string()))
    }

    /// Whether the registry speaks https or, where that is allowed, http.
    async fn find_base(&self) -> Result<Url, Error> {
        let parse = |scheme| {
            Url::parse(&format!("{scheme}://{}/", self.inner.authority))
                .map_err(|error| self.unreachable(error.to_string()))
        };
        let https = parse("https")?;
        if !self.inner.loopback && !self.inner.options.allow_http {
            return Ok(https);
        }
        self.guard(&https)?;
        let request = self.inner.http.get(parse("https")?.join("v2/").unwrap_or(https.clone())).send();
        match tokio::time::timeout(CONNECT_TIMEOUT, request).await {
            Ok(Ok(_)) => Ok(https),
            _ => parse("http"),
        }
    }

    /// Sends until there is an answer that repeating would not change.
    async fn send(&self, call: &Call) -> Result<Response, Error> {
        let mut delay = self.inner.options.retry_delay;
        let mut repetitions = if call.repeat { RETRIES_MAX } else { 0 };
        loop {
            let result = self.send_once(call).await;
            let wait = match &result {
                Ok(response) if matches!(response.status().as_u16(), 429 | 500 | 502 | 503 | 504) => {
                    retry_after(response.headers()).unwrap_or(delay)
                }
                Err(Error::Unreachable { .. }) => delay,
                _ => return result,
            };
            if repetitions == 0 {
                return result;
            }
            repetitions -= 1;
            delay *= 2;
            tracing::debug!(what = call.what, ?wait, "the request is repeated");
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends, answers a challenge, follows redirects.
    async fn send_once(&self, call: &Call) -> Result<Response, Error> {
        let base = self.url("/").await?;
        let mut url = call.url.clone();
        let mut challenged = false;
        let mut redirects = 0;
        loop {
            self.guard(&url)?;
            let own = url.origin() == base.origin();
            let mut request =
                self.inner.http.request(call.method.clone(), url.clone()).headers(call.headers.clone());
            request = call.body.attach(request, call.body_bytes).await?;
            if own && let Some(authorization) = self.authorization(&call.scopes) {
                request = request.header(AUTHORIZATION, authorization);
            }
            let response = self.answer(call, request.send()).await?;
            if response.status() == StatusCode::UNAUTHORIZED && own && !challenged {
                challenged = true;
                if self.authenticate(response.headers(), &call.scopes).await? {
                    continue;
                }
            }
            let follow = matches!(call.method, Method::GET | Method::HEAD)
                && matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !follow {
                return Ok(response);
            }
            redirects += 1;
            if redirects > REDIRECTS_MAX {
                return Err(self.unreachable(format!("more than {REDIRECTS_MAX} redirects")));
            }
            url = self.location(&url, response.headers())?;
        }
    }

    /// Waits for an answer as long as the body moves, or else as long as it may take.
    async fn answer(
        &self,
        call: &Call,
        sending: impl Future<Output = reqwest::Result<Response>>,
    ) -> Result<Response, Error> {
        // A slow upload is no idle one: at least 32 KiB each second are expected of it.
        let allowed = IDLE_TIMEOUT + Duration::from_secs(call.body_bytes >> 15);
        let mut sending = std::pin::pin!(sending);
        loop {
            let moved = async {
                match &call.moved {
                    Some(moved) => moved.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                response = &mut sending => return response.map_err(|error| self.unreachable(chain(&error))),
                () = moved => {}
                () = tokio::time::sleep(allowed) => {
                    return Err(self.unreachable(format!("no answer after {} s", allowed.as_secs())));
                }
            }
        }
    }

    /// The address in a `Location` header, which may be relative.
    fn location(&self, asked: &Url, headers: &HeaderMap) -> Result<Url, Error> {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.and_then(|location| asked.join(location).ok());
        location.ok_or_else(|| self.unreachable("the answer has no usable Location".to_owned()))
    }

    /// May this address be asked?
    fn guard(&self, url: &Url) -> Result<(), Error> {
        let base_is_http = self.inner.base.get().is_some_and(|base| base.scheme() == "http");
        let scheme_right = match url.scheme() {
            "https" => true,
            "http" => self.inner.options.allow_http || (base_is_http && is_loopback(url)),
            _ => false,
        };
        if !scheme_right {
            return Err(self.unreachable(format!("it leads to {}, but https is required", origin(url))));
        }
        match &self.inner.options.guard {
            Some(guard) => guard(url).map_err(|cause| self.unreachable(format!("{}: {cause}", origin(url)))),
            None => Ok(()),
        }
    }

    fn unreachable(&self, cause: String) -> Error {
        Error::Unreachable { registry: self.inner.registry.clone(), cause }
    }

    /// The error for an answer that is none of those expected.
    async fn refusal(&self, call: &Call, response: Response) -> Error {
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let who = match &self.inner.options.credentials {
                    Some(credentials) => credentials.to_string(),
                    None => "anonymous".to_owned(),
                };
                return Error::Denied(format!("{} ({who})", call.what));
            }
            StatusCode::NOT_FOUND => return Error::NotFound(call.what.clone()),
            _ => {}
        }
        let body = self.read(response, ERROR_BYTES_MAX, "error").await.unwrap_or_default();
        let cause = registry_message(&body);
        let request = format!("{} {}", call.method, call.url.path());
        Error::Refused { registry: self.inner.registry.clone(), status: status.as_u16(), request, cause }
    }

    /// A body of bounded size.
    async fn read(&self, mut response: Response, bytes_max: u64, what: &str) -> Result<Bytes, Error> {
        let limit = || Error::Limit { what: what.to_owned(), limit: format!("{bytes_max} bytes") };
        if response.content_length().is_some_and(|length| length > bytes_max) {
            return Err(limit());
        }
        let mut body = Vec::new();
        while let Some(chunk) = self.next_chunk(&mut response).await? {
            if body.len() as u64 + chunk.len() as u64 > bytes_max {
                return Err(limit());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    async fn next_chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(IDLE_TIMEOUT, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| self.unreachable(chain(&error))),
            Err(_) => Err(self.unreachable(format!("nothing came for {} s", IDLE_TIMEOUT.as_secs()))),
        }
    }
}

/// The messages of an error body (OCI distribution spec 1.1, *Error codes*), as a tail for a sentence.
fn registry_message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        errors: Vec<Item>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return String::new() };
    let texts: Vec<String> =
        body.errors.iter().take(3).map(|item| format!("{} {}", item.code, item.message)).collect();
    let shown: String =
        texts.join("; ").chars().filter(|character| !character.is_control()).take(300).collect();
    if shown.trim().is_empty() { String::new() } else { format!(": {}", shown.trim()) }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Scheme, host and port: paths and queries of blob stores carry signatures, which belong in no message.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
