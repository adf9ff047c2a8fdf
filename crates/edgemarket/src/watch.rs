//! Draws a submission's six steps while they move: bars on a terminal, one line a change elsewhere. What it draws
//! comes from the events of the API; it decides nothing.

use crate::client::{Client, ClientError};
use crate::output::Output;
use futures_util::TryStreamExt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use market::submissions::{Level, Message, StepView, Submission};
use market::text::Text;
use offer::submission::{Step, StepStatus, SubmissionState};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::pin::pin;
use std::time::Duration;

/// How often a broken event stream is opened again before the command gives up: with one second between, a server
/// may be restarted meanwhile.
const RECONNECTS_MAX: u32 = 30;

/// Whether nothing more happens to a submission in this state without a person.
pub fn is_at_rest(submission: &Submission) -> bool {
    submission.summary.state.is_final()
        || submission.summary.state == SubmissionState::WaitingForPublisherReview
}

/// A step's name in the user's language.
pub fn step_name<'a>(text: &Text, step: &'a StepView) -> &'a str {
    if text.is_french() { &step.name_fr } else { &step.name }
}

/// A step's status in the user's language.
pub fn status(text: &Text, status: StepStatus) -> String {
    text.get(&format!("status-{}", format!("{status:?}").to_lowercase()))
}

/// Follows a submission from a state that was shown until it is at rest (or, when `until_final`, past sign-off too) and
/// returns its last state.
pub async fn follow(
    client: &Client,
    from: &Submission,
    output: &Output,
    until_final: bool,
) -> Result<Submission, ClientError> {
    let id = &from.summary.id;
    let mut display = Display::new(output);
    if until_final {
        display.pass_over(from);
    }
    let mut failures = 0;
    let path = format!("/api/v1/submissions/{id}/events");
    loop {
        let outcome = follow_once(client, &path, &mut display, until_final).await;
        match outcome {
            Ok(Some(submission)) => {
                display.finish();
                return Ok(submission);
            }
            Err(cause) if cause.status.is_some() || failures >= RECONNECTS_MAX => {
                display.finish();
                return Err(cause);
            }
            Ok(None) | Err(_) => {
                failures += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn follow_once(
    client: &Client,
    path: &str,
    display: &mut Display<'_>,
    until_final: bool,
) -> Result<Option<Submission>, ClientError> {
    let mut events = pin!(client.events(path).await?);
    while let Some(submission) = events.try_next().await? {
        display.show(&submission);
        let waiting = submission.summary.state == SubmissionState::WaitingForPublisherReview;
        if is_at_rest(&submission) && !(until_final && waiting) {
            return Ok(Some(submission));
        }
    }
    Ok(None)
}

struct Display<'a> {
    output: &'a Output,
    bars: Option<(MultiProgress, Vec<ProgressBar>)>,
    seen: BTreeMap<Step, (StepStatus, u8, usize)>,
}

impl<'a> Display<'a> {
    fn new(output: &'a Output) -> Display<'a> {
        let draws = !output.quiet && !output.json && std::io::stderr().is_terminal();
        Display { output, bars: draws.then(|| (MultiProgress::new(), Vec::new())), seen: BTreeMap::new() }
    }

    /// Takes what a submission says as shown before.
    fn pass_over(&mut self, submission: &Submission) {
        let seen =
            submission.steps.iter().map(|step| (step.id, (step.status, step.progress, step.messages.len())));
        self.seen.extend(seen);
    }

    fn show(&mut self, submission: &Submission) {
        if self.output.quiet {
            return;
        }
        if self.output.json {
            // The command's end tells of a pipe that broke.
            let _ = self.output.json_line(submission);
            return;
        }
        for (index, step) in submission.steps.iter().enumerate() {
            self.show_step(index, step);
        }
    }

    fn show_step(&mut self, index: usize, step: &StepView) {
        let text = &self.output.text;
        let name = step_name(text, step);
        let status = status(text, step.status);
        let old = self.seen.get(&step.id).copied().unwrap_or((StepStatus::NotStarted, 0, 0));
        let new = (step.status, step.progress, step.messages.len());
        if let Some((all, bars)) = &mut self.bars {
            if bars.len() <= index {
                bars.push(all.add(bar(index, name)));
            }
            let bar = &bars[index];
            bar.set_position(u64::from(step.progress));
            bar.set_message(status);
            for message in &step.messages[old.2.min(step.messages.len())..] {
                bar.suspend(|| print_message(text, message));
            }
            if matches!(step.status, StepStatus::Complete | StepStatus::Rejected | StepStatus::Canceled)
                && !bar.is_finished()
            {
                bar.abandon();
            }
        } else if old != new && step.status != StepStatus::NotStarted {
            if old.0 != new.0 {
                anstream::eprintln!("{}. {name}: {status}", index + 1);
            }
            for message in &step.messages[old.2.min(step.messages.len())..] {
                print_message(text, message);
            }
        }
        self.seen.insert(step.id, new);
    }

    fn finish(&mut self) {
        if let Some((_, bars)) = &self.bars {
            for bar in bars {
                bar.abandon();
            }
        }
    }
}

fn print_message(text: &Text, message: &Message) {
    let level = text.get(match message.level {
        Level::Info => "level-info",
        Level::Warning => "level-warning",
        Level::Error => "error",
    });
    let place = message.place.as_ref().map(|place| format!(" ({})", place_line(place))).unwrap_or_default();
    let rule = message.rule.as_ref().map(|rule| format!(" [{rule}]")).unwrap_or_default();
    anstream::eprintln!("   {level}: {}{rule}{place}", text.told(message.fact()));
    if let Some(hint) = &message.hint {
        anstream::eprintln!("      {}: {}", text.get("hint"), text.told(hint));
    }
}

/// Where a message applies, in one line: the values of its place, the most telling first.
fn place_line(place: &serde_json::Value) -> String {
    let keys = ["position", "pointer", "image", "platform", "layer", "path", "package", "tag"];
    let texts = keys.iter().filter_map(|key| place.get(key)?.as_str());
    texts.collect::<Vec<_>>().join(" ")
}

fn bar(index: usize, name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:28} {bar:30.green/white.dim} {pos:>3} % {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(100).with_style(style).with_prefix(format!("{}. {name}", index + 1));
    bar.tick();
    bar
}
