//! What a report says of waivers. How they are applied is `crate::waivers`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waived {
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Date,
    /// Who answers for it.
    pub by: String,
    /// Whether the finding would have failed the certification.
    pub blocked: bool,
}

impl Waived {
    /// Who waived it, until when and why, in one line.
    pub fn in_words(&self) -> String {
        format!("waived by {} until {}: {}", self.by, self.until, self.reason)
    }
}

/// A waiver that is meant for what was certified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "as offer::policy::Waiver")]
pub struct WaiverUse {
    pub criterion: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub reason: String,
    pub until: Date,
    pub by: String,
    /// What became of it.
    pub state: WaiverState,
    /// Findings that it covers; an expired one would have covered them.
    pub findings: usize,
}

/// What became of a waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// It covers findings.
    Applied,
    /// Its last day is past, and it has no effect.
    Expired,
    /// It covers nothing: the fault was mended, or the place is written wrongly.
    Unused,
}
