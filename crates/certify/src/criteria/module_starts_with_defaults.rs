//! `module-starts-with-defaults`: started in a sandbox with the default settings, the module stays up or exits 0, and
//! stops on SIGTERM. It was started before (`sandbox`); here the facts are judged.

use super::{Case, Criterion, Judgement, Weight};
use crate::evidence::ImageEvidence;
use crate::report::{Finding, Severity, Where};
use crate::sandbox::facts::{End, Outcome, Run};
use std::collections::BTreeSet;

pub(super) struct ModuleStartsWithDefaults;

/// Reason when nobody tried.
const NOT_TRIED: &str = "no module was started";

impl Criterion for ModuleStartsWithDefaults {
    fn id(&self) -> &'static str {
        "module-starts-with-defaults"
    }
    fn title(&self) -> &'static str {
        "The module starts with its default settings, and stops when it is told to"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let (mut findings, mut ran) = (Vec::new(), false);
        let (mut unchecked, mut not_applicable, mut notes) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for start in case.starts {
            let Some(image) = case.images.iter().find(|image| image.digest == start.image) else { continue };
            match &start.outcome {
                Outcome::NotApplicable(reason) => drop(not_applicable.insert(reason.clone())),
                Outcome::Unchecked(reason) => {
                    unchecked.insert(format!("{} could not be started: {reason}", name(image)));
                }
                Outcome::Ran(run) => {
                    ran = true;
                    findings.extend(of_run(image, run));
                    notes.extend(run.remarks.iter().map(|remark| format!("{}: {remark}", name(image))));
                }
            }
        }
        let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join("; ");
        if !ran && unchecked.is_empty() {
            let reason = if not_applicable.is_empty() { NOT_TRIED.to_owned() } else { join(not_applicable) };
            return Judgement::NotApplicable(reason);
        }
        if findings.is_empty() && !unchecked.is_empty() {
            return Judgement::Errored(join(unchecked));
        }
        notes.extend(not_applicable);
        notes.extend(unchecked);
        Judgement::Checked { findings, note: (!notes.is_empty()).then(|| join(notes)) }
    }
}

fn name(image: &ImageEvidence) -> String {
    let platform = image.platform.as_ref().or(image.index_platform.as_ref());
    platform.map_or_else(|| image.digest.to_string(), ToString::to_string)
}

fn of_run(image: &ImageEvidence, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, message: String, hint: &str| {
        let finding = Finding::advice(severity, Where::image(image), message, hint);
        findings.push(match run.output.is_empty() {
            true => finding,
            false => finding.with_evidence(&run.output),
        });
    };
    match &run.end {
        End::NotExecuted(said) => say(
            Severity::High,
            format!("the start command could not be executed: {said}"),
            "correct ENTRYPOINT, CMD or WORKDIR; a script needs its interpreter in the image, a program its loader",
        ),
        End::Exited(0) | End::Stopped(_) => {}
        End::Exited(status) => say(
            Severity::High,
            format!(
                "with its default settings the module ended within {} s with status {status}{}",
                run.observed_seconds,
                signal(*status)
            ),
            "start it with `docker run --network none` and the plan's environment, and mend what its output says; it should wait for a network and a twin that are not there yet",
        ),
        End::IgnoredSigterm => say(
            Severity::Medium,
            format!("the module was still running {} s after SIGTERM", run.stop_seconds),
            "handle SIGTERM in the program: as first process of a container it gets no default; or start it by a small init, and let a shell script `exec` it",
        ),
    }
    if run.out_of_memory {
        say(
            Severity::Medium,
            "the module ran out of the sandbox's memory (1 GiB), and the kernel killed a process of it"
                .to_owned(),
            "find the leak, or bound its caches: a gateway has little memory",
        );
    }
    if run.out_of_processes {
        say(
            Severity::Medium,
            "the module wanted more processes and threads than the sandbox has (512)".to_owned(),
            "bound the number of its processes and threads",
        );
    }
    findings
}

/// What a status over 128 says.
fn signal(status: i32) -> &'static str {
    match status {
        132 => " (illegal instruction)",
        134 => " (aborted)",
        135 => " (bus error)",
        136 => " (arithmetic error)",
        137 => " (killed)",
        139 => " (segmentation fault)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use crate::sandbox::facts::StartFacts;

    fn ran(end: End) -> Run {
        Run {
            end,
            observed_seconds: 30,
            stop_seconds: 10,
            out_of_memory: false,
            out_of_processes: false,
            remarks: Vec::new(),
            output: "boom".to_owned(),
        }
    }

    fn judge(outcome: Outcome) -> Judgement {
        let image = example::image();
        let starts = [StartFacts { image: image.digest, outcome }];
        example::judge_start(&ModuleStartsWithDefaults, &image, &starts)
    }

    #[test]
    fn staying_up_and_stopping_or_exit_0_pass() {
        for end in [End::Stopped(0), End::Stopped(143), End::Exited(0)] {
            assert_eq!(judge(Outcome::Ran(ran(end))), Judgement::of(Vec::new()));
        }
    }

    #[test]
    fn every_other_end_is_advice_with_its_output() {
        for end in
            [End::Exited(1), End::Exited(139), End::IgnoredSigterm, End::NotExecuted("exec: x".to_owned())]
        {
            let findings = example::findings(judge(Outcome::Ran(ran(end))));
            assert_eq!(findings.len(), 1);
            assert!(!findings[0].blocking && findings[0].evidence.as_deref() == Some("boom"));
        }
        let limits = Run { out_of_memory: true, out_of_processes: true, ..ran(End::Stopped(0)) };
        assert_eq!(example::findings(judge(Outcome::Ran(limits))).len(), 2);
    }

    #[test]
    fn what_was_not_tried_is_said_and_never_passes() {
        let no_runtime = "no runtime".to_owned();
        assert_eq!(judge(Outcome::NotApplicable(no_runtime.clone())), Judgement::NotApplicable(no_runtime));
        assert!(matches!(judge(Outcome::Unchecked("x".to_owned())), Judgement::Errored(_)));
        let nothing = example::judge_start(&ModuleStartsWithDefaults, &example::image(), &[]);
        assert_eq!(nothing, Judgement::NotApplicable(NOT_TRIED.to_owned()));
    }
}
