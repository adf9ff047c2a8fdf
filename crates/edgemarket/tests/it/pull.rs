//! `pull`: with an older version at hand, little comes over the line and every digest is the same; what cannot be rebuilt is
//! fetched; what was broken off goes on; what is not verified is not put anywhere. Other clients pull as before.

use crate::command::{command, directory, run, told};
use crate::docker_registry::DockerRegistry;
use crate::proxy::Proxy;
use crate::publication::publish;
use crate::server::{Server, TestOffer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = command(dir).args(arguments).arg("--json").output().expect("the binary runs");
    assert!(output.status.success(), "{}", told(dir, &output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Name → bytes of every blob.
fn blobs(layout: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(layout.join("blobs/sha256")).expect("blobs").map(|entry| entry.expect("a blob"));
    files
        .map(|file| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).expect("a blob")))
        .collect()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().expect("a number")
}

fn length(value: &Value, name: &str) -> usize {
    value[name].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_rebuilt_from_the_old_one_with_few_bytes() {
    let home = Server::start("pull").await;
    home.api("POST", "/publishers", Some(json!({ "id": TestOffer::PUBLISHER, "name": "Contoso" }))).await;
    let line = Proxy::to(home.address).await;
    let (work, repository) = (directory(), format!("{}/contoso/meter/standard", line.address));
    let dir = work.path();
    let one = publish(&home, "meter", "1.0.0", &["latest", "1.0.0"], 100).await;
    goes_on_where_it_was(dir, &line, &repository);
    let pulled = json(dir, &["pull", &format!("{repository}:1.0.0"), "./one"]);
    assert_eq!((pulled["digest"].as_str(), length(&pulled, "rebuilt")), (Some(one.as_str()), 0));

    let two = publish(&home, "meter", "1.1.0", &["latest", "1.0.0", "1.1.0"], 40_000).await;
    let image = format!("{repository}:1.1.0");
    line.take();
    let plain = json(dir, &["pull", &image, "./plain"]);
    let plain_bytes = line.take();
    assert_eq!(
        (plain["digest"].as_str(), number(&plain, "bytesFetched") < plain_bytes),
        (Some(two.as_str()), true)
    );
    let pulled = json(dir, &["pull", &image, "./two", "--delta-from", "./one"]);
    let delta_bytes = line.take();
    assert_eq!(pulled["digest"], two.as_str());
    assert_eq!((length(&pulled, "rebuilt"), length(&pulled, "fallbacks")), (1, 0), "{pulled}");
    assert!(delta_bytes * 10 < plain_bytes, "{delta_bytes} of {plain_bytes}: {pulled}");
    assert!(number(&pulled, "bytesFetched") < delta_bytes);
    assert!(number(&pulled, "bytesPlain").abs_diff(plain_bytes) < 16 << 10, "{pulled} {plain_bytes}");
    assert!(blobs(&dir.join("two")) == blobs(&dir.join("plain")), "the same blobs, byte for byte");

    run_ok(dir, &["key", "export", "keys.pem", "--server", &format!("http://{}", home.address)]);
    verified_first(dir, &image);
    archives(dir, &image, &two);
    // Whoever knows nothing of deltas.
    skopeo(dir, &["copy", "--src-tls-verify=false", &format!("docker://{image}"), "oci:skopeo:two"]);
    assert_eq!(json(dir, &["inspect", "./skopeo:two"])["digest"], two.as_str());
    tampered(dir, &home, &image, &two);
    home.stop();
}

/// A pull that is killed while a layer comes goes on from there.
fn goes_on_where_it_was(dir: &Path, line: &Proxy, repository: &str) {
    let image = format!("{repository}:latest");
    line.take();
    line.hold_after(200_000);
    let mut pull = command(dir).args(["pull", &image, "./broken-off"]).spawn().expect("the binary runs");
    let part = || {
        let blobs = fs::read_dir(dir.join("broken-off/blobs/sha256")).into_iter().flatten().flatten();
        let parts = blobs.filter(|blob| blob.file_name().to_string_lossy().ends_with(".part"));
        parts.map(|part| part.metadata().expect("a file").len()).max().unwrap_or(0)
    };
    while part() < 100_000 {
        assert!(pull.try_wait().expect("a child").is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(10));
    }
    pull.kill().expect("it can be killed");
    pull.wait().expect("it ended");
    let before = part();
    line.hold_after(u64::MAX);
    line.take();
    let pulled = json(dir, &["pull", &image, "./broken-off"]);
    assert!(number(&pulled, "bytesPlain") <= number(&pulled, "bytesFetched"), "{pulled}");
    let layer = blobs(&dir.join("broken-off")).values().map(Vec::len).max().expect("a layer") as u64;
    // What was on its way when it was killed is counted, too.
    assert!(
        line.came() < layer - before + (64 << 10),
        "{} came of {layer}, and {before} were there",
        line.came()
    );
}

fn verified_first(dir: &Path, image: &str) {
    let pulled = json(dir, &["pull", image, "./verified", "--delta-from", "./one", "--key", "keys.pem"]);
    assert_eq!(pulled["verified"], true, "{pulled}");
    let stranger = p256::ecdsa::SigningKey::from_slice(&[9; 32]).expect("a key");
    let pem = oci::trust::PublicKey::new(*stranger.verifying_key()).expect("a key").to_pem().expect("PEM");
    fs::write(dir.join("stranger.pem"), pem).expect("writable");
    let refused = run(dir, &["pull", image, "./refused", "--key", "stranger.pem"]);
    assert!(refused.starts_with("status: 1") && refused.contains("NOT verified"), "{refused}");
    assert!(!dir.join("refused").exists());
}

/// What `docker load` reads has the name and the very blobs, and so has an OCI archive.
fn archives(dir: &Path, image: &str, digest: &str) {
    let arguments = ["--delta-from", "./one"];
    run_ok(dir, &[&["pull", image, "./two.tar"], &arguments[..]].concat());
    assert_eq!(json(dir, &["inspect", "./two.tar"])["digest"], digest);
    run_ok(dir, &[&["pull", image, "docker-archive:docker.tar"], &arguments[..]].concat());
    run_ok(dir, &["pull", image, "docker-archive:named.tar:acme/meter:7"]);
    let name = |archive: &str| {
        let file = fs::File::open(dir.join(archive)).expect("an archive");
        let mut archive = tar::Archive::new(file);
        let entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
        let is_manifest = |entry: &tar::Entry<'_, fs::File>| entry.path_bytes().as_ref() == b"manifest.json";
        let manifest = entries.into_iter().find(is_manifest).expect("what docker load reads");
        let manifest: Value = serde_json::from_reader(manifest).expect("JSON");
        manifest[0]["RepoTags"].clone()
    };
    assert_eq!(name("docker.tar"), json!([image]));
    assert_eq!(name("named.tar"), json!(["acme/meter:7"]));
    skopeo(dir, &["copy", "docker-archive:docker.tar", "dir:unpacked"]);
    skopeo(dir, &["copy", "docker-archive:named.tar:docker.io/acme/meter:7", "dir:named"]);
    assert_eq!(json(dir, &["inspect", "./docker.tar"])["digest"], digest, "the layout in it has the digests");
    let there = run(dir, &["pull", image, "./two.tar"]);
    assert!(there.starts_with("status: 2") && there.contains("exists already"), "{there}");
}

/// A delta that the registry's disk has damaged is told of, and the plain layer takes its place.
fn tampered(dir: &Path, home: &Server, image: &str, digest: &str) {
    let listed = json(dir, &["inspect", image]);
    let referrers = listed["manifests"][0]["referrers"].as_array().expect("referrers");
    let delta = |entry: &&Value| entry["artifactType"] == oci::delta::DELTA_TYPE;
    let manifest =
        referrers.iter().find(delta).expect("a list of deltas")["digest"].as_str().expect("a digest");
    let blob = |digest: &str| {
        let hex = digest.trim_start_matches("sha256:");
        home.data().join("blobs/sha256").join(&hex[..2]).join(hex)
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(blob(manifest)).expect("a manifest")).expect("JSON");
    let delta = blob(manifest["layers"][0]["digest"].as_str().expect("a digest"));
    let mut bytes = fs::read(&delta).expect("a delta");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&delta, bytes).expect("writable");
    let output = command(dir).args(["pull", image, "./again", "--delta-from", "./one", "--json"]).output();
    let output = output.expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let pulled: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (output.status.code(), length(&pulled, "fallbacks"), &pulled["digest"]),
        (Some(0), 1, &json!(digest))
    );
    assert!(told.contains("was fetched as it is") && told.contains("has digest"), "{told}");
    assert!(blobs(&dir.join("again")) == blobs(&dir.join("plain")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_platform_is_pulled_and_what_cannot_be_is_refused() {
    let (work, registry) = (directory(), DockerRegistry::start(false).await);
    let (dir, image) = (work.path(), format!("{}/acme/one:1.0.0", registry.address));
    for name in ["amd64", "arm64"] {
        fs::write(dir.join(name), format!("\x7fELF {name}")).expect("writable");
    }
    let platforms = ["--binary", "linux/amd64=amd64", "--binary", "linux/arm64=arm64", "--tag", "1.0.0"];
    run_ok(dir, &[&["image", "pack", "one"], &platforms[..]].concat());
    run_ok(dir, &["copy", "./one", &image]);
    let whole = json(dir, &["inspect", "./one"]);
    let pulled = json(dir, &["pull", &image, "./arm", "--platform", "linux/arm64/v8"]);
    assert_eq!(pulled["digest"], whole["manifests"][2]["digest"], "{whole}");
    run_ok(dir, &["pull", &image, "docker-archive:here.tar"]);
    run_ok(dir, &["copy", "./one", "docker-archive:from-layout.tar:acme/one:2", "--platform", "linux/arm64"]);
    skopeo(dir, &["copy", "docker-archive:from-layout.tar", "dir:arm-unpacked"]);
    let refused = [
        run(dir, &["pull", &image, "./other", "--platform", "linux/riscv64"]),
        run(dir, &["pull", &image, "./other", "--platform", "arm"]),
        run(dir, &["pull", &image, "./other", "--delta-from", "./nowhere"]),
        run(dir, &["pull", &image, "./other", "--delta-from", "Nowhere"]),
        run(dir, &["pull", &image, "./other", "--require", "sbom"]),
        run(dir, &["pull", "./one", "./other"]),
        run(dir, &["pull", &image, "registry.example/one"]),
        run(dir, &["pull", &format!("{image}-gone"), "./other"]),
    ];
    assert!(!dir.join("other").exists());
    insta::assert_snapshot!(refused.join("\n").replace(&registry.address.to_string(), "[REGISTRY]"));
}

fn run_ok(dir: &Path, arguments: &[&str]) {
    let output = command(dir).args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", told(dir, &output));
}

fn skopeo(dir: &Path, arguments: &[&str]) -> String {
    let done = Command::new("skopeo").args(arguments).current_dir(dir).output();
    let done = done.expect("skopeo is needed by this test (Debian package skopeo)");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
