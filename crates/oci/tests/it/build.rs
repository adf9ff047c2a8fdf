//! Images, layouts and archives made in code, so that each fault can be put in by hand.

use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    serde_json::from_value(json!({
        "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()
    }))
    .unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar stream of these files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar stream whose only entry has this name, which a writer would refuse.
pub fn tar_with_raw_name(name: &[u8], kind: tar::EntryType, link: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, &[][..]).unwrap();
    builder.into_inner().unwrap()
}

/// A layout as a list of files: blobs, `oci-layout` and `index.json`.
#[derive(Default)]
pub struct Layout {
    pub files: Vec<(String, Vec<u8>)>,
    pub manifests: Vec<Value>,
}

impl Layout {
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let descriptor = descriptor(media_type, bytes);
        self.files.push((format!("blobs/sha256/{}", descriptor.digest.hex()), bytes.to_vec()));
        serde_json::to_value(descriptor).unwrap()
    }

    pub fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.blob(media_type, &serde_json::to_vec(value).unwrap())
    }

    /// An image with one gzip layer that holds the file `hello` with this content.
    pub fn image(&mut self, architecture: &str, content: &str) -> Value {
        let plain = tar(&[("hello", content.as_bytes())]);
        let layer = self.blob(media_type::OCI_LAYER_GZIP, &gzip(&plain));
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Cmd": ["/hello"], "Labels": null },
            "rootfs": { "type": "layers", "diff_ids": [Digest::of(&plain).to_string()] }, "history": null
        });
        let config = self.json(media_type::OCI_CONFIG, &config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]
        });
        self.json(media_type::OCI_MANIFEST, &manifest)
    }

    pub fn index(&mut self, entries: &[Value]) -> Value {
        self.json(
            media_type::OCI_INDEX,
            &json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries }),
        )
    }

    pub fn tag(&mut self, mut descriptor: Value, tag: &str) {
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        self.manifests.push(descriptor);
    }

    pub fn all_files(&self) -> Vec<(String, Vec<u8>)> {
        let index = json!({ "schemaVersion": 2, "manifests": self.manifests });
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), serde_json::to_vec(&index).unwrap()),
        ];
        files.extend(self.files.iter().cloned());
        files.sort();
        files.dedup();
        files
    }

    pub fn write(&self, directory: &Path) {
        for (name, bytes) in self.all_files() {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub fn archive(&self) -> Vec<u8> {
        let files = self.all_files();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
        tar(&files)
    }
}
