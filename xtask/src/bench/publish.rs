//! From publish to waiting for sign-off, for a tiny image and two local regions: the demo does exactly this, and says
//! in its JSON how long it took. Each round is a fresh demo, so that nothing is cached.

use std::path::Path;
use std::process::Command;

use super::measure::{median, output};
use super::report::{Row, Target};

/// The number in the demo's JSON: wall milliseconds from the answer to `publish` to `WaitingForPublisherReview`.
const FIELD: &str = "publishToSignOffMs";
const WALL_S_MAX: f64 = 1.0;

pub fn measure(program: &Path, rounds: usize) -> Result<Row, String> {
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        let text = output(Command::new(program).args(["demo", "--exit", "--json"]))?;
        seconds.push(milliseconds(&text)? / 1000.0);
    }
    Ok(Row::new(
        "tiny image, two local regions: from publish to waiting for sign-off, wall",
        median(seconds),
        "s",
    )
    .target(Target::Under(WALL_S_MAX)))
}

/// The last line that is an object with the field: the demo may print one object per event.
fn milliseconds(text: &str) -> Result<f64, String> {
    let found = |value: serde_json::Value| value[FIELD].as_f64();
    let whole = serde_json::from_str(text).ok().and_then(found);
    whole
        .or_else(|| text.lines().rev().find_map(|line| serde_json::from_str(line).ok().and_then(found)))
        .ok_or_else(|| format!("`demo --exit --json` has no number `{FIELD}`"))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn the_field_is_found() {
        assert_eq!(milliseconds("{\n \"publishToSignOffMs\": 812\n}\n"), Ok(812.0));
        assert_eq!(milliseconds("{\"event\":1}\n{\"publishToSignOffMs\":7}\n{}\n"), Ok(7.0));
        assert!(milliseconds("done\n").is_err());
    }
}
