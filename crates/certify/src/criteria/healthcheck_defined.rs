//! `healthcheck-defined`: the config, or the plan's createOptions, have a health check; the restart policy
//! `on-unhealthy` does nothing without one.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};
use serde_json::Value;

pub(super) struct HealthcheckDefined;

impl Criterion for HealthcheckDefined {
    fn id(&self) -> &'static str {
        "healthcheck-defined"
    }
    fn title(&self) -> &'static str {
        "The image has a health check"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let plan = case.offer.as_ref().and_then(|context| context.plan());
        let by_options = plan.is_some_and(|(_, plan)| has_test(plan.create_options.get("Healthcheck")));
        each_image(case, |image| {
            if by_options || has_test(image.config.config.healthcheck.as_ref()) {
                return Vec::new();
            }
            vec![Finding::advice(
                Severity::Low,
                Where::config(image, "Healthcheck"),
                "the image config has no health check; the restart policy on-unhealthy does nothing without one",
                "add a `HEALTHCHECK` line to the build file (with docker's image format), or Healthcheck to the plan's createOptions",
            )]
        })
    }
}

fn has_test(healthcheck: Option<&Value>) -> bool {
    let test = healthcheck.and_then(|check| check.get("Test")).and_then(Value::as_array);
    test.is_some_and(|test| !test.is_empty() && test[0] != "NONE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use serde_json::json;

    #[test]
    fn none_is_no_check_and_create_options_count() {
        let mut image = example::image();
        for (check, count) in [
            (None, 1),
            (Some(json!({ "Test": ["NONE"] })), 1),
            (Some(json!({ "Test": [] })), 1),
            (Some(json!({ "Test": ["CMD-SHELL", "true"] })), 0),
        ] {
            image.config.config.healthcheck = check;
            assert_eq!(example::findings(example::judge_image(&HealthcheckDefined, &image)).len(), count);
        }
    }
}
