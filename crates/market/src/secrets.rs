//! Secrets at rest: repository credentials and lead destinations are sealed with the data directory's key
//! (ChaCha20-Poly1305, RFC 8439); tokens are only kept as SHA-256 digests. Who may use a token is `access`'s business.

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;

/// Bytes of the nonce that precedes each sealed text.
const NONCE_BYTES: usize = 12;
/// What every token begins with, so that secret scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "edgemkt_";

/// What the secret of every browser's session begins with, which is no token.
pub const SESSION_PREFIX: &str = "edgeses_";

/// The data directory's key.
pub struct Vault(ChaCha20Poly1305);

impl Vault {
    /// Reads `DATA/key`, or makes it (mode 0600) when there is none.
    pub fn open(data: &Path) -> Result<Vault> {
        let path = data.join("key");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(Error::io(format!("reading the key file {}", path.display()))(error)),
        };
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
            Error::setup(
                format!("the key file {} does not hold 64 hexadecimal digits", path.display()),
                "restore it from a back-up; without it the stored credentials cannot be read",
            )
        })?;
        Ok(Vault(ChaCha20Poly1305::new(&Key::from(key))))
    }

    /// Seals a text; `owner` is bound to it, so that a sealed text moved to another row does not open.
    pub fn seal(&self, owner: &str, text: &str) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        let payload = Payload { msg: text.as_bytes(), aad: owner.as_bytes() };
        let sealed = self
            .0
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`seal`](Vault::seal) made for the same owner.
    pub fn open_sealed(&self, owner: &str, sealed: &[u8]) -> Result<String> {
        let failed = || {
            Error::setup(
                format!("the stored secret of {owner} cannot be read with the key of this data directory"),
                "restore the file `key` that belongs to this database, or give the secret again",
            )
        };
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(failed)?;
        let payload = Payload { msg: text, aad: owner.as_bytes() };
        let bytes = self.0.decrypt(&Nonce::from(*nonce), payload).map_err(|_| failed())?;
        String::from_utf8(bytes).map_err(|_| failed())
    }
}

/// A new token: 256 random bits, shown once.
pub fn new_token() -> Result<String> {
    Ok(format!("{TOKEN_PREFIX}{}", new_code()?))
}

/// The secret of a new session.
pub fn new_session() -> Result<String> {
    Ok(format!("{SESSION_PREFIX}{}", new_code()?))
}

/// 256 random bits as text that may stand in a URL.
pub fn new_code() -> Result<String> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a token. No salt and no slow hash: the token has 256 random bits.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Fills the bytes with randomness of the operating system.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::internal(format!("the operating system gave no randomness: {error}")))
}

fn make(path: &Path) -> Result<String> {
    let mut key = [0; 32];
    random(&mut key)?;
    let text = hex::encode(key);
    write_private(path, &text)?;
    Ok(text)
}

/// Writes a key (mode 0600) beside its place, then moves it there: a crash never leaves half a key.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let temporary = path.with_extension("new");
    let failed = || format!("writing the key file {}", path.display());
    // What a crash left would keep its permissions.
    let _ = std::fs::remove_file(&temporary);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(Error::io(failed()))?;
    file.write_all(text.as_bytes()).map_err(Error::io(failed()))?;
    file.sync_all().map_err(Error::io(failed()))?;
    std::fs::rename(&temporary, path).map_err(Error::io(failed()))
}
