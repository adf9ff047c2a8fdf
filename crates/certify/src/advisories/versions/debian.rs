//! Debian package versions: `[epoch:]upstream[-revision]` (Debian policy § 5.6.12; deb-version(7)).

use super::Number;
use std::cmp::Ordering;

/// A version, ordered as dpkg orders it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    epoch: Number<'a>,
    upstream: Part<'a>,
    revision: Part<'a>,
}

/// `None` when dpkg would refuse it. Like dpkg, an upstream version that begins with a letter is borne.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (Number::parse(epoch)?, rest),
        None => (Number::ZERO, version),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        // An empty revision is an error to dpkg, while no revision equals `0`.
        Some((_, "")) => return None,
        Some((upstream, revision)) => (upstream, revision),
        None => (rest, ""),
    };
    let allowed = |text: &str, marks: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
    };
    let good = !upstream.is_empty() && allowed(upstream, b".-+~:") && allowed(revision, b".+~");
    good.then_some(Key { epoch, upstream: Part(upstream), revision: Part(revision) })
}

/// Upstream version or revision. Its order is over runs of other characters and of digits in turn, each run of others
/// ended by a mark between `~` and the letters; equality follows it (`1.0` and `1.00`).
#[derive(Debug)]
struct Part<'a>(&'a str);

impl Part<'_> {
    /// Rank of a character in a run of non-digits; `None` is its end.
    fn rank(byte: Option<u8>) -> u16 {
        match byte {
            Some(b'~') => 0,
            None => 1,
            Some(byte) if byte.is_ascii_alphabetic() => u16::from(byte),
            Some(byte) => 256 + u16::from(byte),
        }
    }
}

impl Ord for Part<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.0, other.0);
        while !(a.is_empty() && b.is_empty()) {
            let no_digit = |byte: u8| !byte.is_ascii_digit();
            let (left, right) = (super::take(&mut a, no_digit), super::take(&mut b, no_digit));
            for at in 0..=left.len().max(right.len()) {
                let rank = |run: &str| Part::rank(run.as_bytes().get(at).copied());
                match rank(left).cmp(&rank(right)) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
            }
            let digit = |byte: u8| byte.is_ascii_digit();
            let (left, right) = (super::take(&mut a, digit), super::take(&mut b, digit));
            match Number::new(left).cmp(&Number::new(right)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for Part<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Part<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Part<'_> {}
