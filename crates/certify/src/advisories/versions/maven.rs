//! Maven versions (maven.apache.org/pom.html, *Version order specification*; `ComparableVersion` of Maven 3.9). Any text
//! is a version there.
//!
//! `ComparableVersion` is not transitive: `1.0.alpha` < `1` < `1-1` < `1.0.alpha` in older releases. Here zeros before a
//! word are dropped, as newer releases do (MNG-7644), and lists within lists are one list; both only matter for such
//! cases.

use super::{Number, take};

/// A version, as its tokens.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a>(Vec<Token<'a>>);

/// A token, from the least at a place where others end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// `alpha`, `beta`, `milestone`, `rc`, `snapshot`, by place in [`BEFORE`].
    Before(usize),
    /// The release itself, and the end.
    End,
    /// `sp`.
    ServicePack,
    /// Any other word, in small letters.
    Word(String),
    /// A number after a hyphen, or after letters.
    Hyphen(Number<'a>),
    /// A number after a dot.
    Dot(Number<'a>),
}

const BEFORE: [&str; 5] = ["alpha", "beta", "milestone", "rc", "snapshot"];

/// `None` only for the empty text.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let mut rest = version.trim();
    if rest.is_empty() {
        return None;
    }
    let mut tokens = Vec::new();
    let mut dot = true;
    loop {
        let digits = take(&mut rest, |byte| byte.is_ascii_digit());
        if let Some(number) = Number::parse(digits) {
            push(number_token(dot, number), &mut tokens);
        } else if rest.is_empty() || rest.starts_with(['.', '-']) {
            // Nothing between separators is a zero; nothing at the end is dropped with the zeros there.
            push(number_token(dot, Number::ZERO), &mut tokens);
        }
        // Between digits and letters stands a hyphen in thought.
        dot = false;
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.' || c == '-').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !word.is_empty() {
            push(qualifier(word, after.starts_with(|c: char| c.is_ascii_digit())), &mut tokens);
        }
        rest = after;
        match rest.as_bytes().first() {
            None => break,
            Some(separator @ (b'.' | b'-')) => {
                dot = *separator == b'.';
                rest = &rest[1..];
            }
            Some(_) => {}
        }
    }
    trim(&mut tokens);
    tokens.push(Token::End);
    Some(Key(tokens))
}

fn number_token(dot: bool, number: Number<'_>) -> Token<'_> {
    if dot { Token::Dot(number) } else { Token::Hyphen(number) }
}

fn qualifier(word: &str, before_digit: bool) -> Token<'static> {
    let word = word.to_lowercase();
    let name = match word.as_str() {
        "a" if before_digit => "alpha",
        "b" if before_digit => "beta",
        "m" if before_digit => "milestone",
        "cr" => "rc",
        other => other,
    };
    match name {
        "" | "ga" | "final" | "release" => Token::End,
        "sp" => Token::ServicePack,
        name => match BEFORE.iter().position(|known| *known == name) {
            Some(place) => Token::Before(place),
            None => Token::Word(name.to_owned()),
        },
    }
}

/// Adds a token; what means nothing before a hyphen or a word goes.
fn push<'a>(token: Token<'a>, tokens: &mut Vec<Token<'a>>) {
    if !matches!(token, Token::Dot(_)) {
        trim(tokens);
    }
    tokens.push(token);
}

/// Drops zeros and releases at the end.
fn trim(tokens: &mut Vec<Token<'_>>) {
    let nothing = |token: &Token<'_>| match token {
        Token::End => true,
        Token::Dot(number) | Token::Hyphen(number) => *number == Number::ZERO,
        _ => false,
    };
    while tokens.last().is_some_and(nothing) {
        tokens.pop();
    }
}
