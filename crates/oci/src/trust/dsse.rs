//! The envelope around what is signed (DSSE v1): the signature covers the payload's type and bytes, not its meaning, so
//! nothing needs a canonical form.

use super::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Payload type of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload with its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Base64 of the payload.
    payload: String,
    /// What the payload is.
    pub payload_type: String,
    /// Signatures over [`pre_authentication_encoding`].
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// Base64 of the signature in ASN.1 DER.
    pub sig: String,
}

/// What is signed (DSSE protocol, *Signature Definition*): `DSSEv1`, then type and payload, each after its length in
/// bytes, with a space between.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Puts a payload into an envelope. `sign` gives the signature of its argument, in DER.
    pub fn seal(payload_type: &str, payload: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Envelope {
        let signature = sign(&pre_authentication_encoding(payload_type, payload));
        Envelope {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![EnvelopeSignature { sig: STANDARD.encode(signature) }],
        }
    }

    /// The payload, if it is base64. Nothing is known about it before [`is_signed_by`](Envelope::is_signed_by).
    pub fn payload(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }

    /// Whether the only signature is this key's, over this payload. An envelope with several is refused, as a Sigstore
    /// bundle must not have them.
    pub fn is_signed_by(&self, key: &PublicKey, payload: &[u8]) -> bool {
        let [only] = &self.signatures[..] else { return false };
        let Ok(signature) = STANDARD.decode(&only.sig) else { return false };
        key.verifies(&pre_authentication_encoding(&self.payload_type, payload), &signature)
    }
}
