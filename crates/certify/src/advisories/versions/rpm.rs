//! RPM versions: `[epoch:]version[-release]`, each part by `rpmvercmp` with `~` and `^` (rpm-version(7)).

use super::{Number, take};

/// A version, ordered as rpm orders it; a missing release stands before every other.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    epoch: Number<'a>,
    version: Vec<Token<'a>>,
    release: Option<Vec<Token<'a>>>,
}

/// One segment of a version. Separators only part segments, and do not count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// `~`: before the end, so before the version without it.
    Before,
    End,
    /// `^`: after the end, and before any further segment.
    After,
    Letters(&'a str),
    Digits(Number<'a>),
}

/// `None` when the version is empty or its epoch is not a number. rpm itself compares anything.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let (epoch, rest) = match version.split_once(':') {
        // rpm writes `(none)` for a missing epoch in its queries.
        Some(("" | "(none)", rest)) => (Number::ZERO, rest),
        Some((epoch, rest)) => (Number::parse(epoch)?, rest),
        None => (Number::ZERO, version),
    };
    let (version, release) = match rest.rsplit_once('-') {
        Some((version, release)) => (version, Some(tokens(release))),
        None => (rest, None),
    };
    (!version.is_empty()).then(|| Key { epoch, version: tokens(version), release })
}

fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    loop {
        take(&mut rest, |byte| !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^');
        tokens.push(match rest.as_bytes().first() {
            None => break,
            Some(b'~') => {
                rest = &rest[1..];
                Token::Before
            }
            Some(b'^') => {
                rest = &rest[1..];
                Token::After
            }
            Some(byte) if byte.is_ascii_digit() => {
                Token::Digits(Number::new(take(&mut rest, |byte| byte.is_ascii_digit())))
            }
            Some(byte) if byte.is_ascii_alphabetic() => {
                Token::Letters(take(&mut rest, |byte| byte.is_ascii_alphabetic()))
            }
            // A character beyond ASCII is a separator too.
            Some(_) => {
                rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
                continue;
            }
        });
    }
    tokens.push(Token::End);
    tokens
}
