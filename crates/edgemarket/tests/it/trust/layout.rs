//! A layout with signed statements, whose links are broken by hand: what is changed is changed with all digests that name
//! it, as somebody would who wants to deceive.

use super::sign;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci::digest::Digest;
use oci::manifest::Manifest;
use oci::trust::{Bundle, Envelope, IN_TOTO, PREDICATE_ANNOTATION, PublicKey};
use p256::ecdsa::SigningKey;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
pub const SPDX: &str = "https://spdx.dev/Document";
pub const CERTIFICATION: &str = "urn:edgemarket:certification:v1";

pub struct Layout {
    path: PathBuf,
    index: Value,
}

impl Layout {
    pub fn open(path: &Path) -> Layout {
        let index = std::fs::read(path.join("index.json")).expect("an index");
        Layout { path: path.to_owned(), index: serde_json::from_slice(&index).expect("JSON") }
    }

    pub fn copy_to(&self, to: &Path) -> Layout {
        std::fs::create_dir_all(to.join("blobs/sha256")).expect("a new directory");
        for name in ["index.json", "oci-layout"] {
            std::fs::copy(self.path.join(name), to.join(name)).expect("a copy");
        }
        for blob in std::fs::read_dir(self.path.join("blobs/sha256")).expect("blobs") {
            let blob = blob.expect("a blob");
            std::fs::copy(blob.path(), to.join("blobs/sha256").join(blob.file_name())).expect("a copy");
        }
        Layout::open(to)
    }

    /// The index of the image.
    pub fn root(&self) -> Digest {
        let entries = self.index["manifests"].as_array().expect("entries");
        let root = entries.iter().find(|entry| !entry["artifactType"].is_string()).expect("an image");
        root["digest"].as_str().expect("a digest").parse().expect("a digest")
    }

    /// The manifests of its images.
    pub fn images(&self) -> Vec<Digest> {
        let index: Value = self.json(self.root());
        let entries = index["manifests"].as_array().expect("manifests");
        entries
            .iter()
            .map(|entry| entry["digest"].as_str().expect("a digest").parse().expect("a digest"))
            .collect()
    }

    /// Index and images.
    pub fn subjects(&self) -> Vec<Digest> {
        [vec![self.root()], self.images()].concat()
    }

    pub fn layer(&self, image: Digest) -> Digest {
        self.manifest(image).layers[0].digest
    }

    pub fn config(&self, image: Digest) -> Digest {
        self.manifest(image).config.digest
    }

    fn manifest(&self, digest: Digest) -> Manifest {
        serde_json::from_value(self.json(digest)).expect("a manifest")
    }

    fn json(&self, digest: Digest) -> Value {
        serde_json::from_slice(&std::fs::read(self.blob(digest)).expect("a blob")).expect("JSON")
    }

    fn blob(&self, digest: Digest) -> PathBuf {
        self.path.join("blobs/sha256").join(digest.hex())
    }

    /// Changes one byte of a blob, which keeps its name.
    pub fn damage(&self, digest: Digest) {
        let mut bytes = std::fs::read(self.blob(digest)).expect("a blob");
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        std::fs::write(self.blob(digest), bytes).expect("writable");
    }

    pub fn remove_blob(&self, digest: Digest) {
        std::fs::remove_file(self.blob(digest)).expect("a blob");
    }

    /// Position in the index of the referrer of this kind.
    fn position(&self, subject: Digest, kind: &str) -> usize {
        let entries = self.index["manifests"].as_array().expect("entries");
        let is_it = |entry: &Value| {
            let digest = entry["digest"].as_str().expect("a digest").parse().expect("a digest");
            let manifest = self.json(digest);
            manifest["subject"]["digest"] == subject.to_string()
                && manifest["annotations"][PREDICATE_ANNOTATION] == kind
        };
        entries
            .iter()
            .position(|entry| entry["artifactType"].is_string() && is_it(entry))
            .expect("a referrer")
    }

    fn referrer(&self, subject: Digest, kind: &str) -> Manifest {
        let entry = &self.index["manifests"][self.position(subject, kind)];
        self.manifest(entry["digest"].as_str().expect("a digest").parse().expect("a digest"))
    }

    pub fn bundle_path(&self, subject: Digest, kind: &str) -> PathBuf {
        self.blob(self.referrer(subject, kind).layers[0].digest)
    }

    pub fn bundle(&self, subject: Digest, kind: &str) -> Value {
        self.json(self.referrer(subject, kind).layers[0].digest)
    }

    pub fn damage_bundle(&self, subject: Digest, kind: &str) {
        self.damage(self.referrer(subject, kind).layers[0].digest);
    }

    /// Takes a referrer out.
    pub fn remove(&mut self, subject: Digest, kind: &str) {
        let position = self.position(subject, kind);
        self.index["manifests"].as_array_mut().expect("entries").remove(position);
        self.save();
    }

    /// Puts another bundle in the place of one.
    pub fn replace(&mut self, subject: Digest, kind: &str, bundle: &Value) {
        let (position, mut manifest) = (self.position(subject, kind), self.referrer(subject, kind));
        let entry = self.put_bundle(&mut manifest, bundle);
        let old = &mut self.index["manifests"][position];
        (old["digest"], old["size"]) = entry;
        self.save();
    }

    fn put_bundle(&self, manifest: &mut Manifest, bundle: &Value) -> (Value, Value) {
        let bytes = serde_json::to_vec(bundle).expect("JSON");
        manifest.layers[0].digest = Digest::of(&bytes);
        manifest.layers[0].size = bytes.len() as u64;
        std::fs::write(self.blob(Digest::of(&bytes)), bytes).expect("writable");
        let bytes = serde_json::to_vec(&manifest).expect("JSON");
        let digest = Digest::of(&bytes);
        let size = bytes.len();
        std::fs::write(self.blob(digest), bytes).expect("writable");
        (digest.to_string().into(), size.into())
    }

    /// Changes what is signed, and leaves the signature.
    pub fn edit_payload(&mut self, subject: Digest, kind: &str, from: &str, to: &str) {
        let mut bundle = self.bundle(subject, kind);
        let text = payload(&bundle);
        assert!(text.contains(from), "{from} is in {text}");
        bundle["dsseEnvelope"]["payload"] = STANDARD.encode(text.replacen(from, to, 1)).into();
        self.replace(subject, kind, &bundle);
    }

    /// The same statement by another key, which calls itself by this hint.
    pub fn sign_again(&mut self, subject: Digest, kind: &str, key: &SigningKey, hint: Option<&Value>) {
        let bundle = signed(payload(&self.bundle(subject, kind)).as_bytes(), key, hint);
        self.replace(subject, kind, &bundle);
    }

    /// One more statement of this kind, by this key.
    pub fn add_statement(&mut self, subject: Digest, kind: &str, payload: &str, key: &SigningKey) {
        let bundle = signed(payload.as_bytes(), key, None);
        let (position, mut manifest) = (self.position(subject, kind), self.referrer(subject, kind));
        let mut entry = self.index["manifests"][position].clone();
        (entry["digest"], entry["size"]) = self.put_bundle(&mut manifest, &bundle);
        self.index["manifests"].as_array_mut().expect("entries").push(entry);
        self.save();
    }

    fn save(&self) {
        std::fs::write(self.path.join("index.json"), self.index.to_string()).expect("writable");
    }
}

/// What a bundle states.
pub fn payload(bundle: &Value) -> String {
    let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload");
    String::from_utf8(STANDARD.decode(payload).expect("base64")).expect("UTF-8")
}

fn signed(payload: &[u8], key: &SigningKey, hint: Option<&Value>) -> Value {
    let id = PublicKey::new(*key.verifying_key()).expect("a key").id();
    let envelope = Envelope::seal(IN_TOTO, payload, |message| sign(key, message));
    let bundle = Bundle::new(envelope, id).to_json().expect("JSON");
    let mut bundle: Value = serde_json::from_slice(&bundle).expect("JSON");
    if let Some(hint) = hint {
        bundle["verificationMaterial"]["publicKey"]["hint"] = hint.clone();
    }
    bundle
}
