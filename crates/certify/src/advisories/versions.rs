//! Versions of packages, compared by each ecosystem's own rules. Every scheme is a total order over all strings, so
//! that ranges can be searched and sorted: what the scheme cannot read stands before all that it can, ordered by its
//! bytes. Only comparison: which version a range means is the advisories' matter.

use std::cmp::Ordering;

mod alpine;
mod debian;
mod go;
mod maven;
mod nuget;
mod packagist;
mod pep440;
mod rpm;
mod rubygems;
mod semantic;

/// Longest version in bytes that is read. The longest of real ones are Go pseudo-versions and Maven snapshots below 100;
/// npm refuses more than 256. A longer one is not valid, so hostile data costs no more than a look at its length and
/// one comparison of bytes.
pub const LENGTH_MAX: usize = 256;

/// Rules by which versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Debian policy § 5.6.12, as dpkg does it; also Ubuntu.
    Debian,
    /// apk-tools 3; also Wolfi and Chainguard.
    Alpine,
    /// `rpmvercmp` with epoch, `~` and `^`: `epoch:version-release`.
    Rpm,
    /// PEP 440, also its alternative spellings.
    Pep440,
    /// Semantic Versioning 2.0.0; a leading `v` and missing minor and patch numbers are borne, build metadata does not
    /// count. npm, crates.io and others.
    Semver,
    /// Maven's version order specification.
    Maven,
    /// Go modules: semantic versions with pseudo-versions and `+incompatible`; also Go's own releases (`go1.21rc2`).
    Go,
    /// `Gem::Version`.
    RubyGems,
    /// `NuGetVersion`: up to four numbers, labels without regard to case.
    NuGet,
    /// Composer's normalised versions; branches (`dev-main`) have no order and are not valid.
    Packagist,
}

impl Scheme {
    /// The scheme of an OSV ecosystem (OSV schema, *Defined ecosystems*): `Debian:12`, `PyPI`; what follows a colon does
    /// not count. `None` for ecosystems whose versions have no published order.
    pub fn of_ecosystem(ecosystem: &str) -> Option<Scheme> {
        let (name, _) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
        Some(match name {
            "Debian" | "Ubuntu" | "Echo" => Scheme::Debian,
            "Alpine" | "Alpaquita" | "BellSoft Hardened Containers" | "Chainguard" | "MinimOS" | "Wolfi" => {
                Scheme::Alpine
            }
            "AlmaLinux" | "Azure Linux" | "Mageia" | "Photon OS" | "Red Hat" | "Rocky Linux" | "SUSE"
            | "openEuler" | "openSUSE" => Scheme::Rpm,
            "PyPI" => Scheme::Pep440,
            "npm" | "crates.io" | "Hex" | "Pub" | "SwiftURL" | "Bitnami" | "Julia" | "VSCode" => {
                Scheme::Semver
            }
            "Maven" => Scheme::Maven,
            "Go" => Scheme::Go,
            "RubyGems" => Scheme::RubyGems,
            "NuGet" => Scheme::NuGet,
            "Packagist" => Scheme::Packagist,
            _ => return None,
        })
    }

    /// Compares two versions. A total order: versions that the scheme holds equal (`1.0` and `1.0.0` in PEP 440) are
    /// equal here although their strings differ. Linear in the strings' length.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Scheme::Debian => by(debian::parse, a, b),
            Scheme::Alpine => by(alpine::parse, a, b),
            Scheme::Rpm => by(rpm::parse, a, b),
            Scheme::Pep440 => by(pep440::parse, a, b),
            Scheme::Semver => by(semantic::parse, a, b),
            Scheme::Maven => by(maven::parse, a, b),
            Scheme::Go => by(go::parse, a, b),
            Scheme::RubyGems => by(rubygems::parse, a, b),
            Scheme::NuGet => by(nuget::parse, a, b),
            Scheme::Packagist => by(packagist::parse, a, b),
        }
    }

    /// Whether the scheme can read it. What it cannot read has a place in the order, but no meaning: a match that rests
    /// on it should say so.
    pub fn is_valid(self, version: &str) -> bool {
        let fits = version.len() <= LENGTH_MAX;
        fits && match self {
            Scheme::Debian => debian::parse(version).is_some(),
            Scheme::Alpine => alpine::parse(version).is_some(),
            Scheme::Rpm => rpm::parse(version).is_some(),
            Scheme::Pep440 => pep440::parse(version).is_some(),
            Scheme::Semver => semantic::parse(version).is_some(),
            Scheme::Maven => maven::parse(version).is_some(),
            Scheme::Go => go::parse(version).is_some(),
            Scheme::RubyGems => rubygems::parse(version).is_some(),
            Scheme::NuGet => nuget::parse(version).is_some(),
            Scheme::Packagist => packagist::parse(version).is_some(),
        }
    }
}

/// Compares by keys whose order is lawful, so that the whole is: the unreadable first, by their bytes.
fn by<'a, K: Ord>(parse: fn(&'a str) -> Option<K>, a: &'a str, b: &'a str) -> Ordering {
    let key = |version: &'a str| if version.len() <= LENGTH_MAX { parse(version) } else { None };
    match (key(a), key(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => a.cmp(b),
    }
}

/// A run of decimal digits of any length, compared as a number. Derived order: fewer digits first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number<'a> {
    digits: usize,
    text: &'a str,
}

impl<'a> Number<'a> {
    const ZERO: Number<'static> = Number { digits: 0, text: "" };

    /// `digits` holds ASCII digits alone.
    fn new(digits: &'a str) -> Number<'a> {
        let text = digits.trim_start_matches('0');
        Number { digits: text.len(), text }
    }

    /// `None` when the text is empty or holds anything but ASCII digits.
    fn parse(text: &'a str) -> Option<Number<'a>> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Number::new(text))
    }
}

/// A part of a version that is a word or a number; words are before numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a, Text> {
    Text(Text),
    Digits(Number<'a>),
}

/// An option whose absence is after all that is there: `1.0` is after `1.0-rc1`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OrLast<T> {
    Some(T),
    None,
}

impl<T> From<Option<T>> for OrLast<T> {
    fn from(option: Option<T>) -> OrLast<T> {
        option.map_or(OrLast::None, OrLast::Some)
    }
}

/// Takes the longest start whose bytes are all wanted off `rest`. Only for predicates of ASCII bytes, so that the cut
/// falls between characters.
fn take<'a>(rest: &mut &'a str, wanted: impl Fn(u8) -> bool) -> &'a str {
    let end = rest.bytes().position(|byte| !(byte.is_ascii() && wanted(byte))).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken
}
