//! in-toto statements v1: a predicate about subjects, which are named by digest.

use crate::Error;
use crate::digest::Digest;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// For people; means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Algorithm → hexadecimal digits.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// The subject of this digest.
    pub fn new(digest: Digest, name: Option<String>) -> Subject {
        Subject { name, digest: BTreeMap::from([(digest.algorithm().to_owned(), digest.hex())]) }
    }
}

/// A statement, with as much of its predicate as `P` reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// A URI for what the predicate means.
    pub predicate_type: String,
    /// What it says; may be absent.
    pub predicate: Option<P>,
}

impl<P: DeserializeOwned> Statement<P> {
    /// Reads a statement. The error says what is wrong with it.
    pub fn parse(payload: &[u8]) -> Result<Statement<P>, String> {
        let found: Statement<P> = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        match found.kind.as_str() {
            STATEMENT_TYPE => Ok(found),
            other => Err(format!("its _type is {:?}", other.chars().take(100).collect::<String>())),
        }
    }

    /// Whether it is about this digest.
    pub fn is_about(&self, digest: Digest) -> bool {
        let hex = digest.hex();
        self.subject.iter().any(|subject| subject.digest.get(digest.algorithm()) == Some(&hex))
    }
}

/// The bytes of a statement. The predicate is taken as it is, so that what is signed is the document that was made, byte
/// for byte; it must be JSON. The same arguments give the same bytes.
pub fn statement(subjects: &[Subject], predicate_type: &str, predicate: &[u8]) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Head<'a> {
        #[serde(rename = "_type")]
        kind: &'a str,
        subject: &'a [Subject],
        predicate_type: &'a str,
    }
    let malformed = |error: serde_json::Error| Error::Malformed {
        what: format!("predicate of the type {predicate_type}"),
        cause: error.to_string(),
    };
    serde_json::from_slice::<IgnoredAny>(predicate).map_err(malformed)?;
    let head = Head { kind: STATEMENT_TYPE, subject: subjects, predicate_type };
    let mut bytes = serde_json::to_vec(&head).map_err(malformed)?;
    bytes.pop();
    bytes.extend_from_slice(b",\"predicate\":");
    bytes.extend_from_slice(predicate.trim_ascii());
    bytes.push(b'}');
    Ok(bytes)
}
