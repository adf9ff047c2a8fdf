//! Image tags of a plan (spec `offer.md`, *Tags and versions*): their forms, and where they must point. It does not
//! ask a registry: what the tags resolve to comes in as plain data.

mod pointing;

use crate::finding::Finding;
use crate::platform::Platform;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use pointing::{check_resolved, greatest_version};

/// The rule on forms and targets of tags; the criterion of the same name in spec `certification.md`.
pub const RULE_WELL_FORMED: &str = "tags-well-formed";
/// The rule on version tags that were live; the criterion of the same name in spec `certification.md`.
pub const RULE_IMMUTABLE: &str = "version-tags-immutable";
/// Longest tag in characters (OCI distribution specification, *Pulling manifests*).
pub const TAG_CHARS_MAX: usize = 128;

/// A version tag `X.Y.Z`; ordered as versions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub struct VersionTag {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl fmt::Display for VersionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for VersionTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for VersionTag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        match text.parse()? {
            Tag::Version(version) => Ok(version),
            _ => Err(TagError::Form),
        }
    }
}

/// A tag of one of the four permitted forms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Tag {
    /// `latest`.
    Latest,
    /// `X.Y.Z`.
    Version(VersionTag),
    /// `X.Y` or `X`.
    Rolling { major: u32, minor: Option<u32> },
    /// `X.Y-suffix` or `X.Y.Z-suffix`, for example `1.0.1-linux-arm32v7`.
    Platform { major: u32, minor: u32, patch: Option<u32>, suffix: String },
}

impl Tag {
    /// Whether this is a rolling tag that `version` falls under.
    pub fn rolls_over(&self, version: VersionTag) -> bool {
        match *self {
            Tag::Rolling { major, minor } => {
                major == version.major && minor.is_none_or(|minor| minor == version.minor)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tag::Latest => f.write_str("latest"),
            Tag::Version(version) => version.fmt(f),
            Tag::Rolling { major, minor: None } => write!(f, "{major}"),
            Tag::Rolling { major, minor: Some(minor) } => write!(f, "{major}.{minor}"),
            Tag::Platform { major, minor, patch: None, suffix } => write!(f, "{major}.{minor}-{suffix}"),
            Tag::Platform { major, minor, patch: Some(patch), suffix } => {
                write!(f, "{major}.{minor}.{patch}-{suffix}")
            }
        }
    }
}

/// Why a text is no permitted tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// More than [`TAG_CHARS_MAX`] characters.
    #[error("has {0} characters, a tag has at most {TAG_CHARS_MAX}")]
    TooLong(usize),
    /// A number that starts with a superfluous zero.
    #[error("has the number {0}, which has leading zeros")]
    LeadingZero(String),
    /// A number above [`u32::MAX`].
    #[error("has the number {0}, which is greater than {max}", max = u32::MAX)]
    TooGreat(String),
    /// The part after the dash is empty or has a character that no tag may have.
    #[error(
        "has the suffix {0:?}; a suffix is made of letters, digits, dots, dashes and underscores, and is not empty"
    )]
    Suffix(String),
    /// Nothing else fits.
    #[error("has none of the permitted forms")]
    Form,
}

impl std::str::FromStr for Tag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        let count = text.chars().count();
        if count > TAG_CHARS_MAX {
            return Err(TagError::TooLong(count));
        }
        if text == "latest" {
            return Ok(Tag::Latest);
        }
        let (numbers, suffix) = match text.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (text, None),
        };
        let numbers = numbers.split('.').map(number).collect::<Result<Vec<u32>, TagError>>()?;
        let Some(suffix) = suffix else {
            return match numbers[..] {
                [major] => Ok(Tag::Rolling { major, minor: None }),
                [major, minor] => Ok(Tag::Rolling { major, minor: Some(minor) }),
                [major, minor, patch] => Ok(Tag::Version(VersionTag { major, minor, patch })),
                _ => Err(TagError::Form),
            };
        };
        let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if suffix.is_empty() || !suffix.chars().all(permitted) {
            return Err(TagError::Suffix(suffix.to_owned()));
        }
        let suffix = suffix.to_owned();
        match numbers[..] {
            [major, minor] => Ok(Tag::Platform { major, minor, patch: None, suffix }),
            [major, minor, patch] => Ok(Tag::Platform { major, minor, patch: Some(patch), suffix }),
            _ => Err(TagError::Form),
        }
    }
}

/// An integer without leading zeros.
fn number(text: &str) -> Result<u32, TagError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TagError::Form);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(TagError::LeadingZero(text.to_owned()));
    }
    text.parse().map_err(|_| TagError::TooGreat(text.to_owned()))
}

/// What one tag resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTag {
    /// Digest of the manifest or list that the tag points at, with its algorithm: `sha256:…`.
    pub digest: String,
    /// Whether it is an OCI index or a Docker manifest list.
    pub is_list: bool,
    /// The images behind it: one for a plain manifest, one per entry of a list. Entries that are no images
    /// (attestations, which state the platform `unknown/unknown`) are left out by whoever resolves.
    pub images: Vec<ResolvedImage>,
}

/// An image behind a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedImage {
    /// Digest of its manifest.
    pub digest: String,
    /// The platform that the list's entry, or the config of a plain image, states.
    pub platform: Option<Platform>,
}

/// What the tags of a plan resolved to; a tag that the repository does not hold is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedTags(pub BTreeMap<String, ResolvedTag>);

impl ResolvedTags {
    /// Every platform that any tag leads to.
    pub fn platforms(&self) -> BTreeSet<&Platform> {
        self.0.values().flat_map(|tag| &tag.images).filter_map(|image| image.platform.as_ref()).collect()
    }
}

/// The rules on the tags' texts alone: permitted forms, `latest`, at least one version, no tag twice, and a version
/// under each rolling tag. `pointer` is the JSON pointer of the list of tags.
pub fn check_form(tags: &[String], pointer: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::new();
    for (index, text) in tags.iter().enumerate() {
        let place = format!("{pointer}/{index}");
        match text.parse::<Tag>() {
            Err(error) => findings.push(Finding::error(
                RULE_WELL_FORMED,
                place,
                format!("the tag {text:?} {error}"),
                form_hint(text),
            )),
            Ok(_) if !seen.insert(text.as_str()) => findings.push(Finding::error(
                RULE_WELL_FORMED,
                place,
                format!("the tag {text} is listed twice"),
                "remove one of the two",
            )),
            Ok(tag) => parsed.push((place, tag)),
        }
    }
    let versions: Vec<VersionTag> = versions(parsed.iter().map(|(_, tag)| tag));
    if !parsed.iter().any(|(_, tag)| *tag == Tag::Latest) {
        findings.push(Finding::error(
            RULE_WELL_FORMED,
            pointer,
            "the tag latest is not listed",
            "add latest to the tags; it must point at the same digest as the greatest version",
        ));
    }
    if versions.is_empty() {
        findings.push(Finding::error(
            RULE_WELL_FORMED,
            pointer,
            "no version tag is listed",
            "add a tag of the form X.Y.Z, for example 1.0.0",
        ));
    }
    for (place, tag) in &parsed {
        if matches!(tag, Tag::Rolling { .. }) && !versions.iter().any(|version| tag.rolls_over(*version)) {
            findings.push(Finding::error(
                RULE_WELL_FORMED,
                place.clone(),
                format!("the rolling tag {tag} has no version under it"),
                format!("list a version tag that begins with {tag}., or remove {tag}"),
            ));
        }
    }
    findings
}

fn versions<'a>(tags: impl Iterator<Item = &'a Tag>) -> Vec<VersionTag> {
    tags.filter_map(|tag| if let Tag::Version(version) = tag { Some(*version) } else { None }).collect()
}

fn form_hint(text: &str) -> String {
    const FORMS: &str = "permitted are latest, X.Y.Z, X.Y, X, X.Y-suffix and X.Y.Z-suffix";
    if text.eq_ignore_ascii_case("latest") {
        return "write latest in lower case".to_owned();
    }
    match text.strip_prefix(['v', 'V']).filter(|rest| rest.parse::<Tag>().is_ok()) {
        Some(rest) => format!("write {rest}, without the letter v; {FORMS}"),
        None => FORMS.to_owned(),
    }
}
