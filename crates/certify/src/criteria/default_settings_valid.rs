//! `default-settings-valid`: routes parse; routes, twin, environment and createOptions obey their limits; createOptions
//! are what a container runtime accepts. The offer's own rules check all of it.

use super::{Case, Criterion, Judgement, Weight, offer_findings};

pub(super) struct DefaultSettingsValid;

impl Criterion for DefaultSettingsValid {
    fn id(&self) -> &'static str {
        "default-settings-valid"
    }
    fn title(&self) -> &'static str {
        "Routes, twin, environment variables and createOptions are valid"
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
    fn a_wrong_route_blocks() {
        let finding = Finding::error("route-syntax", "/plans/0/routes/0/value", "wrong", "write FROM");
        let judged = example::judge_offer(&DefaultSettingsValid, &example::offer(), &[finding]);
        assert!(example::findings(judged)[0].blocking);
    }
}
