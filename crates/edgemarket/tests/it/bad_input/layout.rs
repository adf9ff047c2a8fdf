//! Layout directories made by hand, in which every document may contradict the others.

use oci::digest::Digest;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// What is in a layout: files by the digest under which they lie, and the descriptor of the root.
#[derive(Default)]
pub struct Image {
    pub blobs: Vec<(Digest, Vec<u8>)>,
    pub root: Value,
}

impl Image {
    pub fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = Digest::of(&bytes);
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.blobs.push((digest, bytes));
        descriptor
    }

    /// An image of these layers becomes the root.
    pub fn of_layers(mut self, layers: &[Value], diff_ids: &[Digest]) -> Image {
        let config = json!({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/a"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        self.root = self.manifest(config.to_string(), layers);
        self
    }

    fn manifest(&mut self, config: String, layers: &[Value]) -> Value {
        let config = self.blob(CONFIG, config.into_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.blob(MANIFEST, manifest.to_string().into_bytes())
    }

    fn index_of_root(mut self) -> Image {
        let root = self.root.take();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [root]});
        self.root = self.blob(INDEX, index.to_string().into_bytes());
        self
    }

    pub fn write(&self, directory: &Path) {
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("writable");
        for (digest, bytes) in &self.blobs {
            fs::write(blobs.join(digest.hex()), bytes).expect("writable");
        }
        let write = |name: &str, value: &Value| fs::write(directory.join(name), value.to_string());
        write("oci-layout", &json!({"imageLayoutVersion": "1.0.0"})).expect("writable");
        let mut root = self.root.clone();
        root["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
        write("index.json", &json!({"schemaVersion": 2, "manifests": [root]})).expect("writable");
    }
}

fn without_layers() -> Image {
    Image::default().of_layers(&[], &[])
}

/// Six indexes in each other.
pub fn nested() -> Image {
    (0..6).fold(without_layers(), |image, _| image.index_of_root())
}

/// As deep as real ones.
pub fn nested_twice() -> Image {
    without_layers().index_of_root().index_of_root()
}

/// An index that names itself: the size is right, so that nothing but the digest gives it away.
pub fn cyclic() -> Image {
    let mut image = Image::default();
    let index = |size: usize| {
        let itself = json!({"mediaType": INDEX, "digest": Digest::of(b"itself"), "size": size});
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [itself]}).to_string()
    };
    let bytes = index(index(100).len());
    image.root = json!({"mediaType": INDEX, "digest": Digest::of(b"itself"), "size": bytes.len()});
    image.blobs.push((Digest::of(b"itself"), bytes.into_bytes()));
    image
}

pub fn large_manifest() -> Image {
    let mut image = without_layers();
    let filler = "x".repeat(4 << 20);
    let text = json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "annotations": {"x": filler}});
    image.root = image.blob(MANIFEST, text.to_string().into_bytes());
    image
}

/// Arrays in each other.
pub fn deep() -> String {
    ["[".repeat(10_000), "]".repeat(10_000)].concat()
}

pub fn deep_manifest() -> Image {
    let mut image = without_layers();
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","layers":[],"x":{}}}"#, deep());
    image.root = image.blob(MANIFEST, text.into_bytes());
    image
}

pub fn deep_config() -> Image {
    let mut image = Image::default();
    let text = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}},"x":{}}}"#,
        deep()
    );
    image.root = image.manifest(text, &[]);
    image
}
