//! `no-setuid-outside-known-set`: setuid and setgid files beyond the ones that base distributions usually bring.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

/// One path per line, without the leading `/`; `#` begins a comment.
const KNOWN: &str = include_str!("../../data/known-setuid.txt");

pub(super) struct NoSetuidOutsideKnownSet;

impl Criterion for NoSetuidOutsideKnownSet {
    fn id(&self) -> &'static str {
        "no-setuid-outside-known-set"
    }
    fn title(&self) -> &'static str {
        "No setuid or setgid file beyond the distribution's usual ones"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let unknown = image.setuid.iter().filter(|file| !is_known(&file.place.path));
            let finding = |file: &crate::evidence::FileFact| {
                let what = match (file.mode & 0o4000 != 0, file.mode & 0o2000 != 0) {
                    (true, true) => "setuid and setgid",
                    (true, false) => "setuid",
                    _ => "setgid",
                };
                Finding::advice(
                    Severity::Medium,
                    Where::file(image, &file.place),
                    format!(
                        "/{} is {what} (mode {:04o}, owner {}), which no base distribution has",
                        file.place.path, file.mode, file.uid
                    ),
                    format!("remove the bit in the build: `RUN chmod a-s /{}`", file.place.path),
                )
            };
            unknown.map(finding).collect()
        })
    }
}

fn is_known(path: &str) -> bool {
    KNOWN.lines().map(str::trim).filter(|line| !line.starts_with('#')).any(|line| line == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn only_unknown_files_are_named() {
        let mut image = example::image();
        image.setuid = vec![example::file("usr/bin/passwd", 0o4755), example::file("app/helper", 0o6755)];
        let findings = example::findings(example::judge_image(&NoSetuidOutsideKnownSet, &image));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.starts_with("/app/helper is setuid and setgid (mode 6755"));
    }
}
