//! How long a new region takes: what is live goes to an empty docker-registry, by this program's replication, and by
//! skopeo from the same server. Replication sends signatures and statements too, and verifies at the end; skopeo does
//! not.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::super::measure::{median, output, run_checked};
use super::super::report::{Row, Target};
use super::servers::{self, Server};

/// What issue 4 promises.
const WALL_RATIO_MAX: f64 = 1.0;
/// How long a region may take.
const FILL_MAX: Duration = Duration::from_secs(300);
const NAME: &str = "bench";

/// What both do, round by round.
#[derive(Default)]
struct Runs {
    ours: Vec<f64>,
    skopeo: Vec<f64>,
    sent_mb: f64,
}

/// The server has the image live; the token is an operator's.
pub fn measure(
    program: &Path,
    ours: &Server,
    token: &str,
    scratch: &Path,
    rounds: usize,
) -> Result<Vec<Row>, String> {
    let mut runs = Runs::default();
    let commands = Commands { program, address: format!("http://127.0.0.1:{}", ours.port), token };
    for _ in 0..rounds {
        let empty = servers::docker_registry(scratch)?;
        // The registry brings each piece to its disk: neither is to wait for what the other has left to be written.
        run_checked(&mut Command::new("sync"))?;
        let begun = Instant::now();
        runs.sent_mb = commands.fill(empty.port, begun)? / 1e6;
        runs.ours.push(begun.elapsed().as_secs_f64());
        commands.region(&["remove", NAME, "--quiet"])?;
        drop(empty);
        let empty = servers::docker_registry(scratch)?;
        run_checked(&mut Command::new("sync"))?;
        let begun = Instant::now();
        run_checked(
            Command::new("skopeo")
                .args(["copy", "--quiet", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"])
                .arg(format!("docker://127.0.0.1:{}/{}:latest", ours.port, ours.repository))
                .arg(format!("docker://127.0.0.1:{}/{}:latest", empty.port, ours.repository)),
        )?;
        runs.skopeo.push(begun.elapsed().as_secs_f64());
    }
    let (ours, skopeo) = (median(runs.ours), median(runs.skopeo));
    let what = "`telemetry` to an empty docker-registry";
    Ok(vec![
        Row::new(format!("{what}: skopeo copy, wall"), skopeo, "s"),
        Row::new(format!("{what}: replication, wall"), ours, "s"),
        Row::new(format!("{what}: bytes sent by replication"), runs.sent_mb, "MB"),
        Row::new(format!("{what}: replication to skopeo, wall"), ours / skopeo, "×")
            .target(Target::AtMost(WALL_RATIO_MAX)),
    ])
}

/// `edgemarket region …` at the server.
struct Commands<'a> {
    program: &'a Path,
    address: String,
    token: &'a str,
}

impl Commands<'_> {
    fn region(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.program);
        command.arg("region").args(arguments).args(["--server", &self.address]);
        output(command.env("EDGEMARKET_TOKEN", self.token))
    }

    /// Adds the registry as a region and waits until it holds everything, tags too; how many bytes it was sent.
    fn fill(&self, port: u16, begun: Instant) -> Result<f64, String> {
        let url = format!("http://127.0.0.1:{port}");
        self.region(&["add", NAME, &url, "--kind", "registry", "--optional", "--quiet"])?;
        while begun.elapsed() < FILL_MAX {
            let shown = self.region(&["show", NAME, "--json"])?;
            if let Some(bytes) = filled(&shown) {
                return Ok(bytes);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("the region was not filled within {} s", FILL_MAX.as_secs()))
    }
}

/// Bytes that were sent, when the region lacks nothing.
fn filled(json: &str) -> Option<f64> {
    let shown: serde_json::Value = serde_json::from_str(json).ok()?;
    let status = &shown["status"];
    (status["state"] == "up-to-date" && status["heldSubmissions"].as_u64()? > 0)
        .then(|| status["sentBytes"].as_f64())?
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn a_region_is_filled_when_it_lacks_nothing() {
        let shown = |state: &str, held: u32| {
            format!(r#"{{"status":{{"state":"{state}","heldSubmissions":{held},"sentBytes":7}}}}"#)
        };
        assert_eq!(filled(&shown("up-to-date", 1)), Some(7.0));
        assert_eq!(filled(&shown("up-to-date", 0)), None);
        assert_eq!(filled(&shown("transferring", 0)), None);
        assert_eq!(filled("no JSON"), None);
    }
}
