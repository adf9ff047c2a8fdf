//! Azurite, Microsoft's emulator of Azure Blob, installed by npm as the lock file says.

use super::{Kind, Place};
use object_store::{
    azure::{AzureAccessKey, AzureAuthorizer, AzureCredential, MicrosoftAzureBuilder},
    client::HttpRequest,
};
use registry::blobs::{ObjectStore, Protocol, Secret};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What every Azurite has; published in its documentation, and no secret.
const ACCOUNT: &str = "devstoreaccount1";
pub const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const CONTAINER: &str = "images";
/// A ceiling, not a measure: the machine may be busy.
const START_MAX: Duration = Duration::from_secs(120);

pub struct Server {
    process: Child,
    endpoint: String,
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    pub async fn start() -> Server {
        let directory = tempfile::tempdir().unwrap();
        install(directory.path());
        // Free at this moment; it does not tell which port it took if it is asked to choose.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("node")
            .arg("node_modules/azurite/dist/src/blob/main.js")
            .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
            .args(["--location", "data", "--skipApiVersionCheck", "--silent"])
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("node is needed by this test (Debian package nodejs)");
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        let server = Server { process, endpoint, _directory: directory };
        server.make_container().await;
        server
    }

    async fn make_container(&self) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/{CONTAINER}?restype=container", self.endpoint);
        let began = Instant::now();
        loop {
            let mut request = HttpRequest::new(Vec::new().into());
            *request.method_mut() = reqwest::Method::PUT;
            *request.uri_mut() = url.parse().unwrap();
            let key = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
            AzureAuthorizer::new(&key, ACCOUNT).try_authorize(&mut request).unwrap();
            match client.put(&url).headers(request.headers().clone()).send().await {
                Ok(made) => return assert_eq!(made.status(), 201, "{}", made.text().await.unwrap()),
                Err(_) if began.elapsed() < START_MAX => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(cause) => panic!("Azurite does not answer: {cause}"),
            }
        }
    }

    pub fn place(&self, prefix: Option<&str>, redirect: bool) -> Place {
        let settings = ObjectStore {
            protocol: Protocol::Azure,
            bucket: CONTAINER.to_owned(),
            prefix: prefix.map(str::to_owned),
            endpoint: Some(self.endpoint.clone()),
            region: None,
            account: Some(ACCOUNT.to_owned()),
            secret: Some(Secret::new(KEY.to_owned())),
            redirect,
        };
        let raw = MicrosoftAzureBuilder::new()
            .with_container_name(CONTAINER)
            .with_account(ACCOUNT)
            .with_access_key(KEY)
            .with_endpoint(self.endpoint.clone())
            .with_allow_http(true)
            .build()
            .unwrap();
        let kind = Kind::Remote { settings: Some(settings), raw: Arc::new(raw) };
        Place { dir: tempfile::tempdir().unwrap(), kind }
    }
}

fn install(place: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/azurite");
    for name in [".npmrc", "package.json", "package-lock.json"] {
        std::fs::copy(sources.join(name), place.join(name)).expect("a file of the tests");
    }
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--omit=optional"];
    let installed = Command::new("npm").args(npm).current_dir(place).output();
    let installed = installed.expect("npm is needed by this test (Debian packages nodejs and npm)");
    assert!(installed.status.success(), "npm ci: {}", String::from_utf8_lossy(&installed.stderr));
}
