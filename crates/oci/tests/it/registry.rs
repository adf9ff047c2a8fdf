//! The client against Debian's docker-registry (CNCF distribution): pull, push, mount, copy, credentials; skopeo reads
//! and writes the same repositories.

use crate::build::Layout;
use crate::skopeo;
use oci::Error;
use oci::client::{
    BlobBody, BlobPush, Client, ClientOptions, CopyEvent, Credentials, HttpOptions, copy, http_client,
};
use oci::layer::{LayerLimits, LayerReader};
use oci::manifest::{self, Descriptor, Document};
use oci::reference::Locator;
use oci::source::{OpenOptions, Source, layout::LayoutSource, open};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// `alice` with the password `secret`, as htpasswd writes it with bcrypt.
const HTPASSWD: &str = "alice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

struct Registry {
    process: Child,
    host: String,
    directory: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    fn start(with_password: bool) -> Registry {
        let directory = tempfile::tempdir().unwrap();
        // Free at this moment; the registry cannot tell which port it took if it is asked to choose.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let password_file = directory.path().join("htpasswd");
        std::fs::write(&password_file, HTPASSWD).unwrap();
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", password_file.display());
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n{}",
            directory.path().join("data").display(),
            if with_password { &auth } else { "" }
        );
        let config_file = directory.path().join("config.yml");
        std::fs::write(&config_file, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is needed by this test (Debian package docker-registry)");
        let registry = Registry { process, host, directory };
        let begin = Instant::now();
        while std::net::TcpStream::connect(&registry.host).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    fn client(&self, credentials: Option<Credentials>) -> Client {
        let options =
            ClientOptions { credentials, retry_delay: Duration::from_millis(5), ..Default::default() };
        Client::new(http_client(HttpOptions::default()).unwrap(), &self.host, options).unwrap()
    }
}

fn alice(password: &str) -> Option<Credentials> {
    Some(Credentials::Basic { username: "alice".to_owned(), password: password.to_owned() })
}

fn layout(directory: &std::path::Path) -> (Arc<dyn Source>, Descriptor) {
    let mut layout = Layout::default();
    let images = [layout.image("amd64", "one"), layout.image("arm64", "two")];
    let index = layout.index(&images);
    layout.tag(index, "1.0.0");
    layout.write(directory);
    let source = LayoutSource::open(directory, None).unwrap();
    let root = source.resolve(None).unwrap();
    (Arc::new(source), root)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_arrive_whole_and_only_what_is_missing_moves() {
    let registry = Registry::start(false);
    let client = registry.client(None);
    client.ping().await.unwrap();
    let (source, root) = layout(&registry.directory.path().join("layout"));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let progress = move || -> oci::client::CopyProgress {
        let seen = seen.clone();
        Arc::new(move |event| seen.lock().unwrap().push(event))
    };
    let pushes = |events: &Mutex<Vec<CopyEvent>>| -> Vec<BlobPush> {
        let events = std::mem::take(&mut *events.lock().unwrap());
        events
            .iter()
            .filter_map(|event| if let CopyEvent::Blob(_, how) = event { Some(*how) } else { None })
            .collect()
    };
    let first = client.repository("acme/telemetry").unwrap();
    copy(source.clone(), &root, &first, &["1.0.0", "latest"], None, progress()).await.unwrap();
    assert_eq!(pushes(&events), [BlobPush::Uploaded; 4]);
    copy(source.clone(), &root, &first, &["1.0"], None, progress()).await.unwrap();
    assert_eq!(pushes(&events), []);
    let second = client.repository("other/copy").unwrap();
    copy(source.clone(), &root, &second, &["x"], Some("acme/telemetry"), progress()).await.unwrap();
    assert_eq!(pushes(&events), [BlobPush::Mounted; 4]);
    let third = client.repository("third").unwrap();
    copy(source, &root, &third, &["x"], Some("not/there"), progress()).await.unwrap();
    assert_eq!(pushes(&events), [BlobPush::Uploaded; 4], "a refused mount goes on as an upload");

    assert_eq!(first.tags().await.unwrap(), ["1.0", "1.0.0", "latest"]);
    assert_eq!(first.head_manifest("latest").await.unwrap().unwrap().digest, root.digest);
    assert_eq!(first.head_manifest("2").await.unwrap(), None);
    assert_eq!(first.referrers(root.digest, None).await.unwrap(), []);
    let error = first.get_manifest("2").await.unwrap_err();
    assert_eq!(error.to_string(), format!("manifest 2 in {}/acme/telemetry was not found", registry.host));
    assert!(matches!(client.repository("no/thing").unwrap().tags().await, Err(Error::NotFound(_))));
    let wrong = Descriptor::of("application/octet-stream", b"right");
    let error = first.push_blob(&wrong, &BlobBody::Bytes("wrong".into()), None).await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 400, .. }), "{error}");
    let file = registry.directory.path().join("file");
    std::fs::write(&file, vec![7; 3 << 20]).unwrap();
    let blob = Descriptor::of("application/octet-stream", &vec![7; 3 << 20]);
    assert_eq!(first.push_blob(&blob, &BlobBody::File(file), None).await.unwrap(), BlobPush::Uploaded);
    assert!(first.has_blob(blob.digest).await.unwrap());

    let there = format!("docker://{}/acme/telemetry:1.0.0", registry.host);
    let target = format!("oci:{}:x", registry.directory.path().join("skopeo").display());
    skopeo(&["copy", "-q", "--all", "--src-tls-verify=false", &there, &target]);
    let copied = LayoutSource::open(&registry.directory.path().join("skopeo"), Some("x")).unwrap();
    assert_eq!(copied.resolve(None).unwrap().digest, root.digest);
}

#[test]
fn what_skopeo_pushes_is_read_through_the_source() {
    let registry = Registry::start(false);
    let (_, root) = layout(&registry.directory.path().join("layout"));
    let from = format!("oci:{}:1.0.0", registry.directory.path().join("layout").display());
    let to = format!("docker://{}/acme/telemetry:1.0.0", registry.host);
    skopeo(&["copy", "-q", "--all", "--dest-tls-verify=false", &from, &to]);
    let docker = format!("docker://{}/acme/telemetry:docker", registry.host);
    skopeo(&["copy", "-q", "--all", "--format", "v2s2", "--dest-tls-verify=false", &from, &docker]);
    for text in [to, docker] {
        let source = open(&Locator::parse(&text).unwrap(), &OpenOptions::default()).unwrap();
        assert_eq!(source.describe(), text);
        let found = source.resolve(None).unwrap();
        let images = manifest::images(&*source, &found).unwrap();
        assert_eq!(images.len(), 2);
        for image in images {
            let bytes = source.manifest(&image.descriptor).unwrap();
            let Document::Manifest(manifest) = manifest::parse(&bytes, None).unwrap() else {
                panic!("an image")
            };
            let config = manifest::parse_config(&source.manifest(&manifest.config).unwrap()).unwrap();
            let (layer, limits) = (&manifest.layers[0], LayerLimits { uncompressed_bytes_max: 1 << 20 });
            let raw = source.blob(layer).unwrap();
            LayerReader::open(raw, layer, Some(config.rootfs.diff_ids[0]), limits).unwrap().finish().unwrap();
        }
        assert_eq!(source.tags().unwrap(), ["1.0.0", "docker"]);
    }
    assert!(root.size > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_asked_for_and_checked() {
    let registry = Registry::start(true);
    let (source, root) = layout(&registry.directory.path().join("layout"));
    for (credentials, who) in [(None, "anonymous"), (alice("wrong"), "user alice")] {
        let repository = registry.client(credentials).repository("acme/telemetry").unwrap();
        let error = repository.get_manifest("1.0.0").await.unwrap_err();
        assert!(matches!(error, Error::Denied(_)), "{error}");
        assert!(error.to_string().contains(who) && !error.to_string().contains("wrong"), "{error}");
    }
    let repository = registry.client(alice("secret")).repository("acme/telemetry").unwrap();
    copy(source, &root, &repository, &["1.0.0"], None, Arc::new(|_| {})).await.unwrap();
    let there = format!("docker://{}/acme/telemetry:1.0.0", registry.host);
    let shown = skopeo(&["inspect", "--raw", "--tls-verify=false", "--creds", "alice:secret", &there]);
    assert_eq!(oci::digest::Digest::of(shown.as_bytes()), root.digest);
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named() {
    let options = ClientOptions { retry_delay: Duration::from_millis(1), ..Default::default() };
    let client = Client::new(http_client(HttpOptions::default()).unwrap(), "127.0.0.1:1", options).unwrap();
    let error = client.ping().await.unwrap_err();
    assert!(error.to_string().starts_with("127.0.0.1:1 cannot be reached: no connection"), "{error}");
    assert!(error.is_transient());
}
