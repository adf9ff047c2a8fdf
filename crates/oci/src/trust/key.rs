//! Public keys: ECDSA on P-256 with SHA-256, as SubjectPublicKeyInfo in PEM (RFC 5480, RFC 7468). That is what cosign
//! makes by default, and what `openssl` and every TLS library read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Most bytes of a file of public keys: a key takes 178 bytes, so thousands fit.
const KEYS_BYTES_MAX: usize = 1 << 20;
/// Most keys of one file. A marketplace that rotates its key monthly has that many after eighty years.
const KEYS_MAX: usize = 1_000;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// What names a key: the SHA-256 of its SubjectPublicKeyInfo in DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// As a bundle's `publicKey.hint` writes it: base64.
    pub fn hint(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The key that a hint of that form names.
    pub fn from_hint(hint: &str) -> Option<KeyId> {
        Some(KeyId(STANDARD.decode(hint).ok()?.try_into().ok()?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Why a text holds no usable key. `Display` states the fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum KeyError {
    #[error("it holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)")]
    None,
    #[error("it holds a private key, which verifies nothing and should not leave its place")]
    Private,
    #[error("its public key number {number} is not an ECDSA key on the curve P-256 ({cause})")]
    Unusable { number: usize, cause: String },
    #[error("it has {found} {what}; at most {limit} are read")]
    Limit { what: &'static str, found: usize, limit: usize },
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// The key of this point.
    pub fn new(key: VerifyingKey) -> Result<PublicKey, KeyError> {
        let der = key.to_public_key_der().map_err(|error| unusable(1, &error))?;
        let id = KeyId(Sha256::digest(der.as_bytes()).into());
        Ok(PublicKey { key, id })
    }

    /// What names it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// SubjectPublicKeyInfo in PEM, with line feeds.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|error| unusable(1, &error))
    }

    /// Whether this is the key's signature (ASN.1 DER, RFC 3279) of the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

/// The keys that somebody trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring(Vec<PublicKey>);

impl Keyring {
    /// Reads one or several public keys in PEM; text between them is a comment.
    ///
    /// # Errors
    /// A key of another kind, a private key, none at all, or more than 1 MiB or 1,000 keys. Nothing is left out
    /// silently: whoever gave two keys means both.
    pub fn from_pem(text: &str) -> Result<Keyring, KeyError> {
        if text.len() > KEYS_BYTES_MAX {
            return Err(KeyError::Limit { what: "bytes", found: text.len(), limit: KEYS_BYTES_MAX });
        }
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let mut keys: Vec<PublicKey> = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(BEGIN) {
            let number = keys.len() + 1;
            let block = &rest[start..];
            let end = block.find(END).ok_or_else(|| unusable(number, &"it has no end"))? + END.len();
            let key = VerifyingKey::from_public_key_pem(&block[..end].replace('\r', ""));
            keys.push(PublicKey::new(key.map_err(|error| unusable(number, &error))?)?);
            if keys.len() > KEYS_MAX {
                return Err(KeyError::Limit { what: "keys", found: keys.len(), limit: KEYS_MAX });
            }
            rest = &block[end..];
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(Keyring(keys)) }
    }

    /// All of them.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// The key that a bundle's hint means.
    pub fn by_hint(&self, hint: &str) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.id.hint() == hint)
    }
}

impl From<PublicKey> for Keyring {
    fn from(key: PublicKey) -> Keyring {
        Keyring(vec![key])
    }
}

fn unusable(number: usize, cause: &dyn fmt::Display) -> KeyError {
    KeyError::Unusable { number, cause: cause.to_string() }
}
