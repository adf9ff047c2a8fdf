//! Images that no good tool makes, by `certify`: indexes in each other, a cycle, manifests too large or too deep.

use crate::command::{directory, run};
use oci::digest::Digest;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Stores a blob of a layout and describes it.
fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes);
    fs::write(layout.join("blobs/sha256").join(digest.hex()), bytes).expect("writable");
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

fn index(layout: &Path, children: &[Value]) -> Value {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children });
    blob(layout, INDEX, index.to_string().as_bytes())
}

/// A sound image without layers, with this config.
fn image(layout: &Path, config: &str) -> Value {
    let config = blob(layout, CONFIG, config.as_bytes());
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [] });
    blob(layout, MANIFEST, manifest.to_string().as_bytes())
}

/// What is wrong, and what makes such a layout and describes its root.
type Case<'a> = (&'a str, &'a dyn Fn(&Path) -> Value);

#[test]
fn each_ends_quickly_in_an_error_or_a_failed_certification() {
    let dir = directory();
    let start = Instant::now();
    let deep = ["[".repeat(10_000), "]".repeat(10_000)].concat();
    let plain =
        r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;
    let cases: [Case<'_>; 7] = [
        ("indexes in each other", &|layout| {
            (0..6).fold(image(layout, plain), |child, _| index(layout, &[child]))
        }),
        ("an index that contains itself", &|layout| {
            let mut root = index(layout, &[]);
            let size =
                json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [root] }).to_string().len();
            // The size is right, so that nothing but the digest gives it away.
            root["size"] = json!(size);
            let itself = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [root] }).to_string();
            let digest: Digest = root["digest"].as_str().expect("text").parse().expect("a digest");
            fs::write(layout.join("blobs/sha256").join(digest.hex()), &itself).expect("writable");
            root["size"] = json!(itself.len());
            root
        }),
        ("2,000 entries in an index", &|layout| {
            let child = image(layout, plain);
            index(layout, &vec![child; 2_000])
        }),
        ("a manifest of more than 4 MiB", &|layout| {
            let filled = [&br#"{"schemaVersion":2,"manifests":[]"#[..], &vec![b' '; 4 << 20], b"}"].concat();
            blob(layout, INDEX, &filled)
        }),
        ("a manifest nested 10,000 deep", &|layout| {
            let text = format!(r#"{{"schemaVersion":2,"manifests":[],"x":{deep}}}"#);
            blob(layout, INDEX, text.as_bytes())
        }),
        ("a config nested 10,000 deep", &|layout| {
            image(layout, &format!(r#"{{"architecture":"amd64","os":"linux","x":{deep}}}"#))
        }),
        ("a manifest that is not there", &|layout| {
            let image = image(layout, plain);
            let digest: Digest = image["digest"].as_str().expect("text").parse().expect("a digest");
            fs::remove_file(layout.join("blobs/sha256").join(digest.hex())).expect("there");
            image
        }),
    ];
    let mut all = String::new();
    for (number, (what, make)) in cases.into_iter().enumerate() {
        let name = format!("image{number}");
        let layout = dir.path().join(&name);
        fs::create_dir_all(layout.join("blobs/sha256")).expect("writable");
        fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("writable");
        let mut root = make(&layout);
        root["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let text = json!({ "schemaVersion": 2, "manifests": [root] }).to_string();
        fs::write(layout.join("index.json"), text).expect("writable");
        let told = run(dir.path(), &["certify", &name, "--no-cache"]);
        let telling = ["status: ", "error: ", "hint: ", "failed: ", "✗ ", "verdict: "];
        let telling = |line: &&str| telling.iter().any(|start| line.trim_start().starts_with(start));
        let lines: Vec<&str> = told.lines().filter(telling).collect();
        all += &format!("===== {what}\n{}\n", lines.join("\n"));
    }
    insta::assert_snapshot!(all);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}
