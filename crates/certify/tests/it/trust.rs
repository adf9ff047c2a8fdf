//! Predicates: what is stated reads back, and what states too little, or two things at once, is refused.

use certify::report::{DataVersions, ImageSummary, Report, SbomSummary, Verdict};
use certify::sbom::SbomFormat;
use certify::trust::statement::{
    CERTIFICATION, Certified, certification, policy_digest, sbom_predicate, sbom_summary,
};
use oci::digest::Digest;
use oci::trust::{Subject, statement};
use offer::policy::Policy;
use proptest::prelude::*;

fn report() -> Report {
    Report {
        schema_version: 1,
        verdict: Verdict::Passed,
        image: ImageSummary {
            reference: "image".to_owned(),
            digest: Digest::of(b"image"),
            platforms: vec!["linux/amd64".to_owned()],
        },
        criteria: Vec::new(),
        data: DataVersions { rules: "1".to_owned(), advisories: "none".to_owned() },
        sbom: SbomSummary { packages: 0 },
        waivers: Vec::new(),
        standards: Vec::new(),
    }
}

fn stated(kind: &str, predicate: &str) -> Vec<u8> {
    let subject = Subject::new(Digest::of(b"image"), None);
    statement(&[subject], kind, predicate.as_bytes()).expect("JSON")
}

#[test]
fn a_certification_reads_back_and_names_its_policy() {
    let (policy, at) = (Policy::default(), "2026-11-24T10:00:00Z".parse().expect("an instant"));
    let predicate = certification(&report(), &policy, at);
    assert_eq!(predicate, certification(&report(), &policy, at));
    let predicate = String::from_utf8(predicate).expect("UTF-8");
    let found = Certified::parse(&stated(CERTIFICATION, &predicate)).expect("a certification");
    assert_eq!((found.verdict, found.certified_at), (Verdict::Passed, at));
    assert_eq!(found.policy(), Some(policy_digest(&policy)));
    let stricter = Policy::from_toml("[criteria.runs-as-non-root]\nblocking = true\n").expect("a policy");
    assert_ne!(policy_digest(&stricter), policy_digest(&policy));

    let hex = policy_digest(&policy).hex();
    let mut refused = String::new();
    for (from, to) in [
        ("\"certifiedAt\":\"2026-11-24T10:00:00Z\",", ""),
        ("2026-11-24T10:00:00Z", "yesterday"),
        (&*hex, "0000"),
        ("\"sha256\":", "\"md5\":"),
        ("},\"verdict\":\"passed\"}", "},\"verdict\":\"failed\"}"),
        ("},\"verdict\":\"passed\"}", "},\"verdict\":\"splendid\"}"),
    ] {
        assert!(predicate.contains(from), "{from} is in {predicate}");
        let reason =
            Certified::parse(&stated(CERTIFICATION, &predicate.replacen(from, to, 1))).expect_err(to);
        refused += &format!("{reason}\n");
    }
    refused += &Certified::parse(b"{}").expect_err("no statement");
    insta::assert_snapshot!(refused);
}

#[test]
fn a_bill_of_materials_says_what_it_is() {
    let kind = sbom_predicate(SbomFormat::CycloneDx);
    let told: Vec<String> = [
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{},{}]}"#,
        r#"{"spdxVersion":"SPDX-2.3","packages":[{}]}"#,
        r#"{"spdxVersion":"3.0"}"#,
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}"#,
        r#"{"bomFormat":"CycloneDX"}"#,
        r#"{"components":7}"#,
        "null",
    ]
    .iter()
    .map(|text| sbom_summary(&stated(kind, text)).unwrap_or_else(|reason| format!("refused: {reason}")))
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    #[test]
    fn no_statement_panics(text in "\\PC{0,80}|[\\[\\]{}\":,a-zA-Z0-9]{0,120}") {
        let _ = Certified::parse(text.as_bytes());
        let _ = sbom_summary(text.as_bytes());
    }
}
