//! `no-crypto-miners`: no known miner's binary and no pool configuration.

use super::no_known_malware::later;
use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::MatchKind;
use crate::report::{Finding, Severity, Where};

pub(super) struct NoCryptoMiners;

impl Criterion for NoCryptoMiners {
    fn id(&self) -> &'static str {
        "no-crypto-miners"
    }
    fn title(&self) -> &'static str {
        "The image holds no crypto miner"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let finding = |found: &crate::evidence::Match| match &found.kind {
                MatchKind::Miner(name) => Some(
                    Finding::blocking(
                        Severity::Critical,
                        Where::file(image, &found.place),
                        format!(
                            "/{} is of the crypto miner {name}{}",
                            found.place.path,
                            later(found.deleted_later)
                        ),
                        "remove the miner and its configuration, and find out how it came into the build",
                    )
                    .with_evidence(&found.evidence),
                ),
                _ => None,
            };
            image.matches.iter().filter_map(finding).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use crate::evidence::Match;

    #[test]
    fn a_miner_blocks() {
        let mut image = example::image();
        image.matches = vec![Match {
            kind: MatchKind::Miner("xmrig".to_owned()),
            place: example::place("usr/bin/x"),
            evidence: "stratum+tcp".to_owned(),
            deleted_later: true,
        }];
        let findings = example::findings(example::judge_image(&NoCryptoMiners, &image));
        assert!(findings[0].blocking && findings[0].message.contains("a later layer deletes"));
    }
}
