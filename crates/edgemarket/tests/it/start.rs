//! `certify --sandbox runc`: modules started for real, and what is left when the program is broken off or killed: nothing.

use crate::command::{command, directory, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Stays until SIGTERM.
const MODULE: &str = "#include <signal.h>\n#include <unistd.h>\nstatic void stop(int n) { _exit(0); }\n\
                      int main(void) { signal(SIGTERM, stop); for (;;) pause(); }\n";

/// An image of this machine's platform, and two policies: `short.toml` and `long.toml`.
fn prepared() -> tempfile::TempDir {
    let dir = directory();
    let file = |name: &str| dir.path().join(name);
    fs::write(file("module.c"), MODULE).expect("writable");
    let mut gcc = Command::new("gcc");
    gcc.args(["-static", "-w", "-o"]).arg(file("module")).arg(file("module.c"));
    assert!(gcc.status().is_ok_and(|status| status.success()), "hint: install Debian's gcc and libc6-dev");
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let binary = format!("linux/{architecture}=module");
    let packed = run(dir.path(), &["image", "pack", "image", "--binary", &binary, "--tag", "latest"]);
    assert!(packed.starts_with("status: 0"), "{packed}");
    fs::write(file("short.toml"), "[start]\nobserve-seconds = 1\n").expect("writable");
    fs::write(file("long.toml"), "[start]\nobserve-seconds = 600\n").expect("writable");
    dir
}

fn certify(dir: &Path) -> String {
    run(dir, &["certify", "image", "--sandbox", "runc", "--policy", "short.toml", "--format", "json"])
}

/// A run whose module is up.
fn up(dir: &Path) -> Child {
    let mut command = command(dir);
    command.args(["certify", "image", "--sandbox", "runc", "--policy", "long.toml"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    until("the module is up", || {
        dir.join(".cache/edgemarket/sandbox").join(name(&child)).join("pid").exists()
    });
    child
}

fn name(child: &Child) -> String {
    format!("edgemarket-start-{}-0", child.id())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(90), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Processes of a start: all of them lie in a namespace below the one that its name is in the arguments of.
fn processes(name: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("proc").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(name)).count()
}

fn groups(directory: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy() == name {
                found.push(entry.path());
            }
            groups(&entry.path(), name, found);
        }
    }
}

fn nothing_is_left(dir: &Path, name: &str) {
    until("its processes are gone", || processes(name) == 0);
    let mut found = Vec::new();
    groups(Path::new("/sys/fs/cgroup"), name, &mut found);
    assert_eq!(found, [] as [PathBuf; 0]);
    let directory = dir.join(".cache/edgemarket/sandbox");
    let left: Vec<_> =
        fs::read_dir(directory).expect("the directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["lock"]);
    assert!(!fs::read_to_string("/proc/mounts").expect("proc").contains("edgemarket-start"));
}

#[test]
fn the_report_says_that_it_starts_and_is_equal_each_time() {
    let dir = prepared();
    let first = certify(dir.path());
    assert_eq!(first, certify(dir.path()));
    let (_, json) = first.split_once("stdout\n").expect("a report");
    let report: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {first}"));
    let criteria = report["criteria"].as_array().expect("criteria");
    let start =
        criteria.iter().find(|one| one["id"] == "module-starts-with-defaults").expect("the criterion");
    assert_eq!(start["verdict"], "passed", "{start}; hint: install Debian's runc");
    let without = run(dir.path(), &["certify", "image"]);
    assert!(without.contains("no module was started"), "{without}");
}

#[test]
fn a_run_that_is_broken_off_leaves_nothing() {
    let dir = prepared();
    let mut child = up(dir.path());
    let name = name(&child);
    let told = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(told.expect("sh runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    nothing_is_left(dir.path(), &name);
}

#[test]
fn a_killed_run_leaves_no_process_and_the_next_start_clears_the_rest() {
    let dir = prepared();
    let mut child = up(dir.path());
    let name = name(&child);
    assert!(processes(&name) > 0);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    until("its processes are gone", || processes(&name) == 0);
    assert!(certify(dir.path()).contains("module-starts-with-defaults"));
    nothing_is_left(dir.path(), &name);
}
