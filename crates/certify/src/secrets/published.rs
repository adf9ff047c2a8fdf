//! Keys and tokens that stand in standards, manuals and public test suites: whoever wants them has them, so they protect
//! nothing, and an image that holds one loses nothing by it. Known by fingerprint, so that this source holds no key.

use sha2::{Digest as _, Sha256};
use std::sync::OnceLock;

/// One fingerprint a line, in hexadecimal; lines that begin with `#` say whose they are.
const LIST: &str = include_str!("../../data/published-secrets.txt");

/// Bytes of a fingerprint. Half of a SHA-256 is enough: nobody makes a key of his own that collides with it.
const BYTES: usize = 16;

type Fingerprint = [u8; BYTES];

/// Whether these bytes are published: of a private key what its PEM body encodes, of a token its text.
pub(super) fn known(bytes: &[u8]) -> bool {
    static KNOWN: OnceLock<Vec<Fingerprint>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let mut known: Vec<Fingerprint> = LIST.lines().filter_map(read).collect();
        known.sort_unstable();
        known
    });
    known.binary_search(&fingerprint(bytes)).is_ok()
}

fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|at| digest[at])
}

fn read(line: &str) -> Option<Fingerprint> {
    let mut bytes = [0; BYTES];
    hex::decode_to_slice(line.trim_end(), &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_is_a_fingerprint_a_heading_or_empty_and_none_is_there_twice() {
        let mut seen = BTreeSet::new();
        for (number, line) in LIST.lines().enumerate() {
            let number = number + 1;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = read(line).unwrap_or_else(|| panic!("line {number} is no fingerprint: {line}"));
            assert!(seen.insert(read), "line {number} is there twice");
        }
        assert!(seen.len() > 100);
    }

    #[test]
    fn the_storage_emulators_key_is_known_and_another_is_not() {
        let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        assert!(known(key.as_bytes()));
        assert!(!known(key.replace("Eby8", "Eby9").as_bytes()));
        assert!(!known(b""));
    }
}
