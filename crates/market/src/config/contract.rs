//! The standard contract: the operator's own, or the one that comes with the program.

use super::read_limited;
use crate::error::{Error, Result};
use std::path::Path;

/// The standard contract where the operator has none, in English and French.
pub(super) const BUILT_IN: &str = include_str!("../acquisitions/standard-contract.html");
/// Longest own standard contract in characters; cleaning HTML takes time with the square of its length.
const CHARS_MAX: usize = 100_000;

/// A contract of the operator's own. What is not shown is not agreed upon: HTML that would be left out is refused.
pub(super) fn load(path: &Path) -> Result<String> {
    let wrong = |what: String| {
        Error::setup(
            format!("the standard contract {} {what}", path.display()),
            "correct `standard-contract`, or remove it to have the one that comes with the program",
        )
    };
    let text = read_limited(path)?.ok_or_else(|| wrong("does not exist".to_owned()))?;
    let chars = text.chars().count();
    if chars > CHARS_MAX {
        return Err(wrong(format!("has {chars} characters, at most {CHARS_MAX} are taken")));
    }
    let clean = offer::html::clean(&text);
    match clean.removed.first() {
        Some(removed) => {
            Err(wrong(format!("has {} on line {}, which is not shown", removed.what, removed.line)))
        }
        None if clean.html.trim().is_empty() => Err(wrong("is empty".to_owned())),
        None => Ok(clean.html),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_not_agreed_upon() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("contract.html");
        let said = |text: &str| {
            std::fs::write(&file, text).unwrap();
            load(&file).map_err(|error| error.message.replace(&*file.to_string_lossy(), "FILE"))
        };
        assert_eq!(said("<h2>Ours</h2><p>Be kind.</p>").as_deref(), Ok("<h2>Ours</h2><p>Be kind.</p>"));
        assert_eq!(said(" \n").unwrap_err(), "the standard contract FILE is empty");
        let script = said("<p>Be kind.</p>\n<script>alert(1)</script>").unwrap_err();
        assert_eq!(
            script,
            "the standard contract FILE has the element `script` on line 2, which is not shown"
        );
        let long = said(&"x".repeat(CHARS_MAX + 1)).unwrap_err();
        assert_eq!(long, "the standard contract FILE has 100001 characters, at most 100000 are taken");
        std::fs::remove_file(&file).unwrap();
        assert!(load(&file).unwrap_err().message.ends_with("does not exist"));
    }
}
