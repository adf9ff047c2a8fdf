//! A real client (Debian's skopeo) pushes and pulls: one image, and one for several platforms.

use crate::support::{CONFIG, INDEX, MANIFEST, Registry, descriptor};
use oci::digest::Digest;
use std::path::Path;

#[tokio::test]
async fn skopeo_pushes_and_pulls_an_image() {
    let registry = Registry::start().await;
    let dir = tempfile::tempdir().unwrap();
    let text = manifest_in(dir.path(), "amd64");
    let digest = write_layout(dir.path(), MANIFEST, &text);
    let source = format!("oci:{}:it", dir.path().join("layout").display());
    let image = format!("docker://{}/acme/app:1.0", registry.host);
    let push = ["--dest-tls-verify=false", "--dest-creds=acme:acme-secret", "--preserve-digests"];
    copy(dir.path(), &push, &source, &image).await.unwrap();
    round_trip(&registry, dir.path(), &image, &["--src-creds=acme:acme-secret"], digest).await;

    let refused =
        copy(dir.path(), &["--src-tls-verify=false", "--src-no-creds"], &image, "dir:/nonexistent").await;
    assert!(refused.unwrap_err().contains("unauthorized"), "anonymous is refused");
    // A second push mounts or skips what is there, and another user may not push over it.
    copy(dir.path(), &push, &source, &image).await.unwrap();
    let other = ["--dest-tls-verify=false", "--dest-creds=other:other-secret", "--preserve-digests"];
    assert!(copy(dir.path(), &other, &source, &image).await.is_err());
}

#[tokio::test]
async fn skopeo_copies_all_platforms_and_anyone_pulls_the_public_ones() {
    let registry = Registry::start().await;
    let dir = tempfile::tempdir().unwrap();
    let children = ["amd64", "arm64"].map(|architecture| {
        let text = manifest_in(dir.path(), architecture);
        write_blob(dir.path(), text.as_bytes());
        let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}}}"#);
        descriptor(MANIFEST, text.as_bytes()).replace('}', &platform)
    });
    let index =
        format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, children.join(","));
    let digest = write_layout(dir.path(), INDEX, &index);
    let source = format!("oci:{}:it", dir.path().join("layout").display());
    let image = format!("docker://{}/public/app:1.0", registry.host);
    let push =
        ["--all", "--dest-tls-verify=false", "--dest-creds=pipeline:pipeline-secret", "--preserve-digests"];
    copy(dir.path(), &push, &source, &image).await.unwrap();
    round_trip(&registry, dir.path(), &image, &["--all", "--src-no-creds"], digest).await;
}

/// Pulls into a new layout and compares the digest that it names.
async fn round_trip(registry: &Registry, dir: &Path, image: &str, options: &[&str], digest: Digest) {
    let target = format!("oci:{}:back", dir.join("pulled").display());
    let options = [&["--src-tls-verify=false", "--preserve-digests"], options].concat();
    copy(dir, &options, image, &target).await.unwrap();
    let index = std::fs::read(dir.join("pulled/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    assert_eq!(index["manifests"][0]["digest"], digest.to_string(), "from {}", registry.host);
}

pub async fn copy(dir: &Path, options: &[&str], from: &str, to: &str) -> Result<(), String> {
    let output = tokio::process::Command::new("skopeo")
        .args(["--insecure-policy", "copy"])
        .args(options)
        .args([from, to])
        // Neither credentials nor memories of the machine's user.
        .env("REGISTRY_AUTH_FILE", dir.join("auth.json"))
        .env("HOME", dir)
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .output()
        .await
        .expect("this test runs `skopeo`; install it (Debian: apt install skopeo)");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Writes an image's config and layer into the layout and returns its manifest.
fn manifest_in(dir: &Path, architecture: &str) -> String {
    let layer = format!("a layer for {architecture}, opaque to a registry").into_bytes();
    let diff_id = Digest::of(&layer);
    let config = format!(
        r#"{{"architecture":"{architecture}","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
    );
    write_blob(dir, &layer);
    write_blob(dir, config.as_bytes());
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", &layer);
    let config = descriptor(CONFIG, config.as_bytes());
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{layer}]}}"#)
}

fn write_blob(dir: &Path, content: &[u8]) -> Digest {
    let digest = Digest::of(content);
    let blobs = dir.join("layout/blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(digest.hex()), content).unwrap();
    digest
}

/// Completes an OCI image layout whose one image, named `it`, is this manifest or index.
fn write_layout(dir: &Path, media_type: &str, content: &str) -> Digest {
    let digest = write_blob(dir, content.as_bytes());
    let name = r#","annotations":{"org.opencontainers.image.ref.name":"it"}}"#;
    let entry = descriptor(media_type, content.as_bytes()).replace('}', name);
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
    std::fs::write(dir.join("layout/index.json"), index).unwrap();
    std::fs::write(dir.join("layout/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    digest
}
