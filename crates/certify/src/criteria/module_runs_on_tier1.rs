//! `module-runs-on-tier1`: at least one tier 1 platform of the policy is supported. All of them earn the showcase badge.

use super::{Case, Criterion, Judgement, Weight};
use crate::evidence::ImageEvidence;
use crate::report::{Finding, Severity, Where};
use offer::platform::Platform;
use std::collections::BTreeSet;

pub(super) struct ModuleRunsOnTier1;

impl Criterion for ModuleRunsOnTier1 {
    fn id(&self) -> &'static str {
        "module-runs-on-tier1"
    }
    fn title(&self) -> &'static str {
        "The module runs on a tier 1 platform"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        if case.images.is_empty() {
            return Judgement::Errored("no image could be read".to_owned());
        }
        let tier1 = &case.policy.platforms.tier1;
        let supported: BTreeSet<Platform> = case.images.iter().filter_map(supported_platform).collect();
        let mut findings: Vec<Finding> =
            case.images.iter().filter_map(|image| unknown_platform(case, image)).collect();
        if !supported.iter().any(|platform| tier1.contains(platform)) {
            findings.push(Finding::blocking(
                Severity::High,
                Where::default(),
                format!(
                    "no image is for a tier 1 platform; found {}, tier 1 is {}",
                    list(supported.iter()),
                    list(tier1.iter())
                ),
                "build the image for at least one tier 1 platform, for example with `docker buildx build --platform`",
            ));
            return Judgement::of(findings);
        }
        let all = tier1.iter().all(|platform| supported.contains(platform));
        let note =
            all.then(|| "all tier 1 platforms are supported, which earns the showcase badge".to_owned());
        Judgement::Checked { findings, note }
    }
}

/// The platform of an image. 32-bit ARM without a variant is v7, as container runtimes read it.
pub(super) fn supported_platform(image: &ImageEvidence) -> Option<Platform> {
    let platform = image.platform.as_ref()?;
    Some(match (platform.architecture(), platform.variant()) {
        ("arm", None) => Platform::new(platform.os(), "arm", Some("v7")),
        _ => platform.clone(),
    })
}

fn unknown_platform(case: &Case<'_>, image: &ImageEvidence) -> Option<Finding> {
    let platform = supported_platform(image)?;
    let known = &case.policy.platforms;
    if known.tier1.contains(&platform) || known.accepted.contains(&platform) {
        return None;
    }
    Some(Finding::advice(
        Severity::Low,
        Where::image(image),
        format!(
            "{platform} is neither a tier 1 platform nor accepted besides; nobody is promised support for it"
        ),
        "leave this platform out of the index, or ask the operator to accept it",
    ))
}

fn list<'a>(platforms: impl Iterator<Item = &'a Platform>) -> String {
    let texts: Vec<String> = platforms.map(ToString::to_string).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn one_tier1_platform_is_enough() {
        assert_eq!(example::judge_image(&ModuleRunsOnTier1, &example::image()), Judgement::of(Vec::new()));
    }

    #[test]
    fn another_platform_alone_blocks() {
        let mut image = example::image();
        image.platform = Some(Platform::new("linux", "s390x", None));
        let findings = example::findings(example::judge_image(&ModuleRunsOnTier1, &image));
        assert_eq!(findings.len(), 2);
        assert!(!findings[0].blocking && findings[1].blocking, "{findings:?}");
    }

    #[test]
    fn arm_without_variant_is_v7() {
        let mut image = example::image();
        image.platform = Some(Platform::new("linux", "arm", None));
        assert_eq!(example::judge_image(&ModuleRunsOnTier1, &image), Judgement::of(Vec::new()));
    }
}
