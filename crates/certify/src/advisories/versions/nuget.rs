//! NuGet versions: semantic versions with an optional fourth number, labels without regard to case
//! (learn.microsoft.com, *NuGet package versioning*; `NuGetVersion`).

use super::semantic::{self, Label};
use super::{Number, OrLast};

/// A version, ordered as `VersionComparer.Default` orders it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    numbers: [Number<'a>; 4],
    labels: OrLast<Vec<Label<'a, String>>>,
}

/// `None` when there are no numbers, more than four, or characters that SemVer does not know.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let (core, labels) = semantic::labels(version)?;
    let lower = |label| match label {
        Label::Text(text) => Label::Text(str::to_ascii_lowercase(text)),
        Label::Digits(number) => Label::Digits(number),
    };
    let labels = match labels {
        OrLast::Some(labels) => OrLast::Some(labels.into_iter().map(lower).collect()),
        OrLast::None => OrLast::None,
    };
    Some(Key { numbers: semantic::numbers(core)?, labels })
}
