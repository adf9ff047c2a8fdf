//! Alpine package versions: `1.2.3b_rc1~hash-r4` (apk-package(5) and apk-tools 3's version rules).

use super::{Number, take};

/// A version, ordered as apk-tools orders it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a>(Vec<Token<'a>>);

/// A part of a version, from the least at a place where others end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// `_alpha`, `_beta`, `_pre`, `_rc`: before the version without it.
    Before(usize),
    End,
    Revision(Number<'a>),
    Hash(&'a str),
    SuffixNumber(Number<'a>),
    /// `_cvs`, `_svn`, `_git`, `_hg`, `_p`.
    After(usize),
    Letter(u8),
    /// A further number that begins with a zero is compared as text, as if it were behind a decimal point.
    Fraction(&'a str),
    Digits(Number<'a>),
}

const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

/// `None` when apk would not call it valid.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let digit = |byte: u8| byte.is_ascii_digit();
    let mut rest = version.trim_ascii();
    let mut tokens = vec![Token::Digits(Number::parse(take(&mut rest, digit))?)];
    while let Some(after) = rest.strip_prefix('.') {
        rest = after;
        let number = take(&mut rest, digit);
        tokens.push(match number.as_bytes() {
            [] => return None,
            [b'0', ..] => Token::Fraction(number),
            _ => Token::Digits(Number::new(number)),
        });
    }
    if let Some(&letter) = rest.as_bytes().first().filter(|byte| byte.is_ascii_lowercase()) {
        rest = &rest[1..];
        tokens.push(Token::Letter(letter));
    }
    while let Some(after) = rest.strip_prefix('_') {
        rest = after;
        let name = take(&mut rest, |byte| byte.is_ascii_lowercase());
        let place = |names: &[&str]| names.iter().position(|known| *known == name);
        tokens.push(match place(&BEFORE) {
            Some(place) => Token::Before(place),
            None => Token::After(place(&AFTER)?),
        });
        if let Some(number) = Number::parse(take(&mut rest, digit)) {
            tokens.push(Token::SuffixNumber(number));
        }
    }
    if let Some(after) = rest.strip_prefix('~') {
        rest = after;
        let hash = take(&mut rest, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        tokens.push(Token::Hash((!hash.is_empty()).then_some(hash)?));
    }
    if let Some(after) = rest.strip_prefix("-r") {
        rest = after;
        tokens.push(Token::Revision(Number::parse(take(&mut rest, digit))?));
    }
    tokens.push(Token::End);
    rest.is_empty().then_some(Key(tokens))
}
