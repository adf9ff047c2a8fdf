//! Passwords: what a new one must be, and how it is kept and compared (Argon2id). Guessing is slowed down by `attempts`.

use super::faults::Fault;
use crate::error::{Error, Result};
use crate::offers::blocking;
use crate::secrets;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Fewest characters: what NIST SP 800-63B-4 § 3.1.1.2 asks of a password without a second factor.
pub const PASSWORD_CHARS_MIN: usize = 15;
/// Most characters; NIST asks for 64 at least, and managers make up to some hundred.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Fewest different characters, so that `aaaaaaaaaaaaaaa` is none.
const DIFFERENT_MIN: usize = 5;
/// What must be left of it without the words that an attacker tries first: the names of account and program.
const OWN_CHARS_MIN: usize = 8;

/// Memory, passes and lanes of Argon2id: the second row of the OWASP Password Storage Cheat Sheet (19 MiB, 2, 1), some
/// 20 ms of one core. A hash names its own, so that these can grow.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of salt (RFC 9106 § 3.1).
const SALT_BYTES: usize = 16;
/// Hashes at the same time: bounds memory (19 MiB each) however many sign in at once.
const AT_ONCE: usize = 4;

/// A hash that no password has. An unknown account is compared with it, so that it takes as long as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and compares passwords, a few at a time.
pub(crate) struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// What is kept of a password: Argon2id in the PHC string format.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let mut salt = [0; SALT_BYTES];
        secrets::random(&mut salt)?;
        let password = password.to_owned();
        self.in_turn(move || {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(Error::internal)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether it is the password of this hash; without a hash it never is, and takes as long.
    pub async fn is_right(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
        // Longer ones were never taken: the answer is no, after the same work.
        let password = password.chars().take(PASSWORD_CHARS_MAX + 1).collect::<String>();
        self.in_turn(move || {
            Ok(Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(Error::internal)?;
        // The turn goes with the work: a client that goes away does not end it.
        blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    }
}

/// Whether a new password may be one: long, and not made of what everybody knows. No rules about kinds of characters:
/// they make passwords that are hard for people and not for programs (NIST SP 800-63B-4 § 3.1.1.2).
pub(crate) fn check(field: &'static str, password: &str, name: &str) -> std::result::Result<(), Fault> {
    let chars = password.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        let fault = Fault::invalid(field, "fault-password-short");
        return Err(fault.with("chars", chars).with("min", PASSWORD_CHARS_MIN));
    }
    if chars > PASSWORD_CHARS_MAX {
        let fault = Fault::invalid(field, "fault-password-long");
        return Err(fault.with("chars", chars).with("max", PASSWORD_CHARS_MAX));
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    let mut own = password.to_lowercase();
    let local = name.split('@').next().unwrap_or(name);
    for known in [name, local, "edgemarket", "password", "123456789"] {
        own = if known.chars().count() < 3 { own } else { own.replace(known, "") };
    }
    if different.len() < DIFFERENT_MIN || own.chars().count() < OWN_CHARS_MIN {
        return Err(Fault::invalid(field, "fault-password-easy"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_of_its_password_alone() {
        let passwords = Passwords::default();
        let (one, two) = (
            passwords.hash("Längere Sätze 🛡️").await.unwrap(),
            passwords.hash("Längere Sätze 🛡️").await.unwrap(),
        );
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two, "salted");
        assert!(passwords.is_right("Längere Sätze 🛡️", Some(&one)).await.unwrap());
        assert!(!passwords.is_right("Längere Sätze", Some(&one)).await.unwrap());
        for hash in [None, Some(""), Some("no hash")] {
            assert!(!passwords.is_right("", hash).await.unwrap(), "{hash:?}");
        }
    }

    /// The comparison for unknown accounts must do the work, and not fail before it.
    #[test]
    fn nobodys_hash_is_a_hash_of_the_same_cost() {
        let hash = argon2::password_hash::phc::PasswordHash::new(NOBODY).expect("a PHC string");
        assert_eq!(
            Params::try_from(&hash).unwrap(),
            Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).unwrap()
        );
    }

    #[test]
    fn what_everybody_would_try_is_none() {
        let ok = |password: &str| check("password", password, "ada@contoso.com").is_ok();
        assert!(ok("correct horse battery staple") && ok("ein Satz mit fünf Wörtern"));
        assert!(ok(&"🛡️abcdé".repeat(3)));
        for bad in [
            "",
            "fourteen chars",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "ada@contoso.com1",
            "edgemarketedgemarket",
        ] {
            assert!(!ok(bad), "{bad}");
        }
        assert!(!ok(&"abcdefgh".repeat(33)));
    }
}
