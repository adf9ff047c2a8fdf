//! A registry on a loopback port, and how the tests talk to it.

use crate::memory::Memory;
use oci::digest::Digest;
use registry::Blobs;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::sync::Once;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

pub struct Registry {
    pub host: String,
    /// Of the store, unless that is elsewhere.
    pub dir: tempfile::TempDir,
    client: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Registry {
    pub async fn start() -> Registry {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let mut registry = Registry::over(blobs).await;
        registry.dir = dir;
        registry
    }

    /// With this store.
    pub async fn over(blobs: Blobs) -> Registry {
        static PROVIDER: Once = Once::new();
        // The client is built with TLS, which wants to know whose cryptography, though only plain http is used here.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let dir = tempfile::tempdir().unwrap();
        let router = registry::router(Memory::default(), blobs);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Registry { host, dir, client, server }
    }

    /// A request without credentials; the path begins with `/v2/`.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.host))
    }

    /// A request as user `acme`, who owns `acme/…`.
    pub fn acme(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).basic_auth("acme", Some("acme-secret"))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.acme(Method::GET, path).send().await.unwrap()
    }

    /// Pushes a blob at once.
    pub async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let response = self.acme(Method::POST, &path).body(content.to_vec()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        digest
    }

    pub async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        content: &str,
    ) -> Response {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let request = self.acme(Method::PUT, &path).header("content-type", media_type);
        request.body(content.to_owned()).send().await.unwrap()
    }

    /// Pushes an image of an empty config and one layer; returns the manifest's digest and text.
    pub async fn push_image(&self, repository: &str, tag: &str, layer: &[u8]) -> (Digest, String) {
        self.push_blob(repository, b"{}").await;
        self.push_blob(repository, layer).await;
        let text = image_manifest(layer);
        let response = self.put_manifest(repository, tag, MANIFEST, &text).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{}", response.text().await.unwrap());
        (Digest::of(text.as_bytes()), text)
    }

    /// Begins an upload and returns its path.
    pub async fn begin(&self, repository: &str) -> String {
        let response =
            self.acme(Method::POST, &format!("/v2/{repository}/blobs/uploads/")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        header(&response, "location").to_owned()
    }
}

pub fn image_manifest(layer: &[u8]) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
        descriptor(CONFIG, b"{}"),
        descriptor("application/vnd.oci.image.layer.v1.tar", layer)
    )
}

pub fn descriptor(media_type: &str, content: &[u8]) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, Digest::of(content), content.len())
}

#[track_caller]
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name} header: {response:?}"));
    value.to_str().unwrap()
}

/// Status and error code.
pub async fn failure(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: serde_json::Value = response.json().await.unwrap();
    (status, body["errors"][0]["code"].as_str().unwrap().to_owned())
}
