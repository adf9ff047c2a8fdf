//! How soon the page of a submission shows a change. Every change has its instant in the submission's own JSON; its events are
//! followed as the page's script does, and after each the page is fetched as the script does. The clock is the same machine's.
//! What the browser then takes to put the parts in their places is not in it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::super::measure::output;
use super::super::registry::servers::{self, Ours, field};
use super::super::report::{Row, Target};

/// What issue 5 promises.
const SHOWN_MS_MAX: f64 = 500.0;
/// Certified, packaged, signed off, live: where fewer were seen with their instants, nothing was measured.
const CHANGES_MIN: usize = 3;

pub fn measure(program: &Path, image: &Path, scratch: &Path) -> Result<Row, String> {
    let ours = servers::ours(program, scratch)?;
    ours.prepare(program, image, scratch)?;
    let published = ours.command(program, scratch, &["publish", "offer", "--json"])?;
    let submission = field(&published, "id")?;
    let (mut seen, mut shown, mut signed) = (0, Vec::new(), false);
    let mut follower = follow(&ours, &submission)?;
    let lines = follower.stdout.take().ok_or("curl has no output")?;
    for line in BufReader::new(lines).lines() {
        let line = line.map_err(|error| format!("the events ended: {error}"))?;
        let Some(data) = line.strip_prefix("data:") else { continue };
        let arrived = jiff::Timestamp::now().as_millisecond();
        let json: serde_json::Value =
            serde_json::from_str(data).map_err(|error| format!("an event is no JSON: {error}"))?;
        let begun = Instant::now();
        page(&ours, &submission)?;
        let fetched = begun.elapsed().as_secs_f64() * 1e3;
        let mut changes = Vec::new();
        instants(&json, &mut changes);
        changes.retain(|at| *at > seen);
        // What happened before the first event was not waited for.
        let waited = if seen > 0 { changes.iter().min() } else { None };
        shown.extend(waited.map(|first| (arrived - first) as f64 + fetched));
        seen = changes.iter().max().copied().unwrap_or(seen);
        if json["state"] == "WaitingForPublisherReview" && !signed {
            ours.command(program, scratch, &["go-live", servers::OFFER])?;
            signed = true;
        }
    }
    let _ = follower.wait();
    if shown.len() < CHANGES_MIN {
        return Err(format!("{} changes of submission {submission} were seen", shown.len()));
    }
    let what =
        format!("page of a submission: from a change to its being shown, the longest of {}", shown.len());
    let longest = shown.into_iter().fold(0.0, f64::max);
    Ok(Row::new(what, longest, "ms").target(Target::AtMost(SHOWN_MS_MAX)))
}

/// The events, as they come.
fn follow(ours: &Ours, submission: &str) -> Result<std::process::Child, String> {
    let address = format!("http://127.0.0.1:{}/api/v1/submissions/{submission}/events", ours.server.port);
    let mut command = Command::new("curl");
    command.args(["--silent", "--no-buffer", "--fail", "--max-time", "300", "--header"]);
    command.arg(format!("Authorization: Bearer {}", ours.token())).arg(address).stdout(Stdio::piped());
    command.spawn().map_err(|error| format!("cannot start curl: {error}"))
}

fn page(ours: &Ours, submission: &str) -> Result<String, String> {
    let address = format!("http://127.0.0.1:{}/submissions/{submission}", ours.server.port);
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--header"]);
    output(command.arg(format!("Authorization: Bearer {}", ours.token())).arg(address))
}

/// Every instant in it, in milliseconds.
fn instants(json: &serde_json::Value, found: &mut Vec<i64>) {
    match json {
        serde_json::Value::String(text) => {
            found.extend(text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond));
        }
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| instants(part, found)),
        serde_json::Value::Object(parts) => parts.values().for_each(|part| instants(part, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn instants_stand_anywhere() {
        let json = serde_json::json!({ "a": ["1970-01-01T00:00:01.500Z", "no"], "b": { "c": "1970-01-01T00:00:02Z", "d": 7 } });
        let mut found = Vec::new();
        super::instants(&json, &mut found);
        assert_eq!(found, [1_500, 2_000]);
    }
}
