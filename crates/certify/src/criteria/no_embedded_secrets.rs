//! `no-embedded-secrets`: no key, connection string, credential or token in files, ENV, labels or history of any layer,
//! also where a later layer deletes it. Keys and connection strings block, the rest is advice.

use super::no_known_malware::later;
use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::{ImageEvidence, Match, MatchKind, Place};
use crate::report::{Finding, Severity, Where};
use std::collections::BTreeMap;

/// Most secrets of one file that are described one by one.
const EVIDENCE_MAX: usize = 5;

pub(super) struct NoEmbeddedSecrets;

impl Criterion for NoEmbeddedSecrets {
    fn id(&self) -> &'static str {
        "no-embedded-secrets"
    }
    fn title(&self) -> &'static str {
        "The image holds no secret"
    }
    fn default_weight(&self) -> Weight {
        Weight::Mixed
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            // One file may hold many keys; it is one thing to mend.
            let mut files: BTreeMap<(&Place, &str, Weighed, bool), Vec<&Match>> = BTreeMap::new();
            for found in &image.matches {
                if let MatchKind::Secret { kind, key_or_connection_string, published } = &found.kind {
                    let weighed = match (*published, *key_or_connection_string) {
                        (true, _) => Weighed::Published,
                        (false, true) => Weighed::Blocks,
                        (false, false) => Weighed::Advice,
                    };
                    let key = (&found.place, kind.as_str(), weighed, found.deleted_later);
                    files.entry(key).or_default().push(found);
                }
            }
            files
                .into_iter()
                .map(|((_, kind, weighed, _), found)| finding(image, kind, weighed, &found))
                .collect()
        })
    }
}

/// What a secret weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weighed {
    Blocks,
    Advice,
    /// Everybody who has the package has it.
    Published,
}

fn finding(image: &ImageEvidence, kind: &str, weighed: Weighed, found: &[&Match]) -> Finding {
    let first = found[0];
    let place = Where::file(image, &first.place);
    let slash = if first.place.layer.is_some() { "/" } else { "" };
    let what = match found.len() {
        1 => "a secret".to_owned(),
        count => format!("{count} secrets"),
    };
    let published = if weighed == Weighed::Published { ", published with a package" } else { "" };
    let later = later(first.deleted_later);
    let message = format!("{slash}{} holds {what} ({kind}){published}{later}", first.place.path);
    let hint = hint(first, weighed);
    let finding = match weighed {
        Weighed::Blocks => Finding::blocking(Severity::Critical, place, message, hint),
        Weighed::Advice => Finding::advice(Severity::High, place, message, hint),
        Weighed::Published => Finding::advice(Severity::Info, place, message, hint),
    };
    let shown = found.iter().take(EVIDENCE_MAX).map(|found| found.evidence.as_str());
    let mut evidence = shown.collect::<Vec<_>>().join("; ");
    if found.len() > EVIDENCE_MAX {
        evidence += &format!("; and {} more", found.len() - EVIDENCE_MAX);
    }
    finding.with_evidence(evidence)
}

fn hint(found: &Match, weighed: Weighed) -> &'static str {
    if weighed == Weighed::Published {
        "if the package is public, nothing is lost; make sure that nothing relies on this value, and revoke it if the package is your own"
    } else if found.place.layer.is_none() {
        "revoke the secret, take it out of the build file, and hand it in at run time, for example as a twin property or a mounted file"
    } else if found.deleted_later {
        "revoke the secret; use a build secret (`RUN --mount=type=secret`) or a multi-stage build, so that no layer ever holds it"
    } else {
        "revoke the secret, remove the file from the build, and hand the secret in at run time, for example as a mounted file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn keys_block_and_tokens_are_advice() {
        let secret = |kind: &str, key, place, deleted_later| Match {
            kind: MatchKind::Secret {
                kind: kind.to_owned(),
                key_or_connection_string: key,
                published: false,
            },
            place,
            evidence: "-----BEGIN …".to_owned(),
            deleted_later,
        };
        let mut image = example::image();
        image.matches = vec![
            secret("private-key", true, example::place("root/id_rsa"), true),
            secret("github-token", false, Place { layer: None, path: "config.Env".to_owned() }, false),
        ];
        let findings = example::findings(example::judge_image(&NoEmbeddedSecrets, &image));
        assert_eq!([findings[0].blocking, findings[1].blocking], [false, true]);
        assert_eq!(findings[0].message, "config.Env holds a secret (github-token)");
        assert!(findings[1].hint.contains("--mount=type=secret"));
    }

    #[test]
    fn many_keys_in_a_file_are_one_finding() {
        let key = |number: u32| Match {
            kind: MatchKind::Secret {
                kind: "private-key".to_owned(),
                key_or_connection_string: true,
                published: true,
            },
            place: example::place("lib/x.so"),
            evidence: format!("key {number}"),
            deleted_later: false,
        };
        let mut image = example::image();
        image.matches = (1..=7).map(key).collect();
        let findings = example::findings(example::judge_image(&NoEmbeddedSecrets, &image));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, "/lib/x.so holds 7 secrets (private-key), published with a package");
        assert_eq!((findings[0].blocking, findings[0].severity), (false, Severity::Info));
        assert!(findings[0].evidence.as_ref().is_some_and(|text| text.ends_with("key 5; and 2 more")));
    }
}
