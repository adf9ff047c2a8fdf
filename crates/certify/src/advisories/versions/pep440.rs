//! Python versions (PEP 440, now the PyPA's *Version specifiers*), with its alternative spellings. Written here and not
//! taken from `pep440_rs`, so that numbers have no limit and a comparison allocates next to nothing.

use super::{Number, OrLast, Segment, take};

/// A version, ordered as `packaging` orders it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    epoch: Number<'a>,
    /// Without zeros at the end.
    release: Vec<Number<'a>>,
    pre: Pre<'a>,
    post: Option<Number<'a>>,
    dev: OrLast<Number<'a>>,
    local: Option<Vec<Segment<'a, String>>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre<'a> {
    /// No pre-release and no post-release, but a development release: `1.0.dev1` is before `1.0a1`.
    DevelopmentOnly,
    /// `a`, `b`, `rc` by place in the list.
    Some(u8, Number<'a>),
    None,
}

/// Spellings of pre-releases; of two with the same start the longer one first.
const PRE: [(&str, u8); 8] =
    [("alpha", 0), ("a", 0), ("beta", 1), ("b", 1), ("preview", 2), ("pre", 2), ("rc", 2), ("c", 2)];
const POST: [(&str, u8); 3] = [("post", 0), ("rev", 0), ("r", 0)];
const DEV: [(&str, u8); 1] = [("dev", 0)];

/// `None` when PEP 440's pattern does not match.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim();
    let mut rest = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let mut epoch = Number::ZERO;
    if let Some((number, after)) = rest.split_once('!') {
        (epoch, rest) = (Number::parse(number)?, after);
    }
    let release = release(&mut rest)?;
    let pre = part(&mut rest, &PRE);
    let post = implicit_post(&mut rest).or_else(|| part(&mut rest, &POST).map(|(_, number)| number));
    let dev = part(&mut rest, &DEV).map(|(_, number)| number);
    let local = match rest.strip_prefix('+') {
        Some(local) => Some(local.split(['.', '-', '_']).map(segment).collect::<Option<_>>()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let pre = match pre {
        Some((letter, number)) => Pre::Some(letter, number),
        None if post.is_none() && dev.is_some() => Pre::DevelopmentOnly,
        None => Pre::None,
    };
    Some(Key { epoch, release, pre, post, dev: OrLast::from(dev), local })
}

fn release<'a>(rest: &mut &'a str) -> Option<Vec<Number<'a>>> {
    let mut numbers = vec![Number::parse(take(rest, |byte| byte.is_ascii_digit()))?];
    while rest.starts_with('.') && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
        *rest = &rest[1..];
        numbers.push(Number::new(take(rest, |byte| byte.is_ascii_digit())));
    }
    while numbers.last() == Some(&Number::ZERO) {
        numbers.pop();
    }
    Some(numbers)
}

/// `[-_.]?name[-_.]?[0-9]*`; nothing is taken when it is not there. A missing number is 0.
fn part<'a>(rest: &mut &'a str, names: &[(&str, u8)]) -> Option<(u8, Number<'a>)> {
    let text = without_separator(rest);
    let starts = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let (name, letter) = names.iter().find(|(name, _)| starts(name))?;
    *rest = without_separator(&text[name.len()..]);
    Some((*letter, Number::new(take(rest, |byte| byte.is_ascii_digit()))))
}

/// `1.0-1` is `1.0.post1`.
fn implicit_post<'a>(rest: &mut &'a str) -> Option<Number<'a>> {
    let mut after = rest.strip_prefix('-')?;
    let number = Number::parse(take(&mut after, |byte| byte.is_ascii_digit()))?;
    *rest = after;
    Some(number)
}

fn without_separator(text: &str) -> &str {
    text.strip_prefix(['.', '-', '_']).unwrap_or(text)
}

fn segment(text: &str) -> Option<Segment<'_, String>> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let label =
        || Number::parse(text).map_or_else(|| Segment::Text(text.to_ascii_lowercase()), Segment::Digits);
    good.then(label)
}
