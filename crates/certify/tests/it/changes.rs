//! What differs between two reports and between two bills of materials.

use certify::report::{
    CriterionResult, Finding, FindingOf, Report, Severity, Verdict, Where, changes as report_changes,
};
use certify::sbom::changes as sbom_changes;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn report(findings: &[(u8, u8, u8)]) -> Report {
    let result = |criterion: u8| CriterionResult {
        id: format!("criterion-{criterion}"),
        title: String::new(),
        verdict: Verdict::Failed,
        blocking: true,
        reason: None,
        findings: findings
            .iter()
            .filter(|(of, ..)| *of == criterion)
            .map(|(_, message, image)| {
                let digest = oci::digest::Digest::of(&[*image]);
                let place = Where { image: Some(digest), path: Some("app".to_owned()), ..Where::default() };
                Finding::blocking(Severity::High, place, format!("finding {message}"), "mend it")
            })
            .collect(),
    };
    let digest = oci::digest::Digest::of(b"image");
    Report {
        schema_version: 1,
        verdict: Verdict::Failed,
        image: certify::report::ImageSummary { reference: String::new(), digest, platforms: Vec::new() },
        criteria: (0..3).map(result).collect(),
        data: certify::report::DataVersions { rules: String::new(), advisories: String::new() },
        sbom: certify::report::SbomSummary { packages: 0 },
        waivers: Vec::new(),
        standards: Vec::new(),
    }
}

#[test]
fn new_and_fixed_findings_are_told_apart_from_those_that_stay() {
    let found = report_changes(&report(&[(0, 1, 1), (0, 2, 1), (1, 1, 1)]), &report(&[(0, 1, 9), (2, 7, 9)]));
    let names = |of: &[FindingOf]| -> Vec<String> {
        of.iter().map(|one| format!("{}: {}", one.criterion, one.finding.message)).collect()
    };
    assert_eq!(names(&found.new), ["criterion-2: finding 7"]);
    assert_eq!(names(&found.fixed), ["criterion-0: finding 2", "criterion-1: finding 1"]);
    assert_eq!(found.kept, 1, "another image's digest is no other finding");
    let more = report_changes(&report(&[(0, 1, 1)]), &report(&[(0, 1, 1), (0, 1, 2)]));
    assert_eq!(
        (more.new.len(), more.fixed.len(), more.kept),
        (0, 0, 1),
        "one more image with the same fault"
    );
}

proptest! {
    #[test]
    fn each_kind_of_finding_is_new_or_fixed_or_in_both(before in vec((0_u8..3, 0_u8..4, 0_u8..2), 0..12), after in vec((0_u8..3, 0_u8..4, 0_u8..2), 0..12)) {
        let (before, after) = (report(&before), report(&after));
        let kinds = |report: &Report| -> BTreeSet<(String, String)> {
            let all = report.criteria.iter().flat_map(|of| of.findings.iter().map(|finding| (of.id.clone(), finding.message.clone())));
            all.collect()
        };
        let told = |of: &[FindingOf]| -> BTreeSet<(String, String)> {
            of.iter().map(|one| (one.criterion.clone(), one.finding.message.clone())).collect()
        };
        let (old, new) = (kinds(&before), kinds(&after));
        let found = report_changes(&before, &after);
        prop_assert_eq!(told(&found.fixed), old.difference(&new).cloned().collect());
        prop_assert_eq!(told(&found.new), new.difference(&old).cloned().collect());
        prop_assert_eq!(found.kept, old.intersection(&new).count());
        let none = report_changes(&before, &before);
        prop_assert_eq!((none.new.len(), none.fixed.len()), (0, 0));
        let back = report_changes(&after, &before);
        prop_assert_eq!((back.new.len(), back.fixed.len()), (found.fixed.len(), found.new.len()));
    }

    #[test]
    fn packages_differ_in_what_is_listed_and_in_nothing_else(
        before in vec(("[ab]", "[xyz]", "[12]"), 0..8),
        after in vec(("[ab]", "[xyz]", "[12]"), 0..8),
    ) {
        fn of(list: &[(String, String, String)]) -> impl Iterator<Item = (&str, &str, &str)> {
            list.iter().map(|(kind, name, version)| (kind.as_str(), name.as_str(), version.as_str()))
        }
        let found = sbom_changes(of(&before), of(&after));
        prop_assert!(sbom_changes(of(&before), of(&before)).is_empty());
        let sets = |list: &[(String, String, String)]| list.iter().cloned().collect::<BTreeSet<_>>();
        let (old, new) = (sets(&before), sets(&after));
        prop_assert_eq!(found.is_empty(), old == new);
        // Applied, they lead from one to the other.
        let mut applied = old;
        for change in &found {
            applied.retain(|(kind, name, _)| (kind, name) != (&change.kind, &change.name));
            applied.extend(change.after.iter().map(|v| (change.kind.clone(), change.name.clone(), v.clone())));
        }
        prop_assert_eq!(applied, new);
    }
}
