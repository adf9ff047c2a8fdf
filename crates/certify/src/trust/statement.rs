//! The predicates: bills of materials as they are, under the types that other tools know them by, and the certification,
//! which is the report with the policy that it rests on and the instant.

use crate::report::{Report, Verdict};
use crate::sbom::SbomFormat;
use jiff::Timestamp;
use oci::digest::Digest;
use oci::trust::Statement;
use offer::policy::Policy;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::collections::BTreeMap;

/// Predicate type of a certification. A URN, since no web page needs to stand behind it.
pub const CERTIFICATION: &str = "urn:edgemarket:certification:v1";

/// Predicate type of a bill of materials, as cosign and in-toto name it.
pub fn sbom_predicate(format: SbomFormat) -> &'static str {
    match format {
        SbomFormat::CycloneDx => "https://cyclonedx.org/bom",
        SbomFormat::Spdx => "https://spdx.dev/Document",
    }
}

/// What names a policy: the SHA-256 of its JSON form, in which every value is written, the defaults too. The waivers in
/// force are part of it.
pub fn policy_digest(policy: &Policy) -> Digest {
    Digest::of(&serde_json::to_vec(policy).unwrap_or_default())
}

/// The predicate of a certification. The same arguments give the same bytes.
pub fn certification(report: &Report, policy: &Policy, at: Timestamp) -> Vec<u8> {
    let value = json!({
        "verdict": report.verdict,
        "certifiedAt": at,
        "policy": { "digest": { "sha256": policy_digest(policy).hex() } },
        "report": report,
    });
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A certification, as far as a judgement on it needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certified {
    /// Verdict of the whole.
    pub verdict: Verdict,
    /// When it was judged.
    pub certified_at: Timestamp,
    policy: PolicyName,
    report: ReportHead,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct PolicyName {
    digest: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ReportHead {
    verdict: Verdict,
    criteria: Vec<CriterionHead>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct CriterionHead {
    verdict: Verdict,
}

impl Certified {
    /// Reads a certification out of a statement of the type [`CERTIFICATION`]. The error says what is wrong with it.
    pub fn parse(payload: &[u8]) -> Result<Certified, String> {
        let statement = Statement::<Certified>::parse(payload)?;
        let found = statement.predicate.ok_or("it has no predicate")?;
        if found.verdict != found.report.verdict {
            return Err("its verdict is another than its report's".to_owned());
        }
        match found.policy() {
            Some(_) => Ok(found),
            None => Err("it names no policy".to_owned()),
        }
    }

    /// Digest of the policy that it was judged by, as [`policy_digest`] gives it.
    pub fn policy(&self) -> Option<Digest> {
        format!("sha256:{}", self.policy.digest.get("sha256")?).parse().ok()
    }

    /// How many criteria have this verdict.
    pub fn criteria(&self, verdict: Verdict) -> usize {
        self.report.criteria.iter().filter(|criterion| criterion.verdict == verdict).count()
    }
}

/// What a bill of materials says of itself: its form with the version, and how many packages it has.
///
/// # Errors
/// What is wrong with it.
pub fn sbom_summary(payload: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        bom_format: Option<String>,
        spec_version: Option<String>,
        components: Option<Vec<IgnoredAny>>,
        spdx_version: Option<String>,
        packages: Option<Vec<IgnoredAny>>,
    }
    let head = Statement::<Head>::parse(payload)?.predicate.ok_or("it has no predicate")?;
    let short = |text: String| text.chars().take(20).collect::<String>();
    match (head.bom_format.as_deref(), head.spec_version, head.spdx_version) {
        (Some("CycloneDX"), Some(version), None) => {
            let components = head.components.map_or(0, |components| components.len());
            Ok(format!("CycloneDX {}, {components} components", short(version)))
        }
        (None, _, Some(version)) if version.starts_with("SPDX-") => {
            let packages = head.packages.map_or(0, |packages| packages.len());
            Ok(format!("{}, {packages} packages", short(version)))
        }
        _ => Err("its predicate is neither CycloneDX nor SPDX".to_owned()),
    }
}
