//! The failure report of a submission: what hinders it, by rule and criterion, out of the messages of the step that
//! rejected it. Pure.

use super::{Level, Message, Submission};
use offer::submission::{Step, StepStatus};

/// What one rule or criterion found.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure<'a> {
    /// The step that found it.
    pub step: Step,
    /// The rule or criterion; none for what belongs to no rule, such as a tag that moved meanwhile.
    pub rule: Option<&'a str>,
    /// It hinders the publication; else it is advice.
    pub blocks: bool,
    /// Everything that was found, in the order of the messages.
    pub messages: Vec<&'a Message>,
}

impl Submission {
    /// Everything that a step was rejected for, or waits for a certifier for, by rule; what blocks comes first.
    pub fn failures(&self) -> Vec<Failure<'_>> {
        let mut found: Vec<Failure<'_>> = Vec::new();
        let stopped = |status| matches!(status, StepStatus::Rejected | StepStatus::WaitingForApproval);
        for step in self.steps.iter().filter(|step| stopped(step.status)) {
            for message in step.messages.iter().filter(|message| message.level != Level::Info) {
                let rule = message.rule.as_deref();
                let blocks = message.level == Level::Error;
                // What was tried again before has no rule and no part in the verdict.
                if rule.is_none() && !blocks {
                    continue;
                }
                let same = |failure: &&mut Failure<'_>| failure.step == step.id && failure.rule == rule;
                match found.iter_mut().find(same) {
                    Some(failure) => {
                        failure.blocks |= blocks;
                        failure.messages.push(message);
                    }
                    None => found.push(Failure { step: step.id, rule, blocks, messages: vec![message] }),
                }
            }
        }
        found.sort_by_key(|failure| !failure.blocks);
        found
    }
}
