//! `layers-within-limit`: not more layers than the policy allows (container runtimes stop at 127), none that is
//! empty bulk, and no names that some hosts cannot unpack.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::FaultKind;
use crate::report::{Finding, Severity, Where};

pub(super) struct LayersWithinLimit;

impl Criterion for LayersWithinLimit {
    fn id(&self) -> &'static str {
        "layers-within-limit"
    }
    fn title(&self) -> &'static str {
        "The image has few layers, and none is empty bulk"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let own = |kind| matches!(kind, FaultKind::Bulk | FaultKind::Names);
            let bulk = image.faults.iter().filter(|fault| own(fault.kind));
            let mut findings: Vec<Finding> = bulk
                .map(|fault| {
                    let place = Where::file(image, &fault.place);
                    Finding::advice(Severity::Low, place, &fault.message, &fault.hint)
                })
                .collect();
            let limit = case.policy.image.layers as usize;
            if image.layers.len() > limit {
                findings.push(Finding::advice(
                    Severity::Medium,
                    Where::image(image),
                    format!("the image has {} layers, at most {limit} are allowed", image.layers.len()),
                    "join RUN and COPY lines of the build file, or squash the image",
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
    fn the_128th_layer_is_too_many() {
        let mut image = example::image();
        image.layers = vec![image.layers[0].clone(); 127];
        assert_eq!(example::judge_image(&LayersWithinLimit, &image), Judgement::of(Vec::new()));
        image.layers.push(image.layers[0].clone());
        image.faults = vec![example::fault(FaultKind::Bulk, "1 MiB after the end of the archive")];
        assert_eq!(example::findings(example::judge_image(&LayersWithinLimit, &image)).len(), 2);
    }
}
