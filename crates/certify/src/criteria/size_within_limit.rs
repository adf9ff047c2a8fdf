//! `size-within-limit`: compressed and uncompressed bytes of a platform's layers are within the policy's limits, and no
//! limit was passed while reading.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::FaultKind;
use crate::report::{Finding, Severity, Where};

pub(super) struct SizeWithinLimit;

impl Criterion for SizeWithinLimit {
    fn id(&self) -> &'static str {
        "size-within-limit"
    }
    fn title(&self) -> &'static str {
        "The image is within the limits of size"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let limits = &case.policy.image;
        let indexes = case.faults.iter().filter(|fault| fault.fault.kind == FaultKind::Size).map(|fault| {
            let place = Where { image: Some(fault.digest), ..Where::tag(&fault.tag) };
            Finding::blocking(Severity::High, place, &fault.fault.message, &fault.fault.hint)
        });
        let indexes: Vec<Finding> = indexes.collect();
        if case.images.is_empty() && !indexes.is_empty() {
            return Judgement::of(indexes);
        }
        let mut judgement = each_image(case, |image| {
            let passed = image.faults.iter().filter(|fault| fault.kind == FaultKind::Size);
            let mut findings: Vec<Finding> = passed
                .map(|fault| {
                    let place = Where::file(image, &fault.place);
                    Finding::blocking(Severity::High, place, &fault.message, &fault.hint)
                })
                .collect();
            let compressed = image.layers.iter().map(|layer| layer.compressed_bytes).sum();
            let uncompressed = image.layers.iter().map(|layer| layer.uncompressed_bytes).sum();
            for (what, found, limit) in [
                ("compressed", compressed, limits.compressed_bytes),
                ("uncompressed", uncompressed, limits.uncompressed_bytes),
            ] {
                if found > limit {
                    findings.push(too_large(Where::image(image), what, found, limit));
                }
            }
            findings
        });
        if let Judgement::Checked { findings, .. } = &mut judgement {
            findings.extend(indexes);
        }
        judgement
    }
}

fn too_large(place: Where, what: &str, found: u64, limit: u64) -> Finding {
    Finding::blocking(
        Severity::High,
        place,
        format!("the layers have {found} bytes {what}, at most {limit} are allowed"),
        "take a smaller base image, or leave build tools and caches out with a multi-stage build",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn both_sizes_are_limited() {
        let mut image = example::image();
        image.layers[0].compressed_bytes = (2 << 30) + 1;
        image.layers[0].uncompressed_bytes = 8 << 30;
        let findings = example::findings(example::judge_image(&SizeWithinLimit, &image));
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].message,
            "the layers have 2147483649 bytes compressed, at most 2147483648 are allowed"
        );
    }
}
