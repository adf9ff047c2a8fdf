//! A gate before a region: it counts what passes, and breaks, lies or delays as a test says. And another instance behind one.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use market::access::TokenRole;
use market::{Actor, Market};
use oci::digest::Digest;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Largest body that a fault holds in memory.
const BODY_BYTES_MAX: usize = 16 << 20;

/// What the gate does to what passes.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Uploads break once, after so many bytes in all.
    CutOnce(u64),
    /// They break then, and nothing is answered any more.
    Die(u64),
    /// Every write is answered with this status.
    Refuse(u16),
    /// What lies below this path is said to have another digest.
    Lie(&'static str),
    /// Blobs are said to have five bytes.
    Truncate,
    /// Blobs and manifests are said to be there, and go nowhere.
    Swallow,
    /// Pieces are taken, and go nowhere: the upload stands at its beginning.
    Still,
    /// The region gets the first half of one piece, and says so.
    HalfOnce,
    /// A part of an upload takes so long.
    Slow(Duration),
}

/// A gate before a region.
pub struct Gate {
    pub address: String,
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

struct Inner {
    behind: String,
    client: reqwest::Client,
    fault: Mutex<Fault>,
    /// Bytes of bodies that came to uploads.
    sent: AtomicU64,
    /// Uploads that are under way, and the most of them at once.
    now: AtomicU64,
    peak: AtomicU64,
    /// Blobs that the region said not to have where it was asked.
    lacked: Mutex<BTreeSet<Digest>>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Gate {
    pub async fn before(behind: &str) -> Gate {
        let inner = Arc::new(Inner {
            behind: behind.to_owned(),
            client: reqwest::Client::new(),
            fault: Mutex::new(Fault::None),
            sent: AtomicU64::new(0),
            now: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            lacked: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Gate { address, inner, server }
    }

    pub fn set(&self, fault: Fault) {
        self.inner.set(fault);
    }

    /// Bytes of uploads since the last call.
    pub fn take_sent(&self) -> u64 {
        self.inner.sent.swap(0, Ordering::SeqCst)
    }

    /// The most blobs that were sent at once since the last call.
    pub fn take_peak(&self) -> u64 {
        self.inner.peak.swap(0, Ordering::SeqCst)
    }

    /// Blobs that the region said not to have, since the last call.
    pub fn take_lacked(&self) -> BTreeSet<Digest> {
        std::mem::take(&mut self.inner.lacked.lock().unwrap())
    }
}

impl Inner {
    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Takes a body and counts it.
    async fn swallow(&self, body: Body) -> Bytes {
        let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap();
        self.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        bytes
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    /// Whether the upload breaks after this part.
    fn breaks(&self, part: usize) -> bool {
        let sent = self.sent.fetch_add(part as u64, Ordering::SeqCst) + part as u64;
        let mut fault = self.fault.lock().unwrap();
        match *fault {
            Fault::CutOnce(limit) if sent >= limit => {
                *fault = Fault::None;
                true
            }
            Fault::Die(limit) => sent >= limit,
            _ => false,
        }
    }
}

/// An upload that is under way.
struct Passing(Arc<Inner>);

impl Passing {
    fn begin(gate: &Arc<Inner>) -> Passing {
        let now = gate.now.fetch_add(1, Ordering::SeqCst) + 1;
        gate.peak.fetch_max(now, Ordering::SeqCst);
        Passing(Arc::clone(gate))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass(State(gate): State<Arc<Inner>>, request: Request) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let writes = !matches!(parts.method, Method::GET | Method::HEAD);
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let is_upload = path.contains("/blobs/uploads/");
    let sends = is_upload && matches!(parts.method, Method::PUT | Method::PATCH);
    let _passing = sends.then(|| Passing::begin(&gate));
    match gate.fault() {
        Fault::Die(limit) if gate.sent.load(Ordering::SeqCst) >= limit => {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Fault::Refuse(status) if writes => {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        Fault::Swallow if parts.method == Method::PUT => {
            gate.swallow(body).await;
            return StatusCode::CREATED.into_response();
        }
        Fault::Still if parts.method == Method::PATCH => {
            gate.swallow(body).await;
            let headers = [(header::LOCATION, path.as_str()), (header::RANGE, "0-0")];
            return (StatusCode::ACCEPTED, headers).into_response();
        }
        Fault::HalfOnce if parts.method == Method::PATCH => {
            gate.set(Fault::None);
            let bytes = gate.swallow(body).await;
            body = halve(&mut parts, &bytes).into();
            gate.sent.fetch_sub((bytes.len() / 2) as u64, Ordering::SeqCst);
        }
        _ => {}
    }
    forward(gate, parts, body, &path).await
}

/// The first half of a piece, with headers that say so.
fn halve(parts: &mut Parts, bytes: &Bytes) -> Bytes {
    let half = bytes.len() / 2;
    let range = parts.headers[header::CONTENT_RANGE].to_str().unwrap();
    let start: usize = range.split_once('-').unwrap().0.parse().unwrap();
    let range = format!("{start}-{}", start + half - 1);
    parts.headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&range).unwrap());
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(half));
    bytes.slice(..half)
}

async fn forward(gate: Arc<Inner>, parts: Parts, body: Body, path: &str) -> Response {
    let counted = Arc::clone(&gate);
    let is_upload = path.contains("/blobs/uploads/");
    let stream = body.into_data_stream().then(move |part| {
        let gate = Arc::clone(&counted);
        async move {
            if let Fault::Slow(wait) = gate.fault() {
                tokio::time::sleep(wait).await;
            }
            let part = part.map_err(std::io::Error::other)?;
            match is_upload && gate.breaks(part.len()) {
                true => Err(std::io::Error::other("unplugged")),
                false => Ok(part),
            }
        }
    });
    let asked = (parts.method == Method::HEAD).then(|| path.rsplit_once("/blobs/")).flatten();
    let asked: Option<Digest> = asked.and_then(|(_, digest)| digest.parse().ok());
    let mut request = gate.client.request(parts.method, format!("http://{}{path}", gate.behind));
    request = request.headers(parts.headers).body(reqwest::Body::wrap_stream(stream));
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    if answer.status() == StatusCode::NOT_FOUND {
        gate.lacked.lock().unwrap().extend(asked);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    match gate.fault() {
        Fault::Lie(below) if path.contains(below) => {
            let other = format!("sha256:{}", "0".repeat(64));
            response.headers_mut().insert("docker-content-digest", HeaderValue::from_str(&other).unwrap());
        }
        Fault::Truncate if asked.is_some() && answer.status().is_success() => {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}

/// Another instance, behind a gate, and a token for it.
pub async fn instance(there: &Market) -> (Gate, String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = market::router(there.clone());
    let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let role = TokenRole::Region("home".to_owned());
    let token = there.create_token(&Actor::Operator, role, "home", Duration::from_secs(3_600)).await.unwrap();
    (Gate::before(&address).await, token.secret, server)
}
