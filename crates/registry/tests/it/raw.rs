//! Requests byte by byte, as no client library sends them: the whole way of a push and a pull, and paths that try to leave
//! the registry.

use crate::support::{MANIFEST, Registry, image_manifest};
use base64::{Engine, prelude::BASE64_STANDARD};
use oci::digest::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Status, header lines (names in lower case) and body.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.head))
    }
}

/// Sends a request line, header lines and a body on a connection of its own, and reads until the server ends it.
async fn send(registry: &Registry, line: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(&registry.host).await.unwrap();
    let host = &registry.host;
    let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let lower = rest.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
        None => String::new(),
    });
    Answer { status, head: format!("{first}\n{}", lower.collect::<String>()), body: bytes[end..].to_vec() }
}

fn basic(user: &str) -> String {
    let text = BASE64_STANDARD.encode(format!("{user}:{user}-secret"));
    format!("Authorization: Basic {text}\r\n")
}

#[tokio::test]
async fn a_push_and_a_pull_in_plain_http() {
    let registry = Registry::start().await;
    let layer = b"0123456789";
    let digest = Digest::of(layer);
    // Without credentials: where to get a token, and for what.
    let refused = send(&registry, "POST /v2/acme/app/blobs/uploads/", "Content-Length: 0\r\n", b"").await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").contains("scope=\"repository:acme/app:pull,push\""));
    let path = "GET /v2/token?service=test-registry&scope=repository:acme/app:pull,push";
    let token = send(&registry, path, &basic("acme"), b"").await.json();
    let token = format!("Authorization: Bearer {}\r\n", token["token"].as_str().unwrap());

    // A blob in two chunks, the first without its place and length.
    let begun =
        send(&registry, "POST /v2/acme/app/blobs/uploads/", &format!("{token}Content-Length: 0\r\n"), b"")
            .await;
    assert_eq!(begun.status, 202);
    let upload = begun.header("location").to_owned();
    let chunked = format!("{token}Transfer-Encoding: chunked\r\n");
    let first = send(&registry, &format!("PATCH {upload}"), &chunked, b"4\r\n0123\r\n0\r\n\r\n").await;
    assert_eq!((first.status, first.header("range")), (202, "0-3"));
    let second = format!("{token}Content-Length: 6\r\nContent-Range: 4-9\r\n");
    let stored = send(&registry, &format!("PUT {upload}?digest={digest}"), &second, b"456789").await;
    assert_eq!(stored.status, 201);
    let config = Digest::of(b"{}");
    let length = format!("{token}Content-Length: 2\r\n");
    let stored =
        send(&registry, &format!("POST /v2/acme/app/blobs/uploads/?digest={config}"), &length, b"{}").await;
    assert_eq!(stored.status, 201);
    let manifest = image_manifest(layer);
    let headers = format!("{token}Content-Type: {MANIFEST}\r\nContent-Length: {}\r\n", manifest.len());
    let put = send(&registry, "PUT /v2/acme/app/manifests/1.0", &headers, manifest.as_bytes()).await;
    assert_eq!(put.status, 201, "{}", put.head);

    let pulled = send(&registry, "GET /v2/acme/app/manifests/1.0", &token, b"").await;
    assert_eq!((pulled.status, pulled.body.as_slice()), (200, manifest.as_bytes()));
    let ranged = format!("{token}Range: bytes=2-4\r\n");
    let part = send(&registry, &format!("GET /v2/acme/app/blobs/{digest}"), &ranged, b"").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
    let head = send(&registry, &format!("HEAD /v2/acme/app/blobs/{digest}"), &token, b"").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
    let anonymous = send(&registry, "GET /v2/acme/app/manifests/1.0", "", b"").await;
    assert_eq!(anonymous.status, 401);
}

#[tokio::test]
async fn no_path_leads_out_of_the_registry() {
    let registry = Registry::start().await;
    registry.push_image("acme/app", "1.0", b"layer").await;
    std::fs::write(registry.dir.path().join("secret"), "not for you").unwrap();
    let long = format!("/v2/{}/manifests/1.0", ["a"; 129].join("/"));
    let encoded = format!("/v2/acme/app/blobs/sha256:{}", "%2e%2e%2f".repeat(8));
    let paths = [
        "/v2/../secret",
        "/v2/acme/../../secret/manifests/1.0",
        "/v2/acme/app/../app/manifests/1.0",
        "/v2/acme/./app/manifests/1.0",
        "/v2/acme//app/manifests/1.0",
        "/v2//acme/app/manifests/1.0",
        "/v2/acme/app/manifests/../../../../secret",
        "/v2/acme/app/manifests/%2e%2e%2fsecret",
        "/v2/acme%2fapp/manifests/1.0",
        "/v2/acme/app%00/manifests/1.0",
        "/v2/acme/app\\..\\x/manifests/1.0",
        "/v2/ACME/app/manifests/1.0",
        "/v2/acme/-app/manifests/1.0",
        "/v2/acme/app/blobs/../../secret",
        "/v2/acme/app/blobs/sha256:../../../../secret",
        "/v2/acme/app/blobs/uploads/../../secret",
        "/v2/acme/app/blobs/uploads/%2e%2e%2fsecret",
        "/v2/acme/app/referrers/..",
        &long,
        &encoded,
    ];
    for path in paths {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
            let headers = format!("{}Content-Length: 0\r\n", basic("acme"));
            let answer = send(&registry, &format!("{method} {path}"), &headers, b"").await;
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.head);
            assert!(!String::from_utf8_lossy(&answer.body).contains("not for you"), "{method} {path}");
        }
    }
    // Nor through a mount's source, a digest's parameter, or the place in a list.
    let length = format!("{}Content-Length: 0\r\n", basic("acme"));
    for query in ["mount=sha256:..%2f..&from=acme/app", "digest=..%2f..%2fsecret"] {
        let line = format!("POST /v2/acme/app/blobs/uploads/?{query}");
        assert_eq!(send(&registry, &line, &length, b"").await.status, 400, "{query}");
    }
    let list = send(&registry, "GET /v2/acme/app/tags/list?last=..%2f..", &basic("acme"), b"").await;
    assert_eq!(list.json()["tags"], serde_json::json!(["1.0"]));
    assert_eq!(std::fs::read_to_string(registry.dir.path().join("secret")).unwrap(), "not for you");
}
