//! The Sigstore bundle (v0.3, JSON), as far as a key pair needs it, and the referrer that carries it.

use super::{Envelope, KeyId};
use crate::Error;
use crate::manifest::{Descriptor, Manifest, media_type};
use serde::{Deserialize, Serialize};

/// Media type of a bundle, and artifact type of the referrer whose only layer it is.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Predicate type by which cosign 3 signs an image.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// Annotation of a referrer that says the predicate type before the bundle is fetched. Nothing is believed for it.
pub const PREDICATE_ANNOTATION: &str = "dev.sigstore.bundle.predicateType";
const CONTENT_ANNOTATION: &str = "dev.sigstore.bundle.content";

/// Largest bundle in bytes. The bill of materials of an image with 10,000 packages has some 10 MB, and base64 adds a
/// third.
pub const BUNDLE_BYTES_MAX: u64 = 64 << 20;

/// The empty JSON object, which stands for a config where there is none (OCI image spec 1.1, *Guidance for an empty
/// descriptor*).
pub(crate) const EMPTY: &[u8] = b"{}";

/// An envelope, and by which key to verify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    media_type: String,
    verification_material: Material,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Envelope>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    /// Absent where a certificate stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<Hint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hint {
    #[serde(default)]
    hint: String,
}

impl Bundle {
    /// An envelope that was sealed by this key.
    pub fn new(envelope: Envelope, key: KeyId) -> Bundle {
        let verification_material = Material { public_key: Some(Hint { hint: key.hint() }) };
        Bundle { media_type: BUNDLE_TYPE.to_owned(), verification_material, dsse_envelope: Some(envelope) }
    }

    /// Reads a bundle. The error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Bundle, String> {
        let found: Bundle = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match found.media_type == BUNDLE_TYPE {
            true => Ok(found),
            false => {
                Err(format!("its media type is {:?}", found.media_type.chars().take(100).collect::<String>()))
            }
        }
    }

    /// The JSON form; equal bundles give equal bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let malformed = |error: serde_json::Error| Error::Malformed {
            what: "bundle".to_owned(),
            cause: error.to_string(),
        };
        serde_json::to_vec(self).map_err(malformed)
    }

    /// The envelope; a bundle may hold a bare signature in its place.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.dsse_envelope.as_ref()
    }

    /// What names the key; `None` when it was signed by a certificate.
    pub fn hint(&self) -> Option<&str> {
        self.verification_material.public_key.as_ref().map(|key| key.hint.as_str())
    }
}

/// The manifest that attaches a bundle to an image, and its empty config. It carries no instant, so that the same bundle
/// gives the same digest.
pub fn referrer(
    bundle: &Descriptor,
    predicate_type: &str,
    subject: &Descriptor,
) -> (Manifest, &'static [u8]) {
    let annotations = [(CONTENT_ANNOTATION, "dsse-envelope"), (PREDICATE_ANNOTATION, predicate_type)];
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: Some(BUNDLE_TYPE.to_owned()),
        config: Descriptor::of(media_type::OCI_EMPTY, EMPTY),
        layers: vec![Descriptor::new(BUNDLE_TYPE, bundle.digest, bundle.size)],
        subject: Some(Descriptor::new(&subject.media_type, subject.digest, subject.size)),
        annotations: annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    (manifest, EMPTY)
}
