//! Whether a value of the right form can be a real one: checksums where the format has one, lengths after decoding.
//! Pure, and blind to where the value stood.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Nothing beyond the form.
pub(super) fn any(_: &str) -> bool {
    true
}

/// Azure's shared keys are 16 to 64 random bytes.
pub(super) fn shared_key(value: &str) -> bool {
    STANDARD.decode(value).is_ok_and(|key| key.len() >= 16)
}

/// 32 bytes in base64 (WireGuard).
pub(super) fn bytes_32(value: &str) -> bool {
    STANDARD.decode(value).is_ok_and(|key| key.len() == 32)
}

/// Both digits and letters, and not only hexadecimal: no path, word, or digest.
pub(super) fn mixed(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_lowercase())
        && value.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `user:password` in base64, neither of them empty, the password no placeholder.
pub(super) fn basic_pair(value: &str) -> bool {
    let decoded = STANDARD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value));
    let Some(pair) = decoded.ok().and_then(|pair| String::from_utf8(pair).ok()) else { return false };
    pair.split_once(':').is_some_and(|(user, password)| {
        !user.is_empty() && !super::placeholder::password(user, password) && !super::placeholder(password)
    })
}

/// A private key in PEM, in base64 once more (kubeconfig).
pub(super) fn pem_in_base64(value: &str) -> bool {
    let decoded = STANDARD.decode(value).unwrap_or_default();
    memchr::memmem::find(&decoded, b"PRIVATE KEY-----")
        .is_some_and(|at| super::pem::private_key(&decoded, at).is_some())
}

/// A macaroon of PyPI or its test instance: its location stands at the beginning.
pub(super) fn pypi(value: &str) -> bool {
    let body = value.strip_prefix("pypi-").unwrap_or(value);
    let whole = &body[..body.len() / 4 * 4];
    let location = concat!("pypi", ".org").as_bytes();
    URL_SAFE_NO_PAD
        .decode(whole)
        .is_ok_and(|macaroon| memchr::memmem::find(&macaroon[..24.min(macaroon.len())], location).is_some())
}

/// GitHub's and npm's tokens of 36 letters end with the CRC-32 of the 30 before, in base 62 (announced by both in
/// 2021). Longer ones have no published form.
pub(super) fn crc_base62(value: &str) -> bool {
    let Some((_, body)) = value.split_once('_') else { return false };
    if body.len() != 36 {
        return body.len() > 36;
    }
    let Some((random, stated)) = body.split_at_checked(30) else { return false };
    let mut crc = flate2::Crc::new();
    crc.update(random.as_bytes());
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    };
    let number = stated.bytes().try_fold(0_u64, |sum, byte| Some(sum * 62 + u64::from(digit(byte)?)));
    number == Some(u64::from(crc.sum()))
}

/// Bech32 (BIP 173) with its checksum, in upper case: keys of age.
pub(super) fn bech32(value: &str) -> bool {
    const LETTERS: &[u8] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let Some((prefix, data)) = value.rsplit_once('1') else { return false };
    let mut sum = 1_u32;
    let mut add = |five: u32| {
        let top = sum >> 25;
        sum = ((sum & 0x01ff_ffff) << 5) ^ five;
        for (bit, generator) in GENERATOR.iter().enumerate() {
            if (top >> bit) & 1 == 1 {
                sum ^= generator;
            }
        }
    };
    let prefix = prefix.to_ascii_lowercase();
    prefix.bytes().for_each(|byte| add(u32::from(byte >> 5)));
    add(0);
    prefix.bytes().for_each(|byte| add(u32::from(byte & 31)));
    for byte in data.bytes() {
        let Some(five) = LETTERS.iter().position(|&letter| letter == byte) else { return false };
        add(u32::try_from(five).unwrap_or(0));
    }
    sum == 1
}

/// Grafana's service account tokens end with the CRC-32 of all that stands before the last `_`, its bytes from the lowest
/// to the highest in hexadecimal (Grafana's `satokengen`).
pub(super) fn grafana(value: &str) -> bool {
    let Some((before, stated)) = value.rsplit_once('_') else { return false };
    let mut crc = flate2::Crc::new();
    crc.update(before.as_bytes());
    u32::from_str_radix(stated, 16) == Ok(crc.sum().swap_bytes())
}

/// Discord's tokens begin with the bot's number in base64.
pub(super) fn discord(value: &str) -> bool {
    let id = value.split('.').next().unwrap_or("");
    URL_SAFE_NO_PAD.decode(id).is_ok_and(|id| id.len() >= 17 && id.iter().all(|byte| byte.is_ascii_digit()))
}

/// A password in a connection string: nothing that documentation writes there.
pub(super) fn password(value: &str) -> bool {
    !super::placeholder::password("", value)
}

/// Userinfo and host of a URL, with a password that documentation would not print.
pub(super) fn url_with_password(value: &str) -> bool {
    let Some((userinfo, host)) = value.rsplit_once('@') else { return false };
    let Some((user, secret)) = userinfo.split_once(':') else { return false };
    !super::placeholder::password(user, secret)
        && !super::placeholder::in_words(secret)
        && !super::placeholder::user(user)
        && !super::placeholder::host(host)
}
