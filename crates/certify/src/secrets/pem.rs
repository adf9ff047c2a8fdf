//! Private keys in PEM (RFC 7468, RFC 1421 encapsulation, OpenSSH, OpenPGP) and PuTTY's form. The body must be there
//! and must be a key: header lines alone stand in every TLS library and in much documentation.

use super::{AFTER_MAX, Secret, published};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Shortest body in bytes: an Ed25519 key in PKCS #8 has 48, an EC key about 118.
const KEY_BYTES_MIN: usize = 40;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `at` is where `PRIVATE KEY` begins.
pub(super) fn private_key(data: &[u8], at: usize) -> Option<Secret> {
    let line_start = at.saturating_sub(40);
    let begin = memchr::memmem::rfind(&data[line_start..at], b"-----BEGIN ")?;
    let label = std::str::from_utf8(&data[line_start + begin + 11..at]).ok()?.trim();
    let rest = &data[at + b"PRIVATE KEY".len()..data.len().min(at + AFTER_MAX)];
    let openpgp = rest.starts_with(b" BLOCK-----");
    let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest).strip_prefix(b"-----")?;
    let end = memchr::memmem::find(rest, b"-----END ")?;
    let (body, encrypted) = body(&rest[..end]);
    let bytes = LENIENT.decode(body.as_bytes()).ok()?;
    let real = bytes.len() >= KEY_BYTES_MIN
        && match label {
            "OPENSSH" => bytes.starts_with(b"openssh-key-v1\0"),
            // A secret-key packet, in the old or the new packet format (RFC 9580).
            "PGP" => openpgp && matches!(bytes[0], 0x94..=0x97 | 0xc5),
            _ => encrypted || der_sequence(&bytes),
        };
    if published::known(&bytes) {
        return None;
    }
    let name = match label {
        "" => "PKCS #8".to_owned(),
        label => label.to_owned(),
    };
    let end = at + b"PRIVATE KEY".len() + end;
    real.then(|| Secret {
        kind: "private-key",
        blocking: true,
        evidence: format!(
            "{name} private key ({} bytes{})",
            bytes.len(),
            if encrypted { ", encrypted" } else { "" }
        ),
        end,
    })
}

/// `at` is where `PuTTY-User-Key-File-` begins.
pub(super) fn putty_key(data: &[u8], at: usize) -> Option<Secret> {
    let rest = &data[at..data.len().min(at + AFTER_MAX)];
    let mark = b"Private-Lines: ";
    let start = memchr::memmem::find(rest, mark)? + mark.len();
    let lines = &rest[start..];
    let first = memchr::memchr(b'\n', lines)? + 1;
    let line = lines[first..].split(|&byte| matches!(byte, b'\n' | b'\r')).next()?;
    let real = line.len() >= 40 && LENIENT.decode(line).is_ok();
    real.then(|| Secret {
        kind: "putty-private-key",
        blocking: true,
        evidence: "PuTTY private key".to_owned(),
        end: at + start + first,
    })
}

/// The base64 letters of a body, whether the lines are text, a JSON string (`\n`) or string literals in source code;
/// and whether headers say that it is encrypted. Checksum lines of OpenPGP (`=AbCd`) end it.
fn body(text: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(text).replace("\\n", "\n").replace("\\r", "\n");
    let mut letters = String::new();
    let mut encrypted = false;
    for line in text.lines() {
        let line =
            line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '\\'));
        let line = line.trim_end_matches(['+', ' ', '"', '\'']);
        if line.contains(':') {
            encrypted |= line.contains("ENCRYPTED");
        } else if line.starts_with('=') && line.len() == 5 {
            break;
        } else {
            letters.push_str(line);
        }
    }
    (letters, encrypted)
}

/// DER of a SEQUENCE whose stated length agrees with what is there, within a padding's tolerance.
fn der_sequence(bytes: &[u8]) -> bool {
    let stated = match bytes {
        [0x30, length @ 0..=0x7f, ..] => usize::from(*length) + 2,
        [0x30, 0x81, length, ..] => usize::from(*length) + 3,
        [0x30, 0x82, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) + 4,
        _ => return false,
    };
    bytes.len().abs_diff(stated) <= 8
}
