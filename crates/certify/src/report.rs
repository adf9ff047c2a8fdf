//! The report: what every criterion found, in the form of spec `certification.md`, *The report*.

use oci::digest::Digest;
use serde::{Deserialize, Serialize};

/// Version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

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
    /// The fact first.
    pub message: String,
    /// How to fix it.
    pub hint: String,
    #[serde(rename = "where")]
    pub place: Where,
    /// What was seen; secrets redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Result of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "spec certification.md")]
pub struct CriterionResult {
    pub id: String,
    pub title: String,
    pub verdict: Verdict,
    pub blocking: bool,
    /// Why, when it is not applicable or errored.
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
}
