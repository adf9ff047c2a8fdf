//! A real `edgemarket serve` in a process of its own, for tests: started, killed, restarted on the same data directory
//! and address; and the offers and images that tests publish there.

use crate::images::make_image_with;
use crate::leads::LeadReceiver;
use market::submissions::Submission;
use oci::client::{Client, ClientOptions, Credentials, HttpOptions, copy, http_client};
use oci::digest::Digest;
use oci::manifest::Manifest;
use oci::source::Source;
use oci::source::layout::LayoutSource;
use offer::template::{NewOffer, new_offer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_edgemarket");

/// Tags of every test image.
pub const TAGS: [&str; 2] = ["latest", "1.0.0"];

/// A server and its data directory.
pub struct Server {
    pub address: SocketAddr,
    pub token: String,
    data: TempDir,
    pub child: Option<Child>,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server on a free port with an operator's token.
    pub async fn start(name: &str) -> Server {
        Server::start_with(name, "").await
    }

    /// The same with this configuration.
    pub async fn start_with(name: &str, configuration: &str) -> Server {
        let data = tempfile::Builder::new().prefix(name).tempdir().expect("a temporary directory");
        let address = free_address();
        std::fs::write(data.path().join("edgemarket.toml"), configuration).expect("writable");
        // Made in process, before the server holds the directory.
        let made = run(&["token", "create", "operator", "--data", text(data.path())]);
        let token = made.trim().to_owned();
        let http = http_client(HttpOptions::default()).expect("an HTTP client");
        let mut server = Server { address, token, data, child: None, http };
        server.restart().await;
        server
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Starts the program again on the same data and address, and waits until it answers.
    pub async fn restart(&mut self) {
        let child = Command::new(PROGRAM)
            .args(["serve", "--data", text(self.data.path()), "--listen", &self.address.to_string()])
            .args(["--allow-private-egress", "127.0.0.1"])
            .env("EDGEMARKET_SANDBOX", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
        assert!(self.answers().await, "the server at {} does not answer", self.address);
    }

    /// A server that was started otherwise, with the file of its operator's token. None when it does not answer.
    pub async fn adopt(address: SocketAddr, child: Child, token: &Path) -> Option<Server> {
        let data = tempfile::tempdir().expect("a temporary directory");
        let http = http_client(HttpOptions::default()).expect("an HTTP client");
        let mut server = Server { address, token: String::new(), data, child: Some(child), http };
        if !server.answers().await {
            return None;
        }
        server.token = std::fs::read_to_string(token).ok()?.trim().to_owned();
        Some(server)
    }

    /// Waits until it answers; false when it does not, or has ended.
    async fn answers(&mut self) -> bool {
        for _ in 0..3_000 {
            let answer = self.http.get(format!("http://{}/healthz", self.address)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            let ended = self.child.as_mut().map(Child::try_wait);
            if !matches!(ended, Some(Ok(None))) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ended");
    }

    /// Ends the server.
    pub fn stop(mut self) {
        self.kill();
    }

    /// A request to the API as the operator.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("http://{}/api/v1{path}", self.address))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the server answers");
        let status = answer.status();
        let bytes = answer.bytes().await.expect("the whole answer");
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    }

    /// The status of a request to the API as the operator.
    pub async fn try_api(&self, method: &str, path: &str, body: Value) -> u16 {
        let url = format!("http://{}/api/v1{path}", self.address);
        let request = self.http.request(method.parse().expect("a method"), url).bearer_auth(&self.token);
        request.json(&body).send().await.expect("the server answers").status().as_u16()
    }

    /// A document of the API, as it is sent to the operator.
    pub async fn document(&self, path: &str) -> String {
        let url = format!("http://{}/api/v1{path}", self.address);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.expect("the server answers");
        let status = answer.status();
        let text = answer.text().await.expect("the whole answer");
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// A new token, made by the operator.
    pub async fn operator_token(&self, request: Value) -> String {
        self.api("POST", "/tokens", Some(request)).await["secret"].as_str().expect("a secret").to_owned()
    }

    /// Adds another server as a required region.
    pub async fn add_region(&self, name: &str, region: &Server, token: &str) {
        let url = format!("http://{}", region.address);
        let request =
            json!({ "name": name, "kind": "instance", "url": url, "required": true, "password": token });
        self.api("POST", "/regions", Some(request)).await;
    }

    /// What a tag points at for an anonymous client.
    pub async fn manifest_digest(&self, repository: &str, tag: &str) -> Option<String> {
        let repository = registry(self.address, None).repository(repository).expect("a name");
        repository.head_manifest(tag).await.ok().flatten().map(|descriptor| descriptor.digest.to_string())
    }

    /// Pulls a single-platform image anonymously and verifies every byte.
    pub async fn pull_every_blob(&self, repository: &str, tag: &str) {
        pull_every_blob(&registry(self.address, None), repository, tag).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An offer with a tiny image in the marketplace's incoming scope.
pub struct TestOffer {
    pub id: String,
    pub digest: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl TestOffer {
    /// Publisher of all test offers.
    pub const PUBLISHER: &str = "contoso";

    /// Makes image and offer, and pushes the image.
    pub async fn make(home: &Server, id: &str, leads: &LeadReceiver) -> TestOffer {
        Self::make_with(home, id, leads, Vec::new()).await
    }

    /// As [`make`](TestOffer::make), with these bytes in the image.
    pub async fn make_with(home: &Server, id: &str, leads: &LeadReceiver, ballast: Vec<u8>) -> TestOffer {
        let publisher = json!({ "id": Self::PUBLISHER, "name": "Contoso" });
        // The second offer finds the publisher there already.
        let _ = home
            .http
            .post(format!("http://{}/api/v1/publishers", home.address))
            .bearer_auth(&home.token)
            .json(&publisher)
            .send()
            .await;
        let owner = json!({ "owner": "Fabrikam" });
        let subscription =
            home.api("POST", "/subscriptions", Some(owner)).await["id"].as_str().expect("an ID").to_owned();
        let token = home
            .operator_token(json!({ "role": "publisher", "subject": Self::PUBLISHER, "label": "test" }))
            .await;

        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = dir.path().join("image");
        let digest = make_image_with(&layout, id, ballast);
        let incoming = format!("incoming/{}/{id}", Self::PUBLISHER);
        push(&layout, home.address, &incoming, &token).await;
        let mut files = new_offer(&NewOffer {
            publisher: Self::PUBLISHER.to_owned(),
            offer: id.to_owned(),
            plan: "standard".to_owned(),
            name: "Test module".to_owned(),
            repository: format!("{}/{incoming}", home.address),
            tags: TAGS.map(str::to_owned).to_vec(),
            preview_subscription: subscription,
        });
        leads.name_in(&mut files);
        TestOffer { id: id.to_owned(), digest: digest.to_string(), files }
    }

    /// An offer made by hand, for [`publish`](TestOffer::publish) and the rest; the image is wherever the files say.
    pub fn of(id: &str, digest: Digest, files: BTreeMap<String, Vec<u8>>) -> TestOffer {
        TestOffer { id: id.to_owned(), digest: digest.to_string(), files }
    }

    /// Writes the offer's files into a directory.
    pub fn write(&self, dir: &Path) {
        for (path, bytes) in &self.files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("in the directory")).expect("writable");
            std::fs::write(path, bytes).expect("writable");
        }
    }

    /// Stores the draft and publishes it.
    pub async fn publish(&self, home: &Server) {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, bytes) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, bytes.as_slice()).expect("a tar");
        }
        let body = archive.into_inner().expect("a tar");
        let url = format!("http://{}/api/v1/offers/{}/{}/draft", home.address, Self::PUBLISHER, self.id);
        let answer = home.http.put(url).bearer_auth(&home.token).body(body).send().await.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{status} {}", answer.text().await.unwrap_or_default());
        let path = format!("/offers/{}/{}/submissions", Self::PUBLISHER, self.id);
        home.api("POST", &path, Some(json!({}))).await;
    }

    /// The sign-off.
    pub async fn go_live(&self, home: &Server) {
        home.api("POST", &format!("/offers/{}/{}/go-live", Self::PUBLISHER, self.id), None).await;
    }

    /// The newest submission.
    pub async fn submission(&self, home: &Server) -> Submission {
        let all =
            home.api("GET", &format!("/offers/{}/{}/submissions", Self::PUBLISHER, self.id), None).await;
        let id = all[0]["id"].as_str().expect("a submission").to_owned();
        let value = home.api("GET", &format!("/submissions/{id}"), None).await;
        serde_json::from_value(value).expect("a submission")
    }

    /// Public repository of the plan.
    pub fn repository(&self) -> String {
        format!("{}/{}/standard", Self::PUBLISHER, self.id)
    }
}

/// Runs the program to its end and returns what it printed.
pub fn run(args: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(args).output().expect("the program runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A client of the registry at an address.
pub fn registry(address: SocketAddr, token: Option<&str>) -> Client {
    let credentials =
        token.map(|token| Credentials::Basic { username: "token".to_owned(), password: token.to_owned() });
    let http = http_client(HttpOptions::default()).expect("an HTTP client");
    let options = ClientOptions { credentials, allow_http: true, ..ClientOptions::default() };
    Client::new(http, &address.to_string(), options).expect("a client")
}

/// Pulls a single-platform image and verifies every byte.
pub async fn pull_every_blob(registry: &Client, repository: &str, tag: &str) {
    let repository = registry.repository(repository).expect("a name");
    let (_, bytes) = repository.get_manifest(tag).await.expect("the manifest");
    let manifest: Manifest = serde_json::from_slice(&bytes).expect("a manifest");
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        let found = repository.get_small_blob(blob, 64 << 20).await.expect("the blob");
        assert_eq!(Digest::of(&found), blob.digest);
    }
}

/// Pushes the layout's image under [`TAGS`].
pub async fn push(layout: &Path, address: SocketAddr, repository: &str, token: &str) {
    try_push(layout, address, repository, token).await.expect("a push");
}

/// As [`push`], under these tags.
pub async fn push_as(layout: &Path, address: SocketAddr, repository: &str, token: &str, tags: &[&str]) {
    try_push_as(layout, address, repository, token, tags).await.expect("a push");
}

/// As [`push`], with what the registry refused.
pub async fn try_push(
    layout: &Path,
    address: SocketAddr,
    repository: &str,
    token: &str,
) -> Result<(), oci::Error> {
    try_push_as(layout, address, repository, token, &TAGS).await
}

async fn try_push_as(
    layout: &Path,
    address: SocketAddr,
    repository: &str,
    token: &str,
    tags: &[&str],
) -> Result<(), oci::Error> {
    let source: Arc<dyn Source> = Arc::new(LayoutSource::open(layout, None).expect("a layout"));
    let root = source.resolve(Some("latest")).expect("an image");
    let to = registry(address, Some(token)).repository(repository).expect("a name");
    copy(source, &root, &to, tags, None, Arc::new(|_| ())).await.map(drop)
}

/// A loopback address where nothing listens.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
