//! Content digests (OCI image spec 1.1, *Digests*): `sha256:` and 64 lower-case hexadecimal digits, which everything here
//! makes, or `sha512:` and 128, which some writers make and which is therefore read, stored and verified. Algorithms that
//! are not registered are refused.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// A content digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256, the one that every implementation has.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::Sha256(Sha256::digest(bytes).into())
    }
    /// From the finished state of a hasher.
    pub fn from_hasher(hasher: Sha256) -> Digest {
        Digest::Sha256(hasher.finalize().into())
    }
    /// The digest of these bytes by the algorithm of this one: equal if they are what it stands for.
    pub fn again(&self, bytes: &[u8]) -> Digest {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }
    /// A hasher of this digest's algorithm, for content that comes in pieces.
    pub fn hasher(&self) -> Hasher {
        match self {
            Digest::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Digest::Sha512(_) => Hasher::Sha512(Sha512::new()),
        }
    }
    /// The registered name of the algorithm.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Digest::Sha256(_) => "sha256",
            Digest::Sha512(_) => "sha512",
        }
    }
    /// The hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }
    /// The tag that lists what refers to it, in registries without a list of their own (OCI distribution spec 1.1,
    /// *Referrers Tag Schema*): of the digits, 64 at most.
    pub fn referrers_tag(&self) -> String {
        let hex = self.hex();
        format!("{}-{}", self.algorithm(), hex.get(..64).unwrap_or(&hex))
    }
    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Digest::Sha256(bytes) => bytes,
            Digest::Sha512(bytes) => bytes,
        }
    }
}

/// Hashes content that comes in pieces, by one of the registered algorithms.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Takes in the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }
    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        match self {
            Hasher::Sha256(hasher) => Digest::Sha256(hasher.finalize().into()),
            Hasher::Sha512(hasher) => Digest::Sha512(hasher.finalize().into()),
        }
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no digest; the form is sha256: and 64 or sha512: and 128 lower-case hexadecimal digits")]
pub struct DigestError(String);

impl std::str::FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Digest, DigestError> {
        let digest = match text.split_once(':') {
            Some(("sha256", digits)) => decoded(digits).map(Digest::Sha256),
            Some(("sha512", digits)) => decoded(digits).map(Digest::Sha512),
            _ => None,
        };
        digest.ok_or_else(|| DigestError(text.chars().take(100).collect()))
    }
}

fn decoded<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok().map(|()| bytes)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// FIPS 180-4's example for both.
    #[test]
    fn known_digests() {
        let short = Digest::of(b"abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((short.to_string().as_str(), text.parse()), (text, Ok(short)));
        let text = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        let long: Digest = text.parse().unwrap();
        assert_eq!(long.again(b"abc"), long);
        assert_eq!(short.again(b"abc"), short);
        assert_ne!(long.again(b"abd"), long);
        assert_eq!(long.to_string(), text);
        assert_eq!(long.referrers_tag(), format!("sha512-{}", &text[7..71]));
        assert_eq!(short.referrers_tag(), short.to_string().replace(':', "-"));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let hex = "0".repeat(64);
        let short = &hex[1..];
        for bad in ["", "sha256", "sha256:", &format!("sha256:{short}"), &format!("sha256:{hex}0")] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        for bad in [format!("sha512:{hex}"), format!("SHA256:{hex}"), format!("sha256:{short}A"), hex] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_digest_reads_back(text in "(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}|.{0,80})") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
