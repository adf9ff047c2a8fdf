//! `copy` and `inspect`: every direction keeps the digest, what is there is not sent again, and what cannot be is refused.

use crate::command::{command, directory, run, told};
use crate::docker_registry::DockerRegistry;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// An image of two platforms in the layout `one`; its digest.
fn pack(dir: &Path) -> String {
    fs::write(dir.join("amd64"), b"\x7fELF one").expect("writable");
    fs::write(dir.join("arm64"), b"\x7fELF other").expect("writable");
    let platforms = ["--binary", "linux/amd64=amd64", "--binary", "linux/arm64=arm64", "--tag", "1.0.0"];
    let made = json(dir, &[&["image", "pack", "one"], &platforms[..]].concat());
    made["digest"].as_str().expect("a digest").to_owned()
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = command(dir).args(arguments).arg("--json").output().expect("the binary runs");
    assert!(output.status.success(), "{}", told(dir, &output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Blobs that were sent, and that were there.
fn counts(copied: &Value) -> (u64, u64) {
    (copied["blobsSent"].as_u64().expect("a number"), copied["blobsThere"].as_u64().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_direction_keeps_the_digest() {
    let (dir, registry) = (directory(), DockerRegistry::start(false).await);
    let (dir, host) = (dir.path(), registry.address.to_string());
    let digest = pack(dir);
    let (first, second) = (format!("{host}/acme/one:1.0.0"), format!("docker://{host}/acme/two"));
    for (from, to, sent) in [
        ("./one:1.0.0", first.as_str(), (4, 0)),
        // All of it is there: the registry is asked for the index alone.
        ("./one:1.0.0", &first, (0, 0)),
        (&first, &second, (4, 0)),
        (&first, "./back.tar", (4, 0)),
        (&first, "oci:back:2.0.0", (4, 0)),
        (&first, "./back", (0, 4)),
        ("./back.tar", "oci-archive:again.tar:3.0.0", (4, 0)),
        ("again.tar:3.0.0", "./layout", (4, 0)),
    ] {
        let copied = json(dir, &["copy", from, to]);
        assert_eq!(copied["digest"], digest.as_str(), "{from} {to}");
        assert_eq!(counts(&copied), sent, "{from} {to}");
    }
    for image in [
        &first,
        &format!("{host}/acme/two:1.0.0"),
        "back.tar:1.0.0",
        "./back:2.0.0",
        "./back:1.0.0",
        "./layout:3.0.0",
    ] {
        assert_eq!(json(dir, &["inspect", image])["digest"], digest.as_str(), "{image}");
    }
    let raw = run(dir, &["inspect", "./layout", "--raw"]);
    let skopeo = Command::new("skopeo")
        .args(["inspect", "--raw", "oci-archive:back.tar:1.0.0"])
        .current_dir(dir)
        .output();
    let skopeo = skopeo.expect("skopeo is needed by this test (Debian package skopeo)");
    assert!(skopeo.status.success() && raw.contains(&*String::from_utf8_lossy(&skopeo.stdout)), "{raw}");
    insta::assert_snapshot!(run(dir, &["inspect", "./layout"]));
}

#[test]
fn a_copy_that_was_broken_off_goes_on() {
    let dir = directory();
    let dir = dir.path();
    let digest = pack(dir);
    let inspected = json(dir, &["inspect", "./one"]);
    let layer =
        inspected["manifests"][1]["layers"][0]["digest"].as_str().expect("a digest").replace("sha256:", "");
    let layer = dir.join("one/blobs/sha256").join(layer);
    let bytes = fs::read(&layer).expect("a layer");
    fs::remove_file(&layer).expect("a layer");
    for target in ["./two.tar", "./two"] {
        let refused = run(dir, &["copy", "./one", target]);
        assert!(refused.starts_with("status: 2") && refused.contains("was not found"), "{refused}");
    }
    assert!(!dir.join("two.tar").exists() && dir.join(".two.tar.partial").exists());
    fs::write(&layer, bytes).expect("writable");
    for target in ["./two.tar", "./two"] {
        let copied = json(dir, &["copy", "./one", target]);
        assert_eq!(copied["digest"], digest.as_str());
        let (sent, there) = counts(&copied);
        assert!(there >= 1 && sent + there == 4, "{copied}");
    }
    assert!(!dir.join(".two.tar.partial").exists());
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    let dir = directory();
    let dir = dir.path();
    pack(dir);
    fs::write(dir.join("there.tar"), "something else").expect("writable");
    let other = format!("127.0.0.1:9/acme/one@sha256:{}", "0".repeat(64));
    let refused = [
        run(dir, &["copy", "./one", "./there.tar"]),
        run(dir, &["copy", "./one", "docker-archive:two.tar", "--platform", "linux/riscv64"]),
        run(dir, &["copy", "./one", "./nowhere/two"]),
        run(dir, &["copy", "./one", "Not/An/Image"]),
        run(dir, &["copy", "./one", &other]),
        run(dir, &["copy", "./one:2.0.0", "./two"]),
        run(dir, &["inspect", "./there.tar"]),
    ];
    assert_eq!(fs::read_to_string(dir.join("there.tar")).expect("readable"), "something else");
    insta::assert_snapshot!(refused.join("\n"));
}
