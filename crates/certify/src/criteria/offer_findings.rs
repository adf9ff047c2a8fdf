//! Which criterion a finding of the offer's own rules belongs to, and its form in the report. One function decides, so
//! that each finding is told exactly once.

use super::{Case, Criterion, Judgement, NO_OFFER, OfferContext};
use crate::report::{Finding, Severity, Where};

/// The findings of the offer's rules that belong to this criterion.
pub(super) fn of(criterion: &dyn Criterion, case: &Case<'_>) -> Judgement {
    match &case.offer {
        None => Judgement::NotApplicable(NO_OFFER.to_owned()),
        Some(context) => Judgement::of(of_context(criterion, context)),
    }
}

/// The same, when the context is at hand.
pub(super) fn of_context(criterion: &dyn Criterion, context: &OfferContext<'_>) -> Vec<Finding> {
    let plan = context.plan().map(|(index, _)| index.to_string());
    let other_plan = |pointer: &str| match (&plan, plan_of(pointer)) {
        (Some(own), Some(index)) => own != index,
        _ => false,
    };
    context
        .reading
        .findings
        .iter()
        .filter(|finding| !other_plan(&finding.pointer) && criterion_of(finding) == criterion.id())
        .map(|finding| in_report(context, finding))
        .collect()
}

/// A finding of the offer's rules in the form of the report.
pub(super) fn in_report(context: &OfferContext<'_>, finding: &offer::finding::Finding) -> Finding {
    let place = place(context, &finding.pointer, finding.position.as_ref());
    match finding.severity {
        offer::finding::Severity::Error => {
            Finding::blocking(Severity::High, place, &finding.message, &finding.hint)
        }
        offer::finding::Severity::Warning => {
            Finding::advice(Severity::Low, place, &finding.message, &finding.hint)
        }
    }
}

/// A place in the offer document, with its position in the file where that is known.
pub(super) fn place(
    context: &OfferContext<'_>,
    pointer: &str,
    position: Option<&offer::finding::Position>,
) -> Where {
    let position = position.cloned().or_else(|| context.reading.positions.of(pointer));
    Where {
        pointer: Some(pointer.to_owned()),
        position: position.map(|position| position.to_string()),
        ..Where::default()
    }
}

fn plan_of(pointer: &str) -> Option<&str> {
    pointer.strip_prefix("/plans/")?.split('/').next()
}

fn criterion_of(finding: &offer::finding::Finding) -> &'static str {
    let rule = finding.rule.as_str();
    if rule.contains("hardware") {
        return "hardware-requirements-documented";
    }
    if rule.starts_with("html") {
        return "html-safe";
    }
    if rule.starts_with("picture") {
        return "pictures-valid";
    }
    let mut parts = finding.pointer.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("support"), ..) => "contacts-valid",
        (Some("listing"), Some("privacyPolicyUrl" | "terms"), _) => "legal-present",
        (Some("listing"), Some("logos"), _) | (Some("plans"), _, Some("screenshots")) => "pictures-valid",
        (Some("plans"), _, Some("tags")) => "tags-well-formed",
        (Some("plans"), _, Some("routes" | "twin" | "environment" | "createOptions")) => {
            "default-settings-valid"
        }
        _ => "listing-complete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::{ALL, example};

    #[test]
    fn every_finding_is_told_once_and_other_plans_are_left_out() {
        let finding = |rule, pointer| offer::finding::Finding::error(rule, pointer, rule, "");
        let findings = [
            finding("hardware-requirements", "/listing/description"),
            finding("html-removed", "/listing/description"),
            finding("picture-size", "/listing/videos/0/thumbnail"),
            finding("missing", "/listing/logos/small"),
            finding("email", "/support/engineering/email"),
            finding("url", "/listing/terms"),
            finding("form", "/plans/0/tags/1"),
            finding("route", "/plans/0/routes/0/value"),
            finding("too-long", "/plans/0/title"),
            finding("unknown-field", "/nmae"),
            finding("too-long", "/plans/1/title"),
        ];
        let offer = example::offer();
        let told = |criterion: &&&dyn Criterion| match example::judge_offer(**criterion, &offer, &findings) {
            Judgement::Checked { findings, .. } => {
                findings.iter().filter(|f| f.place.pointer.is_some()).count()
            }
            _ => 0,
        };
        assert_eq!(ALL.iter().map(|criterion| told(&criterion)).sum::<usize>(), 10);
    }
}
