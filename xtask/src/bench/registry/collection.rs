//! Garbage collection of many manifests, and what those who pull meanwhile notice of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::measure::{median, output, run_checked};
use super::super::report::{Row, Target};
use super::servers::{self, Server};

/// Manifests that nothing needs, each with a config of its own.
const MANIFESTS: usize = 10_000;
/// What they all have.
const LAYER: &str = "layer";
/// Where they are pushed to.
const REPOSITORY: &str = "incoming/bench/garbage";
/// Seconds that the pulls are watched before a collection.
const BEFORE_S: u32 = 4;
/// Seconds of pulls during a collection: less than it takes, so that all of them meet it.
const DURING_S: u32 = 2;

/// What issue 4 promises.
const WALL_MAX_S: f64 = 10.0;
const P99_RATIO_MAX: f64 = 2.0;

/// Collects the same garbage `rounds` times, alone and beside pulls, each time on a copy of the data and by a server that was
/// just started: nothing that one stored within a minute is ever collected by it.
pub(super) fn measure(
    program: &Path,
    layout: &Path,
    scratch: &Path,
    rounds: usize,
) -> Result<Vec<Row>, String> {
    let files = scratch.join("garbage");
    let digests = write(&files)?;
    drop(servers::ours_published(program, layout, scratch)?);
    let config = scratch.join("ours/edgemarket.toml");
    fs::write(&config, "collect-grace = \"0s\"\n")
        .map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    let publisher = servers::token(program, scratch, &["publisher", "--subject", "bench"])?;
    let operator = servers::token(program, scratch, &["operator"])?;
    let server = servers::ours_again(program, scratch, REPOSITORY)?;
    push(&server, &files, &digests, &publisher)?;
    drop(server);
    let (data, kept) = (scratch.join("ours"), scratch.join("ours-pushed"));
    run_checked(Command::new("cp").arg("-a").args([&data, &kept]))?;
    let (mut alone, mut loaded, mut before, mut during) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        for busy in [false, true] {
            super::empty_folder(&data)?;
            run_checked(Command::new("cp").arg("-a").arg(kept.join(".")).arg(&data))?;
            let server = servers::ours_again(program, scratch, "bench/telemetry/standard")?;
            if busy {
                before.push(p99_ms(&server, BEFORE_S)?);
            }
            let collecting = begin(program, &server, &operator)?;
            if busy {
                during.push(p99_ms(&server, DURING_S)?);
            }
            let wall = ended(collecting)?;
            if busy { loaded.push(wall) } else { alone.push(wall) }
        }
    }
    let what = format!("garbage collection of {MANIFESTS} manifests");
    let (before, during) = (median(before), median(during));
    Ok(vec![
        Row::new(format!("{what}, wall"), median(alone), "s").target(Target::AtMost(WALL_MAX_S)),
        Row::new(format!("{what}, wall, during {DURING_S} s of pulls"), median(loaded), "s"),
        Row::new("p99 of manifest GET by tag, 16 connections", before, "ms"),
        Row::new("the same during the collection", during, "ms"),
        Row::new("the same during the collection to without", during / before, "×")
            .target(Target::AtMost(P99_RATIO_MAX)),
    ])
}

/// Digests of what is to be pushed: of the layer and the configs, then of the manifests.
struct Digests {
    blobs: Vec<(PathBuf, String)>,
    manifests: Vec<(PathBuf, String)>,
}

/// Writes the garbage into files.
fn write(files: &Path) -> Result<Digests, String> {
    super::empty_folder(files)?;
    let put = |name: String, content: String| -> Result<PathBuf, String> {
        let path = files.join(name);
        fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path)
    };
    let mut paths = vec![put(LAYER.to_owned(), LAYER.to_owned())?];
    for n in 0..MANIFESTS {
        paths.push(put(format!("config-{n}"), config(n))?);
    }
    let blobs = sums(paths)?;
    let mut paths = Vec::new();
    for n in 0..MANIFESTS {
        paths.push(put(format!("manifest-{n}"), manifest(n, &blobs[n + 1].1, &blobs[0].1))?);
    }
    Ok(Digests { blobs, manifests: sums(paths)? })
}

fn config(n: usize) -> String {
    format!(r#"{{"architecture":"amd64","os":"linux","author":"{n}"}}"#)
}

fn manifest(n: usize, config_digest: &str, layer_digest: &str) -> String {
    let (config_size, layer_size) = (config(n).len(), LAYER.len());
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config_digest}","size":{config_size}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer_digest}","size":{layer_size}}}]}}"#
    )
}

/// SHA-256 of files, by coreutils.
fn sums(paths: Vec<PathBuf>) -> Result<Vec<(PathBuf, String)>, String> {
    let text = output(Command::new("sha256sum").args(&paths))?;
    let digests = text.lines().filter_map(|line| Some(format!("sha256:{}", line.split_whitespace().next()?)));
    Ok(paths.into_iter().zip(digests).collect())
}

/// Pushes all of it by digest, by curl.
fn push(server: &Server, files: &Path, digests: &Digests, token: &str) -> Result<(), String> {
    let repository = format!("http://127.0.0.1:{}/v2/{REPOSITORY}", server.port);
    let blobs = digests.blobs.iter().map(|(path, digest)| {
        let url = format!("{repository}/blobs/uploads/?digest={digest}");
        (url, format!("request = POST\ndata-binary = \"@{}\"", path.display()), "application/octet-stream")
    });
    curl(blobs, files, token)?;
    let manifests = digests.manifests.iter().map(|(path, digest)| {
        let url = format!("{repository}/manifests/{digest}");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        (url, format!("request = PUT\ndata-binary = \"@{}\"", path.display()), kind)
    });
    curl(manifests, files, token)
}

fn curl(
    requests: impl Iterator<Item = (String, String, &'static str)>,
    files: &Path,
    token: &str,
) -> Result<(), String> {
    let one = |(url, body, kind)| {
        format!(
            "url = \"{url}\"\n{body}\nheader = \"Content-Type: {kind}\"\nuser = \"publisher:{token}\"\noutput = /dev/null\nfail\nsilent\nshow-error\n"
        )
    };
    let text = requests.map(one).collect::<Vec<_>>().join("next\n");
    let path = files.join("curl");
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    run_checked(
        Command::new("curl")
            .args(["--no-progress-meter", "--parallel", "--parallel-max", "16", "--config"])
            .arg(&path),
    )
}

fn begin(program: &Path, server: &Server, token: &str) -> Result<std::process::Child, String> {
    let mut command = Command::new(program);
    command.args(["blobs", "collect", "--json", "--server", &format!("http://127.0.0.1:{}", server.port)]);
    command.env("EDGEMARKET_TOKEN", token).stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))
}

/// Seconds that a collection took, by its own report, which must say that all of it went.
fn ended(collecting: std::process::Child) -> Result<f64, String> {
    let output = collecting.wait_with_output().map_err(|error| format!("no end of a collection: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("`{text}` is no JSON: {error}"))?;
    if found["freed"]["manifests"] != MANIFESTS {
        return Err(format!("the collection did not free {MANIFESTS} manifests: {text}"));
    }
    seconds_between(&found).ok_or_else(|| format!("the collection does not say when it ran: {text}"))
}

/// Both instants are RFC 3339 in UTC; a collection that is measured at midnight is none.
fn seconds_between(found: &serde_json::Value) -> Option<f64> {
    let seconds = |name: &str| {
        let time = found[name].as_str()?.split_once('T')?.1.trim_end_matches('Z').to_owned();
        let parts: Vec<f64> = time.split(':').filter_map(|part| part.parse().ok()).collect();
        let [hours, minutes, seconds] = parts[..] else { return None };
        Some(hours * 3_600.0 + minutes * 60.0 + seconds)
    };
    Some(seconds("finished")? - seconds("started")?)
}

/// 99 of 100 pulls were answered within this.
fn p99_ms(server: &Server, duration_s: u32) -> Result<f64, String> {
    let url = server.url("manifests/latest");
    let duration = format!("{duration_s}s");
    let arguments = ["--latency", "--threads", "1", "--connections", "16", "--duration", &duration, &url];
    let text = output(Command::new("wrk").args(arguments))?;
    parse(&text).ok_or_else(|| format!("wrk said of {url}:\n{text}"))
}

fn parse(text: &str) -> Option<f64> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return None;
    }
    let word = text.split_once("99%")?.1.split_whitespace().next()?;
    let unit = word.find(|letter: char| letter.is_ascii_alphabetic())?;
    let scale = match &word[unit..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    Some(word[..unit].parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_wrk_and_of_a_collection() {
        let text = "  Latency Distribution\n     50%  480.00us\n     99%    2.37ms\n  10 requests in 4.00s\n";
        assert_eq!(parse(text), Some(2.37));
        assert_eq!(parse(&text.replace("2.37ms", "500.00us")), Some(0.5));
        assert_eq!(parse("unable to connect"), None);
        let found =
            serde_json::json!({ "started": "2026-01-02T03:04:59.5Z", "finished": "2026-01-02T03:05:01.25Z" });
        assert_eq!(seconds_between(&found), Some(1.75));
    }
}
