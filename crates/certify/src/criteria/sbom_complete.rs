//! `sbom-complete`: at least one package source was recognised, or the program lists its modules (which are packages of
//! the evidence too), and every package database could be read.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::FaultKind;
use crate::report::{Finding, Severity, Where};

pub(super) struct SbomComplete;

impl Criterion for SbomComplete {
    fn id(&self) -> &'static str {
        "sbom-complete"
    }
    fn title(&self) -> &'static str {
        "The image's packages are known"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let unread = image.faults.iter().filter(|fault| fault.kind == FaultKind::Packages);
            let mut findings: Vec<Finding> = unread
                .map(|fault| {
                    let place = Where::file(image, &fault.place);
                    Finding::advice(Severity::Medium, place, &fault.message, &fault.hint)
                })
                .collect();
            if image.packages.is_empty() {
                findings.push(Finding::advice(
                    Severity::Medium,
                    Where::image(image),
                    "no package database, and no program that lists its modules, was found in the image",
                    "keep the package database in the image, or build the program with its module list (Go does; Rust: `cargo auditable build`)",
                ));
            }
            findings
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn an_image_without_packages_is_advice() {
        let mut image = example::image();
        assert_eq!(example::judge_image(&SbomComplete, &image), Judgement::of(Vec::new()));
        image.packages.clear();
        image.faults = vec![example::fault(FaultKind::Packages, "/var/lib/dpkg/status is broken")];
        assert_eq!(example::findings(example::judge_image(&SbomComplete, &image)).len(), 2);
    }
}
