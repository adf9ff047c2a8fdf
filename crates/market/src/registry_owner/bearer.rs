//! Bearer tokens of the registry (Docker's token authentication specification): they carry what they stand for, sealed
//! with the data directory's key, so that none is kept, however many are asked for, and a restart ends none. A bearer
//! token is no more than the API token that it was asked for with: that one is looked up at every use, and its revocation
//! ends this one at once.

use crate::clock::Instant;
use crate::error::Result;
use crate::secrets::Vault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use registry::owner::{Action, Refusal, Scope};
use serde::{Deserialize, Serialize};

/// Life of a bearer token in seconds. What it may do is looked up at every request, so that its life only bounds how
/// long a client goes without asking again.
pub(super) const BEARER_SECONDS: u64 = 300;
/// Longest text that is opened, in bytes: the server takes 64 scopes of at most 255 bytes each in one request.
const BEARER_BYTES_MAX: usize = 64 << 10;
/// What the seal is bound to, so that nothing else that is sealed opens as a token.
const SEALED_FOR: &str = "registry bearer token";

/// What a bearer token stands for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bearer {
    /// Hash of the API token that it was asked for with; none for anybody's.
    pub hash: Option<String>,
    expires_ms: i64,
    /// Repositories, each with the names of the actions.
    scopes: Vec<(String, Vec<String>)>,
}

impl Bearer {
    pub fn new(hash: Option<String>, scopes: &[Scope], now: Instant) -> Bearer {
        let seconds = i64::try_from(BEARER_SECONDS).unwrap_or(0);
        let names = |actions: &[Action]| actions.iter().map(|action| action.name().to_owned()).collect();
        let scopes = scopes.iter().map(|scope| (scope.repository.clone(), names(&scope.actions)));
        Bearer { hash, expires_ms: now.0 + seconds * 1_000, scopes: scopes.collect() }
    }

    /// The token's text.
    pub fn seal(&self, vault: &Vault) -> Result<String> {
        let text = serde_json::to_string(self).map_err(crate::Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(vault.seal(SEALED_FOR, &text)?))
    }

    /// Reads a token's text; refused when it was not sealed here, or is too old.
    pub fn open(text: &str, vault: &Vault, now: Instant) -> std::result::Result<Bearer, Refusal> {
        let opened = || {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            serde_json::from_str::<Bearer>(&vault.open_sealed(SEALED_FOR, &sealed).ok()?).ok()
        };
        let bearer = if text.len() <= BEARER_BYTES_MAX { opened() } else { None };
        bearer.filter(|bearer| bearer.expires_ms > now.0).ok_or(Refusal::Unauthenticated)
    }

    /// Whether it was asked for this. Whether its holder may is another question.
    pub fn covers(&self, action: Action, repository: &str) -> bool {
        let named = self.scopes.iter().filter(|(name, _)| name == repository);
        named.flat_map(|(_, actions)| actions).any(|name| name == action.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_here_and_is_young_opens() {
        let directory = tempfile::TempDir::new().unwrap();
        let vault = Vault::open(directory.path()).unwrap();
        let (now, later) = (Instant(1_000), Instant(1_000 + 300_000));
        let scope = Scope { repository: "a/b".to_owned(), actions: vec![Action::Pull, Action::Push] };
        let bearer = Bearer::new(Some("hash".to_owned()), &[scope], now);
        let text = bearer.seal(&vault).unwrap();
        assert_eq!(Bearer::open(&text, &vault, now).unwrap(), bearer);
        assert!(bearer.covers(Action::Push, "a/b") && !bearer.covers(Action::Delete, "a/b"));
        assert!(!bearer.covers(Action::Pull, "a"));
        assert!(Bearer::open(&text, &vault, later).is_err());
        let other = tempfile::TempDir::new().unwrap();
        assert!(Bearer::open(&text, &Vault::open(other.path()).unwrap(), now).is_err());
        let foreign = URL_SAFE_NO_PAD.encode(vault.seal("something else", "{}").unwrap());
        for bad in ["", "forged", &text[1..], foreign.as_str(), &"A".repeat(BEARER_BYTES_MAX + 1)] {
            assert_eq!(Bearer::open(bad, &vault, now), Err(Refusal::Unauthenticated), "{bad:.20}");
        }
    }
}
