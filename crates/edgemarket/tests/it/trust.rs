//! What a marketplace signs is verified by everybody who has its public key, from a registry, a layout or an archive,
//! without the marketplace; and nothing that was tampered with is. Sigstore's own verifier agrees.

use crate::command::{command, told};
use crate::docker_registry::DockerRegistry;
use crate::server::{Server, TAGS, TestOffer, push};
use layout::{CERTIFICATION, CYCLONEDX, Layout, SIGNATURE, SPDX};
use market::submissions::Submission;
use oci::digest::Digest;
use oci::manifest::{Platform, RunConfig};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack, pack_index};
use oci::writer::LayoutWriter;
use offer::submission::SubmissionState;
use offer::template::{NewOffer, new_offer};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

mod layout;
mod tampered;

/// A static program for this ELF machine that ends at once (on x86-64; on others nobody starts it here).
fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let halves =
        |bytes: &mut Vec<u8>, halves: &[u16]| halves.iter().for_each(|h| bytes.extend(h.to_le_bytes()));
    halves(&mut bytes, &[2, machine]);
    bytes.extend(1_u32.to_le_bytes());
    for word in [0x40_0078_u64, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    halves(&mut bytes, &[64, 56, 1, 64, 0, 0]);
    for word in [1_u32, 5] {
        bytes.extend(word.to_le_bytes());
    }
    for word in [0_u64, 0x40_0000, 0x40_0000, 128, 128, 4096] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f]);
    bytes
}

/// An index of two images.
fn make_index(target: &Path, marker: &str) -> Digest {
    let file = |path: &str, content: Vec<u8>, mode| PackFile {
        path: path.to_owned(),
        content: PackContent::Bytes(content),
        mode,
        uid: 0,
        gid: 0,
    };
    let mut writer = LayoutWriter::new(target).expect("a new layout");
    let mut images = Vec::new();
    for (architecture, machine) in [("amd64", 62), ("arm64", 183)] {
        let (os, architecture) = ("linux".to_owned(), architecture.to_owned());
        let files = vec![file("app/module", elf(machine), 0o755), file("etc/marker", marker.into(), 0o644)];
        let spec = PackSpec {
            platform: Platform { architecture, os, variant: None, os_version: None },
            layers: vec![PackLayer { from_root: None, files }],
            config: RunConfig {
                user: Some("1000".to_owned()),
                entrypoint: Some(vec!["/app/module".to_owned()]),
                ..RunConfig::default()
            },
            annotations: BTreeMap::new(),
            created_epoch_seconds: 0,
            created_by: "test".to_owned(),
        };
        images.push(pack(&spec, &mut writer).expect("an image"));
    }
    let index = pack_index(&images, &BTreeMap::new(), &mut writer).expect("an index");
    TAGS.iter().for_each(|tag| writer.add(&index, Some(tag)));
    writer.finish_directory().expect("a layout");
    index.digest
}

/// Publishes an index under this offer's ID until it is live.
async fn publish(home: &Server, id: &str) -> TestOffer {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let layout = scratch.path().join("image");
    let digest = make_index(&layout, id);
    let incoming = format!("incoming/{}/{id}", TestOffer::PUBLISHER);
    let owner = home.api("POST", "/subscriptions", Some(json!({ "owner": "Fabrikam" }))).await;
    let role = json!({ "role": "publisher", "subject": TestOffer::PUBLISHER, "label": "test" });
    push(&layout, home.address, &incoming, &home.operator_token(role).await).await;
    let files = new_offer(&NewOffer {
        publisher: TestOffer::PUBLISHER.to_owned(),
        offer: id.to_owned(),
        plan: "standard".to_owned(),
        name: "Test module".to_owned(),
        repository: format!("{}/{incoming}", home.address),
        tags: TAGS.map(str::to_owned).to_vec(),
        preview_subscription: owner["id"].as_str().expect("an ID").to_owned(),
    });
    let offer = TestOffer::of(id, digest, files);
    offer.publish(home).await;
    reach(&offer, home, SubmissionState::WaitingForPublisherReview).await;
    offer.go_live(home).await;
    reach(&offer, home, SubmissionState::Succeeded).await;
    offer
}

async fn reach(offer: &TestOffer, home: &Server, state: SubmissionState) -> Submission {
    for _ in 0..6_000 {
        let submission = offer.submission(home).await;
        if submission.summary.state == state {
            return submission;
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:#?}", offer.submission(home).await);
}

/// What a run said, without what differs in every run.
fn said(dir: &Path, arguments: &[&str]) -> String {
    let text = told(dir, &command(dir).args(arguments).output().expect("the binary runs"));
    let mut settled = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let hex = |part: &str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_instant = core.len() > 18 && core.ends_with('Z') && core.contains('T');
        settled += &match core.rsplit([':', '/']).next().is_some_and(hex) {
            true => word.replace(core, "[DIGEST]"),
            false if is_instant => word.replace(core, "[INSTANT]"),
            false => word.to_owned(),
        };
    }
    settled
}

/// Status of `verify`, and the links that do not hold.
fn verify(dir: &Path, image: &str, key: &str, more: &[&str]) -> (Option<i32>, Vec<String>) {
    let usual = ["verify", image, "--key", key, "--json"];
    let output = command(dir).args([&usual[..], more].concat()).output().expect("the binary runs");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let mut broken = BTreeSet::new();
    for chain in found["chains"].as_array().into_iter().flatten() {
        for link in chain["links"].as_array().expect("links").iter().filter(|link| link["verified"] == false)
        {
            broken.insert(link["link"].as_str().expect("a name").to_owned());
        }
    }
    assert_eq!(found["verified"].as_bool(), (!found.is_null()).then_some(broken.is_empty()));
    (output.status.code(), broken.into_iter().collect())
}

fn run(dir: &Path, arguments: &[&str]) -> String {
    let output = command(dir).args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_image_is_verified_everywhere_and_nothing_that_was_tampered_with() {
    let (home, region) = (Server::start("trust").await, DockerRegistry::start(false).await);
    let url = format!("http://{}", region.address);
    let request = json!({ "name": "plain", "kind": "registry", "url": url, "required": true });
    home.api("POST", "/regions", Some(request)).await;
    home.api("POST", "/publishers", Some(json!({ "id": TestOffer::PUBLISHER, "name": "Contoso" }))).await;
    let offer = publish(&home, "sensor").await;
    let work = tempfile::tempdir().expect("a temporary directory");
    let dir = work.path();
    let marketplace = format!("http://{}", home.address);
    run(dir, &["key", "export", "keys.pem", "--server", &marketplace]);
    let exported = std::fs::read_to_string(dir.join("keys.pem")).expect("the keys");
    assert_eq!(home.document("/../../.well-known/edgemarket/keys.pem").await, exported);

    let image = format!("{}/{}:1.0.0", home.address, offer.repository());
    let in_region = format!("{}/{}:1.0.0", region.address, offer.repository());
    for place in [&image, &in_region] {
        assert_eq!(verify(dir, place, "keys.pem", &["--content"]), (Some(0), Vec::new()), "{place}");
    }
    // What a customer takes to a place without network: the copy of a copy, out of the plain registry.
    run(dir, &["copy", &in_region, "./layout", "--referrers", "--quiet"]);
    run(dir, &["copy", "./layout:1.0.0", "./image.tar", "--referrers"]);
    run(dir, &["copy", &image, "./bare"]);
    std::fs::copy(home.data().join("signing-key.pem"), dir.join("old-private.pem")).expect("the key");
    let token = home.token.clone();
    let rotated = run(dir, &["key", "rotate", "--server", &marketplace, "--token", &token]);
    run(dir, &["key", "export", "new.pem", "--active", "--server", &marketplace]);
    run(dir, &["key", "export", "all.pem", "--server", &marketplace]);
    let listed = run(dir, &["key", "list", "--server", &marketplace]);
    assert!(listed.starts_with(rotated.trim()) && listed.lines().count() == 2, "{listed}");
    let later = publish(&home, "later").await;
    let later = format!("{}/{}:1.0.0", home.address, later.repository());
    let everything = ["certification", "sbom", "signature"].map(str::to_owned).to_vec();
    assert_eq!(verify(dir, &later, "keys.pem", &[]), (Some(1), everything.clone()), "by the old key alone");
    assert_eq!(verify(dir, &later, "all.pem", &[]), (Some(0), Vec::new()));
    home.stop();

    // Nothing listens any more: what follows is offline.
    for place in ["./layout", "oci:layout:1.0.0", "./image.tar", "oci-archive:image.tar:1.0.0"] {
        assert_eq!(verify(dir, place, "keys.pem", &[]), (Some(0), Vec::new()), "{place}");
        assert_eq!(verify(dir, place, "all.pem", &[]), (Some(0), Vec::new()), "{place}");
        assert_eq!(verify(dir, place, "new.pem", &[]), (Some(1), everything.clone()), "{place}");
    }
    insta::assert_snapshot!("verified", said(dir, &["verify", "./layout", "--key", "keys.pem"]));
    insta::assert_snapshot!(
        "by_another_key",
        said(dir, &["verify", "./layout", "--key", "new.pem", "--lang", "fr"])
    );
    insta::assert_snapshot!("without_referrers", said(dir, &["verify", "./bare:1.0.0", "--key", "keys.pem"]));
    insta::assert_snapshot!("inspected", said(dir, &["inspect", "./layout"]));
    could_not_run(dir, &image);
    tampered::all(dir);
    let layout = Layout::open(&dir.join("layout"));
    sigstore_agrees(dir, &layout);
}

fn could_not_run(dir: &Path, gone: &str) {
    let mut text = String::new();
    for arguments in [
        ["./layout", "--key", "old-private.pem"],
        ["./layout", "--key", "nowhere.pem"],
        ["./layout:2.0.0", "--key", "keys.pem"],
        ["./nowhere", "--key", "keys.pem"],
        ["./layout", "--require", "sbom"],
    ] {
        text += &said(dir, &[&["verify"], &arguments[..]].concat());
    }
    insta::assert_snapshot!("could_not_run", text);
    assert_eq!(verify(dir, gone, "keys.pem", &[]).0, Some(2));
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_der().as_bytes().to_vec()
}

/// The npm packages of Sigstore, whose versions and digests are in the lock file, verify what we verify, and refuse what
/// we refuse.
fn sigstore_agrees(dir: &Path, whole: &Layout) {
    let place = dir.join("sigstore");
    std::fs::create_dir(&place).expect("a new directory");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sigstore");
    for name in [".npmrc", "package.json", "package-lock.json", "check.cjs"] {
        std::fs::copy(sources.join(name), place.join(name)).expect("a file of the tests");
    }
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let installed = Command::new("npm").args(npm).current_dir(&place).output();
    let installed = installed.expect("npm is needed by this test (Debian packages nodejs and npm)");
    assert!(installed.status.success(), "npm ci: {}", String::from_utf8_lossy(&installed.stderr));

    let (mut files, mut expected) = (Vec::new(), Vec::new());
    for subject in whole.subjects() {
        for kind in [SIGNATURE, CYCLONEDX, SPDX, CERTIFICATION] {
            files.push(whole.bundle_path(subject, kind));
            expected.push("verified");
        }
    }
    let stranger = SigningKey::from_slice(&[9; 32]).expect("a key");
    let hint = whole.bundle(whole.root(), SIGNATURE)["verificationMaterial"]["publicKey"]["hint"].clone();
    let mut broken = whole.copy_to(&dir.join("broken"));
    broken.edit_payload(whole.root(), SIGNATURE, "\"subject\"", "\"Subject\"");
    broken.edit_payload(whole.root(), CERTIFICATION, "\"passed\"", "\"PASSED\"");
    broken.sign_again(whole.images()[0], SIGNATURE, &stranger, None);
    broken.sign_again(whole.images()[1], SIGNATURE, &stranger, Some(&hint));
    for (subject, kind) in [
        (whole.root(), SIGNATURE),
        (whole.root(), CERTIFICATION),
        (whole.images()[0], SIGNATURE),
        (whole.images()[1], SIGNATURE),
    ] {
        files.push(broken.bundle_path(subject, kind));
        expected.push("refused");
    }
    let checked = Command::new("node")
        .arg("check.cjs")
        .arg(dir.join("keys.pem"))
        .args(&files)
        .current_dir(&place)
        .output();
    let checked = checked.expect("node is needed by this test (Debian package nodejs)");
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    let verdicts: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(verdicts, expected, "{text}");
    // It reads the same statements out of them: about the index there are as many as about an image.
    let root = whole.root().hex();
    let about_root = text.lines().filter(|line| line.starts_with("verified") && line.contains(&root));
    assert!(about_root.count() >= 4, "{text}");
}
