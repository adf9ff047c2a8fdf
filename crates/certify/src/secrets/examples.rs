//! For each kind texts that hold such a secret, and texts that do not. The values are made here, so that nobody's
//! scanner takes this source for a leak, and no push protection refuses it.

use super::{Secret, examine, kinds};
use crate::rules::{Literals, Wake};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

mod clouds;
mod forges;
mod keys;
mod services;

const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters as if drawn at random, always the same for the same seed.
fn noise(alphabet: &str, count: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letters = alphabet.as_bytes();
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state >> 33) as usize % letters.len()])
    };
    (0..count).map(letter).collect()
}

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    hex::decode(noise(HEX, count * 2, seed)).expect("hexadecimal")
}

fn base64(count: usize, seed: u64) -> String {
    STANDARD.encode(bytes(count, seed))
}

/// Secrets that the passage holds, by the whole way: literals, examination.
pub(super) fn found(text: &str) -> Vec<Secret> {
    let literals = Literals::new();
    let mut secrets: Vec<Secret> = Vec::new();
    let mut examined_to = 0;
    literals.find(text.as_bytes(), |wake, at| {
        if let Wake::Secret(woken) = wake
            && at >= examined_to
            && let Some(secret) = examine(woken, text.as_bytes(), at)
        {
            examined_to = secret.end;
            secrets.push(secret);
        }
    });
    secrets
}

struct Row {
    id: &'static str,
    real: Vec<String>,
    not: Vec<String>,
}

fn row<const R: usize, const N: usize>(id: &'static str, real: [String; R], not: [String; N]) -> Row {
    Row { id, real: real.into(), not: not.into() }
}

/// A token that is a prefix and some letters: real ones alone and in a setting, false ones too short or all the same.
fn plain(id: &'static str, prefix: &str, alphabet: &str, count: usize) -> Row {
    let made = |seed| format!("{prefix}{}", noise(alphabet, count, seed));
    let short = format!("{prefix}{}", noise(alphabet, count / 2, 3));
    let first = alphabet.chars().next().unwrap_or('0');
    let same = format!("{prefix}{}", String::from(first).repeat(count));
    row(id, [made(1), format!("export T=\"{}\"\n", made(2))], [short, same])
}

/// A setting `NAME=VALUE`.
fn setting(id: &'static str, name: &str, value: impl Fn(u64) -> String) -> Row {
    row(
        id,
        [format!("{name}={}\n", value(1)), format!("\"{name}\": \"{}\",", value(2))],
        [format!("{name}=<your key>"), format!("{name}=${{{name}}} # {}", &value(3)[..8])],
    )
}

fn with_crc(prefix: &str, seed: u64) -> String {
    let random = noise(BASE62, 30, seed);
    let mut crc = flate2::Crc::new();
    crc.update(random.as_bytes());
    let (mut rest, mut digits) = (crc.sum() as usize, Vec::new());
    for _ in 0..6 {
        digits.push(BASE62.as_bytes()[rest % 62]);
        rest /= 62;
    }
    digits.reverse();
    format!("{prefix}{random}{}", String::from_utf8(digits).expect("ASCII"))
}

fn pem(label: &str, seed: u64) -> String {
    let der = [vec![0x30, 0x82, 0x02, 0x00], bytes(512, seed)].concat();
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}PRIVATE {0}-----\n{body}\n-----END {label}PRIVATE {0}-----\n", "KEY")
}

#[test]
fn each_kind_is_found_in_what_holds_it_and_not_in_what_does_not() {
    let rows: Vec<Row> =
        [keys::keys(), clouds::azure(), clouds::clouds(), forges::forges(), services::services()]
            .into_iter()
            .flatten()
            .collect();
    let mut wrong = Vec::new();
    for row in &rows {
        assert!(row.real.len() >= 2 && row.not.len() >= 2, "{}", row.id);
        for text in &row.real {
            let seen: Vec<&str> = found(text).iter().map(|secret| secret.kind).collect();
            if seen != [row.id] {
                wrong.push(format!("{}: {seen:?} in {text}", row.id));
            }
            for secret in found(text) {
                let shown = secret.evidence.split('…').next().unwrap_or("").chars().count();
                assert!(shown <= 4 || secret.kind.ends_with("private-key"), "{}", secret.evidence);
            }
        }
        for text in &row.not {
            let seen = found(text);
            if !seen.is_empty() {
                wrong.push(format!("{}: a false alarm, {seen:?} in {text}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing: Vec<&str> =
        kinds().map(|kind| kind.id).filter(|id| !rows.iter().any(|row| row.id == *id)).collect();
    assert!(missing.is_empty(), "kinds without examples: {missing:?}");
    assert!(rows.len() >= 40);
}
