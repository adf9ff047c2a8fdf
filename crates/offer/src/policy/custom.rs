//! Criteria that an operator adds without a build: the text of an expression and what is said when it does not hold.
//! Not its meaning: the expression is compiled and judged in `certify`.

use crate::finding::Finding;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Most criteria of an operator's own.
pub const CUSTOM_CRITERIA_MAX: usize = 100;
/// Longest expression in bytes: one that needs more is better cut in two criteria.
pub const EXPRESSION_BYTES_MAX: usize = 4 << 10;
/// Longest title, message or hint in characters.
const TEXT_CHARS_MAX: usize = 500;
/// Longest ID in characters.
const ID_CHARS_MAX: usize = 64;

/// One criterion of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CustomCriterion {
    /// Begins with `x-`, so that it never collides with one of ours.
    pub id: String,
    /// What holds when it passes, as a short sentence.
    pub title: String,
    /// Whether it fails the certification; advice when left out.
    #[serde(default)]
    pub blocking: bool,
    /// How bad a finding is.
    #[serde(default)]
    pub severity: CustomSeverity,
    /// CEL: true when it holds, or the list of what was found.
    pub expression: Expression,
    /// What is said of an image for which the expression is false. Needed unless the expression gives a list.
    #[serde(default)]
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// How bad a finding of a criterion of the operator's own is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum CustomSeverity {
    Info,
    Low,
    #[default]
    Medium,
    High,
    Critical,
}

/// An expression's text, and where it stands in the policy file when it came from one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "toml::Spanned<String>", into = "String")]
pub struct Expression {
    /// The text.
    pub text: String,
    /// Bytes of the policy file.
    pub span: Range<usize>,
}

/// Two expressions are equal when their texts are, wherever they stand.
impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl From<toml::Spanned<String>> for Expression {
    fn from(spanned: toml::Spanned<String>) -> Expression {
        let span = spanned.span();
        Expression { text: spanned.into_inner(), span }
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> String {
        expression.text
    }
}

impl CustomCriterion {
    /// What is wrong with it, and where; the pointer is relative to the criterion. The expression is not compiled here.
    pub fn check(&self) -> Result<(), Box<Finding>> {
        let wrong = |key: &str, fact: String, hint: &str| {
            let message = format!("{key} of the criterion {:.64} {fact}", self.id);
            Err(Box::new(Finding::error("custom-criterion", format!("/{key}"), message, hint)))
        };
        let name = self.id.strip_prefix("x-").unwrap_or_default();
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || self.id.len() > ID_CHARS_MAX || !name.bytes().all(allowed) {
            let fact = format!(
                "is not x- with lower-case letters, digits and dashes, at most {ID_CHARS_MAX} characters"
            );
            return wrong(
                "id",
                fact,
                "write an ID such as x-no-shell; those without x- are the program's own",
            );
        }
        for (key, text, least) in
            [("title", &self.title, 1), ("message", &self.message, 0), ("hint", &self.hint, 1)]
        {
            let chars = text.trim().chars().count();
            if chars < least || chars > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
                let fact = format!(
                    "has {chars} characters; {least} to {TEXT_CHARS_MAX} without control characters are needed"
                );
                return wrong(key, fact, "say it in one line");
            }
        }
        let bytes = self.expression.text.len();
        if self.expression.text.trim().is_empty() || bytes > EXPRESSION_BYTES_MAX {
            let fact = format!("has {bytes} bytes; 1 to {EXPRESSION_BYTES_MAX} are allowed");
            return wrong(
                "expression",
                fact,
                "write what has to hold; cut a long expression in two criteria",
            );
        }
        Ok(())
    }
}
