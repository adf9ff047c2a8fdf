//! Verdicts and criteria in the reader's language. A criterion of the operator's own has the title that the operator gave
//! it.

use crate::text::Text;
use certify::report::{CriterionResult, Severity, Verdict};

/// A verdict in words.
pub(super) fn verdict(text: &Text, verdict: Verdict) -> String {
    text.get(match verdict {
        Verdict::Passed => "verdict-passed",
        Verdict::Failed => "verdict-failed",
        Verdict::Warned => "verdict-warned",
        Verdict::NotApplicable => "verdict-not-applicable",
        Verdict::Waived => "verdict-waived",
        Verdict::Errored => "verdict-errored",
    })
}

/// The class that gives a verdict its colour; the word says the same.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "good",
        Verdict::Failed | Verdict::Errored => "bad",
        Verdict::Warned | Verdict::Waived => "doubtful",
        Verdict::NotApplicable => "quiet",
    }
}

/// A severity in words.
pub(super) fn severity(text: &Text, severity: Severity) -> String {
    text.get(match severity {
        Severity::Info => "severity-info",
        Severity::Low => "severity-low",
        Severity::Medium => "severity-medium",
        Severity::High => "severity-high",
        Severity::Critical => "severity-critical",
    })
}

/// What a criterion asks for.
pub(super) fn title(text: &Text, result: &CriterionResult) -> String {
    text.find(&format!("criterion-{}", result.id)).unwrap_or_else(|| result.title.clone())
}

/// Why it asks for it, in one sentence; none for a criterion of the operator's own.
pub(super) fn reason(text: &Text, result: &CriterionResult) -> Option<String> {
    text.find(&format!("criterion-{}-why", result.id))
}
