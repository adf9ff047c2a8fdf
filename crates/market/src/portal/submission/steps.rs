//! One step: its name and what it does, how far it is, how long it took beside how long it may take, what it said.

use crate::portal::format;
use crate::submissions::{Level, Message, StepView, Submission};
use crate::text::Text;
use maud::{Markup, html};
use offer::submission::StepStatus;

/// More messages than this are folded up.
const LISTED_MAX: usize = 6;

pub(super) fn item(text: &Text, submission: &Submission, step: &StepView) -> Markup {
    let id = step.id.id();
    let name = name(text, step);
    let reported = matches!(step.status, StepStatus::Rejected | StepStatus::WaitingForApproval);
    // What the report above groups by rule is not said twice.
    let is_said = |message: &&Message| !reported || message.level == Level::Info;
    let messages: Vec<&Message> = step.messages.iter().filter(is_said).collect();
    let current = matches!(
        step.status,
        StepStatus::InProgress
            | StepStatus::Blocked
            | StepStatus::WaitingForApproval
            | StepStatus::WaitingForPublisherReview
    );
    html! {
        li id={ "step-" (id) } class=(class(step.status)) aria-current=[current.then_some("step")] {
            div.step {
                strong { (name) }
                span { (status(text, step.status)) }
                @if step.overdue { strong.bad { (text.get("overdue")) } }
                progress max="100" value=(step.progress) aria-label=(name) { (step.progress) " %" }
            }
            p.small { (text.get(&format!("step-{id}-what"))) }
            p.small.times { (times(text, submission, step)) }
            @if reported && step.messages.len() > messages.len() {
                p { a href="#report" { (text.get("see-report")) } }
            }
            @if messages.len() > LISTED_MAX {
                details.messages {
                    summary { (text.with("step-messages", &[("count", &messages.len().to_string())])) }
                    ul { @for message in &messages { (message_item(text, message)) } }
                }
            } @else if !messages.is_empty() {
                ul.messages { @for message in &messages { (message_item(text, message)) } }
            }
            @if step.status != StepStatus::NotStarted {
                p.small { a href={ "/submissions/" (submission.summary.id) "/tickets?step=" (id) } {
                    (text.with("ask-for-help", &[("step", name)]))
                } }
            }
        }
    }
}

/// The name of a step.
pub(in crate::portal) fn name<'a>(text: &Text, step: &'a StepView) -> &'a str {
    if text.is_french() { &step.name_fr } else { &step.name }
}

/// `took 3.2 s · at most 15 min`, with the instant at which it began.
fn times(text: &Text, submission: &Submission, step: &StepView) -> Markup {
    let maximum = step.maximum_seconds.map(|seconds| format::duration(text, seconds.saturating_mul(1_000)));
    let took = step.started.zip(step.finished).map(|(from, to)| to.0.saturating_sub(from.0).max(0));
    html! {
        @match (step.started, took) {
            (Some(_), Some(took)) => {
                (text.with("step-took", &[("time", &format::duration(text, took.unsigned_abs()))]))
            }
            (Some(started), None) if !submission.summary.state.is_final() => {
                (text.with("step-since", &[("when", &format::instant(text, started))]))
            }
            _ => {}
        }
        " "
        @match maximum {
            Some(maximum) => (text.with("step-at-most", &[("time", &maximum)])),
            None => (text.get("step-no-maximum")),
        }
    }
}

fn message_item(text: &Text, message: &Message) -> Markup {
    let class = match message.level {
        Level::Info => "quiet",
        Level::Warning => "doubtful",
        Level::Error => "bad",
    };
    html! {
        li {
            span class=(class) dir="auto" { (text.told(message.fact())) }
            @if let Some(hint) = &message.hint { p.hint { (text.get("hint-label")) " " (text.told(hint)) } }
        }
    }
}

fn status(text: &Text, status: StepStatus) -> String {
    text.get(&format!("status-{}", format!("{status:?}").to_lowercase()))
}

fn class(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Complete => "done",
        StepStatus::InProgress => "running",
        StepStatus::WaitingForPublisherReview | StepStatus::WaitingForApproval => "waiting",
        StepStatus::Blocked | StepStatus::Rejected => "stopped",
        StepStatus::NotStarted | StepStatus::Canceled => "idle",
    }
}
