//! The list of bad input that ends the specification of certification, line by line, by the real program: each image ends
//! in a finding or a clear error, within 10 seconds of the processor and 256 MB. What is said of each is one snapshot.

mod layers;
mod layout;

use crate::command::{command, directory, told};
use layout::Image;
use serde_json::Value;
use std::fs::{self, File};
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The specification's bound on time (issue *The certification engine*, Bad input), of the processor: other tests run at
/// the same time, and would be counted otherwise.
const TIME_MAX: Duration = Duration::from_secs(10);

/// A run that lasts this long hangs, however busy the machine is.
const HANGS: Duration = Duration::from_secs(120);

/// Length of a tick of `/proc/PID/stat` (`USER_HZ`, proc(5)), which is the same on all architectures that we run on.
const TICK: Duration = Duration::from_millis(10);

/// The specification's bound on memory, of the resident set at its peak.
const PEAK_BYTES_MAX: u64 = 256_000_000;

/// How often the memory of a run is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A run of this length was looked at, however busy the machine is; a shorter one may end unseen.
const SEEN: Duration = Duration::from_millis(200);

/// Runs one after another, so that none takes another's time.
static ALONE: Mutex<()> = Mutex::new(());

/// Criteria that say what is wrong with an image's form. The images here have other faults, which are not the subject.
const CRITERIA: &[&str] =
    &["digest-verified", "size-within-limit", "layers-within-limit", "no-known-malware", "sbom-complete"];

/// Longest message in the snapshot, in characters.
const SHOWN_CHARS_MAX: usize = 240;

/// A line of the list, and the image.
type Case = (&'static str, fn() -> Image);

/// What a run took, as far as it was seen.
#[derive(Default)]
struct Used {
    processor: Duration,
    peak_bytes: u64,
}

impl Used {
    /// What a process took up to now. The peak counts from `exec` on in `/proc`, whereas that of `getrusage` begins with
    /// the peak of the process that started it.
    fn look(&mut self, process: u32) {
        let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
        let status = read("status");
        // None of a process that has ended: what was read before is the peak.
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let kib: u64 = peak.map_or(0, |kib| kib.parse().expect("a number"));
        self.peak_bytes = self.peak_bytes.max(kib * 1024);
        // The name in parentheses is the second field; the times in user and in kernel mode are the 14th and 15th.
        let stat = read("stat");
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let ticks: u32 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
        self.processor = self.processor.max(TICK * ticks);
    }
}

/// Waits for a run, and ends it where it hangs.
fn watched(name: &str, mut child: Child) -> ExitStatus {
    let (start, mut used) = (Instant::now(), Used::default());
    let status = loop {
        used.look(child.id());
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if start.elapsed() > HANGS {
            child.kill().expect("it can be ended");
            panic!("{name} still ran after {HANGS:?}");
        }
        sleep(LOOK);
    };
    let Used { processor, peak_bytes } = used;
    println!("{name}: {processor:?} of the processor, {:?}, {} MB", start.elapsed(), peak_bytes / 1_000_000);
    assert!(processor < TIME_MAX, "{name} took {processor:?} of the processor");
    assert!(peak_bytes < PEAK_BYTES_MAX, "{name} took {peak_bytes} bytes of memory");
    assert!(peak_bytes > 0 || start.elapsed() < SEEN, "{name}: no memory was seen");
    status
}

/// Certifies one image within the bounds, and tells what it is found to be.
fn certified((name, image): Case) -> String {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = directory();
    image().write(&dir.path().join("image"));
    let file = |name: &str| File::create(dir.path().join(name)).expect("writable");
    let mut command = command(dir.path());
    command.args(["certify", "oci:image", "--format", "json", "--no-cache"]);
    command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
    let status = watched(name, command.spawn().expect("the binary runs"));
    let read = |name: &str| fs::read(dir.path().join(name)).expect("written");
    let output = Output { status, stdout: read("stdout"), stderr: read("stderr") };
    match serde_json::from_slice(&output.stdout) {
        Ok(report) => format!("{name}: status {}\n{}", output.status.code().unwrap_or(-1), findings(&report)),
        Err(_) => format!("{name}: {}", shortened(&without_digests(&told(dir.path(), &output)))),
    }
}

/// Each finding of [`CRITERIA`], with its place.
fn findings(report: &Value) -> String {
    let mut lines = String::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for criterion in report["criteria"].as_array().into_iter().flatten() {
        let id = text(&criterion["id"]);
        if !CRITERIA.contains(&id.as_str()) {
            continue;
        }
        for finding in criterion["findings"].as_array().into_iter().flatten() {
            assert!(!text(&finding["hint"]).is_empty(), "{finding}");
            let weight = if finding["blocking"] == true { "blocks" } else { "advice" };
            let place = text(&finding["where"]["path"]);
            let place = if place.is_empty() { String::new() } else { format!(" ({})", shortened(&place)) };
            lines += &format!(
                "  {id}, {weight}{place}: {}\n",
                shortened(&without_digests(&text(&finding["message"])))
            );
        }
    }
    lines
}

/// Digests depend on how the compressor of the day packs.
fn without_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    let hex = |letter: char| letter.is_ascii_hexdigit();
    parts.fold(first, |text, part| text + "sha256:…" + part.trim_start_matches(hex))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn all(cases: &[Case]) -> String {
    cases.iter().map(|&case| certified(case)).collect()
}

#[test]
fn bombs_end_at_their_limits() {
    insta::assert_snapshot!(all(&[
        ("a gzip bomb", layers::gzip_bomb),
        ("a zstd bomb", layers::zstd_bomb),
        ("a gzip bomb in a file", layers::gzip_bomb_in_a_file),
    ]));
}

#[test]
fn entries_that_no_good_tool_writes_are_found() {
    insta::assert_snapshot!(all(&[
        ("entries with ..", layers::parents),
        ("absolute paths", layers::absolute),
        ("links that leave the root", layers::links),
        ("device nodes", layers::devices),
        ("sparse files", layers::sparse),
        ("long names of GNU and PAX", layers::long_names),
        ("names longer than any limit", layers::too_long_names),
        ("duplicate entries", layers::duplicates),
        ("names that are not UTF-8", layers::not_utf8),
        ("names that differ in case", layers::case),
    ]));
}

#[test]
fn streams_that_are_not_what_they_should_be_are_found() {
    insta::assert_snapshot!(all(&[
        ("a truncated archive", layers::cut_archive),
        ("a truncated gzip stream", layers::cut_gzip),
        ("garbage after the archive", layers::garbage_after_archive),
        ("garbage after the gzip stream", layers::garbage_after_gzip),
        ("a wrong digest", layers::wrong_digest),
        ("a wrong diff ID", layers::wrong_diff_id),
        ("a size that is too small", layers::too_small),
        ("a size that is too large", layers::too_large),
        ("a media type that nobody knows", layers::unknown_type),
        ("a foreign layer", layers::foreign),
    ]));
}

#[test]
fn documents_that_are_not_what_they_should_be_are_found() {
    insta::assert_snapshot!(all(&[
        ("nested indexes", layout::nested),
        ("an index of an index", layout::nested_twice),
        ("a cyclic index", layout::cyclic),
        ("a manifest of more than 4 MiB", layout::large_manifest),
        ("a manifest nested 10,000 deep", layout::deep_manifest),
        ("a config nested 10,000 deep", layout::deep_config),
        ("a package.json nested 10,000 deep", layers::deep_package),
    ]));
}

#[test]
fn a_million_tiny_files_are_read() {
    let told = certified(("a million tiny files", layers::million));
    insta::assert_snapshot!(told);
}

/// A sound image says nothing of all this, so that the snapshots above are about what is wrong.
#[test]
fn a_sound_image_has_none_of_these_findings() {
    let told = certified(("a sound image", layers::sound));
    insta::assert_snapshot!(told);
}
