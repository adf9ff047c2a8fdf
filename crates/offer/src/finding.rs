//! What a rule says about an offer: the fact, where it is, and the way out. Not a verdict on an image: that is
//! `certify::report`.

use serde::Serialize;

/// How much a [`Finding`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The offer can be published all the same.
    Warning,
    /// The offer cannot be published.
    Error,
}

/// A place in a file of the offer's directory, as an editor names it: `offer.yaml:37:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Path inside the offer's directory, with `/` as separator.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong, or doubtful, in an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule, for example `plan-title-too-long`.
    pub rule: String,
    /// Whether it hinders publication.
    pub severity: Severity,
    /// The fact: object, limit, found value.
    pub message: String,
    /// The way out.
    pub hint: String,
    /// JSON pointer (RFC 6901) into the offer document; empty for the whole document.
    pub pointer: String,
    /// Where it stands in the publisher's files, when the offer came from files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl Finding {
    /// A finding that hinders publication.
    pub fn error(
        rule: &str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Finding {
            rule: rule.to_owned(),
            severity: Severity::Error,
            message: message.into(),
            hint: hint.into(),
            pointer: pointer.into(),
            position: None,
        }
    }

    /// A finding that is only advice.
    pub fn warning(
        rule: &str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Finding { severity: Severity::Warning, ..Finding::error(rule, pointer, message, hint) }
    }
}
