//! How a command reaches a marketplace: over HTTP (`--server`), or in this process (`--data` alone). Both speak the
//! same API to the same router, so there is one implementation of every operation and the in-process door cannot
//! drift from the served one.

use crate::running::Running;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use futures_util::{Stream, StreamExt, TryStreamExt};
use market::access::Actor;
use market::submissions::Submission;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use tower::ServiceExt;

/// Largest answer that a command reads into memory: an SBOM or report of an image with 100,000 packages is below it.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Longest line of an event stream; a submission with 10,000 messages is below it.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// A marketplace, near or far.
pub enum Client {
    /// A server, with the token that says who asks.
    Remote {
        /// `http(s)://host[:port]`, without a trailing slash.
        base: String,
        /// API token; none for what everyone may read.
        token: Option<String>,
        /// One connection pool for all requests.
        http: reqwest::Client,
    },
    /// The data directory, opened by this process, which acts as the operator: whoever may open the directory may
    /// do everything.
    Local {
        /// The same router that `serve` serves.
        router: Router,
        /// The marketplace, when this client opened it.
        running: Option<Running>,
    },
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What is wrong with the offer, when it was refused for that.
    pub findings: Vec<serde_json::Value>,
}

/// What a request carries.
pub enum Payload {
    /// Nothing.
    Empty,
    /// A JSON value.
    Json(serde_json::Value),
    /// A tar of an offer's directory.
    Tar(Vec<u8>),
    /// Bytes of another kind.
    Bytes(Vec<u8>),
    /// Bytes that come while they are sent.
    Stream(Pin<Box<dyn Stream<Item = std::io::Result<Vec<u8>>> + Send>>),
}

/// Media type of what has none of its own.
const OCTETS: &str = "application/octet-stream";

/// RFC 9457 problem details, as the API writes them.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    hint: Option<String>,
    #[serde(default)]
    findings: Vec<serde_json::Value>,
}

/// Bytes of an answer.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Vec<u8>, ClientError>> + Send>>;

impl Client {
    /// A client of the server at `base`.
    pub fn remote(base: &str, token: Option<String>) -> Result<Client, ClientError> {
        let http = oci::client::http_client(oci::client::HttpOptions::default())
            .map_err(|cause| broken(cause.to_string()))?;
        Ok(Client::Remote { base: base.trim_end_matches('/').to_owned(), token, http })
    }

    /// Sends a request and reads a JSON answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<T, ClientError> {
        let bytes = self.bytes(method, path, payload).await?;
        serde_json::from_slice(&bytes)
            .map_err(|cause| broken(format!("the answer to {path} is no such JSON: {cause}")))
    }

    /// Reads a JSON answer to a GET.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Payload::Empty).await
    }

    /// Sends a request and reads the whole answer.
    pub async fn bytes(&self, method: Method, path: &str, payload: Payload) -> Result<Vec<u8>, ClientError> {
        let mut chunks = self.chunks(method, path, payload).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(broken(format!("the answer to {path} has more than {ANSWER_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The bytes of a large answer, as they come.
    pub async fn download(&self, path: &str) -> Result<Chunks, ClientError> {
        self.chunks(Method::GET, path, Payload::Empty).await
    }

    /// The states of a submission as they change; ends when the server ends the stream.
    pub async fn events(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Submission, ClientError>> + use<>, ClientError> {
        let chunks = self.chunks(Method::GET, path, Payload::Empty).await?;
        let state = (chunks, Vec::new());
        Ok(futures_util::stream::try_unfold(state, |(mut chunks, mut buffer)| async move {
            loop {
                if let Some(data) = take_event(&mut buffer) {
                    let submission = serde_json::from_str(&data)
                        .map_err(|cause| broken(format!("the event is no submission: {cause}")))?;
                    return Ok(Some((submission, (chunks, buffer))));
                }
                match chunks.try_next().await? {
                    Some(chunk) if buffer.len() + chunk.len() <= EVENT_BYTES_MAX => {
                        buffer.extend_from_slice(&chunk)
                    }
                    Some(_) => return Err(broken(format!("an event has more than {EVENT_BYTES_MAX} bytes"))),
                    None => return Ok(None),
                }
            }
        }))
    }

    /// The operator of a marketplace that runs in this process anyway.
    pub fn in_process(running: &Running) -> Client {
        Client::Local { router: running.router.clone(), running: None }
    }

    /// Whether this process runs the marketplace.
    pub fn is_in_process(&self) -> bool {
        matches!(self, Client::Local { .. })
    }

    /// Ends a marketplace that this client opened, in order.
    pub async fn close(self) {
        if let Client::Local { running: Some(running), .. } = self {
            running.stop().await;
        }
    }

    async fn chunks(&self, method: Method, path: &str, payload: Payload) -> Result<Chunks, ClientError> {
        let (status, chunks) = match self {
            Client::Remote { base, token, http } => {
                let mut request = http.request(method, format!("{base}{path}"));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                request = match payload {
                    Payload::Empty => request,
                    Payload::Json(value) => request.json(&value),
                    Payload::Tar(bytes) => {
                        request.header(header::CONTENT_TYPE, "application/x-tar").body(bytes)
                    }
                    Payload::Bytes(bytes) => request.header(header::CONTENT_TYPE, OCTETS).body(bytes),
                    Payload::Stream(stream) => {
                        request.header(header::CONTENT_TYPE, OCTETS).body(reqwest::Body::wrap_stream(stream))
                    }
                };
                let answer = request.send().await.map_err(|cause| unreachable_server(base, &cause))?;
                let status = answer.status();
                let base = base.clone();
                let chunks = answer.bytes_stream().map(move |chunk| {
                    chunk.map(|b| b.to_vec()).map_err(|cause| unreachable_server(&base, &cause))
                });
                (status, Box::pin(chunks) as Chunks)
            }
            Client::Local { router, .. } => {
                let mut request = Request::builder().method(method).uri(path);
                let body = match payload {
                    Payload::Empty => Body::empty(),
                    Payload::Json(value) => {
                        request = request.header(header::CONTENT_TYPE, "application/json");
                        Body::from(value.to_string())
                    }
                    Payload::Tar(bytes) => {
                        request = request.header(header::CONTENT_TYPE, "application/x-tar");
                        Body::from(bytes)
                    }
                    Payload::Bytes(bytes) => {
                        request = request.header(header::CONTENT_TYPE, OCTETS);
                        Body::from(bytes)
                    }
                    Payload::Stream(stream) => {
                        request = request.header(header::CONTENT_TYPE, OCTETS);
                        Body::from_stream(stream)
                    }
                };
                let mut request = request.body(body).map_err(|cause| broken(cause.to_string()))?;
                request.extensions_mut().insert(Actor::Operator);
                let answer = match router.clone().oneshot(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                let status = answer.status();
                let stream = answer
                    .into_body()
                    .into_data_stream()
                    .map(|chunk| chunk.map(|b| b.to_vec()).map_err(|cause| broken(cause.to_string())));
                (status, Box::pin(stream) as Chunks)
            }
        };
        if status.is_success() { Ok(chunks) } else { Err(refused(path, status, chunks).await) }
    }
}

/// Takes the data of the first whole event out of the buffer (WHATWG HTML, *Server-sent events*; our server writes
/// one `data` line an event).
fn take_event(buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let event: Vec<u8> = buffer.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&event);
        let data: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
        if !data.is_empty() {
            return Some(data.join("\n"));
        }
    }
}

async fn refused(path: &str, status: StatusCode, mut chunks: Chunks) -> ClientError {
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => ClientError {
            message: if problem.detail.is_empty() { problem.title } else { problem.detail },
            hint: problem.hint,
            status: Some(status.as_u16()),
            findings: problem.findings,
        },
        Err(_) => ClientError {
            message: format!("{path} answered {status}"),
            hint: Some("check that --server names an Edgemarket".to_owned()),
            status: Some(status.as_u16()),
            findings: Vec::new(),
        },
    }
}

fn unreachable_server(base: &str, cause: &reqwest::Error) -> ClientError {
    let mut text = cause.to_string();
    let mut source = std::error::Error::source(cause);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    ClientError {
        message: format!("{base} does not answer: {text}"),
        hint: Some("check the address and that `edgemarket serve` runs there".to_owned()),
        status: None,
        findings: Vec::new(),
    }
}

fn broken(message: String) -> ClientError {
    ClientError { message, hint: None, status: None, findings: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::take_event;

    #[test]
    fn events_are_taken_whole_and_comments_are_passed_over() {
        let mut buffer = b": keep-alive\n\nevent: submission\ndata: {\"a\":1}\n\ndata: {\"b\"".to_vec();
        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"a\":1}"));
        assert_eq!(take_event(&mut buffer), None);
        buffer.extend_from_slice(b":2}\n\n");
        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"b\":2}"));
    }
}
