//! Reads what a source holds about one manifest, and lets through only what a trusted key signed about exactly that
//! digest. Everything else is told with its reason and counts for nothing: a stranger may attach to an image what they
//! like, and neither helps nor harms by it.

use super::bundle::{BUNDLE_BYTES_MAX, BUNDLE_TYPE, Bundle};
use super::{IN_TOTO, KeyId, Keyring, Statement};
use crate::Error;
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document};
use crate::source::{Source, check_bytes, read_bounded};
use serde::de::IgnoredAny;

/// Most bundles that are read about one manifest. A marketplace makes four, and four more with each certification.
pub const REFERRERS_MAX: usize = 1_000;

/// A statement that a trusted key signed about the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Digest of the referrer.
    pub referrer: Digest,
    /// Who signed.
    pub key: KeyId,
    /// What the predicate means.
    pub predicate_type: String,
    /// The statement, as [`Statement::parse`] reads it.
    pub payload: Vec<u8>,
}

/// Why a bundle counts for nothing. `Display` states the fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Rejection {
    #[error("it names the key {key}, which is not among the given ones")]
    UnknownKey { key: String },
    #[error(
        "its signature is not of what it holds: it names the key {key}, but was changed, or signed by another"
    )]
    BadSignature { key: KeyId },
    #[error("it is signed by the key {key}, but about another image: {about}")]
    OtherSubject { key: KeyId, about: String },
    #[error("it is signed by a certificate, which this program does not verify")]
    Certificate,
    #[error("its content is damaged: {0}")]
    Damaged(String),
    #[error("it is malformed: {0}")]
    Malformed(String),
}

/// Hands over everything that the source holds about this manifest, bundle by bundle: one at a time is in memory. Other
/// referrers are passed over.
///
/// # Errors
/// The source cannot be read, or holds more than [`REFERRERS_MAX`] bundles about it.
pub fn read(
    source: &dyn Source,
    subject: Digest,
    keys: &Keyring,
    each: &mut dyn FnMut(Result<Verified, (Digest, Rejection)>),
) -> Result<(), Error> {
    let mut referrers = source.referrers(subject)?;
    referrers.retain(|referrer| referrer.artifact_type.as_deref() == Some(BUNDLE_TYPE));
    if referrers.len() > REFERRERS_MAX {
        return Err(Error::Limit {
            what: format!("the number {} of bundles about {subject}", referrers.len()),
            limit: REFERRERS_MAX.to_string(),
        });
    }
    for referrer in &referrers {
        let found = match bundle(source, referrer, subject) {
            Ok(bytes) => verify(&bytes, subject, keys),
            Err(error) if is_content(&error) => Err(Rejection::Damaged(error.to_string())),
            Err(error) => return Err(error),
        };
        each(match found {
            Ok((key, predicate_type, payload)) => {
                Ok(Verified { referrer: referrer.digest, key, predicate_type, payload })
            }
            Err(rejection) => Err((referrer.digest, rejection)),
        });
    }
    Ok(())
}

/// Whether the content itself is at fault, rather than the way to it.
fn is_content(error: &Error) -> bool {
    use Error::*;
    matches!(
        error,
        NotFound(_)
            | DigestMismatch { .. }
            | SizeMismatch { .. }
            | Limit { .. }
            | Malformed { .. }
            | Unsupported(_)
    )
}

/// The bytes of a referrer's bundle, verified against their digest.
fn bundle(source: &dyn Source, referrer: &Descriptor, subject: Digest) -> Result<Vec<u8>, Error> {
    let bytes = source.manifest(referrer)?;
    let malformed = |cause: &str| Error::Malformed {
        what: format!("referrer {}", referrer.digest),
        cause: cause.to_owned(),
    };
    let Document::Manifest(manifest) = manifest::parse(&bytes, Some(&referrer.media_type))? else {
        return Err(malformed("it is an index"));
    };
    if manifest.subject.as_ref().map(|found| found.digest) != Some(subject) {
        return Err(malformed("its subject is another manifest than the one that it is listed for"));
    }
    let [layer] = &manifest.layers[..] else { return Err(malformed("a bundle is its only layer")) };
    let what = format!("bundle {}", layer.digest);
    if layer.size > BUNDLE_BYTES_MAX {
        return Err(Error::Limit { what, limit: format!("{BUNDLE_BYTES_MAX} bytes") });
    }
    let bytes = read_bounded(source.blob(layer)?, &what, BUNDLE_BYTES_MAX)?;
    check_bytes(&what, layer, &bytes)?;
    Ok(bytes)
}

/// The pure part: key, predicate type and payload of a bundle that is signed by one of the keys and about the subject.
/// Nothing of the payload is looked at before its signature.
fn verify(bytes: &[u8], subject: Digest, keys: &Keyring) -> Result<(KeyId, String, Vec<u8>), Rejection> {
    let (key, payload) = open(bytes, keys)?;
    let statement: Statement<IgnoredAny> = Statement::parse(&payload).map_err(Rejection::Malformed)?;
    if !statement.is_about(subject) {
        let about: Vec<String> =
            statement.subject.iter().take(3).flat_map(|subject| subject.digest.values().cloned()).collect();
        return Err(Rejection::OtherSubject { key, about: about.join(", ") });
    }
    Ok((key, statement.predicate_type, payload))
}

/// Key and payload of a bundle that holds a statement and is signed by one of the keys, whatever it is about.
///
/// # Errors
/// Why it counts for nothing.
pub fn open(bytes: &[u8], keys: &Keyring) -> Result<(KeyId, Vec<u8>), Rejection> {
    let malformed = |cause: &str| Rejection::Malformed(cause.to_owned());
    let bundle = Bundle::parse(bytes).map_err(Rejection::Malformed)?;
    let hint = bundle.hint().ok_or(Rejection::Certificate)?;
    let Some(key) = keys.by_hint(hint) else {
        // Hexadecimal like those that are listed, where it is one; whatever it is otherwise.
        let shown = || format!("{:?}", hint.chars().take(100).collect::<String>());
        return Err(Rejection::UnknownKey {
            key: KeyId::from_hint(hint).map_or_else(shown, |id| id.to_string()),
        });
    };
    let envelope = bundle.envelope().ok_or_else(|| malformed("it has no envelope"))?;
    let payload = envelope.payload().ok_or_else(|| malformed("its payload is no base64"))?;
    if !envelope.is_signed_by(key, &payload) {
        return Err(Rejection::BadSignature { key: key.id() });
    }
    if envelope.payload_type != IN_TOTO {
        return Err(malformed("its payload is no in-toto statement"));
    }
    Ok((key.id(), payload))
}
