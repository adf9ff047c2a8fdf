//! From a case to the report: every criterion judges, the policy weighs. Pure and in a fixed order, so that equal cases
//! give equal bytes.

use crate::criteria::security_standards::{self, SecurityStandards};
use crate::criteria::{ALL, Case, Criterion, Judgement, Weight};
use crate::custom;
use crate::report::{
    CriterionResult, DataVersions, Finding, ImageSummary, Report, SCHEMA_VERSION, SbomSummary, Severity,
    Verdict, Where,
};
use crate::standards;
use crate::waivers::Waivers;
use offer::policy::{CustomCriterion, Policy};
use std::collections::BTreeSet;

/// Most findings of one criterion in a report; an image of a million setuid files must not make a report of 500 MB.
pub const FINDINGS_MAX: usize = 200;

/// Judges by every criterion.
pub fn judge(case: &Case<'_>) -> Report {
    let mut waivers = Waivers::of(case);
    let mut criteria: Vec<CriterionResult> =
        ALL.iter().map(|criterion| result(*criterion, case, &mut waivers)).collect();
    for own in &case.policy.custom_criteria {
        criteria.push(custom_result(own, case, &mut waivers));
    }
    let standards = standards::views(&criteria, case);
    let demanded = security_standards::judge(&standards, case.policy);
    criteria.push(weighed(&SecurityStandards, case, demanded, &mut waivers));
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: overall(&criteria),
        image: ImageSummary {
            reference: case.reference.to_owned(),
            digest: case.digest,
            platforms: platforms(case),
        },
        criteria,
        data: DataVersions { rules: case.rules_version.to_owned(), advisories: advisories(case) },
        sbom: SbomSummary { packages: packages(case) },
        waivers: waivers.told(),
        standards,
    }
}

fn result(criterion: &dyn Criterion, case: &Case<'_>, waivers: &mut Waivers<'_>) -> CriterionResult {
    weighed(criterion, case, criterion.judge(case), waivers)
}

/// A judgement as the policy weighs it.
fn weighed(
    criterion: &dyn Criterion,
    case: &Case<'_>,
    mut judgement: Judgement,
    waivers: &mut Waivers<'_>,
) -> CriterionResult {
    if let Judgement::Checked { findings, .. } = &mut judgement {
        weigh(criterion, case.policy, findings);
    }
    let names = (criterion.id(), criterion.title());
    finished(names, is_blocking(criterion, case.policy), judgement, waivers)
}

/// A criterion of the operator's own says itself what it weighs.
fn custom_result(own: &CustomCriterion, case: &Case<'_>, waivers: &mut Waivers<'_>) -> CriterionResult {
    finished((&own.id, &own.title), own.blocking, custom::judge(own, case), waivers)
}

/// The result of a judgement whose findings are weighed.
fn finished(
    (id, title): (&str, &str),
    blocking: bool,
    judgement: Judgement,
    waivers: &mut Waivers<'_>,
) -> CriterionResult {
    let (verdict, reason, findings) = match judgement {
        Judgement::NotApplicable(reason) => (Verdict::NotApplicable, Some(reason), Vec::new()),
        Judgement::Errored(reason) => (Verdict::Errored, Some(reason), Vec::new()),
        Judgement::Checked { mut findings, note } => {
            // Before the report is cut to its limit: what is waived must not push out what blocks.
            waivers.apply(id, &mut findings);
            (verdict_of(&findings), note, in_order(findings))
        }
    };
    CriterionResult { id: id.to_owned(), title: title.to_owned(), verdict, blocking, reason, findings }
}

fn verdict_of(findings: &[Finding]) -> Verdict {
    let any = |is: fn(&Finding) -> bool| findings.iter().any(is);
    if any(|finding| finding.blocking) {
        Verdict::Failed
    } else if any(|finding| finding.waived.as_ref().is_some_and(|waived| waived.blocked)) {
        Verdict::Waived
    } else if any(|finding| finding.waived.is_none()) {
        Verdict::Warned
    } else if findings.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Waived
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

/// Blocking findings first, waived ones last, then the worst first, then by place and message; each once, and not more than
/// [`FINDINGS_MAX`].
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        let rank = |finding: &Finding| {
            (!finding.blocking, finding.waived.is_some(), std::cmp::Reverse(finding.severity))
        };
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

/// The sources of vulnerability data that were used, each with its day: equal images are judged differently by other data.
fn advisories(case: &Case<'_>) -> String {
    let sources = case.vulnerabilities.map(|known| &known.sources[..]).unwrap_or_default();
    let told: Vec<String> =
        sources.iter().map(|source| format!("{} of {}", source.name, source.day_or_import())).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// Distinct packages of all images.
fn packages(case: &Case<'_>) -> usize {
    let all = case.images.iter().flat_map(|image| &image.packages);
    all.map(|package| (package.kind, &package.name, &package.version, &package.architecture))
        .collect::<BTreeSet<_>>()
        .len()
}
