//! How a certification is followed: a bar on a terminal, or with `--json-lines` events for programs on standard error
//! (their fields: `docs/ci.md`). Neither slows the work: both are told often and show seldom.

use crate::output::{Failure, Output};
use certify::Progress;
use certify::report::{Report, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Version of the events. Fields may be added in it.
const EVENTS_VERSION: u32 = 1;

/// Least time between two events of progress.
const EVERY: Duration = Duration::from_millis(200);

/// What a program is told, one line each.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event<'a> {
    /// First.
    Started { version: u32, image: &'a str },
    /// At most five times a second.
    Progress {
        image: usize,
        images: usize,
        platform: Option<&'a str>,
        layers_done: usize,
        layers: usize,
        bytes_done: u64,
        bytes: u64,
        path: Option<&'a str>,
    },
    /// While an image is started on trial: up for so many seconds, of so many.
    Starting { image: usize, images: usize, platform: Option<&'a str>, seconds: u32, of: u32 },
    /// One for each criterion, when all were judged.
    Criterion { id: &'a str, verdict: Verdict, blocking: usize, advisory: usize },
    /// A file is whole at its place.
    Written { kind: &'a str, format: &'a str, file: &'a str },
    /// Last, when there was a judgement or, with `--sbom-only`, none was asked for.
    Finished { verdict: Option<Verdict>, status: u8, criteria: BTreeMap<String, usize>, packages: usize },
    /// Last, when it could not run.
    Failed { error: &'a str, hint: Option<&'a str>, status: u8 },
    /// Last, after Ctrl-C or SIGTERM.
    Interrupted { status: u8 },
}

/// Who follows.
pub struct Follow {
    bar: ProgressBar,
    events: bool,
    last: Mutex<Option<Instant>>,
}

impl Follow {
    /// A bar where somebody looks at a terminal, events where a program asked for them.
    pub fn new(output: &Output, events: bool) -> Follow {
        let hidden = output.quiet || output.json || events || !std::io::stderr().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0).with_style(style()) };
        Follow { bar, events, last: Mutex::default() }
    }

    /// The first event.
    pub fn started(&self, image: &str) {
        self.tell(&Event::Started { version: EVENTS_VERSION, image });
    }

    /// One event, where somebody asked for them.
    pub fn tell(&self, event: &Event<'_>) {
        if self.events {
            tell(event);
        }
    }

    /// A remark for people.
    pub fn remark(&self, output: &Output, text: &str) {
        if !self.events {
            output.remark(text);
        }
    }

    /// Shows how far it has come; called from several threads.
    pub fn progress(&self, output: &Output, progress: &Progress) {
        if self.events {
            if self.is_time() {
                tell(&event_of(progress));
            }
        } else if !self.bar.is_hidden() {
            let layers = &progress.layers;
            let (seconds, of) = progress.start.unwrap_or_default();
            let values = [
                ("image", progress.image.to_string()),
                ("images", progress.images.to_string()),
                ("platform", printable(progress.platform.as_deref().unwrap_or_default())),
                ("done", layers.layers_done.to_string()),
                ("layers", layers.layers.to_string()),
                ("seconds", seconds.to_string()),
                ("of", of.to_string()),
            ];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            if progress.start.is_some() {
                self.bar.set_style(starting_style());
                self.bar.set_prefix(output.text.with("certify-starting", &values));
                self.bar.set_length(of.into());
                self.bar.set_position(seconds.into());
                return;
            }
            self.bar.set_prefix(output.text.with("certify-progress", &values));
            if let Some(path) = &layers.path {
                self.bar.set_message(printable(path));
            }
            self.bar.set_length(layers.bytes);
            self.bar.set_position(layers.bytes_done);
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// What to do when the process is about to end at a signal.
    pub fn last_words(&self) -> impl FnOnce() + Send + 'static {
        let (bar, events) = (self.bar.clone(), self.events);
        move || {
            bar.finish_and_clear();
            if events {
                tell(&Event::Interrupted { status: crate::interrupt::STATUS_INTERRUPTED });
            }
        }
    }

    /// Every criterion, then the end.
    pub fn judged(&self, report: &Report, status: u8) {
        let mut criteria = BTreeMap::new();
        for result in &report.criteria {
            let blocking = result.findings.iter().filter(|finding| finding.blocking).count();
            let (id, advisory) = (result.id.as_str(), result.findings.len() - blocking);
            self.tell(&Event::Criterion { id, verdict: result.verdict, blocking, advisory });
            let name =
                serde_json::to_value(result.verdict).ok().and_then(|name| Some(name.as_str()?.to_owned()));
            *criteria.entry(name.unwrap_or_default()).or_default() += 1;
        }
        let (verdict, packages) = (Some(report.verdict), report.sbom.packages);
        self.tell(&Event::Finished { verdict, status, criteria, packages });
    }

    /// The failure as an event, so that nothing but events is on standard error; only its status is left.
    pub fn failed(&self, failure: Failure) -> Failure {
        if !self.events || failure.message.is_empty() {
            return failure;
        }
        let (error, hint) = (failure.message.as_str(), failure.hint.as_deref());
        self.tell(&Event::Failed { error, hint, status: failure.status });
        Failure { status: failure.status, ..Failure::said() }
    }

    fn is_time(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = last.is_none_or(|last| last.elapsed() >= EVERY);
        if is_time {
            *last = Some(Instant::now());
        }
        is_time
    }
}

fn event_of(progress: &Progress) -> Event<'_> {
    let (layers, platform) = (&progress.layers, progress.platform.as_deref());
    let (image, images) = (progress.image, progress.images);
    if let Some((seconds, of)) = progress.start {
        return Event::Starting { image, images, platform, seconds, of };
    }
    Event::Progress {
        image,
        images,
        platform,
        layers_done: layers.layers_done,
        layers: layers.layers,
        bytes_done: layers.bytes_done,
        bytes: layers.bytes,
        path: layers.path.as_deref(),
    }
}

/// One write for a line, so that those of several threads do not mix. Nobody who listens is no error.
fn tell(event: &Event<'_>) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = std::io::stderr().lock().write_all(&line);
    }
}

/// Two lines: how far, and what is being looked at.
fn style() -> ProgressStyle {
    let template =
        "{prefix} {bar:12} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}\n  {wide_msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Seconds are no bytes.
fn starting_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {wide_bar}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Names out of an image must not steer the terminal.
fn printable(path: &str) -> String {
    path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
