//! Signed statements: what is let through is what a given key signed about the asked digest, and nothing else.

use oci::Error;
use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use oci::source::Source;
use oci::trust::{
    BUNDLE_TYPE, Bundle, COSIGN_SIGN, Envelope, IN_TOTO, KeyError, Keyring, PublicKey, Rejection, Statement,
    Subject, Verified, pre_authentication_encoding, read, referrer, statement,
};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

/// A source that holds what is put into it.
#[derive(Default)]
struct Shelf {
    blobs: BTreeMap<String, Vec<u8>>,
    referrers: Vec<Descriptor>,
}

impl Shelf {
    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(media_type, bytes);
        self.blobs.insert(descriptor.digest.to_string(), bytes.to_vec());
        descriptor
    }

    fn attach(&mut self, bundle: &[u8], subject: &Descriptor) -> Digest {
        let bundle = self.put(BUNDLE_TYPE, bundle);
        let (manifest, config) = referrer(&bundle, COSIGN_SIGN, subject);
        self.put(media_type::OCI_EMPTY, config);
        let found = self.put(media_type::OCI_MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        self.referrers.push(Descriptor { artifact_type: manifest.artifact_type, ..found.clone() });
        found.digest
    }

    fn read(&self, subject: &Descriptor, keys: &Keyring) -> Vec<Result<Verified, Rejection>> {
        let mut found = Vec::new();
        read(self, subject.digest, keys, &mut |one| found.push(one.map_err(|(_, rejection)| rejection)))
            .unwrap();
        found
    }
}

impl Source for Shelf {
    fn describe(&self) -> String {
        "shelf".to_owned()
    }
    fn tags(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
    fn resolve(&self, _: Option<&str>) -> Result<Descriptor, Error> {
        Err(Error::NotFound("a tag".to_owned()))
    }
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let bytes = self.blobs.get(&descriptor.digest.to_string()).cloned();
        bytes.ok_or_else(|| Error::NotFound(descriptor.digest.to_string()))
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        Ok(Box::new(std::io::Cursor::new(self.manifest(descriptor)?)))
    }
    fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(self.referrers.clone())
    }
}

fn key(seed: u8) -> (SigningKey, PublicKey) {
    let key = SigningKey::from_slice(&[seed; 32]).unwrap();
    let public = PublicKey::new(*key.verifying_key()).unwrap();
    (key, public)
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_der().as_bytes().to_vec()
}

/// A bundle of a statement about this digest.
fn bundle(by: &(SigningKey, PublicKey), digest: Digest) -> Vec<u8> {
    let text = statement(&[Subject::new(digest, None)], COSIGN_SIGN, b"{}").unwrap();
    Bundle::new(Envelope::seal(IN_TOTO, &text, |message| sign(&by.0, message)), by.1.id()).to_json().unwrap()
}

fn changed(bundle: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bundle).unwrap();
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn the_encoding_is_that_of_the_protocol() {
    // The example of the DSSE protocol's text.
    let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn the_same_statement_gives_the_same_bundle() {
    let by = key(7);
    let digest = Digest::of(b"image");
    let one = bundle(&by, digest);
    assert_eq!(one, bundle(&by, digest));
    insta::assert_snapshot!(String::from_utf8(one).unwrap());
    let predicate = b" { \"b\": 1,\n  \"a\": 2 }\n";
    let text = statement(&[Subject::new(digest, Some("a".to_owned()))], "urn:x", predicate).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
    statement(&[], "urn:x", b"{").unwrap_err();
}

#[test]
fn what_a_given_key_signed_about_the_digest_is_let_through_and_nothing_else() {
    let (ours, stranger) = (key(7), key(9));
    let keys = Keyring::from(ours.1.clone());
    let mut shelf = Shelf::default();
    let subject = shelf.put(media_type::OCI_MANIFEST, b"image");
    let good = bundle(&ours, subject.digest);
    let referrer = shelf.attach(&good, &subject);
    shelf.attach(&bundle(&stranger, subject.digest), &subject);
    // The stranger names our key.
    let hint = ours.1.id().hint();
    let forged = changed(&bundle(&stranger, subject.digest), |value| {
        value["verificationMaterial"]["publicKey"]["hint"] = hint.clone().into();
    });
    shelf.attach(&forged, &subject);
    shelf.attach(&bundle(&ours, Digest::of(b"another image")), &subject);
    let two = changed(&good, |value| {
        let signature = value["dsseEnvelope"]["signatures"][0].clone();
        value["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(signature);
    });
    shelf.attach(&two, &subject);
    let other_type = changed(&good, |value| value["dsseEnvelope"]["payloadType"] = "text/plain".into());
    shelf.attach(&other_type, &subject);
    let certificate = changed(&good, |value| {
        value["verificationMaterial"] = serde_json::json!({ "certificate": { "rawBytes": "AAAA" } });
    });
    shelf.attach(&certificate, &subject);
    shelf.attach(
        &changed(&good, |value| drop(value.as_object_mut().unwrap().remove("dsseEnvelope"))),
        &subject,
    );
    shelf.attach(&changed(&good, |value| value["mediaType"] = "a/b".into()), &subject);
    shelf.attach(b"{", &subject);
    // A blob that is another than its digest says, and one that is gone.
    let damaged = shelf.attach(&bundle(&ours, subject.digest).repeat(2), &subject);
    assert_ne!(damaged, referrer);
    let blob = Digest::of(&bundle(&ours, subject.digest).repeat(2)).to_string();
    shelf.blobs.insert(blob, good.clone());
    // A referrer of another image, listed for this one.
    let other = shelf.put(media_type::OCI_MANIFEST, b"another image");
    shelf.attach(&good, &other);

    let found = shelf.read(&subject, &keys);
    let verified: Vec<&Verified> = found.iter().flatten().collect();
    assert_eq!(verified.len(), 1);
    assert_eq!((verified[0].referrer, verified[0].key), (referrer, ours.1.id()));
    assert_eq!(verified[0].predicate_type, COSIGN_SIGN);
    let reasons: Vec<String> =
        found.iter().filter_map(|one| one.as_ref().err()).map(ToString::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"));
    // With nobody's key nothing is let through.
    assert!(shelf.read(&subject, &Keyring::default()).iter().all(Result::is_err));
}

#[test]
fn keys_are_read_or_refused_with_the_reason() {
    let (one, two) = (key(7).1, key(9).1);
    let (first, second) = (one.to_pem().unwrap(), two.to_pem().unwrap());
    let both = Keyring::from_pem(&format!("# ours\n{first}\r\nand before\n{}", second.replace('\n', "\r\n")))
        .unwrap();
    assert_eq!(both.keys(), [one.clone(), two]);
    assert_eq!(both.by_hint(&one.id().hint()), Some(&one));
    insta::assert_snapshot!(first);
    assert_eq!(Keyring::from_pem(""), Err(KeyError::None));
    let private = "-----BEGIN PRIVATE KEY-----\n";
    assert_eq!(Keyring::from_pem(private), Err(KeyError::Private));
    let cut = Keyring::from_pem(&format!("{first}{}", &second[..60])).unwrap_err();
    assert!(cut.to_string().contains("number 2"), "{cut}");
    // An Ed25519 key (RFC 8410, 10.1).
    let other = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert!(matches!(Keyring::from_pem(other), Err(KeyError::Unusable { number: 1, .. })));
    assert!(matches!(Keyring::from_pem(&first.repeat(1_001)), Err(KeyError::Limit { what: "keys", .. })));
    assert!(matches!(Keyring::from_pem(&"x".repeat(2 << 20)), Err(KeyError::Limit { what: "bytes", .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_bundle_with_one_byte_changed_states_nothing_else(at in any::<prop::sample::Index>(), value: u8) {
        let ours = key(7);
        let mut shelf = Shelf::default();
        let subject = shelf.put(media_type::OCI_MANIFEST, b"image");
        let good = bundle(&ours, subject.digest);
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] = value;
        shelf.attach(&bytes, &subject);
        for verified in shelf.read(&subject, &Keyring::from(ours.1.clone())).into_iter().flatten() {
            // What is outside of the signature (a space, an unknown field's name) may differ; what is stated may not.
            let stated: Statement<Value> = Statement::parse(&verified.payload).unwrap();
            prop_assert!(stated.is_about(subject.digest));
            prop_assert_eq!(verified.predicate_type, COSIGN_SIGN);
        }
    }

    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "(-----BEGIN PUBLIC KEY-----|-----END PUBLIC KEY-----|[\\[\\]{}\":,a-zA-Z0-9+/=\\n]{0,60}){0,6}") {
        let _ = Bundle::parse(&bytes);
        let _ = Bundle::parse(text.as_bytes());
        let _ = Statement::<Value>::parse(text.as_bytes());
        let _ = Keyring::from_pem(&text);
    }
}
