//! JSON Web Tokens: whether one can be a credential. Those of documentation are signed with a key that anybody guesses
//! (`secret`, `your-256-bit-secret`), so whoever wants one makes it himself; such a token opens no door that is locked.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

/// Keys with which documentation and tests sign: those of jwt.io (old and new), of RFC 7515 (appendix A.1, in base64url),
/// of the manuals of JWT libraries, and the words that people put there until they think of something.
const GUESSED: &[&str] = &[
    "",
    "secret",
    "Secret",
    "SECRET",
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-384-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "shhhhh",
    "shhhhhhared-secret",
    "AllYourBase",
    "changeit",
    "changeme",
    "change-me",
    "key",
    "mykey",
    "my-key",
    "my_key",
    "secretkey",
    "secretKey",
    "secret-key",
    "secret_key",
    "mysecret",
    "mySecret",
    "my-secret",
    "my_secret",
    "my$ecretK3y",
    "mysecretkey",
    "my-secret-key",
    "my_secret_key",
    "mysupersecret",
    "mysupersecretkey",
    "supersecret",
    "super-secret",
    "super_secret",
    "topsecret",
    "top-secret",
    "verysecret",
    "very-secret",
    "some-secret",
    "somesecret",
    "shared-secret",
    "shared_secret",
    "jwt-secret",
    "jwt_secret",
    "jwtsecret",
    "JWT_SECRET",
    "hs256-secret",
    "token-secret",
    "your-secret",
    "your_secret",
    "your-secret-key",
    "your_secret_key",
    "your-jwt-secret",
    "example",
    "example_key",
    "example-key",
    "sample",
    "private",
    "privatekey",
    "password",
    "passw0rd",
    "pass",
    "test",
    "testing",
    "testkey",
    "test-key",
    "test-secret",
    "test_secret",
    "testsecret",
    "demo",
    "dev",
    "development",
    "jwt",
    "token",
    "foo",
    "bar",
    "foobar",
    "baz",
    "hello",
    "hello world",
    "helloworld",
    "abc",
    "abc123",
    "1234",
    "12345",
    "123456",
    "12345678",
    "1234567890",
    "qwerty",
    "admin",
    "root",
    "guest",
    "user",
    "none",
    "null",
    "undefined",
];

/// Whether a token in the compact form (RFC 7515, 7519) can open a door: it is signed, not by a guessed key, and is none
/// of those that the RFCs and jwt.io show.
pub(super) fn credential(value: &str) -> bool {
    let mut parts = value.split('.');
    let mut json = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (Some(header), Some(claims)) = (json(), json()) else { return false };
    let says = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    let Some(algorithm) = header.get("alg").and_then(Value::as_str) else { return false };
    !algorithm.eq_ignore_ascii_case("none")
        && !says("name", "John Doe")
        && !says("iss", "joe")
        && !says("sub", "1234567890")
        && !signed_by_a_guessed_key(value, algorithm)
}

fn signed_by_a_guessed_key(value: &str, algorithm: &str) -> bool {
    let Some((signed, signature)) = value.rsplit_once('.') else { return false };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
    let verifies = |key: &[u8]| match algorithm {
        "HS256" => verified::<Hmac<Sha256>>(key, signed, &signature),
        "HS384" => verified::<Hmac<Sha384>>(key, signed, &signature),
        "HS512" => verified::<Hmac<Sha512>>(key, signed, &signature),
        _ => false,
    };
    GUESSED.iter().any(|key| {
        // Some libraries take a key's text for base64.
        let decoded = STANDARD.decode(key).or_else(|_| URL_SAFE_NO_PAD.decode(key));
        verifies(key.as_bytes()) || decoded.is_ok_and(|key| verifies(&key))
    })
}

fn verified<M: Mac + KeyInit>(key: &[u8], signed: &str, signature: &[u8]) -> bool {
    let mac = <M as KeyInit>::new_from_slice(key).map(|mac| mac.chain_update(signed.as_bytes()));
    mac.is_ok_and(|mac| mac.verify_slice(signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token<M: Mac + KeyInit>(algorithm: &str, key: &[u8]) -> String {
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let header = part(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
        let signed = format!("{header}.{}", part(r#"{"sub":"device-7","exp":1900000000}"#.to_owned()));
        let mac = <M as KeyInit>::new_from_slice(key).expect("any length").chain_update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn what_a_guessed_key_signed_is_no_credential() {
        assert!(!credential(&token::<Hmac<Sha256>>("HS256", b"secret")));
        assert!(!credential(&token::<Hmac<Sha256>>("HS256", b"your-256-bit-secret")));
        assert!(!credential(&token::<Hmac<Sha384>>("HS384", b"shhhhh")));
        assert!(!credential(&token::<Hmac<Sha512>>("HS512", b"your-512-bit-secret")));
        // The same word, taken for base64.
        let key = STANDARD.decode("mysecret").expect("eight letters of base64");
        assert!(!credential(&token::<Hmac<Sha256>>("HS256", &key)));
    }

    #[test]
    fn what_another_key_signed_is_one() {
        let key = b"\x8f\x14\xe4\x5f\xce\xea\x16\x7a\x5a\x36\xde\xdd\x4b\xea\x25\x43";
        assert!(credential(&token::<Hmac<Sha256>>("HS256", key)));
        assert!(credential(&token::<Hmac<Sha512>>("HS512", key)));
        // A signature of another length or algorithm says nothing about the key.
        assert!(credential(&token::<Hmac<Sha256>>("RS256", b"secret")));
        assert!(credential(&token::<Hmac<Sha256>>("HS512", b"secret")));
    }

    /// The token that jwt.io showed for years, and appendix A.1 of RFC 7515, as they are printed.
    #[test]
    fn the_tokens_that_everybody_knows_verify_with_their_published_keys() {
        let jwt_io = concat!(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0Ijox",
            "NTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        );
        assert!(signed_by_a_guessed_key(jwt_io, "HS256"));
        let rfc = concat!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6",
            "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
        assert!(signed_by_a_guessed_key(rfc, "HS256"));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "[A-Za-z0-9_.-]{0,200}", header in "\\PC{0,40}") {
            credential(&text);
            credential(&format!("{}.{text}", URL_SAFE_NO_PAD.encode(header)));
        }
    }
}
