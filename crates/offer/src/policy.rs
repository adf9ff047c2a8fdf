//! The marketplace policy: every limit and every choice that an operator may change without a build, as one TOML
//! file. The defaults are the seed-era values of spec `offer.md` and the `B`/`A` column of spec `certification.md`.

use crate::finding::{Finding, Position};
use crate::platform::Platform;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod custom;
mod waiver;

pub use custom::{CUSTOM_CRITERIA_MAX, CustomCriterion, CustomSeverity, EXPRESSION_BYTES_MAX, Expression};
pub use waiver::{WAIVERS_MAX, Waiver};

/// The whole policy file. A missing table or key has its default; an unknown key is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Limits of the offer document.
    pub offer: OfferLimits,
    /// Which platforms count.
    pub platforms: Platforms,
    /// Limits of an image.
    pub image: ImageLimits,
    /// Licences of packages.
    pub licences: Licences,
    /// Which vulnerabilities an image may have.
    pub vulnerabilities: VulnerabilityPolicy,
    /// How a module is started on trial.
    pub start: StartLimits,
    /// Criterion ID → how it is judged; criteria that are not named keep their default.
    pub criteria: BTreeMap<String, CriterionPolicy>,
    /// What a failed certification leads to.
    pub certification: CertificationPolicy,
    /// Security standards.
    pub standards: Standards,
    /// Exceptions, each with a reason and an end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Criteria of the operator's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_criteria: Vec<CustomCriterion>,
}

/// What a failed certification leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificationPolicy {
    /// The submission waits for a certifier, who waives what was found or rejects it; it fails at once otherwise.
    pub review: bool,
    /// Days after which a live offer that fails its recertification is hidden from the catalogue.
    pub grace_days: u16,
}

impl Default for CertificationPolicy {
    fn default() -> CertificationPolicy {
        CertificationPolicy { review: false, grace_days: 14 }
    }
}

/// Which security standards an image has to meet; all known ones are shown in the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Standards {
    /// IDs of standards of which no clause may be unmet (criterion `security-standards`).
    pub demand: Vec<String>,
}

/// Most bytes of a policy file; the default one has about 2,000.
pub const POLICY_BYTES_MAX: usize = 256 << 10;
/// Name under which findings place themselves; the caller knows the file's true path.
pub const POLICY_FILE: &str = "policy.toml";

impl Policy {
    /// Reads a policy file. The error names the line and, for an unknown key, the nearest known one.
    pub fn from_toml(text: &str) -> Result<Policy, Box<Finding>> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(Box::new(Finding::error(
                "policy-size",
                "",
                format!("the policy has {} bytes, at most {POLICY_BYTES_MAX} are allowed", text.len()),
                "a policy is a short list of limits; check that this is the right file",
            )));
        }
        let policy: Policy = toml::from_str(text).map_err(|error| Box::new(toml_finding(text, &error)))?;
        policy.check()?;
        Ok(policy)
    }

    /// The whole policy as a file, defaults written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a policy has string keys and no null")
    }

    /// Limits under which no offer could ever be published are a slip of the pen.
    fn check(&self) -> Result<(), Box<Finding>> {
        let error = |key: &str, message: &str, hint: &str| {
            Err(Box::new(Finding::error("policy-value", format!("/{key}"), format!("{key} {message}"), hint)))
        };
        if self.platforms.tier1.is_empty() {
            return error(
                "platforms/tier1",
                "is empty, so that no plan could be accepted",
                "name a platform",
            );
        }
        let offer = &self.offer;
        let limits = [
            ("name-chars", offer.name_chars),
            ("plans", offer.plans),
            ("plan-title-chars", offer.plan_title_chars),
            ("plan-summary-chars", offer.plan_summary_chars),
            ("plan-description-chars", offer.plan_description_chars),
            ("listing-title-chars", offer.listing_title_chars),
            ("listing-summary-chars", offer.listing_summary_chars),
            ("listing-long-summary-chars", offer.listing_long_summary_chars),
            ("listing-description-chars", offer.listing_description_chars),
            ("marketing-identifier-chars", offer.marketing_identifier_chars),
            ("preview-subscriptions", offer.preview_subscriptions),
            ("links", offer.links),
            ("categories", offer.categories),
        ];
        if let Some((key, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            let key = format!("offer/{key}");
            return error(&key, "is 0, but the field is required", "write a number from 1");
        }
        self.check_lists()
    }

    /// Waivers and criteria of the operator's own: each by itself, and their numbers.
    fn check_lists(&self) -> Result<(), Box<Finding>> {
        let counts = [
            ("waivers", self.waivers.len(), WAIVERS_MAX),
            ("custom-criteria", self.custom_criteria.len(), CUSTOM_CRITERIA_MAX),
        ];
        if let Some((key, count, most)) = counts.into_iter().find(|(_, count, most)| count > most) {
            let message = format!("{key} has {count} entries, at most {most} are allowed");
            let hint = "remove those that are no longer needed";
            return Err(Box::new(Finding::error("policy-value", format!("/{key}"), message, hint)));
        }
        let within = |list: &str, index: usize, finding: Box<Finding>| {
            let pointer = format!("/{list}/{index}{}", finding.pointer);
            let message = format!("{list}[{index}]: {}", finding.message);
            Box::new(Finding { pointer, message, ..*finding })
        };
        for (index, waiver) in self.waivers.iter().enumerate() {
            waiver.check().map_err(|finding| within("waivers", index, finding))?;
        }
        let mut ids = BTreeSet::new();
        for (index, criterion) in self.custom_criteria.iter().enumerate() {
            criterion.check().map_err(|finding| within("custom-criteria", index, finding))?;
            if !ids.insert(&criterion.id) {
                let message = format!("custom-criteria[{index}]: the ID {} is used twice", criterion.id);
                let pointer = format!("/custom-criteria/{index}/id");
                return Err(Box::new(Finding::error(
                    "policy-value",
                    pointer,
                    message,
                    "give each its own ID",
                )));
            }
        }
        Ok(())
    }
}

fn toml_finding(text: &str, error: &toml::de::Error) -> Finding {
    let message = error.message().lines().next().unwrap_or_default().to_owned();
    // The message of an unknown field names it first and the known ones after it, each in backquotes.
    let hint = match message.strip_prefix("unknown field ") {
        Some(rest) => {
            let mut names = rest.split('`').skip(1).step_by(2);
            let unknown = names.next().unwrap_or_default();
            crate::forms::nearest(unknown, names).map(|near| format!("did you mean `{near}`?"))
        }
        None => None,
    };
    let message = match message.split_once(", expected one of") {
        Some((fact, _)) if hint.is_some() => fact.to_owned(),
        _ => message,
    };
    let hint = hint.unwrap_or_else(|| "correct the value; a key that is left out has its default".into());
    let mut finding =
        Finding::error("policy-syntax", "", format!("the policy cannot be read: {message}"), hint);
    finding.position = Some(position(text, error.span().map_or(0, |span| span.start)));
    finding
}

/// Line and column of a byte of the policy's text.
pub fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or_default();
    let count = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        file: POLICY_FILE.into(),
        line: count(before.matches('\n').count()),
        column: count(before[line_start..].chars().count()),
    }
}

/// Supported platforms (spec `offer.md`, *Platforms*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Platforms {
    /// Tier 1: at least one must be supported, all of them earn the showcase badge.
    pub tier1: Vec<Platform>,
    /// Accepted besides tier 1.
    pub accepted: Vec<Platform>,
}

/// How one certification criterion is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CriterionPolicy {
    /// Whether a finding of it fails the certification.
    pub blocking: bool,
}

/// Licences that packages may have (criterion `licences-identified`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Licences {
    /// Licences that no package may need: SPDX identifiers, each for itself alone (`AGPL-3.0-only` does not stand for
    /// `AGPL-3.0-or-later`), or names as packages state them.
    pub deny: Vec<String>,
}

/// Limits of an image (criteria `size-within-limit`, `layers-within-limit`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageLimits {
    /// Compressed bytes of one platform's layers.
    pub compressed_bytes: u64,
    /// Uncompressed bytes of one platform's layers.
    pub uncompressed_bytes: u64,
    /// Layers of one platform's image.
    pub layers: u32,
}

/// How bad a vulnerability is (CVSS 3.1 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum VulnerabilitySeverity {
    Low,
    Medium,
    High,
    Critical,
}

/// Which vulnerabilities fail an image (criteria `vulnerabilities-within-policy` and
/// `no-known-exploited-vulnerabilities`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct VulnerabilityPolicy {
    /// Vulnerabilities from this severity on fail; the others are listed.
    pub fail_severity: VulnerabilitySeverity,
    /// Only those for which a repaired version is known.
    pub only_with_fix: bool,
    /// Advisories that are older are warned about, in days.
    pub data_max_age_days: u32,
    /// Without advisories the criteria could not be checked; otherwise they are not applicable.
    pub data_required: bool,
}

/// How a module is started on trial (criterion `module-starts-with-defaults`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StartLimits {
    /// Seconds for which it must stay up, unless it exits 0.
    pub observe_seconds: u32,
    /// Seconds that it may take to stop after SIGTERM.
    pub stop_seconds: u32,
}

impl Default for StartLimits {
    fn default() -> Self {
        StartLimits { observe_seconds: 30, stop_seconds: 10 }
    }
}

/// Limits of the offer document, in Unicode characters unless the name says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each name repeats the field of spec offer.md that it limits")]
pub struct OfferLimits {
    pub name_chars: usize,
    pub plans: usize,
    pub private_plans: usize,
    pub plan_title_chars: usize,
    pub plan_summary_chars: usize,
    pub plan_description_chars: usize,
    pub defaults: usize,
    /// Names and values of routes, twin properties and environment variables, and createOptions, must stay **under** it.
    pub default_chars: usize,
    pub twin_depth: usize,
    pub screenshots: usize,
    pub screenshot_name_chars: usize,
    /// Exact width and height of a screenshot in pixels.
    pub screenshot_pixels: (u32, u32),
    pub listing_title_chars: usize,
    pub listing_summary_chars: usize,
    pub listing_long_summary_chars: usize,
    pub listing_description_chars: usize,
    pub marketing_identifier_chars: usize,
    pub preview_subscriptions: usize,
    pub links: usize,
    pub categories: usize,
    pub video_name_chars: usize,
}

impl Default for OfferLimits {
    fn default() -> Self {
        OfferLimits {
            name_chars: 50,
            plans: 100,
            private_plans: 45,
            plan_title_chars: 50,
            plan_summary_chars: 100,
            plan_description_chars: 3_000,
            defaults: 5,
            default_chars: 512,
            twin_depth: 4,
            screenshots: 5,
            screenshot_name_chars: 100,
            screenshot_pixels: (533, 324),
            listing_title_chars: 50,
            listing_summary_chars: 100,
            listing_long_summary_chars: 256,
            listing_description_chars: 3_000,
            marketing_identifier_chars: 50,
            preview_subscriptions: 100,
            links: 10,
            categories: 5,
            video_name_chars: 100,
        }
    }
}

impl Default for VulnerabilityPolicy {
    fn default() -> Self {
        VulnerabilityPolicy {
            fail_severity: VulnerabilitySeverity::Critical,
            only_with_fix: true,
            data_max_age_days: 14,
            data_required: false,
        }
    }
}

impl Default for ImageLimits {
    fn default() -> Self {
        ImageLimits { compressed_bytes: 2 << 30, uncompressed_bytes: 8 << 30, layers: 127 }
    }
}

impl Default for Platforms {
    fn default() -> Self {
        let linux = |architecture, variant| Platform::new("linux", architecture, variant);
        Platforms {
            tier1: vec![linux("amd64", None), linux("arm64", None), linux("arm", Some("v7"))],
            accepted: vec![Platform::new("windows", "amd64", None)],
        }
    }
}
