//! The version of an offer's terms: a digest of what was shown, so that what was accepted can be told apart from what
//! followed it.

use crate::error::{Error, Kind, Result};
use offer::document::Terms;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the terms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "as in the offer's Terms")]
pub enum TermsKind {
    StandardContract,
    Html,
    Url,
}

/// Terms in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsVersion {
    /// What they are.
    pub kind: TermsKind,
    /// Of the text, or of the address of terms that are elsewhere: what stands there is its publisher's business.
    pub digest: String,
    /// The text as HTML, or the address.
    pub text: String,
}

impl TermsKind {
    /// As stored.
    pub fn id(self) -> &'static str {
        match self {
            TermsKind::StandardContract => "standard-contract",
            TermsKind::Html => "html",
            TermsKind::Url => "url",
        }
    }

    pub(super) fn of_id(id: &str) -> Result<TermsKind> {
        let all = [TermsKind::StandardContract, TermsKind::Html, TermsKind::Url];
        let found = all.into_iter().find(|kind| kind.id() == id);
        found.ok_or_else(|| Error::internal(format!("an acquisition has the unknown terms {id}")))
    }
}

impl TermsVersion {
    /// The version of a listing's terms, in a marketplace with this standard contract.
    pub fn of(terms: &Terms, standard_contract: &str) -> TermsVersion {
        let (kind, text) = match terms {
            Terms::StandardContract => (TermsKind::StandardContract, standard_contract.to_owned()),
            Terms::Html(html) => (TermsKind::Html, offer::html::clean(html).html),
            Terms::Url(url) => (TermsKind::Url, url.clone()),
        };
        let digest = Sha256::digest(format!("{}\n{text}", kind.id()).as_bytes());
        TermsVersion { kind, digest: format!("sha256:{}", hex::encode(digest)), text }
    }

    /// The beginning of the digest, for people.
    pub fn short(&self) -> &str {
        self.digest.get(7..19).unwrap_or(&self.digest)
    }

    /// Whether these terms, and no others, were accepted.
    pub(super) fn check_accepted(&self, accepted: &str) -> Result<()> {
        if accepted == self.digest {
            return Ok(());
        }
        if accepted.is_empty() {
            return Err(Error::invalid(
                "the terms of use were not accepted",
                format!("read them, and accept the version {}", self.digest),
            ));
        }
        Err(Error::new(
            Kind::Stale,
            format!("the terms that were accepted ({accepted:.80}) are not those in force ({})", self.digest),
            "read the terms again and accept them",
        ))
    }
}
