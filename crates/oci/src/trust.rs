//! Signed statements about images: who said what about which digest. Public keys, DSSE envelopes, in-toto statements and
//! the Sigstore bundle around them, in the form that cosign 3 attaches to an image and reads back, and the verification
//! of all that a source holds about one manifest.
//!
//! There is no private key here: whoever signs gives a function. What a statement's predicate means (a bill of
//! materials, a certification) is the business of `certify`. No certificates and no transparency log: a marketplace has
//! one key pair, and devices without internet have its public half.

mod bundle;
mod dsse;
mod key;
mod read;
mod statement;

pub(crate) use bundle::EMPTY;
pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_TYPE, Bundle, COSIGN_SIGN, PREDICATE_ANNOTATION, referrer};
pub use dsse::{Envelope, EnvelopeSignature, IN_TOTO, pre_authentication_encoding};
pub use key::{KeyError, KeyId, Keyring, PublicKey};
pub use read::{REFERRERS_MAX, Rejection, Verified, open, read};
pub use statement::{STATEMENT_TYPE, Statement, Subject, statement};
