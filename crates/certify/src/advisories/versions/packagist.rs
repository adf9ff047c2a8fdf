//! Composer's versions as its `VersionParser` normalises them, ordered as PHP's `version_compare` orders the result.
//! Branches (`dev-main`) are no versions: Composer compares them only for equality.

use super::{Number, take};

/// A version, as its tokens.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a>(Vec<Token<'a>>);

/// A token, from the least at a place where others end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Digits(Number<'a>),
    /// `1.x-dev`: the newest of a branch is after all its numbers.
    Any,
    Patch,
}

/// Names of stabilities; of two with the same start the longer one first.
const STABILITIES: [(&str, Stability); 9] = [
    ("stable", None),
    ("alpha", Some(Token::Alpha)),
    ("beta", Some(Token::Beta)),
    ("patch", Some(Token::Patch)),
    ("rc", Some(Token::Candidate)),
    ("pl", Some(Token::Patch)),
    ("a", Some(Token::Alpha)),
    ("b", Some(Token::Beta)),
    ("p", Some(Token::Patch)),
];

type Stability = Option<Token<'static>>;

/// Numbers of a normalised version.
const NUMBERS: usize = 4;

/// Most numbers of a version made of a date: year, six pairs, two more.
const DATE_NUMBERS_MAX: usize = 9;

/// Digits of a first number that is not a date.
const FIRST_DIGITS_MAX: usize = 5;

/// `None` when Composer would refuse it, and for branches.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let (version, _build) = version.split_once('+').unwrap_or((version, ""));
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    classical(version).or_else(|| date(version))
}

fn classical(version: &str) -> Option<Key<'_>> {
    let mut rest = version;
    let first = take(&mut rest, |byte| byte.is_ascii_digit());
    if first.len() > FIRST_DIGITS_MAX {
        return None;
    }
    let mut tokens = vec![Token::Digits(Number::parse(first)?)];
    while tokens.len() < NUMBERS {
        let Some(after) = rest.strip_prefix('.') else { break };
        if let Some(after) = after.strip_prefix(['x', 'X', '*']) {
            // A branch: only `-dev` may follow, and the other numbers are open too.
            tokens.resize(NUMBERS, Token::Any);
            rest = after;
            return suffix(rest, tokens).filter(|key| key.0.contains(&Token::Dev));
        }
        if !after.starts_with(|c: char| c.is_ascii_digit()) {
            break;
        }
        rest = after;
        tokens.push(Token::Digits(Number::new(take(&mut rest, |byte| byte.is_ascii_digit()))));
    }
    while tokens.len() < NUMBERS {
        tokens.push(Token::Digits(Number::ZERO));
    }
    suffix(rest, tokens)
}

/// `20240102`, `2024-01-02.3`: the year's four digits, then numbers parted by `.`, `:` or `-`.
fn date(version: &str) -> Option<Key<'_>> {
    let mut rest = version;
    let first = take(&mut rest, |byte| byte.is_ascii_digit());
    let mut tokens = vec![Token::Digits((first.len() >= 4).then(|| Number::new(first))?)];
    while tokens.len() < DATE_NUMBERS_MAX {
        let number = rest
            .strip_prefix(['.', ':', '-'])
            .filter(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        let Some(after) = number else { break };
        rest = after;
        tokens.push(Token::Digits(Number::new(take(&mut rest, |byte| byte.is_ascii_digit()))));
    }
    suffix(rest, tokens)
}

/// `[._-]?(stability([.-]?number)*)?([.-]?dev)?`.
fn suffix<'a>(rest: &'a str, mut tokens: Vec<Token<'a>>) -> Option<Key<'a>> {
    let mut text = rest.strip_prefix(['.', '_', '-']).unwrap_or(rest);
    let starts =
        |text: &str, name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let stability = STABILITIES.iter().find(|(name, _)| starts(text, name));
    if let Some((name, stability)) = stability {
        text = &text[name.len()..];
        let mut numbers = Vec::new();
        loop {
            let mut after = text.strip_prefix(['.', '-']).unwrap_or(text);
            let Some(number) = Number::parse(take(&mut after, |byte| byte.is_ascii_digit())) else { break };
            numbers.push(Token::Digits(number));
            text = after;
        }
        if let Some(token) = stability {
            tokens.push(*token);
            tokens.append(&mut numbers);
        }
        text = text.strip_prefix(['.', '-']).unwrap_or(text);
    }
    let dev = starts(text, "dev");
    if dev {
        text = &text["dev".len()..];
        tokens.push(Token::Dev);
    }
    // A separator must part something.
    let good = text.is_empty() && (rest.is_empty() || dev || stability.is_some());
    tokens.push(Token::End);
    good.then_some(Key(tokens))
}
