//! `digest-verified`: digest, size and diff ID of every blob agree, every stream is whole, and the layers hold nothing
//! that no good tool writes.

use super::{Case, Criterion, Judgement, Weight};
use crate::evidence::FaultKind;
use crate::report::{Finding, Severity, Where};

pub(super) struct DigestVerified;

impl Criterion for DigestVerified {
    fn id(&self) -> &'static str {
        "digest-verified"
    }
    fn title(&self) -> &'static str {
        "Every blob is what its digest, size and diff ID say, and is well-formed"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let wrong = |kind| matches!(kind, FaultKind::Verification | FaultKind::Structure);
        let images = case.images.iter().flat_map(|image| {
            image.faults.iter().filter(|fault| wrong(fault.kind)).map(|fault| {
                let place = Where::file(image, &fault.place);
                Finding::blocking(Severity::High, place, &fault.message, &fault.hint)
            })
        });
        let indexes = case.faults.iter().filter(|fault| wrong(fault.fault.kind)).map(|fault| {
            let place = Where { image: Some(fault.digest), ..Where::tag(&fault.tag) };
            Finding::blocking(Severity::High, place, &fault.fault.message, &fault.fault.hint)
        });
        Judgement::of(images.chain(indexes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn only_its_own_kinds_of_fault_count() {
        let mut image = example::image();
        image.faults = [FaultKind::Verification, FaultKind::Structure, FaultKind::Size, FaultKind::Bulk]
            .map(|kind| example::fault(kind, "f"))
            .to_vec();
        assert_eq!(example::findings(example::judge_image(&DigestVerified, &image)).len(), 2);
    }
}
