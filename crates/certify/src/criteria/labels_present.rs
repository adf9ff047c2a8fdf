//! `labels-present`: the five labels that say what the image is and where it comes from.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

/// OCI image spec 1.1, *Annotations*, as labels of the config.
pub(super) const LABELS: [&str; 5] = [
    "org.opencontainers.image.title",
    "org.opencontainers.image.version",
    "org.opencontainers.image.vendor",
    "org.opencontainers.image.licenses",
    "org.opencontainers.image.source",
];

pub(super) struct LabelsPresent;

impl Criterion for LabelsPresent {
    fn id(&self) -> &'static str {
        "labels-present"
    }
    fn title(&self) -> &'static str {
        "The image is labelled with title, version, vendor, licences and source"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let labels = image.config.config.labels.as_ref();
            let has = |label: &str| {
                labels.and_then(|all| all.get(label)).is_some_and(|value| !value.trim().is_empty())
            };
            let missing: Vec<&str> = LABELS.into_iter().filter(|label| !has(label)).collect();
            if missing.is_empty() {
                return Vec::new();
            }
            vec![Finding::advice(
                Severity::Low,
                Where::config(image, "Labels"),
                format!("the labels {} are missing or empty", missing.join(", ")),
                format!("add `LABEL {}=\"…\"` to the build file, and so on", missing[0]),
            )]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn missing_and_empty_labels_are_named_at_once() {
        let mut image = example::image();
        let labels = image.config.config.labels.as_mut().expect("set by the example");
        labels.remove(LABELS[4]);
        labels.insert(LABELS[0].to_owned(), " ".to_owned());
        let findings = example::findings(example::judge_image(&LabelsPresent, &image));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("image.title, org.opencontainers.image.source are missing"));
    }
}
