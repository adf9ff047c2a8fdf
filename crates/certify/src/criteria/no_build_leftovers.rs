//! `no-build-leftovers`: package managers' caches, object directories, `.git` and core dumps that the build left.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

pub(super) struct NoBuildLeftovers;

impl Criterion for NoBuildLeftovers {
    fn id(&self) -> &'static str {
        "no-build-leftovers"
    }
    fn title(&self) -> &'static str {
        "The build left no caches, object files or dumps"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let finding = |file: &crate::evidence::FileFact| {
                let what = if file.directory { "directory" } else { "file" };
                Finding::advice(
                    Severity::Low,
                    Where::file(image, &file.place),
                    format!("/{} is a {what} of {} bytes that the build left", file.place.path, file.size),
                    "remove it in the same RUN line that makes it, or copy only the result into a last build stage",
                )
            };
            image.leftovers.iter().map(finding).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn leftovers_are_advice() {
        let mut image = example::image();
        image.leftovers = vec![example::file("app/core", 0o600)];
        let findings = example::findings(example::judge_image(&NoBuildLeftovers, &image));
        assert_eq!(findings[0].message, "/app/core is a file of 1000 bytes that the build left");
        assert!(!findings[0].blocking);
    }
}
