//! `hardware-requirements-documented`: the last paragraph of the listing's description states them. The offer's own
//! rules check it.

use super::{Case, Criterion, Judgement, Weight, offer_findings};

pub(super) struct HardwareRequirementsDocumented;

impl Criterion for HardwareRequirementsDocumented {
    fn id(&self) -> &'static str {
        "hardware-requirements-documented"
    }
    fn title(&self) -> &'static str {
        "The description ends with the minimum hardware requirements"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        offer_findings::of(self, case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use offer::finding::Finding;

    #[test]
    fn their_absence_blocks() {
        let finding = Finding::error("hardware-requirements-missing", "/listing/description", "m", "h");
        let judged = example::judge_offer(&HardwareRequirementsDocumented, &example::offer(), &[finding]);
        assert!(example::findings(judged)[0].blocking);
    }
}
