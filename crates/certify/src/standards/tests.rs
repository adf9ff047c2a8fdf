//! The data files against the spec's criteria, and results as tables.

use super::*;
use crate::criteria::example;
use crate::judge::judge;
use crate::report::Report;
use oci::manifest::History;
use offer::policy::Policy;

/// The IDs of the spec's table of criteria; some are judged by a version that is to come.
const SPEC: &str = "module-runs-on-tier1 platform-matches-binaries tags-well-formed version-tags-immutable \
    default-settings-valid hardware-requirements-documented configuration-documented image-has-start-command \
    module-starts-with-defaults telemetry-identifier no-known-malware no-crypto-miners no-packed-executables \
    least-privilege runs-as-non-root no-embedded-secrets no-setuid-outside-known-set no-world-writable-system-files \
    no-known-exploited-vulnerabilities vulnerabilities-within-policy base-not-end-of-life sbom-complete \
    digest-verified size-within-limit layers-within-limit healthcheck-defined labels-present licences-identified \
    no-build-leftovers listing-complete links-reachable pictures-valid html-safe contacts-valid legal-present";

#[test]
fn every_clause_has_evidence_or_says_why_not() {
    let mut ids = Vec::new();
    for standard in all() {
        ids.push(standard.id.as_str());
        let mut clauses = std::collections::BTreeSet::new();
        for clause in &standard.clauses {
            let name = format!("{} {}", standard.id, clause.id);
            assert!(clauses.insert(&clause.id), "{name} is there twice");
            let forms =
                [!clause.criteria.is_empty(), clause.evidence.is_some(), clause.not_covered.is_some()];
            assert_eq!(forms.into_iter().filter(|form| *form).count(), 1, "{name}");
            for id in &clause.criteria {
                assert!(SPEC.split_whitespace().any(|known| known == id), "{name} names {id}");
            }
            assert!(clause.lenient.iter().all(|id| clause.criteria.contains(id)), "{name}");
        }
    }
    assert_eq!(ids, ["nist-sp-800-190", "cis-docker-4", "iec-62443-4-1", "iec-62443-4-2", "eu-cra-annex-i"]);
}

fn result(verdict: Verdict) -> CriterionResult {
    CriterionResult {
        id: "a".to_owned(),
        title: String::new(),
        verdict,
        blocking: true,
        reason: Some("so".to_owned()),
        findings: Vec::new(),
    }
}

#[test]
fn verdicts_decide_clauses() {
    use ClauseResult::*;
    use Verdict::*;
    let table: [(&[Verdict], bool, ClauseResult, Option<&str>); 11] = [
        (&[Passed, Passed], false, Met, None),
        (&[Passed, NotApplicable], false, NotCovered, Some("b is not applicable: so")),
        (&[Passed, Waived], false, Met, Some("b is waived")),
        (&[Waived, NotApplicable], false, NotCovered, Some("b is not applicable: so")),
        (&[Passed, Warned], false, NotMet, Some("b warned")),
        (&[Passed, Warned], true, Met, None),
        (&[Passed, Failed], true, NotMet, Some("b failed")),
        (&[Errored, Failed], false, NotMet, Some("b failed")),
        (&[Passed, Errored], false, NotCovered, Some("b could not be checked: so")),
        (
            &[NotApplicable, NotApplicable],
            false,
            NotCovered,
            Some("a is not applicable: so; b is not applicable: so"),
        ),
        (&[Passed], false, NotCovered, Some("b is not judged by this version")),
    ];
    for (verdicts, lenient, expected, reason) in table {
        let named =
            |(verdict, id): (&Verdict, &str)| CriterionResult { id: id.to_owned(), ..result(*verdict) };
        let results: Vec<CriterionResult> = verdicts.iter().zip(["a", "b"]).map(named).collect();
        let clause = Clause {
            id: "1".to_owned(),
            title: String::new(),
            criteria: vec!["a".to_owned(), "b".to_owned()],
            lenient: if lenient { vec!["b".to_owned()] } else { Vec::new() },
            evidence: None,
            not_covered: None,
        };
        assert_eq!(by_criteria(&clause, &results), (expected, reason.map(str::to_owned)), "{verdicts:?}");
    }
}

#[test]
fn the_history_decides_about_add_and_update() {
    let table: [(&[&str], &str, ClauseResult); 8] = [
        (&["/bin/sh -c #(nop) ADD file:12 in / ", "COPY a /a # buildkit"], "4.9", ClauseResult::Met),
        (&["ADD rootfs.tar / # buildkit", "ADD a.tar.gz /a # buildkit"], "4.9", ClauseResult::NotMet),
        (&["COPY a / # buildkit", "/bin/sh -c #(nop) ADD dir:5 in /app "], "4.9", ClauseResult::NotMet),
        (&["COPY a /", "RUN /bin/sh -c useradd ADD # buildkit"], "4.9", ClauseResult::Met),
        (&[], "4.9", ClauseResult::NotCovered),
        (&["RUN /bin/sh -c apt-get update && apt-get install -y x # buildkit"], "4.7", ClauseResult::Met),
        (&["RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get install x"], "4.7", ClauseResult::NotMet),
        (&["RUN /bin/sh -c apk add --no-cache x"], "4.7", ClauseResult::Met),
    ];
    for (steps, clause, expected) in table {
        let mut image = example::image();
        let step = |text: &&str| History { created_by: Some((*text).to_owned()), ..History::default() };
        image.config.history = steps.iter().map(step).collect();
        let report = judge(&example::case_of(&image));
        let cis = report.standards.iter().find(|standard| standard.id == "cis-docker-4").expect("known");
        let found = cis.clauses.iter().find(|found| found.id == clause).expect("a clause");
        assert_eq!(found.result, expected, "{clause} {steps:?}");
    }
}

fn demanded(image: &crate::evidence::ImageEvidence, policy: &str) -> Report {
    let policy = Policy::from_toml(policy).expect("a policy");
    judge(&Case { policy: &policy, ..example::case_of(image) })
}

#[test]
fn a_demanded_standard_fails_with_its_unmet_clauses() {
    let mut image = example::image();
    let demand = "[standards]\ndemand = ['cis-docker-4', 'nist-sp-800-190']\n";
    let of = |report: &Report| report.criterion("security-standards").expect("judged").clone();
    assert_eq!(of(&demanded(&image, "")).verdict, Verdict::NotApplicable);
    assert_eq!(of(&demanded(&image, demand)).verdict, Verdict::Passed);
    image.config.config.user = None;
    image.config.config.healthcheck = None;
    let report = demanded(&image, demand);
    assert!(!report.passed());
    let messages: Vec<String> = of(&report).findings.into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        messages,
        [
            "cis-docker-4 4.1 is not met: runs-as-non-root warned",
            "cis-docker-4 4.6 is not met: healthcheck-defined warned",
            "nist-sp-800-190 3.1.2 is not met: runs-as-non-root warned",
        ]
    );
    // The clause is met again when the criterion's findings are waived.
    let waived = "[[waivers]]\ncriterion = 'runs-as-non-root'\nreason = 'needs port 80'\nuntil = '2027-01-01'\n\
                  [[waivers]]\ncriterion = 'healthcheck-defined'\nreason = 'r'\nuntil = '2027-01-01'\n";
    assert!(demanded(&image, &format!("{demand}{waived}")).passed());
    assert_eq!(of(&demanded(&image, "[standards]\ndemand = ['iso-1']\n")).verdict, Verdict::Errored);
}
