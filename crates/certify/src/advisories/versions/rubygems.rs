//! Ruby gem versions (`Gem::Version`): numbers and words parted by dots, words before numbers, zeros at the end of the
//! numbers and of the whole without meaning.

use super::{Number, Segment, take};
use std::cmp::Ordering;

/// A version, ordered as `Gem::Version` orders it: as if zeros without end followed.
#[derive(Debug)]
pub(super) struct Key<'a>(Vec<Segment<'a, &'a str>>);

/// `None` when `Gem::Version.correct?` says no.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let (release, pre) = match version.split_once('-') {
        Some((release, pre)) => (release, Some(pre)),
        None => (version, None),
    };
    let (first, _) = release.split_once('.').unwrap_or((release, ""));
    Number::parse(first)?;
    let mut segments = Vec::new();
    for part in release.split('.') {
        (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(())?;
        scan(part, &mut segments);
    }
    // A hyphen stands for `.pre.`.
    if let Some(pre) = pre {
        push(Segment::Text("pre"), &mut segments);
        for part in pre.split('.') {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (!part.is_empty() && part.bytes().all(good)).then_some(())?;
            for (index, piece) in part.split('-').enumerate() {
                if index > 0 {
                    push(Segment::Text("pre"), &mut segments);
                }
                scan(piece, &mut segments);
            }
        }
    }
    Some(Key(segments))
}

/// Runs of digits and of letters: `rc1` is two segments.
fn scan<'a>(mut part: &'a str, segments: &mut Vec<Segment<'a, &'a str>>) {
    while !part.is_empty() {
        let letters = take(&mut part, |byte| byte.is_ascii_alphabetic());
        if !letters.is_empty() {
            push(Segment::Text(letters), segments);
        }
        if let Some(number) = Number::parse(take(&mut part, |byte| byte.is_ascii_digit())) {
            push(Segment::Digits(number), segments);
        }
    }
}

/// Zeros before the first word do not count: `1.0.a` equals `1.a`.
fn push<'a>(segment: Segment<'a, &'a str>, segments: &mut Vec<Segment<'a, &'a str>>) {
    let is_word = |segment: &Segment<'_, &str>| matches!(segment, Segment::Text(_));
    if is_word(&segment) && !segments.iter().any(is_word) {
        while segments.last() == Some(&Segment::Digits(Number::ZERO)) {
            segments.pop();
        }
    }
    segments.push(segment);
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        let orders = (0..length).map(|index| {
            let zero = Segment::Digits(Number::ZERO);
            self.0.get(index).unwrap_or(&zero).cmp(other.0.get(index).unwrap_or(&zero))
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key<'_> {}
