//! Semantic Versioning 2.0.0 with the laxness of OSV data: a leading `v` or `=`, missing minor and patch numbers, and
//! zeros in front of numbers are borne. Written here because the `semver` crate refuses all of these.

use super::Number;

/// A version, ordered by precedence (SemVer 2.0.0 § 11); build metadata does not count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    numbers: [Number<'a>; 3],
    /// A version without labels is after all that have some.
    labels: Labels<'a>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Labels<'a> {
    Some(Vec<Label<'a>>),
    None,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label<'a> {
    Digits(Number<'a>),
    Text(&'a str),
}

/// `None` when there are no numbers, more than three, or characters that SemVer does not know.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let version = version.strip_prefix(['v', 'V', '=']).unwrap_or(version);
    let (version, build) = version.split_once('+').unwrap_or((version, ""));
    if !build.is_empty() && !build.split('.').all(is_label) {
        return None;
    }
    let (core, labels) = match version.split_once('-') {
        Some((core, labels)) => (core, Labels::Some(labels.split('.').map(label).collect::<Option<_>>()?)),
        None => (version, Labels::None),
    };
    let mut numbers = [Number::ZERO; 3];
    for (at, part) in core.split('.').enumerate() {
        *numbers.get_mut(at)? = Number::parse(part)?;
    }
    Some(Key { numbers, labels })
}

fn label(text: &str) -> Option<Label<'_>> {
    is_label(text).then(|| Number::parse(text).map_or(Label::Text(text), Label::Digits))
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
