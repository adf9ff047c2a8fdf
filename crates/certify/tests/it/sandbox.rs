//! Modules started for real by `runc`: good ones and bad ones, and a host that is afterwards as it was before.

use crate::fixture::{Image, Memory, Tar};
use certify::evidence::ImageEvidence;
use certify::rules::Rules;
use certify::sandbox::facts::{End, Outcome, Run};
use certify::sandbox::{Sandbox, Start};
use oci::manifest::ImageRef;
use offer::document::Plan;
use offer::policy::StartLimits;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

const LIMITS: StartLimits = StartLimits { observe_seconds: 1, stop_seconds: 1 };

/// The test module, compiled once.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox-module");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sandbox/module.c");
        let mut gcc = Command::new("gcc");
        gcc.args(["-static", "-O1", "-w", "-o"]).arg(&target).arg(source);
        let status = gcc.status().expect("gcc is missing; hint: install Debian's gcc and libc6-dev");
        assert!(status.success(), "the module does not compile; hint: install Debian's libc6-dev");
        std::fs::read(target).expect("the compiled module")
    })
}

fn image(word: &str) -> Image {
    let passwd = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n";
    let tar = Tar::default().directory("data", 0o777).file("etc/passwd", 0o644, passwd).file(
        "app/run",
        0o755,
        program(),
    );
    let mut image = Image::new().layer(tar);
    image.config["architecture"] = json!(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    });
    image.config["config"]["Entrypoint"] = json!(["/app/run", word]);
    image.config["config"]["User"] = json!("app");
    image
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").expect("proc").uid() == 0
}

/// One start at a time, so that what is left can be seen.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sandbox(directory: &Path) -> Sandbox {
    Sandbox::open(Path::new("runc"), directory, 1).unwrap_or_else(|cause| {
        panic!("modules cannot be started here: {cause}; hint: install Debian's runc")
    })
}

struct Prepared {
    memory: Memory,
    image: ImageRef,
    evidence: ImageEvidence,
}

fn prepare(image: &Image) -> Prepared {
    let (memory, reference) = image.store();
    let evidence = certify::gather::gather(&memory, &reference, &Rules::built_in(), None, &|_| ());
    Prepared { memory, image: reference, evidence: evidence.expect("the source gives everything") }
}

fn start(sandbox: &Sandbox, prepared: &Prepared, plan: Option<&Plan>, stop: &AtomicBool) -> Outcome {
    start_for(LIMITS, sandbox, prepared, plan, stop)
}

fn start_for(
    limits: StartLimits,
    sandbox: &Sandbox,
    prepared: &Prepared,
    plan: Option<&Plan>,
    stop: &AtomicBool,
) -> Outcome {
    let facts = sandbox.start(&Start {
        source: &prepared.memory,
        image: &prepared.image,
        evidence: &prepared.evidence,
        plan,
        limits,
        stop,
        progress: &|_| (),
    });
    assert_eq!(facts.image, prepared.evidence.digest);
    facts.outcome
}

/// What a start could leave behind: mounts, control groups, processes, files.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    mounts: String,
    groups: Vec<PathBuf>,
    processes: Vec<String>,
    files: Vec<PathBuf>,
}

fn traces(directory: &Path) -> Traces {
    let mut groups = Vec::new();
    below(Path::new("/sys/fs/cgroup"), &mut groups);
    groups.retain(|path| path.to_string_lossy().contains("edgemarket-start-"));
    let mut files = Vec::new();
    below(directory, &mut files);
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        // Users of the sandbox's block, and the runtime's own processes.
        if line.contains("edgemarket-start-")
            || line.starts_with("/app/run")
            || status.contains("Uid:\t18789")
        {
            processes.push(line);
        }
    }
    Traces {
        mounts: std::fs::read_to_string("/proc/self/mountinfo").expect("proc"),
        groups,
        processes,
        files,
    }
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
            below(&entry.path(), found);
        }
    }
}

/// Starts a module by its word, and looks that nothing is left.
fn run_with(image: &Image, plan: Option<&Plan>) -> Run {
    run_for(LIMITS, image, plan)
}

fn run_for(limits: StartLimits, image: &Image, plan: Option<&Plan>) -> Run {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a directory");
    let (sandbox, prepared) = (sandbox(directory.path()), prepare(image));
    let before = traces(directory.path());
    let outcome = start_for(limits, &sandbox, &prepared, plan, &AtomicBool::new(false));
    assert_eq!(traces(directory.path()), before);
    match outcome {
        Outcome::Ran(run) => run,
        other => panic!("not started: {other:?}"),
    }
}

fn run(word: &str) -> Run {
    run_with(&image(word), None)
}

#[test]
fn a_module_that_stays_and_stops_is_sound() {
    let found = run("sleep");
    assert!(found.end == End::Stopped(0) && found.is_sound(), "{found:?}");
    // Root is given the whole sandbox; what nobody else can have is said.
    assert_eq!(found.remarks.is_empty(), is_root(), "{found:?}");
}

#[test]
fn a_module_that_exits_0_is_sound() {
    let found = run("exit");
    assert_eq!(found.end, End::Exited(0));
    assert!(found.is_sound());
}

#[test]
fn a_crash_is_seen_with_its_last_words() {
    let found = run("crash");
    // `abort` ends the first process of a namespace by a fault at last, because its default signals do not count.
    assert_eq!((found.end, found.output.as_str()), (End::Exited(139), "cannot find my twin"));
}

#[test]
fn a_module_that_ignores_sigterm_is_ended_all_the_same() {
    assert_eq!(run("deaf").end, End::IgnoredSigterm);
}

#[test]
fn a_module_that_forks_without_end_meets_its_limit() {
    let found = run("fork");
    // Without a control group it meets the kernel's limit for its user, and is busy until it is killed.
    assert!(found.out_of_processes || !is_root(), "{found:?}");
}

#[test]
fn a_module_that_fills_memory_is_killed() {
    // It ends long before; a loaded machine takes its time to hand out a gibibyte.
    let found = run_for(StartLimits { observe_seconds: 60, ..LIMITS }, &image("memory"), None);
    let killed = found.out_of_memory && found.end == End::Exited(137);
    // Without a control group the allocation fails, and the module says so.
    assert!(killed || (!is_root() && found.end == End::Exited(3)), "{found:?}");
}

#[test]
fn there_is_no_network() {
    let found = run("network");
    assert_eq!((found.end, found.output.as_str()), (End::Exited(7), "no network: Network is unreachable"));
}

#[test]
fn its_root_can_be_written_and_is_thrown_away() {
    assert_eq!(run("write").end, End::Exited(0));
    let found = run("fill");
    assert_eq!(found.end, End::Exited(4), "{found:?}");
    assert_eq!(found.output, "fill: No space left on device");
}

#[test]
fn endless_output_is_bounded_and_harmless() {
    let found = run("talk");
    assert!(found.output.len() < 100 << 10 && found.output.contains("bytes left out]"));
    assert!(found.output.starts_with("\\x1b[31mall work"));
}

#[test]
fn it_gets_the_plans_settings_and_nothing_of_the_host() {
    let mut files = offer::template::new_offer(&offer::template::NewOffer {
        publisher: "acme".to_owned(),
        offer: "telemetry".to_owned(),
        repository: "registry.acme.test/telemetry".to_owned(),
        tags: vec!["latest".to_owned(), "1.0.0".to_owned()],
        preview_subscription: "11111111-1111-4111-8111-111111111111".to_owned(),
        ..offer::template::NewOffer::default()
    });
    let document = files.get_mut("offer.yaml").expect("the new offer has a document");
    let settings = "    environment:\n      - { name: MODE, value: full }\n      - { name: BROKER, value: '<BROKER_HOST>:<PORT>' }\n    createOptions: { WorkingDir: /made/here, HostConfig: { Privileged: true } }\n    # createOptions:";
    let text = String::from_utf8(document.clone()).expect("UTF-8");
    *document = text.replacen("    # createOptions:", settings, 1).into_bytes();
    let reading = offer::document::read(&files, &offer::policy::Policy::default());
    let offer = reading.offer.unwrap_or_else(|| panic!("{:#?}", reading.findings));
    let found = run_with(&image("probe"), Some(&offer.plans[0]));
    let text = format!("{:?}\n{}\n{}", found.end, found.remarks.join("\n"), found.output);
    if is_root() {
        insta::assert_snapshot!(text);
    }
    assert!(text.contains("env full 127.0.0.1:9 clean\ncwd /made/here\ninterfaces 1"), "{text}");
    assert!(text.contains("mount -1 ") && text.contains("mknod -1 ptrace -1 pid 1 parent 0"), "{text}");
}

#[test]
fn what_cannot_be_executed_is_told_apart() {
    let mut missing = image("x");
    missing.config["config"]["Entrypoint"] = json!(["/app/none"]);
    let End::NotExecuted(said) = run_with(&missing, None).end else { panic!("it was executed") };
    assert!(said.contains("/app/none") && said.contains("no such file"), "{said}");
    let mut text = Image::new().layer(Tar::default().file("app/run", 0o755, b"no program\n"));
    text.config = missing.config.clone();
    text.config["config"]["Entrypoint"] = json!(["/app/run"]);
    text.config["config"]["User"] = json!("0");
    let End::NotExecuted(said) = run_with(&text, None).end else { panic!("it was executed") };
    assert!(said.contains("exec format error"), "{said}");
    text.config["config"]["User"] = json!("stranger");
    let prepared = prepare(&text);
    let directory = tempfile::tempdir().expect("a directory");
    let outcome = start(&sandbox(directory.path()), &prepared, None, &AtomicBool::new(false));
    assert!(matches!(outcome, Outcome::Unchecked(ref cause) if cause.contains("stranger")), "{outcome:?}");
}

#[test]
fn a_start_can_be_broken_off() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a directory");
    let (sandbox, prepared) = (sandbox(directory.path()), prepare(&image("deaf")));
    let before = traces(directory.path());
    let stop = AtomicBool::new(false);
    let begin = Instant::now();
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(700));
            stop.store(true, Ordering::Relaxed);
        });
        start(&sandbox, &prepared, None, &stop)
    });
    assert_eq!(outcome, Outcome::Unchecked("it was broken off".to_owned()));
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(traces(directory.path()), before);
}

#[test]
fn links_and_whiteouts_of_an_image_stay_in_its_root() {
    let outside = tempfile::tempdir().expect("a directory");
    let path = outside.path().to_string_lossy().into_owned();
    std::fs::write(outside.path().join("kept"), "kept").expect("writable");
    let up = format!("../../../../../../../../../../..{path}");
    let lower = Tar::default()
        .directory(&path[1..], 0o755)
        .symlink("absolute", &path)
        .symlink("upwards", &up)
        .symlink("app", "data")
        .directory("gone", 0o755)
        .file("gone/old", 0o644, b"x")
        .file("dropped", 0o644, b"x");
    let upper = Tar::default()
        .file("absolute/one", 0o644, b"1")
        .file("upwards/two", 0o644, b"2")
        .file("absolute/.wh.kept", 0o644, b"")
        .file("gone/new", 0o644, b"x")
        .file("gone/.wh..wh..opq", 0o644, b"")
        .file(".wh.dropped", 0o644, b"")
        .hard_link("app/linked", "app/run", 0o755);
    let mut hostile = image("exit");
    hostile.layers.insert(0, Image::new().layer(lower).layers.remove(0));
    hostile = hostile.layer(upper);
    hostile.config["config"]["Entrypoint"] = json!(["/data/linked", "exit"]);
    let mut prepared = prepare(&hostile);
    // What certification would refuse to start is started all the same, to see what unpacking does with it.
    prepared.evidence.faults.clear();
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a directory");
    let outcome = start(&sandbox(directory.path()), &prepared, None, &AtomicBool::new(false));
    assert!(matches!(outcome, Outcome::Ran(ref run) if run.end == End::Exited(0)), "{outcome:?}");
    let left: Vec<_> = std::fs::read_dir(outside.path()).expect("readable").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(std::fs::read_to_string(outside.path().join("kept")).expect("kept"), "kept");
}
