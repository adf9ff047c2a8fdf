//! From a case to the report: every criterion judges, the policy weighs. Pure and in a fixed order, so that equal cases
//! give equal bytes.

use crate::criteria::{ALL, Case, Criterion, Judgement, Weight};
use crate::report::{
    CriterionResult, DataVersions, Finding, ImageSummary, Report, SCHEMA_VERSION, SbomSummary, Severity,
    Verdict, Where,
};
use offer::policy::Policy;
use std::collections::BTreeSet;

/// Most findings of one criterion in a report; an image of a million setuid files must not make a report of 500 MB.
pub const FINDINGS_MAX: usize = 200;

/// Judges by every criterion.
pub fn judge(case: &Case<'_>) -> Report {
    let criteria: Vec<CriterionResult> = ALL.iter().map(|criterion| result(*criterion, case)).collect();
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: overall(&criteria),
        image: ImageSummary {
            reference: case.reference.to_owned(),
            digest: case.digest,
            platforms: platforms(case),
        },
        criteria,
        data: DataVersions { rules: case.rules_version.to_owned(), advisories: "none".to_owned() },
        sbom: SbomSummary { packages: packages(case) },
    }
}

fn result(criterion: &dyn Criterion, case: &Case<'_>) -> CriterionResult {
    let blocking = is_blocking(criterion, case.policy);
    let (verdict, reason, findings) = match criterion.judge(case) {
        Judgement::NotApplicable(reason) => (Verdict::NotApplicable, Some(reason), Vec::new()),
        Judgement::Errored(reason) => (Verdict::Errored, Some(reason), Vec::new()),
        Judgement::Checked { mut findings, note } => {
            weigh(criterion, case.policy, &mut findings);
            let verdict = match &findings[..] {
                [] => Verdict::Passed,
                some if some.iter().any(|finding| finding.blocking) => Verdict::Failed,
                _ => Verdict::Warned,
            };
            (verdict, note, in_order(findings))
        }
    };
    CriterionResult {
        id: criterion.id().to_owned(),
        title: criterion.title().to_owned(),
        verdict,
        blocking,
        reason,
        findings,
    }
}

fn is_blocking(criterion: &dyn Criterion, policy: &Policy) -> bool {
    match policy.criteria.get(criterion.id()) {
        Some(own) => own.blocking,
        None => criterion.default_weight() != Weight::Advisory,
    }
}

/// Applies the policy. A policy that repeats the default `blocking = true` changes nothing: what is mere advice in a
/// blocking criterion stays so.
fn weigh(criterion: &dyn Criterion, policy: &Policy, findings: &mut [Finding]) {
    let Some(own) = policy.criteria.get(criterion.id()) else { return };
    for finding in findings {
        finding.blocking = match (own.blocking, criterion.default_weight()) {
            (false, _) => false,
            (true, Weight::Blocking) => finding.blocking,
            (true, Weight::Advisory | Weight::Mixed) => true,
        };
    }
}

/// Blocking findings first, then the worst first, then by place and message; each once, and not more than
/// [`FINDINGS_MAX`].
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        let rank = |finding: &Finding| (!finding.blocking, std::cmp::Reverse(finding.severity));
        rank(a).cmp(&rank(b)).then_with(|| a.place.cmp(&b.place)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    if findings.len() > FINDINGS_MAX {
        let more = findings.len() - FINDINGS_MAX;
        findings.truncate(FINDINGS_MAX);
        findings.push(Finding::advice(
            Severity::Info,
            Where::default(),
            format!("{more} more findings of this criterion are not listed; a report holds {FINDINGS_MAX}"),
            "mend the listed ones, and certify again",
        ));
    }
    findings
}

fn overall(criteria: &[CriterionResult]) -> Verdict {
    let any = |verdict| criteria.iter().any(|result| result.blocking && result.verdict == verdict);
    // A mixed criterion that the policy made advisory cannot have failed, so `blocking` may be asked for both.
    if any(Verdict::Failed) {
        Verdict::Failed
    } else if any(Verdict::Errored) {
        Verdict::Errored
    } else {
        Verdict::Passed
    }
}

fn platforms(case: &Case<'_>) -> Vec<String> {
    let stated = case.images.iter().filter_map(|image| image.platform.as_ref());
    stated.map(ToString::to_string).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Distinct packages of all images.
fn packages(case: &Case<'_>) -> usize {
    let all = case.images.iter().flat_map(|image| &image.packages);
    all.map(|package| (package.kind, &package.name, &package.version, &package.architecture))
        .collect::<BTreeSet<_>>()
        .len()
}
