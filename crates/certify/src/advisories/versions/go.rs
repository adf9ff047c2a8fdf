//! Go module versions: semantic versions with or without `v`, pseudo-versions (`v0.0.0-20240102030405-abcdef123456`)
//! and `+incompatible`, which are semantic versions too (go.dev/ref/mod#versions); and the releases of Go itself
//! (`go1.21rc2`), which the Go vulnerability database writes as `1.21.0-rc.2`.

use super::semantic::{self, Key, Label};
use super::{Number, OrLast, take};

/// `None` for what is neither, `(devel)` for one.
pub(super) fn parse(version: &str) -> Option<Key<'_>> {
    let version = version.trim_ascii();
    version.strip_prefix("go").map_or_else(|| semantic::parse(version), release)
}

/// A release of Go without its `go`. What follows after a space or hyphen names a vendor's build (`X:boringcrypto`,
/// `-fips`), and does not count.
fn release(version: &str) -> Option<Key<'_>> {
    let end = version.find([' ', '-', '+']).unwrap_or(version.len());
    let mut rest = &version[..end];
    let core = take(&mut rest, |byte| byte.is_ascii_digit() || byte == b'.');
    let name = take(&mut rest, |byte| byte.is_ascii_lowercase());
    let labels = match name {
        "" if rest.is_empty() => OrLast::None,
        "beta" | "rc" => OrLast::Some(vec![Label::Text(name), Label::Digits(Number::parse(rest)?)]),
        _ => return None,
    };
    Some(Key { numbers: semantic::numbers(core)?, labels })
}
