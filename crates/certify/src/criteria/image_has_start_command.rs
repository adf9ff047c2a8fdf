//! `image-has-start-command`: entrypoint or cmd is set, and the file exists and is executable in the merged file system.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::StartCommand;
use crate::report::{Finding, Severity, Where};

pub(super) struct ImageHasStartCommand;

impl Criterion for ImageHasStartCommand {
    fn id(&self) -> &'static str {
        "image-has-start-command"
    }
    fn title(&self) -> &'static str {
        "The image has a start command, and it is there"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let finding = |message: String, hint: &str| {
                vec![Finding::blocking(Severity::High, Where::config(image, "Entrypoint"), message, hint)]
            };
            match &image.start {
                StartCommand::Found(_) => Vec::new(),
                StartCommand::Missing => finding(
                    "the image config sets neither Entrypoint nor Cmd".to_owned(),
                    "add `ENTRYPOINT [\"/path/of/the/program\"]` to the build file",
                ),
                StartCommand::NotFound(program) => finding(
                    format!("the start command {program:?} is not in the image"),
                    "copy the program into the image, or correct ENTRYPOINT, WORKDIR or PATH",
                ),
                StartCommand::NotExecutable(program) => finding(
                    format!("the start command {program:?} is no executable file"),
                    "set the execute permission in the build, for example `RUN chmod 755` or `COPY --chmod=755`",
                ),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn each_way_to_miss_it_blocks() {
        let mut image = example::image();
        assert_eq!(example::judge_image(&ImageHasStartCommand, &image), Judgement::of(Vec::new()));
        for start in [
            StartCommand::Missing,
            StartCommand::NotFound("/x".to_owned()),
            StartCommand::NotExecutable("/x".to_owned()),
        ] {
            image.start = start;
            assert!(example::findings(example::judge_image(&ImageHasStartCommand, &image))[0].blocking);
        }
    }
}
