//! Semantic Versioning 2.0.0 with the laxness of OSV data: a leading `v` or `=`, missing minor and patch numbers, and
//! zeros in front of numbers are borne. Written here because the `semver` crate refuses all of these.

use super::{Number, OrLast};

/// A version, ordered by precedence (SemVer 2.0.0 § 11): build metadata does not count, and a version without labels
/// is after all that have some.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    pub(super) numbers: [Number<'a>; 3],
    pub(super) labels: OrLast<Vec<Label<'a, &'a str>>>,
}

/// A label; numbers are before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label<'a, Text> {
    Digits(Number<'a>),
    Text(Text),
}

/// `None` when there are no numbers, more than three, or characters that SemVer does not know.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let version = version.strip_prefix(['v', 'V', '=']).unwrap_or(version);
    let (core, labels) = labels(version)?;
    Some(Key { numbers: numbers(core)?, labels })
}

/// Numbers parted by dots; missing ones are 0, and one too many makes it no version.
pub(super) fn numbers<const N: usize>(core: &str) -> Option<[Number<'_>; N]> {
    let mut numbers = [Number::ZERO; N];
    for (at, part) in core.split('.').enumerate() {
        *numbers.get_mut(at)? = Number::parse(part)?;
    }
    Some(numbers)
}

/// Parts the core from the labels, and drops build metadata.
pub(super) fn labels(version: &str) -> Option<(&str, OrLast<Vec<Label<'_, &str>>>)> {
    let (version, build) = match version.split_once('+') {
        Some((version, build)) => (version, Some(build)),
        None => (version, None),
    };
    if build.is_some_and(|build| !build.split('.').all(is_label)) {
        return None;
    }
    let label = |text| is_label(text).then(|| Number::parse(text).map_or(Label::Text(text), Label::Digits));
    Some(match version.split_once('-') {
        Some((core, labels)) => {
            (core, OrLast::Some(labels.split('.').map(label).collect::<Option<Vec<_>>>()?))
        }
        None => (version, OrLast::None),
    })
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
