//! What an image's history says about the steps of its build file: the two clauses of CIS that no criterion asks about.
//! History is what the builder wrote down; without it nothing is known.

use super::ClauseResult;
use crate::evidence::ImageEvidence;
use serde::Deserialize;

/// What is asked of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Whether something was brought in with ADD. The step that makes the first layer is left out: that is how base
    /// images come to their root file system.
    HistoryAdd,
    /// Whether a package list was updated in a step of its own, where a cached layer keeps it old.
    HistoryUpdate,
}

/// Commands that update a package list, and what follows in the same step when it is used at once.
const UPDATES: [(&str, &str); 6] = [
    ("apt-get update", "install"),
    ("apt update", "install"),
    ("apk update", "apk add"),
    ("yum update", "install"),
    ("dnf update", "install"),
    ("zypper refresh", "install"),
];

/// Whether no step of any image speaks against the clause.
pub fn answer(question: Question, images: &[ImageEvidence]) -> (ClauseResult, Option<String>) {
    for image in images {
        let mut first_layer = true;
        for step in &image.config.history {
            let is_first = !step.empty_layer && std::mem::replace(&mut first_layer, false);
            let text = step.created_by.as_deref().unwrap_or_default();
            let against = match question {
                Question::HistoryAdd => instruction(text) == "ADD" && !is_first,
                Question::HistoryUpdate => {
                    UPDATES.iter().any(|(update, used)| text.contains(update) && !text.contains(used))
                }
            };
            if against {
                // The step itself may hold a secret, so that only its kind is told.
                let what = match question {
                    Question::HistoryAdd => "a step of the build uses ADD".to_owned(),
                    Question::HistoryUpdate => {
                        format!("a step of the build is {:?} alone", kind_of_update(text))
                    }
                };
                let platform =
                    image.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
                return (ClauseResult::NotMet, Some(format!("{what}{platform}")));
            }
        }
    }
    match images.iter().find(|image| image.config.history.is_empty()) {
        Some(_) => (ClauseResult::NotCovered, Some("an image has no history of its build".to_owned())),
        None if images.is_empty() => (ClauseResult::NotCovered, Some("no image could be read".to_owned())),
        None => (ClauseResult::Met, None),
    }
}

fn kind_of_update(text: &str) -> &'static str {
    UPDATES.iter().map(|(update, _)| *update).find(|update| text.contains(update)).unwrap_or_default()
}

/// `ADD` of `/bin/sh -c #(nop) ADD file:… in /`, as the older builder writes, and of `ADD x / # buildkit`.
fn instruction(text: &str) -> &str {
    let text: &str = text.split_once("#(nop)").map_or(text, |(_, rest)| rest);
    text.split_whitespace().next().unwrap_or_default()
}
