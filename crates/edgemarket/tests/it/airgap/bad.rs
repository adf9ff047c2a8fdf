//! Files that are no export, or not the one that was signed: each is refused with its reason, and nothing of it becomes visible.

use super::{at, json, refused, source, with};
use crate::command::{command, directory};
use crate::server::Server;
use certify::trust::export::{Content, EXPORT, Export};
use oci::digest::Digest;
use oci::manifest::Descriptor;
use oci::source::Source;
use oci::source::layout::LayoutSource;
use oci::trust::{Bundle, Envelope, IN_TOTO, PublicKey, Subject, referrer};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of an archive, in their order.
fn unpack(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(fs::File::open(file).expect("an archive"));
    let mut files = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("readable");
        files.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), bytes));
    }
    files
}

fn pack(file: &Path, files: &[(String, Vec<u8>)]) {
    let mut builder = tar::Builder::new(fs::File::create(file).expect("writable"));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.as_gnu_mut().expect("a header").name[..name.len().min(100)]
            .copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
        header.set_cksum();
        builder.append(&header, &bytes[..]).expect("writable");
    }
    builder.finish().expect("writable");
}

fn blob(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// An export whose statement was changed, and signed by this key under its own name, or under another's.
struct Forged {
    files: BTreeMap<String, Vec<u8>>,
    index: Value,
    root: Descriptor,
    statement: Value,
}

impl Forged {
    fn of(file: &Path) -> Forged {
        let files: BTreeMap<String, Vec<u8>> = unpack(file).into_iter().collect();
        let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let root =
            LayoutSource::open_archive(file, None).expect("a layout").resolve(Some("export")).expect("it");
        let entry = index["manifests"][1]["digest"].as_str().expect("a digest").parse().expect("a digest");
        let manifest: Value = serde_json::from_slice(&files[&blob(entry)]).expect("JSON");
        let layer = manifest["layers"][0]["digest"].as_str().expect("a digest").parse().expect("a digest");
        let bundle = Bundle::parse(&files[&blob(layer)]).expect("a bundle");
        let payload = bundle.envelope().expect("an envelope").payload().expect("base64");
        let statement = serde_json::from_slice(&payload).expect("JSON");
        Forged { files, index, root, statement }
    }

    fn write(mut self, file: &Path, key: &SigningKey, hint: Option<oci::trust::KeyId>) {
        let public = PublicKey::new(*key.verifying_key()).expect("a key");
        let predicate = serde_json::to_vec(&self.statement["predicate"]).expect("JSON");
        let subject = Subject::new(self.root.digest, None);
        let payload = oci::trust::statement(&[subject], EXPORT, &predicate).expect("a statement");
        let envelope = Envelope::seal(IN_TOTO, &payload, |message| {
            let signature: Signature = key.sign(message);
            signature.to_der().as_bytes().to_vec()
        });
        let bundle = Bundle::new(envelope, hint.unwrap_or(public.id())).to_json().expect("JSON");
        let descriptor = Descriptor::of(oci::trust::BUNDLE_TYPE, &bundle);
        let (manifest, _) = referrer(&descriptor, EXPORT, &self.root);
        let manifest = serde_json::to_vec(&manifest).expect("JSON");
        self.index["manifests"][1]["digest"] = Digest::of(&manifest).to_string().into();
        self.index["manifests"][1]["size"] = manifest.len().into();
        self.files.insert(blob(descriptor.digest), bundle);
        self.files.insert(blob(Digest::of(&manifest)), manifest);
        self.files.insert("index.json".to_owned(), serde_json::to_vec(&self.index).expect("JSON"));
        pack(file, &self.files.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_signed_like_this_is_not_taken() {
    let work = directory();
    let dir = work.path();
    let (home, _) = source(dir, 3).await;
    json(dir, &with(&["export", "good.tar"], &at(&home)));
    let text = fs::read_to_string(home.data().join("signing-key.pem")).expect("the key");
    home.stop();
    let there = Server::start("bad").await;
    let to = at(&there);
    json(dir, &with(&["key", "trust", "keys.pem"], &to));
    damaged(dir, &to);
    forged(dir, &to);
    nonsense(dir, &to, &text);
    assert!(
        there.manifest_digest("contoso/meter/standard", "latest").await.is_none(),
        "nothing came through"
    );
    given_up(dir, &to);
    json(dir, &with(&["import", "good.tar"], &to));
    assert!(there.manifest_digest("contoso/meter/standard", "latest").await.is_some());
    there.stop();
}

/// What damaged files have begun is given up; what is complete cannot be.
fn given_up(dir: &Path, to: &[String; 4]) {
    let list = || json(dir, &with(&["import", "--list"], to));
    let begun = list();
    let ids: Vec<&str> =
        begun.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(!ids.is_empty() && begun[0].get("finished").is_none(), "{begun:#}");
    for id in &ids {
        assert_eq!(json(dir, &with(&["import", "--abort", id], to)), json!({ "aborted": id }));
    }
    assert_eq!(list(), json!([]));
    let again = refused(dir, 1, &with(&["import", "--abort", ids[0]], to));
    assert!(again.contains(&format!("the import {} was not found", ids[0])), "{again}");
    json(dir, &with(&["import", "good.tar"], to));
    let list = list();
    let id = list[0]["id"].as_str().expect("the import");
    let complete = refused(dir, 1, &with(&["import", "--abort", id], to));
    assert!(complete.contains("is complete, and what it brought is live"), "{complete}");
}

type Files = Vec<(String, Vec<u8>)>;

/// The files, changed one by one, or left out.
fn changed(good: &Files, change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Files {
    let all = good.iter().cloned();
    all.filter_map(|(name, bytes)| change(&name, bytes).map(|bytes| (name, bytes))).collect()
}

/// What came to harm on the way.
fn damaged(dir: &Path, to: &[String; 4]) {
    let place = |name: &str| dir.join(name);
    let good = unpack(&place("good.tar"));
    let largest = good.iter().max_by_key(|(_, bytes)| bytes.len()).expect("a layer").0.clone();
    // Cut short, at several places.
    let whole = fs::read(place("good.tar")).expect("an archive");
    for (number, part) in [700, whole.len() / 3, whole.len() - 200_000].into_iter().enumerate() {
        fs::write(place("short.tar"), &whole[..part]).expect("writable");
        let told = refused(dir, 2, &with(&["import", "short.tar"], to));
        assert!(told.contains("error: "), "{number}: {told}");
    }
    // A layer with other bytes, and one that is gone.
    pack(
        &place("flipped.tar"),
        &changed(&good, |name, mut bytes| {
            if name == largest {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Some(bytes)
        }),
    );
    let told = refused(dir, 1, &with(&["import", "flipped.tar"], to));
    assert!(told.contains("came with another content"), "{told}");
    let told = refused(dir, 1, &["verify", "flipped.tar", "--key", "keys.pem"]);
    assert!(told.contains("is damaged") && told.contains("NOT verified"), "{told}");
    pack(&place("gone.tar"), &changed(&good, |name, bytes| (name != largest).then_some(bytes)));
    refused(dir, 2, &with(&["import", "gone.tar"], to));
    let told = refused(dir, 1, &["verify", "gone.tar", "--key", "keys.pem"]);
    assert!(told.contains("is missing"), "{told}");
    // A name that leads elsewhere, and something that is no export at all.
    let mut paths = good.clone();
    paths.push(("../../escaped".to_owned(), b"no".to_vec()));
    pack(&place("paths.tar"), &paths);
    let told = refused(dir, 2, &with(&["import", "paths.tar"], to));
    assert!(told.contains("names must be relative"), "{told}");
    fs::write(place("module"), b"\x7fELF").expect("writable");
    let made = command(dir)
        .args(["image", "pack", "one", "--binary", "linux/amd64=module", "--tag", "1.0.0"])
        .status();
    assert!(made.expect("it runs").success());
    let told = refused(dir, 2, &with(&["import", "one"], to));
    assert!(told.contains("is no export"), "{told}");
}

/// What nobody signed, or a stranger, or a stranger who calls himself by the right name.
fn forged(dir: &Path, to: &[String; 4]) {
    let place = |name: &str| dir.join(name);
    let good = unpack(&place("good.tar"));
    let mut unsigned = Forged::of(&place("good.tar"));
    unsigned.index["manifests"].as_array_mut().expect("entries").remove(1);
    let index = serde_json::to_vec(&unsigned.index).expect("JSON");
    pack(
        &place("unsigned.tar"),
        &changed(&good, |name, bytes| Some(if name == "index.json" { index.clone() } else { bytes })),
    );
    let told = refused(dir, 1, &with(&["import", "unsigned.tar"], to));
    assert!(told.contains("nobody signed it"), "{told}");
    refused(dir, 1, &["verify", "unsigned.tar", "--key", "keys.pem"]);
    let stranger = SigningKey::from_slice(&[9; 32]).expect("a key");
    let pem = fs::read_to_string(place("keys.pem")).expect("the keys");
    let right = oci::trust::Keyring::from_pem(&pem).expect("keys").keys()[0].id();
    for (hint, reason) in
        [(None, "which is not among the given ones"), (Some(right), "signature is not of what it holds")]
    {
        Forged::of(&place("good.tar")).write(&place("forged.tar"), &stranger, hint);
        let told = refused(dir, 1, &with(&["import", "forged.tar"], to));
        assert!(told.contains(reason), "{told}");
        let told = refused(dir, 1, &["verify", "forged.tar", "--key", "keys.pem"]);
        assert!(told.contains(reason), "{told}");
    }
}

/// The right key, and a statement that is a bomb, or of which nothing holds.
fn nonsense(dir: &Path, to: &[String; 4], pem: &str) {
    let place = |name: &str| dir.join(name);
    let key = p256::SecretKey::from_slice(&secret(pem)).expect("a key");
    let key = SigningKey::from(&key);
    let mut many = Forged::of(&place("good.tar"));
    let one = |number: u64| Content { digest: Digest::of(&number.to_le_bytes()), size: 1 };
    let content: Vec<Content> = (0..100_000).map(one).collect();
    many.statement["predicate"]["content"] = serde_json::to_value(content).expect("JSON");
    many.write(&place("many.tar"), &key, None);
    let told = refused(dir, 1, &with(&["import", "many.tar"], to));
    assert!(told.contains("lists 100000 pieces of content; at most"), "{told}");
    let mut hollow = Forged::of(&place("good.tar"));
    let stated: Export = serde_json::from_value(hollow.statement["predicate"].clone()).expect("an export");
    let only: Vec<Content> =
        stated.content.into_iter().filter(|content| content.digest == hollow.root.digest).collect();
    hollow.statement["predicate"]["content"] = serde_json::to_value(only).expect("JSON");
    hollow.statement["predicate"]["id"] = "another".into();
    hollow.write(&place("hollow.tar"), &key, None);
    let told = refused(dir, 1, &with(&["import", "hollow.tar"], to));
    assert!(told.contains("belongs to it, but is not listed"), "{told}");
}

/// The number in a PKCS#8 file of this program's making, whose inner structure has it behind `04 20`.
fn secret(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    let at = der.windows(2).position(|pair| pair == [0x04, 0x20]).expect("a key") + 2;
    der[at..at + 32].to_vec()
}
