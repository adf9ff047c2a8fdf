//! Each link of the chain is broken in turn, in a copy of the layout: `verify` names that link and no other.

use super::layout::{CERTIFICATION, CYCLONEDX, Layout, SIGNATURE, SPDX, payload};
use super::{said, verify};
use oci::digest::Digest;
use p256::SecretKey;
use p256::ecdsa::SigningKey;
use p256::pkcs8::DecodePrivateKey;
use serde_json::Value;
use std::path::Path;

/// What is done, by whom, and which links do not hold then.
type Case<'a> = (&'a str, Box<dyn Fn(&mut Layout) + 'a>, &'a [&'a str]);

/// What a forger has at hand, and the marketplace's key, which they have not.
struct Desk {
    index: Digest,
    images: Vec<Digest>,
    stranger: SigningKey,
    hint: Value,
    ours: SigningKey,
}

/// Runs all cases on copies of the layout in this directory.
pub fn all(dir: &Path) {
    let whole = Layout::open(&dir.join("layout"));
    let text = std::fs::read_to_string(dir.join("old-private.pem")).expect("a key");
    let signature = whole.bundle(whole.root(), SIGNATURE);
    let desk = Desk {
        index: whole.root(),
        images: whole.images(),
        stranger: SigningKey::from_slice(&[9; 32]).expect("a key"),
        hint: signature["verificationMaterial"]["publicKey"]["hint"].clone(),
        ours: SecretKey::from_pkcs8_pem(&text).expect("a key").into(),
    };
    let mut table = String::new();
    for (name, tamper, expected) in
        desk.content().into_iter().chain(desk.signatures()).chain(desk.statements())
    {
        let copy = dir.join("tampered");
        let _ = std::fs::remove_dir_all(&copy);
        let mut layout = whole.copy_to(&copy);
        tamper(&mut layout);
        let (status, broken) = verify(dir, "./tampered", "keys.pem", &[]);
        assert_eq!(broken, expected, "{name}");
        assert_eq!(status, Some(i32::from(!expected.is_empty())), "{name}");
        // Whoever demands less is not told of what they do not demand; the signature is always demanded.
        let less = |demand| verify(dir, "./tampered", "keys.pem", &["--require", demand]).0;
        match expected {
            ["sbom"] => assert_eq!((less("certification"), less("sbom")), (Some(0), status), "{name}"),
            ["certification"] => {
                assert_eq!((less("sbom"), less("certification")), (Some(0), status), "{name}")
            }
            ["signature"] => assert_eq!(less("signature"), status, "{name}"),
            _ => {}
        }
        table += &format!("{name}\n{}", reasons(dir));
    }
    insta::assert_snapshot!("reasons", table);
}

impl Desk {
    fn content(&self) -> Vec<Case<'_>> {
        let images = &self.images;
        vec![
            ("nothing", Box::new(|_| ()), &[]),
            ("layer changed", Box::new(|layout| layout.damage(layout.layer(images[1]))), &["content"]),
            ("config gone", Box::new(|layout| layout.remove_blob(layout.config(images[0]))), &["content"]),
            ("manifest changed", Box::new(|layout| layout.damage(images[1])), &["image"]),
            ("index gone", Box::new(|layout| layout.remove_blob(self.index)), &["image"]),
        ]
    }

    fn signatures(&self) -> Vec<Case<'_>> {
        let (index, images) = (self.index, &self.images);
        let by = |hint| move |layout: &mut Layout| layout.sign_again(index, SIGNATURE, &self.stranger, hint);
        let change =
            move |layout: &mut Layout| layout.edit_payload(index, SIGNATURE, "\"subject\"", "\"Subject\"");
        let borrow = move |layout: &mut Layout| {
            let other = layout.bundle(images[0], SIGNATURE);
            layout.replace(index, SIGNATURE, &other);
        };
        vec![
            ("signature gone", Box::new(move |layout| layout.remove(index, SIGNATURE)), &["signature"]),
            ("an image's gone", Box::new(|layout| layout.remove(images[0], SIGNATURE)), &["signature"]),
            ("bytes changed", Box::new(move |layout| layout.damage_bundle(index, SIGNATURE)), &["signature"]),
            ("statement changed", Box::new(change), &["signature"]),
            ("signed by a stranger", Box::new(by(None)), &["signature"]),
            ("signed by a stranger in our name", Box::new(by(Some(&self.hint))), &["signature"]),
            ("another image's signature", Box::new(borrow), &["signature"]),
        ]
    }

    fn statements(&self) -> Vec<Case<'_>> {
        let (index, image) = (self.index, self.images[1]);
        let no_bills = move |layout: &mut Layout| {
            layout.remove(image, CYCLONEDX);
            layout.remove(image, SPDX);
        };
        let changed_bills = move |layout: &mut Layout| {
            layout.remove(image, SPDX);
            layout.edit_payload(image, CYCLONEDX, "CycloneDX", "cycloneDX");
        };
        let change =
            move |layout: &mut Layout| layout.edit_payload(index, CERTIFICATION, "\"passed\"", "\"PASSED\"");
        let again = |at| {
            move |layout: &mut Layout| {
                let text = not_passed(layout, at);
                layout.add_statement(index, CERTIFICATION, &text, &self.ours);
            }
        };
        let strange = move |layout: &mut Layout| {
            let text = not_passed(layout, "2999-01-01T00:00:00Z");
            layout.add_statement(index, CERTIFICATION, &text, &self.stranger);
        };
        let gone = move |layout: &mut Layout| layout.remove(index, CERTIFICATION);
        vec![
            ("bills of materials gone", Box::new(no_bills), &["sbom"]),
            ("one of two forms gone", Box::new(move |layout| layout.remove(image, SPDX)), &[]),
            ("bills of materials changed", Box::new(changed_bills), &["sbom"]),
            ("certification gone", Box::new(gone), &["certification"]),
            ("certification changed", Box::new(change), &["certification"]),
            ("later not passed", Box::new(again("2999-01-01T00:00:00Z")), &["certification"]),
            ("earlier not passed", Box::new(again("2001-01-01T00:00:00Z")), &[]),
            ("later not passed, says a stranger", Box::new(strange), &[]),
        ]
    }
}

/// A certification that was not passed, of this instant.
fn not_passed(layout: &Layout, at: &str) -> String {
    let passed = payload(&layout.bundle(layout.root(), CERTIFICATION));
    let text = passed.replace("\"verdict\":\"passed\"", "\"verdict\":\"failed\"");
    let (before, rest) = text.split_once("\"certifiedAt\":\"").expect("an instant");
    let (_, after) = rest.split_once('"').expect("an instant");
    format!("{before}\"certifiedAt\":\"{at}\"{after}")
}

/// Why the links of the tampered layout do not hold.
fn reasons(dir: &Path) -> String {
    let all = said(dir, &["verify", "./tampered", "--key", "keys.pem"]);
    let mut found = String::new();
    let mut inside = false;
    for line in all.lines() {
        inside = line.trim_start().starts_with('✗') || inside && line.starts_with("            ");
        if inside {
            found += line;
            found.push('\n');
        }
    }
    found
}
