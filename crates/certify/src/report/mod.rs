//! The report: what every criterion found, in the form of spec `certification.md`, *The report*.

mod changes;
pub mod format;
pub mod html;
mod junit;
mod sarif;
pub mod text;
mod waived;
mod xml;

pub use self::changes::{FindingChanges, FindingOf, changes};
pub use crate::standards::{ClauseResult, ClauseView, StandardView};
pub use format::{Format, Options};
pub use waived::{Waived, WaiverState, WaiverUse};

use crate::evidence::{ImageEvidence, Place};
use oci::digest::Digest;
use serde::{Deserialize, Serialize};

/// Version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of the JSON form. It allows fields that it does not name.
pub const JSON_SCHEMA: &str = include_str!("schema.json");

/// Verdict of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it; spec certification.md, Verdict of a criterion")]
pub enum Verdict {
    Passed,
    Failed,
    Warned,
    NotApplicable,
    Waived,
    Errored,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// Where a finding is: in an image, or in the offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Where {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// JSON pointer into the offer document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// `offer.yaml:37:12`, when the offer came from files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

/// One thing that a criterion found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct Finding {
    pub severity: Severity,
    /// Whether it fails the certification, by the criterion's default and the policy.
    pub blocking: bool,
    /// The fact first.
    pub message: String,
    /// How to fix it.
    pub hint: String,
    #[serde(rename = "where")]
    pub place: Where,
    /// What was seen; secrets redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Why it does not count, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

impl Where {
    /// The image itself.
    pub fn image(image: &ImageEvidence) -> Where {
        Where {
            image: Some(image.digest),
            platform: image.platform.as_ref().or(image.index_platform.as_ref()).map(ToString::to_string),
            ..Where::default()
        }
    }
    /// A file, an archive's member, or a part of the config of the image.
    pub fn file(image: &ImageEvidence, place: &Place) -> Where {
        Where { layer: place.layer, path: Some(place.path.clone()), ..Where::image(image) }
    }
    /// A part of the image config, which has no layer.
    pub fn config(image: &ImageEvidence, part: &str) -> Where {
        Where { path: Some(format!("config.{part}")), ..Where::image(image) }
    }
    /// The parts of the place that there are, from the coarse to the fine, with whole digests.
    pub fn in_words(&self) -> String {
        let digest = |digest: &Option<Digest>| digest.map(|digest| digest.to_string());
        let parts = [
            self.position.clone(),
            self.pointer.clone(),
            self.tag.clone(),
            self.platform.clone(),
            digest(&self.image),
            digest(&self.layer).map(|digest| format!("layer {digest}")),
            self.path.clone(),
            self.package.clone(),
        ];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }
    /// A tag of the repository.
    pub fn tag(tag: impl Into<String>) -> Where {
        Where { tag: Some(tag.into()), ..Where::default() }
    }
}

impl Finding {
    /// A finding that fails the certification unless the policy says otherwise.
    pub fn blocking(
        severity: Severity,
        place: Where,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding {
            severity,
            blocking: true,
            message: message.into(),
            hint: hint.into(),
            place,
            evidence: None,
            waived: None,
        }
    }
    /// A finding that is advice unless the policy says otherwise.
    pub fn advice(
        severity: Severity,
        place: Where,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding { blocking: false, ..Finding::blocking(severity, place, message, hint) }
    }
    /// The same finding with what was seen.
    pub fn with_evidence(self, evidence: impl Into<String>) -> Finding {
        Finding { evidence: Some(evidence.into()), ..self }
    }
}

/// Result of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct CriterionResult {
    pub id: String,
    pub title: String,
    pub verdict: Verdict,
    pub blocking: bool,
    /// Why, when it is not applicable or errored; a remark, when it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub findings: Vec<Finding>,
}

/// What was certified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct ImageSummary {
    pub reference: String,
    pub digest: Digest,
    pub platforms: Vec<String>,
}

/// Versions of the rules and data that were used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct DataVersions {
    pub rules: String,
    pub advisories: String,
}

/// Summary of the SBOM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct SbomSummary {
    pub packages: usize,
}

/// The whole report. `verdict` is [`Verdict::Passed`], [`Verdict::Failed`], or [`Verdict::Errored`] when a blocking
/// criterion could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct Report {
    pub schema_version: u32,
    pub verdict: Verdict,
    pub image: ImageSummary,
    pub criteria: Vec<CriterionResult>,
    pub data: DataVersions,
    pub sbom: SbomSummary,
    /// Waivers that are meant for what was certified, and what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverUse>,
    /// The same verdicts, clause by clause of each security standard.
    #[serde(default)]
    pub standards: Vec<StandardView>,
}

impl Report {
    /// Whether nothing that blocks was found, and everything that blocks could be checked.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
    /// The result of the criterion with this ID.
    pub fn criterion(&self, id: &str) -> Option<&CriterionResult> {
        self.criteria.iter().find(|result| result.id == id)
    }
    /// The JSON form, with a line break at the end; equal reports give equal bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report has string keys only");
        text.push('\n');
        text
    }
}

/// A verdict as the JSON report writes it.
pub(crate) fn name_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Warned => "warned",
        Verdict::NotApplicable => "not-applicable",
        Verdict::Waived => "waived",
        Verdict::Errored => "errored",
    }
}

/// A severity as the JSON report writes it.
pub(crate) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
