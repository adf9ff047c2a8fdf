//! `no-embedded-secrets`: no key, connection string, credential or token in files, ENV, labels or history of any layer,
//! also where a later layer deletes it. Keys and connection strings block, the rest is advice.

use super::no_known_malware::later;
use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::{Match, MatchKind};
use crate::report::{Finding, Severity, Where};

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
            let finding = |found: &Match| {
                let MatchKind::Secret { kind, key_or_connection_string } = &found.kind else { return None };
                let place = Where::file(image, &found.place);
                let slash = if found.place.layer.is_some() { "/" } else { "" };
                let message = format!(
                    "{slash}{} holds a secret ({kind}){}",
                    found.place.path,
                    later(found.deleted_later)
                );
                let hint = hint(found);
                let finding = if *key_or_connection_string {
                    Finding::blocking(Severity::Critical, place, message, hint)
                } else {
                    Finding::advice(Severity::High, place, message, hint)
                };
                Some(finding.with_evidence(&found.evidence))
            };
            image.matches.iter().filter_map(finding).collect()
        })
    }
}

fn hint(found: &Match) -> &'static str {
    if found.place.layer.is_none() {
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
    use crate::evidence::Place;

    #[test]
    fn keys_block_and_tokens_are_advice() {
        let secret = |kind: &str, key, place, deleted_later| Match {
            kind: MatchKind::Secret { kind: kind.to_owned(), key_or_connection_string: key },
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
        assert_eq!([findings[0].blocking, findings[1].blocking], [true, false]);
        assert!(findings[0].hint.contains("--mount=type=secret"));
        assert_eq!(findings[1].message, "config.Env holds a secret (github-token)");
    }
}
