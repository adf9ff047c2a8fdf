//! Signed statements: bundles, envelopes, statements and keys; and that nothing is let through but what the key signed.

use crate::image::Memory;
use crate::input::Input;
use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use oci::trust::{
    BUNDLE_TYPE, Bundle, COSIGN_SIGN, Envelope, IN_TOTO, Keyring, PublicKey, Statement, Subject, read,
    referrer, statement,
};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use std::sync::LazyLock;

/// What is signed, by whom, and the bundle of it.
pub(crate) struct Signed {
    subject: Digest,
    payload: Vec<u8>,
    public: PublicKey,
    pub(crate) bundle: Vec<u8>,
}

pub(crate) fn signed() -> &'static Signed {
    static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
        let key = SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let public = PublicKey::new(*key.verifying_key()).expect("a point");
        let subject = Digest::of(b"image");
        let payload = statement(&[Subject::new(subject, None)], COSIGN_SIGN, b"{}").expect("JSON");
        let sign = |message: &[u8]| {
            let signature: Signature = key.sign(message);
            signature.to_der().as_bytes().to_vec()
        };
        let bundle = Bundle::new(Envelope::seal(IN_TOTO, &payload, sign), public.id());
        Signed { subject, payload, bundle: bundle.to_json().expect("JSON"), public }
    });
    &SIGNED
}

/// The first byte says what the rest is.
pub fn signatures(data: &[u8]) {
    let mut input = Input::new(data);
    let which = input.byte();
    let rest = input.rest();
    match which % 4 {
        0 | 1 => bundle(rest),
        2 => {
            if let Ok(read) = Statement::<serde_json::Value>::parse(rest) {
                let _ = read.is_about(signed().subject);
            }
        }
        _ => {
            let text = String::from_utf8_lossy(rest);
            if let Ok(keys) = Keyring::from_pem(&text) {
                for key in keys.keys() {
                    let again = Keyring::from_pem(&key.to_pem().expect("PEM")).expect("PEM that was written");
                    assert_eq!(again.keys(), std::slice::from_ref(key));
                }
            }
        }
    }
}

fn bundle(bytes: &[u8]) {
    if let Ok(read) = Bundle::parse(bytes) {
        let written = read.to_json().expect("JSON");
        assert_eq!(Bundle::parse(&written).as_ref(), Ok(&read));
    }
    let signed = signed();
    let mut memory = Memory::default();
    let bundle = memory.add(BUNDLE_TYPE, bytes.to_vec());
    let subject = Descriptor::new(media_type::OCI_MANIFEST, signed.subject, 5);
    let (manifest, config) = referrer(&bundle, COSIGN_SIGN, &subject);
    memory.add(media_type::OCI_EMPTY, config.to_vec());
    let found = memory.add(media_type::OCI_MANIFEST, serde_json::to_vec(&manifest).expect("JSON"));
    memory.referrers.push(Descriptor { artifact_type: manifest.artifact_type, ..found });
    let keys = Keyring::from(signed.public.clone());
    let mut count = 0;
    let result = read(&memory, signed.subject, &keys, &mut |one| {
        count += 1;
        match one {
            Ok(verified) => assert!(verified.payload == signed.payload, "nobody signed this: {verified:?}"),
            Err((_, rejection)) => assert!(!rejection.to_string().is_empty()),
        }
    });
    assert!(result.is_ok() && count == 1, "{result:?}");
}
