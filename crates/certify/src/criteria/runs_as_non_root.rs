//! `runs-as-non-root`: the config's user is set and is not root.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

pub(super) struct RunsAsNonRoot;

impl Criterion for RunsAsNonRoot {
    fn id(&self) -> &'static str {
        "runs-as-non-root"
    }
    fn title(&self) -> &'static str {
        "The module does not run as root"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let user = image.config.config.user.as_deref().unwrap_or_default();
            // The group comes after a colon; root's other spelling is 0, on Windows ContainerAdministrator.
            let name = user.split(':').next().unwrap_or_default();
            let message = match name {
                "" if image.config.os == "windows" => return Vec::new(),
                "" => "the image config sets no User, so the module runs as root".to_owned(),
                "root" | "0" | "ContainerAdministrator" => {
                    format!("the image config sets User to {user:?}, so the module runs with all rights")
                }
                _ => return Vec::new(),
            };
            vec![Finding::advice(
                Severity::Medium,
                Where::config(image, "User"),
                message,
                "add a `USER` line with another user to the build file, for example `USER 65532`",
            )]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn root_in_all_spellings_is_advice() {
        let mut image = example::image();
        for (user, count) in [
            (None, 1),
            (Some(""), 1),
            (Some("root"), 1),
            (Some("0:1000"), 1),
            (Some("1000:0"), 0),
            (Some("app"), 0),
        ] {
            image.config.config.user = user.map(str::to_owned);
            let findings = example::findings(example::judge_image(&RunsAsNonRoot, &image));
            assert_eq!(findings.len(), count, "{user:?}");
            assert!(findings.iter().all(|finding| !finding.blocking));
        }
    }
}
