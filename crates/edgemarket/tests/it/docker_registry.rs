//! A publisher's own registry: Debian's `docker-registry` (CNCF distribution) in a process of its own, with or without
//! a password.

use crate::images::make_image;
use crate::server::{TAGS, free_address};
use oci::client::{Client, ClientOptions, Credentials, HttpOptions, copy, http_client};
use oci::digest::Digest;
use oci::source::Source;
use oci::source::layout::LayoutSource;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// `alice` with the password `secret`, as htpasswd writes it with bcrypt.
const HTPASSWD: &str = "alice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

pub struct DockerRegistry {
    pub address: SocketAddr,
    process: Child,
    _directory: TempDir,
    credentials: Option<Credentials>,
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl DockerRegistry {
    /// Starts it; `with_password` lets in only `alice` with `secret`.
    pub async fn start(with_password: bool) -> DockerRegistry {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let file = |name: &str| directory.path().join(name);
        std::fs::write(file("htpasswd"), HTPASSWD).expect("writable");
        let auth = match with_password {
            true => format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file("htpasswd").display()),
            false => String::new(),
        };
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n{auth}",
            file("data").display(),
        );
        std::fs::write(file("config.yml"), config).expect("writable");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(file("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is needed by this test (Debian package docker-registry)");
        let alice = || Credentials::Basic { username: "alice".to_owned(), password: "secret".to_owned() };
        let credentials = with_password.then(alice);
        let registry = DockerRegistry { address, process, _directory: directory, credentials };
        for _ in 0..1_000 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return registry;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("docker-registry does not listen");
    }

    /// Makes an image of this marker and pushes it under [`TAGS`].
    pub async fn push_new(&self, repository: &str, marker: &str) -> Digest {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = dir.path().join("image");
        let digest = make_image(&layout, marker);
        self.push(&layout, repository, &TAGS).await;
        digest
    }

    /// Pushes the image of a layout.
    pub async fn push(&self, layout: &Path, repository: &str, tags: &[&str]) {
        let source: Arc<dyn Source> = Arc::new(LayoutSource::open(layout, None).expect("a layout"));
        let root = source.resolve(Some("latest")).expect("an image");
        let http = http_client(HttpOptions::default()).expect("an HTTP client");
        let options = ClientOptions {
            credentials: self.credentials.clone(),
            allow_http: true,
            ..ClientOptions::default()
        };
        let client = Client::new(http, &self.address.to_string(), options).expect("a client");
        let to = client.repository(repository).expect("a name");
        copy(source, &root, &to, tags, None, Arc::new(|_| ())).await.expect("a push");
    }
}
