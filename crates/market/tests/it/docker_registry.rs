//! Debian's docker-registry on a loopback port, and a door before it that logs every request and can make the registry
//! forget a blob.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use oci::client::{Client, ClientOptions, HttpOptions, Repository, http_client};
use oci::digest::Digest;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Registry {
    process: Child,
    directory: TempDir,
    door: Arc<Door>,
    address: String,
    server: tokio::task::JoinHandle<()>,
}

struct Door {
    behind: String,
    client: reqwest::Client,
    log: Mutex<Vec<String>>,
    forgotten: Mutex<Option<String>>,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    pub async fn start() -> Registry {
        let directory = TempDir::new().unwrap();
        // Free at this moment; the registry cannot tell which port it took if it is asked to choose.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let behind = format!("127.0.0.1:{port}");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: \"{behind}\", relativeurls: true}}\n",
            directory.path().display(),
        );
        let file = directory.path().join("config.yml");
        std::fs::write(&file, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is needed by this test (Debian package docker-registry)");
        let client = http_client(HttpOptions::default()).unwrap();
        let (log, forgotten) = (Mutex::default(), Mutex::default());
        let door = Arc::new(Door { behind, client, log, forgotten });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(pass).with_state(Arc::clone(&door));
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        let registry = Registry { process, directory, door, address, server };
        let begin = Instant::now();
        while tokio::net::TcpStream::connect(&registry.door.behind).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "docker-registry does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        registry
    }

    /// Host and port.
    pub fn door(&self) -> &str {
        &self.address
    }

    /// A repository, asked past the door.
    pub fn repository(&self, name: &str) -> Repository {
        let http = self.door.client.clone();
        let client = Client::new(http, &self.door.behind, ClientOptions::default()).unwrap();
        client.repository(name).unwrap()
    }

    pub async fn tags(&self, repository: &str) -> Vec<String> {
        match self.repository(repository).tags().await {
            Err(oci::Error::NotFound(_)) => Vec::new(),
            other => other.unwrap(),
        }
    }

    /// Uploads of blobs in the log.
    pub fn uploads(&self) -> usize {
        let log = self.door.log.lock().unwrap();
        log.iter().filter(|line| line.starts_with("PUT ") && line.contains("/blobs/uploads/")).count()
    }

    /// Method and path of every request since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.door.log.lock().unwrap())
    }

    /// From now on the registry takes this blob but never has it.
    pub fn forget(&self, digest: &Digest) {
        *self.door.forgotten.lock().unwrap() = Some(digest.to_string());
    }

    /// Takes a blob's or manifest's bytes away; the repositories still name it.
    pub fn remove_bytes(&self, digest: &Digest) {
        std::fs::remove_dir_all(self.data(digest)).unwrap();
    }

    /// Leaves five bytes of a blob.
    pub fn truncate(&self, digest: &Digest) {
        let file = std::fs::File::options().write(true).open(self.data(digest).join("data")).unwrap();
        file.set_len(5).unwrap();
    }

    fn data(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.directory.path().join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex)
    }
}

async fn pass(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    door.log.lock().unwrap().push(format!("{} {}", parts.method, parts.uri.path()));
    let forgotten = door.forgotten.lock().unwrap().clone();
    if parts.method == Method::HEAD && forgotten.is_some_and(|digest| parts.uri.path().ends_with(&digest)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let tail = parts.uri.path_and_query().unwrap().as_str();
    let mut request = door.client.request(parts.method, format!("http://{}{tail}", door.behind));
    request = request.headers(parts.headers).body(reqwest::Body::wrap_stream(body.into_data_stream()));
    let answer = request.send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}
