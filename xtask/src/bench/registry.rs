//! The registry under load, beside Debian's docker-registry, and beside nginx with the same bytes as files, which is
//! the limit of what one machine can send. wrk asks, anonymously, for what devices ask for; skopeo pushes.

mod collection;
mod replication;
pub mod servers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::certify::empty_folder;
use super::measure::{median, output};
use super::report::{Row, Target};
use servers::Server;

/// Seconds of each load.
const LOAD_S: u32 = 4;

/// What issue 4 promises.
const MANIFEST_RATIO_MIN: f64 = 10.0;
const BLOB_RATE_RATIO_MIN: f64 = 1.0;
const BLOB_CPU_RATIO_MAX: f64 = 0.7;
const MEMORY_RATIO_MAX: f64 = 0.5;
const PUSH_RATIO_MAX: f64 = 1.0;

/// What one server gave, round by round.
#[derive(Default)]
struct Runs {
    by_tag: Vec<f64>,
    by_digest: Vec<f64>,
    /// Megabytes of blobs each second.
    blob_rate: Vec<f64>,
    /// CPU seconds of the server for each gigabyte of blobs.
    blob_cpu: Vec<f64>,
    peak_mb: f64,
}

/// The image that is served: its manifest and largest layer.
struct Image {
    manifest: String,
    blob: String,
    blob_mb: f64,
    folder: PathBuf,
}

pub fn measure(
    program: &Path,
    images: &Path,
    pushed: Option<&Path>,
    rounds: usize,
) -> Result<Vec<Row>, String> {
    let layout = images.join("telemetry");
    let image = Image::read(&layout)?;
    let scratch = images.join(".bench-registry");
    empty_folder(&scratch)?;
    let (ours, operator) = servers::ours_published(program, &layout, &scratch)?;
    let docker = servers::docker_registry(&scratch)?;
    servers::push(&layout, docker.port, "telemetry:latest", None)?;
    let files = [
        ("manifests/latest".to_owned(), image.file(&image.manifest)),
        (format!("manifests/{}", image.manifest), image.file(&image.manifest)),
        (format!("blobs/{}", image.blob), image.file(&image.blob)),
    ];
    let nginx = servers::nginx(&files, &scratch)?;
    let mut runs = [Runs::default(), Runs::default(), Runs::default()];
    for _ in 0..rounds {
        for (server, runs) in [&ours, &docker, &nginx].into_iter().zip(&mut runs) {
            runs.round(server, &image)?;
        }
    }
    drop((docker, nginx));
    let replicated = replication::measure(program, &ours, &operator, &scratch, rounds)?;
    drop(ours);
    let [ours, docker, nginx] = runs;
    let mut rows = rows(&ours, &docker, &nginx, image.blob_mb);
    rows.extend(replicated);
    if let Some(pushed) = pushed {
        rows.extend(pushes(program, pushed, &scratch, rounds)?);
    }
    rows.extend(collection::measure(program, &layout, &scratch, rounds)?);
    empty_folder(&scratch)?;
    Ok(rows)
}

impl Image {
    fn read(layout: &Path) -> Result<Image, String> {
        let json = |path: &Path| -> Result<serde_json::Value, String> {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| format!("{} is no JSON: {error}", path.display()))
        };
        let folder = layout.join("blobs/sha256");
        let index = json(&layout.join("index.json"))?;
        let manifest = index["manifests"][0]["digest"].as_str().unwrap_or_default().to_owned();
        let document = json(&folder.join(manifest.trim_start_matches("sha256:")))?;
        let layers = document["layers"].as_array().cloned().unwrap_or_default();
        let size = |layer: &serde_json::Value| layer["size"].as_u64().unwrap_or(0);
        let largest = layers
            .iter()
            .max_by_key(|layer| size(layer))
            .ok_or_else(|| format!("{} has no layers", layout.display()))?;
        let blob = largest["digest"].as_str().unwrap_or_default().to_owned();
        Ok(Image { manifest, blob, blob_mb: size(largest) as f64 / 1e6, folder })
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.folder.join(digest.trim_start_matches("sha256:"))
    }
}

impl Runs {
    fn round(&mut self, server: &Server, image: &Image) -> Result<(), String> {
        self.by_tag.push(load(16, &server.url("manifests/latest"))?.requests);
        self.by_digest.push(load(16, &server.url(&format!("manifests/{}", image.manifest)))?.requests);
        let before = server.cpu_s()?;
        let blobs = load(8, &server.url(&format!("blobs/{}", image.blob)))?;
        self.blob_cpu.push((server.cpu_s()? - before) * 1000.0 / (blobs.megabytes * f64::from(LOAD_S)));
        self.blob_rate.push(blobs.megabytes);
        self.peak_mb = self.peak_mb.max(server.peak_mb()?);
        Ok(())
    }
}

fn rows(ours: &Runs, docker: &Runs, nginx: &Runs, blob_mb: f64) -> Vec<Row> {
    type Figure = fn(&Runs) -> f64;
    let blob = format!("GET of a {blob_mb:.0} MB blob, 8 connections");
    let figures: [(String, &'static str, Figure, Target); 5] = [
        (
            "manifest GET by tag, 16 connections".to_owned(),
            "/s",
            |runs| median(runs.by_tag.clone()),
            Target::AtLeast(MANIFEST_RATIO_MIN),
        ),
        (
            "manifest GET by digest, 16 connections".to_owned(),
            "/s",
            |runs| median(runs.by_digest.clone()),
            Target::AtLeast(MANIFEST_RATIO_MIN),
        ),
        (blob.clone(), "MB/s", |runs| median(runs.blob_rate.clone()), Target::AtLeast(BLOB_RATE_RATIO_MIN)),
        (
            format!("{blob}: the server's CPU"),
            "s/GB",
            |runs| median(runs.blob_cpu.clone()),
            Target::AtMost(BLOB_CPU_RATIO_MAX),
        ),
        (
            "peak memory under all of this load".to_owned(),
            "MB",
            |runs| runs.peak_mb,
            Target::AtMost(MEMORY_RATIO_MAX),
        ),
    ];
    let mut rows = Vec::new();
    for (what, unit, figure, target) in figures {
        let (of_ours, of_docker) = (figure(ours), figure(docker));
        rows.push(Row::new(format!("{what}: nginx"), figure(nginx), unit));
        rows.push(Row::new(format!("{what}: docker-registry"), of_docker, unit));
        rows.push(Row::new(format!("{what}: ours"), of_ours, unit));
        rows.push(
            Row::new(format!("{what}: ours to docker-registry's"), of_ours / of_docker, "×").target(target),
        );
    }
    rows
}

/// Pushes of a large image by skopeo, each to a server that was started empty.
fn pushes(program: &Path, layout: &Path, scratch: &Path, rounds: usize) -> Result<Vec<Row>, String> {
    let (mut to_ours, mut to_docker) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let ours = servers::ours(program, scratch)?;
        let begun = Instant::now();
        servers::push(layout, ours.server.port, "incoming/bench/large:latest", Some(&ours.credentials))?;
        to_ours.push(begun.elapsed().as_secs_f64());
        drop(ours);
        let docker = servers::docker_registry(scratch)?;
        let begun = Instant::now();
        servers::push(layout, docker.port, "large:latest", None)?;
        to_docker.push(begun.elapsed().as_secs_f64());
    }
    let (ours, docker) = (median(to_ours), median(to_docker));
    let what = "push of `large` by skopeo, wall";
    Ok(vec![
        Row::new(format!("{what}: docker-registry"), docker, "s"),
        Row::new(format!("{what}: ours"), ours, "s"),
        Row::new(format!("{what}: ours to docker-registry's"), ours / docker, "×")
            .target(Target::AtMost(PUSH_RATIO_MAX)),
    ])
}

/// What wrk saw each second.
struct Load {
    requests: f64,
    megabytes: f64,
}

fn load(connections: u32, url: &str) -> Result<Load, String> {
    const ACCEPT: &str = "Accept: application/vnd.oci.image.manifest.v1+json";
    let text = output(Command::new("wrk").args([
        "--threads",
        "1",
        "--connections",
        &connections.to_string(),
        "--duration",
        &format!("{LOAD_S}s"),
        "--timeout",
        "30s",
        "--header",
        ACCEPT,
        url,
    ]))?;
    parse(&text).ok_or_else(|| format!("wrk said of {url}:\n{text}"))
}

/// Nothing, where any request failed: such a load says nothing about a server.
fn parse(text: &str) -> Option<Load> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return None;
    }
    let value = |label: &str| Some(text.split_once(label)?.1.split_whitespace().next()?.to_owned());
    let rate = value("Transfer/sec:")?;
    let split = rate.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = rate.split_at(split);
    // wrk counts in powers of 1,024.
    let scale = match unit {
        "B" => 1.0,
        "KB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "GB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(Load {
        requests: value("Requests/sec:")?.parse().ok()?,
        megabytes: number.parse::<f64>().ok()? * scale / 1e6,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn figures_of_wrk() {
        let text = "  10 requests in 4.00s, 2.0GB read\nRequests/sec:   2500.50\nTransfer/sec:      1.50GB\n";
        let load = parse(text).unwrap();
        assert_eq!(load.requests, 2500.5);
        assert!((load.megabytes - 1_610.612_736).abs() < 1e-6);
        assert!(parse(&text.replace("Requests", "  Non-2xx or 3xx responses: 4\nRequests")).is_none());
        assert!(parse("unable to connect").is_none());
    }
}
