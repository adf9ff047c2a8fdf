//! `no-world-writable-system-files`: files and directories of programs and libraries that every user may change.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

pub(super) struct NoWorldWritableSystemFiles;

impl Criterion for NoWorldWritableSystemFiles {
    fn id(&self) -> &'static str {
        "no-world-writable-system-files"
    }
    fn title(&self) -> &'static str {
        "No program or library can be changed by every user"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let finding = |file: &crate::evidence::FileFact| {
                let (what, harm) = match file.directory {
                    true => ("directory", "put programs into it"),
                    false => ("file", "change it"),
                };
                Finding::advice(
                    Severity::Medium,
                    Where::file(image, &file.place),
                    format!(
                        "/{}, a {what} among programs and libraries, has mode {:04o}: every user can {harm}",
                        file.place.path, file.mode
                    ),
                    format!("take the right away in the build: `RUN chmod o-w /{}`", file.place.path),
                )
            };
            image.world_writable.iter().map(finding).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn files_and_directories_are_named_with_their_modes() {
        let mut image = example::image();
        let directory =
            crate::evidence::FileFact { directory: true, ..example::file("usr/local/lib", 0o777) };
        image.world_writable = vec![example::file("usr/bin/tool", 0o666), directory];
        let findings = example::findings(example::judge_image(&NoWorldWritableSystemFiles, &image));
        assert_eq!(
            findings[0].message,
            "/usr/bin/tool, a file among programs and libraries, has mode 0666: every user can change it"
        );
        assert!(
            findings[1].message.starts_with("/usr/local/lib, a directory among programs and libraries, ")
        );
        assert!(findings.iter().all(|finding| !finding.blocking));
    }
}
