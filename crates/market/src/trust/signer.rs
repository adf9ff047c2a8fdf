//! The private key: ECDSA on P-256 in a file (PKCS#8, PEM) that nobody else may read. It signs, and its public half is
//! all that leaves this file.

use crate::error::{Error, Result};
use crate::secrets::{random, write_private};
use oci::trust::{KeyId, PublicKey};
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use std::path::{Path, PathBuf};

/// The key's file in the data directory, when the operator names no other.
pub const FILE_NAME: &str = "signing-key.pem";
/// Largest key file in bytes; a key takes 241.
const KEY_BYTES_MAX: u64 = 64 << 10;

/// A key that signs.
pub(crate) struct Signer {
    key: SigningKey,
    public: PublicKey,
    path: PathBuf,
    given: bool,
}

impl Signer {
    /// Reads the key that the operator names (`given`, relative to the data directory), else the data directory's own,
    /// which is made where there is none.
    pub fn open(data: &Path, given: Option<&Path>) -> Result<Signer> {
        let path = data.join(given.unwrap_or(Path::new(FILE_NAME)));
        if given.is_none() && path.symlink_metadata().is_err() {
            return Signer::make(data);
        }
        check_file(&path)?;
        let text = std::fs::read_to_string(&path).map_err(Error::io(what(&path)))?;
        let key = SecretKey::from_pkcs8_pem(&text.replace('\r', ""));
        let key = key.map_err(|cause| unreadable(&path, &text, &cause))?;
        Signer::with(&key, path, given.is_some())
    }

    /// Makes a new key in the data directory, in the place of the one that is there.
    pub fn make(data: &Path) -> Result<Signer> {
        let path = data.join(FILE_NAME);
        let key = new_key()?;
        let text = key.to_pkcs8_pem(LineEnding::LF).map_err(Error::internal)?;
        write_private(&path, &text)?;
        Signer::with(&key, path, false)
    }

    fn with(key: &SecretKey, path: PathBuf, given: bool) -> Result<Signer> {
        let key = SigningKey::from(key);
        let public = PublicKey::new(*key.verifying_key()).map_err(Error::internal)?;
        Ok(Signer { key, public, path, given })
    }

    /// The signature of a message, in ASN.1 DER. The same message has the same signature (RFC 6979), so that a step that
    /// is done again makes the same bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    /// What names the key.
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The file that the operator named; `None` for one of our own making.
    pub fn given(&self) -> Option<&Path> {
        self.given.then_some(&self.path)
    }
}

/// One of the numbers that are keys; almost every 256 bits are one.
fn new_key() -> Result<SecretKey> {
    loop {
        let mut bytes = [0; 32];
        random(&mut bytes)?;
        if let Ok(key) = SecretKey::from_slice(&bytes) {
            return Ok(key);
        }
    }
}

fn what(path: &Path) -> String {
    format!("reading the signing key {}", path.display())
}

/// A small regular file that nobody but its owner may read or write.
fn check_file(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::setup(
            format!("the signing key {} does not exist", path.display()),
            "correct `signing-key`, or remove the setting; a key of its own is made then",
        ),
        _ => Error::io(what(path))(error),
    })?;
    if !metadata.is_file() || metadata.len() > KEY_BYTES_MAX {
        return Err(Error::setup(
            format!("the signing key {} is no file of at most {KEY_BYTES_MAX} bytes", path.display()),
            "name a file with one private key in PKCS#8 PEM form",
        ));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::setup(
                format!("others may use the signing key {} (mode {mode:04o})", path.display()),
                format!(
                    "close it with `chmod 600 {}`; if others had it for long, rotate the key with `edgemarket key rotate`",
                    path.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Says what the file holds in the place of a usable key.
fn unreadable(path: &Path, text: &str, cause: &dyn std::fmt::Display) -> Error {
    let path = path.display();
    let convert = "convert it with `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW`";
    let (fact, hint) = if text.contains("BEGIN ENCRYPTED ") {
        ("is encrypted, and nobody is there to type a password when a server starts".to_owned(), convert)
    } else if text.contains("BEGIN EC PRIVATE KEY") {
        ("is in SEC1 form rather than PKCS#8".to_owned(), convert)
    } else if text.contains("BEGIN PUBLIC KEY") {
        ("is a public key".to_owned(), "name the private key, which signs")
    } else {
        (
            format!("is no ECDSA key on the curve P-256 in PKCS#8 PEM form ({cause})"),
            "restore it from a back-up, or make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`",
        )
    };
    Error::setup(format!("the signing key {path} {fact}"), hint)
}
