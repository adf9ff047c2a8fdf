//! Requests to the registry: paths, names, ranges, scopes, credentials, manifests that are pushed. No request is our own
//! fault (500), a part of a blob is the part that was asked for, and only sound records are made.

use crate::owner::Acme;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use oci::digest::Digest;
use registry::Blobs;
use std::cell::RefCell;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// The blob that every registry here holds.
pub(crate) const BLOB: &[u8] = b"0123456789abcdef";

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Most requests of one input.
const REQUESTS_MAX: usize = 4;

/// Inputs that share a directory before it is made anew: what they upload stays in it.
const SHARING_MAX: u32 = 200;

/// Some requests to one registry, one after the other, divided by zero bytes: method and path, a space between, then a
/// header on each line, an empty line, the body.
pub fn requests(data: &[u8]) {
    STAGE.with_borrow_mut(|stage| {
        let stage = match stage {
            Some(stage) if stage.left > 0 => stage,
            _ => stage.insert(Stage::new()),
        };
        stage.left -= 1;
        let owner = Acme::default();
        owner.add_blob(Digest::of(BLOB), BLOB.len() as u64);
        let router = registry::router(owner.clone(), stage.blobs.clone());
        for text in data.split(|&byte| byte == 0).take(REQUESTS_MAX) {
            if let Some(request) = request(text) {
                stage.runtime.block_on(answer(&router, request));
                owner.check();
            }
        }
    });
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

struct Stage {
    runtime: Runtime,
    blobs: Blobs,
    left: u32,
    _directory: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let blobs = Blobs::open(directory.path()).expect("an empty directory");
        runtime.block_on(blobs.put_bytes(BLOB)).expect("writable");
        Stage { runtime, blobs, left: SHARING_MAX, _directory: directory }
    }
}

/// A request as a server would hand it over; `None` for what no server lets through.
fn request(text: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match text.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, &b""[..]),
    };
    let mut lines = head.split(|&byte| byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|&byte| byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let path = std::str::from_utf8(&first[space + 1..]).ok().filter(|path| path.starts_with('/'))?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Body::from(body.to_vec())).ok()
}

async fn answer(router: &Router, request: Request<Body>) {
    let asked = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
    let path = request.uri().path();
    let ours = path == "/v2" || path.starts_with("/v2/");
    let (head_only, of_blob) = (
        request.method() == Method::HEAD,
        request.uri().path().ends_with(&format!("/blobs/{}", Digest::of(BLOB))),
    );
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    assert!(parts.status != StatusCode::INTERNAL_SERVER_ERROR, "{asked}");
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.expect("a whole answer");
    if parts.status.is_client_error() && !head_only && ours {
        let json: serde_json::Value = serde_json::from_slice(&body).expect("errors are JSON");
        assert!(json["errors"][0]["code"].is_string(), "{asked}: {json}");
    }
    if of_blob && parts.status == StatusCode::OK && !head_only && !body.is_empty() {
        assert!(body == BLOB, "{asked}: {body:?}");
    }
    if parts.status == StatusCode::PARTIAL_CONTENT {
        let range = parts.headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let range = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('/')?.0.split_once('-'));
        let (first, last) = range.expect("a part says which it is");
        let (first, last): (usize, usize) =
            (first.parse().expect("a number"), last.parse().expect("a number"));
        assert!(last < BLOB.len(), "{asked}");
        assert!(head_only || body[..] == BLOB[first..=last], "{asked}: {body:?}");
    }
}
