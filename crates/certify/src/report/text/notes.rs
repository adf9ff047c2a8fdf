//! What stands below the criteria in the text: waivers that no longer do anything, and one line for each standard.

use super::{Style, Words, clean, line, paint};
use crate::report::{ClauseResult, Report, StandardView, Waived, WaiverState};

/// Who waived a finding, why and until when.
pub(super) fn waived(text: &mut String, waived: &Waived, words: &Words) {
    let (reason, by) = (clean(&waived.reason), clean(&waived.by));
    line(text, &format!("    {} ({by}, {} {}): {reason}", words.waived, words.until, waived.until));
}

/// Waivers that have no effect: somebody has to renew or to remove them.
pub(super) fn waivers(text: &mut String, report: &Report, style: &Style) {
    for waiver in &report.waivers {
        let state = match waiver.state {
            WaiverState::Applied => continue,
            WaiverState::Expired => &style.words.waiver_expired,
            WaiverState::Unused => &style.words.waiver_unused,
        };
        let place = waiver.place.as_deref().map(|place| format!(" {}", clean(place))).unwrap_or_default();
        let (until, by) = (waiver.until, clean(&waiver.by));
        let what = format!("{}{place} ({by}, {} {until})", clean(&waiver.criterion), style.words.until);
        line(text, &format!("{}: {what}", paint(state, "33", style)));
    }
}

/// One line for each standard; the JSON report has the clauses.
pub(super) fn standards(text: &mut String, report: &Report, style: &Style) {
    if report.standards.is_empty() {
        return;
    }
    text.push('\n');
    for standard in &report.standards {
        line(text, &format!("{} {}: {}", standard.id, clean(&standard.version), results(standard, style)));
    }
}

fn results(standard: &StandardView, style: &Style) -> String {
    let words = &style.words;
    let count = |result| standard.with(result).count();
    let mut parts = vec![format!("{} {}", count(ClauseResult::Met), words.met)];
    let unmet: Vec<&str> = standard.with(ClauseResult::NotMet).map(|clause| clause.id.as_str()).collect();
    if !unmet.is_empty() {
        parts.push(format!("{} ({})", paint(&words.not_met, "33", style), unmet.join(", ")));
    }
    parts.push(format!("{} {}", count(ClauseResult::NotCovered), words.not_covered));
    parts.join(", ")
}
