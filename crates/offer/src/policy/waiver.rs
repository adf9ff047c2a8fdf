//! Waivers: an exception from a criterion, for a place and until a day, with a reason and a name. They stand in the
//! policy file or come from a certifier of the marketplace. What a waiver does to a report is `certify`'s business.

use crate::finding::Finding;
use crate::identity::{OfferId, PlanId, PublisherId};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

/// Most waivers of a policy file, and of a marketplace: more of them say that the criterion does not suit the operator.
pub const WAIVERS_MAX: usize = 1_000;
/// Longest reason, name or criterion ID of a waiver, in characters.
const TEXT_CHARS_MAX: usize = 1_000;
/// Longest pattern of a place in bytes; paths of images have 255 bytes a part.
const PLACE_BYTES_MAX: usize = 512;

/// One exception. Every part of its scope that is left out holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waiver {
    /// ID of the criterion whose findings are waived.
    pub criterion: String,
    /// Digest of the image manifest that the finding is in, or of what the certification is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Publisher whose offers it is for. With a scope of offers it holds only where an offer is certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Offer of the publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Plan of the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Pattern of the place: of the finding's path, package, tag or pointer, whichever it has. `*` and `?` stay within
    /// one part between slashes, `**` does not, `{a,b}` is either, `[a-z]` is one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Why it is accepted. Shown to the publisher.
    pub reason: String,
    /// The last day on which it holds.
    #[serde(deserialize_with = "day")]
    pub until: Date,
    /// Who answers for it.
    #[serde(default = "by_policy")]
    pub by: String,
}

fn by_policy() -> String {
    "the policy".to_owned()
}

/// A day as a string or as TOML's own kind of date.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Native(toml::value::Datetime),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Text(text) => text,
        Written::Native(date) => date.to_string(),
    };
    // A date with a time of day would be cut silently.
    let parsed = if text.len() == "2027-03-31".len() { text.parse().ok() } else { None };
    parsed.ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no day such as 2027-03-31")))
}

impl Waiver {
    /// Whether it still holds on this day.
    pub fn holds_on(&self, today: Date) -> bool {
        today <= self.until
    }

    /// Whether it is meant for this offer and plan; `None` when an image is certified without an offer.
    pub fn is_for(&self, subject: Option<(&PublisherId, &OfferId, &PlanId)>) -> bool {
        let wanted = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        wanted(&self.publisher, subject.map(|(publisher, ..)| publisher.as_str()))
            && wanted(&self.offer, subject.map(|(_, offer, _)| offer.as_str()))
            && wanted(&self.plan, subject.map(|(.., plan)| plan.as_str()))
    }

    /// The pattern of places, ready to match; `None` when it is for every place.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn matcher(&self) -> Result<Option<globset::GlobMatcher>, String> {
        let Some(pattern) = &self.place else { return Ok(None) };
        if pattern.is_empty() || pattern.len() > PLACE_BYTES_MAX {
            return Err(format!("has {} bytes; 1 to {PLACE_BYTES_MAX} are allowed", pattern.len()));
        }
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
        glob.map(|glob| Some(glob.compile_matcher()))
            .map_err(|error| format!("is no pattern: {}", error.kind()))
    }

    /// What is wrong with it, and where; the pointer is relative to the waiver.
    pub fn check(&self) -> Result<(), Box<Finding>> {
        let wrong = |key: &str, fact: String, hint: &str| {
            Err(Box::new(Finding::error("waiver", format!("/{key}"), format!("{key} {fact}"), hint)))
        };
        for (key, text) in [("criterion", &self.criterion), ("reason", &self.reason), ("by", &self.by)] {
            let chars = text.trim().chars().count();
            if chars == 0 || chars > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
                let fact = format!(
                    "has {chars} characters; 1 to {TEXT_CHARS_MAX} without control characters are needed"
                );
                return wrong(key, fact, "a waiver says what is accepted, why, and who answers for it");
            }
        }
        if let Err(fact) = self.matcher() {
            return wrong("place", fact, "write a pattern such as etc/ssl/private/*.key or app/**");
        }
        let digest = |text: &String| {
            let hex = text.strip_prefix("sha256:").unwrap_or_default();
            hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if let Some(image) = self.image.as_ref().filter(|image| !digest(image)) {
            let fact = format!("is {:?}, which is no digest", image.chars().take(100).collect::<String>());
            return wrong(
                "image",
                fact,
                "write sha256: and 64 lower-case hexadecimal digits, as in the report",
            );
        }
        let ids = [("publisher", &self.publisher), ("offer", &self.offer), ("plan", &self.plan)];
        for (key, id) in ids {
            if let Some(id) = id.as_ref().filter(|id| id.parse::<PublisherId>().is_err()) {
                let fact = format!("is {:?}, which is no ID", id.chars().take(100).collect::<String>());
                return wrong(key, fact, "write the ID as the offer does");
            }
        }
        if self.offer.is_some() && self.publisher.is_none() || self.plan.is_some() && self.offer.is_none() {
            let fact = "has a part of a name without the part before it".to_owned();
            return wrong("publisher", fact, "a plan needs its offer, an offer its publisher");
        }
        Ok(())
    }
}
