//! The client against a registry that misbehaves on purpose, at the level of HTTP.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use oci::Error;
use oci::client::{
    BlobBody, BlobPush, Client, ClientOptions, Credentials, HttpOptions, Repository, http_client,
};
use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Answer = dyn Fn(usize, &str, &HeaderMap) -> Response + Send + Sync;

struct Fake {
    host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<Answer>,
}

/// Every request gets what `answer` says to its number and `METHOD path?query`.
async fn fake(answer: impl Fn(usize, &str, &HeaderMap) -> Response + Send + Sync + 'static) -> Fake {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shared = Shared { seen: seen.clone(), answer: Arc::new(answer) };
    let router = Router::new().fallback(handle).with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Fake { host, seen }
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    let authorization =
        request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let number = {
        let mut seen = shared.seen.lock().unwrap();
        seen.push([Some(line.clone()), authorization].into_iter().flatten().collect::<Vec<_>>().join(" | "));
        seen.len() - 1
    };
    drop(body);
    (shared.answer)(number, &line, &headers)
}

impl Fake {
    fn repository(&self, options: ClientOptions) -> Repository {
        let options = ClientOptions { retry_delay: Duration::from_millis(1), ..options };
        let client = Client::new(http_client(HttpOptions::default()).unwrap(), &self.host, options).unwrap();
        client.repository("acme/telemetry").unwrap()
    }
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

fn index() -> Response {
    ([(header::CONTENT_TYPE, media_type::OCI_INDEX)], INDEX).into_response()
}

async fn collect(repository: &Repository, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    let mut stream = std::pin::pin!(repository.get_blob(descriptor));
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_sent_to_nobody_else() {
    let store = fake(|_, _, _| "content".into_response()).await;
    let store_host = store.host.clone();
    let registry = fake(move |_, line, headers| {
        let host = headers[header::HOST].to_str().unwrap();
        if line.starts_with("GET /token") {
            return r#"{"token":"t0k","expires_in":300}"#.into_response();
        }
        if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer t0k") {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"svc\",scope=\"x\"");
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
        }
        if line.contains("/blobs/") {
            let location = format!("http://{store_host}/blob?signature=1");
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
        }
        index()
    })
    .await;
    let credentials = Credentials::Basic { username: "u".to_owned(), password: "p".to_owned() };
    let repository =
        registry.repository(ClientOptions { credentials: Some(credentials), ..Default::default() });
    repository.get_manifest("1").await.unwrap();
    repository.get_manifest("2").await.unwrap();
    let content = Descriptor::of("x", b"content");
    assert_eq!(collect(&repository, &content).await.unwrap(), b"content");
    let lines = registry.seen();
    assert_eq!(
        lines,
        [
            "GET /v2/acme/telemetry/manifests/1".to_owned(),
            "GET /token?service=svc&scope=repository%3Aacme%2Ftelemetry%3Apull | Basic dTpw".to_owned(),
            "GET /v2/acme/telemetry/manifests/1 | Bearer t0k".to_owned(),
            "GET /v2/acme/telemetry/manifests/2 | Bearer t0k".to_owned(),
            format!("GET /v2/acme/telemetry/blobs/{} | Bearer t0k", content.digest),
        ]
    );
    assert_eq!(store.seen(), ["GET /blob?signature=1"], "no credentials for the blob store");
}

#[tokio::test]
async fn busy_registries_are_asked_again_and_broken_transfers_resume() {
    let registry = fake(|number, line, headers| match (number, line.contains("/blobs/")) {
        (0, false) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0")]).into_response(),
        (1, false) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        (_, false) => index(),
        (_, true) if headers.contains_key(header::RANGE) => {
            assert_eq!(headers[header::RANGE], "bytes=3-");
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, "bytes 3-6/7")], "tent").into_response()
        }
        (_, true) => {
            let pieces = [Ok(Bytes::from_static(b"con")), Err(std::io::Error::other("broken"))];
            Response::builder()
                .header(header::CONTENT_LENGTH, "7")
                .body(Body::from_stream(futures_util::stream::iter(pieces).then(|piece| async {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    piece
                })))
                .unwrap()
        }
    })
    .await;
    let repository = registry.repository(ClientOptions::default());
    assert_eq!(repository.get_manifest("1").await.unwrap().0.digest, Digest::of(INDEX.as_bytes()));
    assert_eq!(registry.seen().len(), 3);
    assert_eq!(collect(&repository, &Descriptor::of("x", b"content")).await.unwrap(), b"content");
    assert_eq!(registry.seen().len(), 2);
}

#[tokio::test]
async fn lies_are_found() {
    let registry = fake(|_, line, _| match line {
        line if line.ends_with("/manifests/header") => {
            let digest = Digest::of(b"other").to_string();
            ([("docker-content-digest", digest)], INDEX).into_response()
        }
        line if line.ends_with("/manifests/huge") => vec![b' '; 5 << 20].into_response(),
        line if line.ends_with("/manifests/error") => {
            let body = r#"{"errors":[{"code":"DENIED_NOT","message":"odd\u001b[31m"}]}"#;
            (StatusCode::BAD_REQUEST, body).into_response()
        }
        line if line.contains("/tags/list") => (
            [(header::LINK, "</v2/acme/telemetry/tags/list?n=1000&last=a>; rel=\"next\"")],
            r#"{"tags":["a"]}"#,
        )
            .into_response(),
        line if line.contains("/blobs/") && line.starts_with("GET") => "contents".into_response(),
        line if line.ends_with("/manifests/loop") => {
            (StatusCode::FOUND, [(header::LOCATION, "/v2/acme/telemetry/manifests/loop")]).into_response()
        }
        line if line.ends_with("/manifests/file") => {
            (StatusCode::FOUND, [(header::LOCATION, "file:///etc/passwd")]).into_response()
        }
        _ => index(),
    })
    .await;
    let repository = registry.repository(ClientOptions::default());
    let text = |result: Result<(Descriptor, Bytes), Error>| result.unwrap_err().to_string();
    assert!(text(repository.get_manifest("header").await).contains("has digest"));
    assert!(text(repository.get_manifest(&Digest::of(b"x").to_string()).await).contains("has digest"));
    assert!(text(repository.get_manifest("huge").await).contains("passes the limit of 4194304 bytes"));
    let error = text(repository.get_manifest("error").await);
    assert!(
        error.ends_with("answered 400 to GET /v2/acme/telemetry/manifests/error: DENIED_NOT odd[31m"),
        "{error}"
    );
    assert!(text(repository.get_manifest("loop").await).ends_with("more than 5 redirects"));
    assert!(text(repository.get_manifest("file").await).ends_with("but https is required"));
    assert!(text(repository.get_manifest("../../x").await).contains("neither a tag nor a digest"));
    let error = collect(&repository, &Descriptor::of("x", b"content")).await.unwrap_err();
    assert!(matches!(error, Error::SizeMismatch { expected: 7, found: 8, .. }), "{error}");
    assert_eq!(repository.tags().await.unwrap(), ["a"], "a page that names itself as the next ends the list");
}

#[tokio::test]
async fn uploads_find_the_way_that_the_registry_takes() {
    let registry = fake(|_, line, headers| {
        let host = headers[header::HOST].to_str().unwrap();
        match line.split_once(' ').unwrap() {
            ("HEAD", _) => StatusCode::NOT_FOUND.into_response(),
            ("POST", _) => (StatusCode::ACCEPTED, [(header::LOCATION, "/up/1?state=a%2Fb")]).into_response(),
            ("PATCH", _) => {
                (StatusCode::ACCEPTED, [(header::LOCATION, format!("http://{host}/up/2"))]).into_response()
            }
            ("PUT", path) if path.starts_with("/up/1") => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            _ => StatusCode::CREATED.into_response(),
        }
    })
    .await;
    let repository = registry.repository(ClientOptions::default());
    let blob = Descriptor::of("x", b"content");
    let how = repository.push_blob(&blob, &BlobBody::Bytes("content".into()), None).await.unwrap();
    assert_eq!(how, BlobPush::Uploaded);
    let digest = blob.digest.to_string().replace(':', "%3A");
    assert_eq!(
        registry.seen(),
        [
            format!("HEAD /v2/acme/telemetry/blobs/{}", blob.digest),
            "POST /v2/acme/telemetry/blobs/uploads/".to_owned(),
            format!("PUT /up/1?state=a%2Fb&digest={digest}"),
            "POST /v2/acme/telemetry/blobs/uploads/".to_owned(),
            "PATCH /up/1?state=a%2Fb".to_owned(),
            format!("PUT /up/2?digest={digest}"),
        ]
    );
}

#[tokio::test]
async fn the_guard_sees_redirects_and_token_servers() {
    let registry = fake(|_, line, _| match line.contains("/blobs/") {
        true => (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.2:9/secret")]).into_response(),
        false => {
            let challenge = "Bearer realm=\"http://127.0.0.3:9/token\"";
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        }
    })
    .await;
    let guard = |url: &url::Url| match url.host_str() {
        Some("127.0.0.1") => Ok(()),
        _ => Err("private addresses are not allowed".to_owned()),
    };
    let repository =
        registry.repository(ClientOptions { guard: Some(Arc::new(guard)), ..Default::default() });
    let error = repository.get_manifest("1").await.unwrap_err().to_string();
    assert!(error.ends_with("http://127.0.0.3:9: private addresses are not allowed"), "{error}");
    let error = repository.get_small_blob(&Descriptor::of("x", b""), 10).await.unwrap_err().to_string();
    assert!(error.ends_with("http://127.0.0.2:9: private addresses are not allowed"), "{error}");
}
