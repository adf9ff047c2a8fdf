//! The embedded program is static, for this platform, carries its audit data, and works as a module must.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::MODULE;

const PT_INTERP: u32 = 3;
const PT_DYNAMIC: u32 = 2;

#[test]
fn is_an_elf_of_this_platform() {
    assert_eq!(&MODULE[..4], b"\x7fELF");
    assert!(std::fs::read(PATH).expect("the build script wrote it") == MODULE);
    let machine = u16::from_le_bytes([MODULE[18], MODULE[19]]);
    let expected = match std::env::consts::ARCH {
        "x86_64" => 62,
        "aarch64" => 183,
        "arm" => 40,
        other => panic!("no ELF machine number is known here for {other}"),
    };
    assert_eq!(machine, expected);
}

#[test]
fn needs_no_interpreter_and_no_library() {
    let types = program_header_types();
    assert!(!types.is_empty());
    assert!(!types.contains(&PT_INTERP) && !types.contains(&PT_DYNAMIC), "{types:?}");
}

#[test]
fn carries_audit_data() {
    assert!(MODULE.windows(8).any(|window| window == b".dep-v0\0"));
}

#[test]
fn prints_a_reading() {
    let output = run(&["--once"], &[("GATEWAY_NAME", "plant-7")]);
    assert!(output.status.success(), "{output:?}");
    let reading: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(reading["gateway"], "plant-7");
    assert_eq!(reading["sequence"], 1);
    assert!(reading["memoryAvailableBytes"].as_u64() > Some(0), "{reading}");
}

#[test]
fn refuses_bad_settings() {
    for (name, value) in
        [("INTERVAL_MS", "99"), ("INTERVAL_MS", "soon"), ("GATEWAY_NAME", ""), ("GATEWAY_NAME", "a\"b")]
    {
        let output = run(&["--once"], &[(name, value)]);
        assert_eq!(output.status.code(), Some(2), "{name}={value}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(name) && message.contains("hint:"), "{message}");
    }
}

#[test]
fn is_healthy_while_it_runs_and_stops_on_sigterm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let heartbeat = folder.path().join("heartbeat");
    let heartbeat = heartbeat.to_str().expect("temporary paths are UTF-8");
    let settings = [("HEARTBEAT_FILE", heartbeat), ("INTERVAL_MS", "2000")];
    assert_eq!(run(&["--healthcheck"], &settings).status.code(), Some(1));

    let mut running = command(&[], &settings).stdout(Stdio::null()).spawn().expect("it starts");
    let healthy = wait_for(Duration::from_secs(10), || run(&["--healthcheck"], &settings).status.success());
    let asked = Instant::now();
    let killed = Command::new("kill").arg(running.id().to_string()).status().expect("kill starts");
    let status = wait_for_exit(&mut running);
    assert!(healthy && killed.success());
    assert_eq!(status, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5));
}

/// The module as the build script left it, which spares the tests a race between writing a program and starting it
/// ("text file busy" when another test forks in between).
const PATH: &str = concat!(env!("OUT_DIR"), "/sample-module");

fn command(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PATH);
    command.args(arguments).env_clear().envs(settings.iter().copied());
    command
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    command(arguments, settings).output().expect("the module starts")
}

fn wait_for(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn wait_for_exit(child: &mut Child) -> Option<i32> {
    let mut status = None;
    wait_for(Duration::from_secs(10), || {
        status = child.try_wait().expect("it can be waited for");
        status.is_some()
    });
    status.and_then(|status| status.code())
}

fn program_header_types() -> Vec<u32> {
    let word = |at: usize| u16::from_le_bytes([MODULE[at], MODULE[at + 1]]) as usize;
    let (offset, size, count) = match MODULE[4] {
        2 => (u64::from_le_bytes(MODULE[32..40].try_into().expect("8 bytes")) as usize, word(54), word(56)),
        _ => (u32::from_le_bytes(MODULE[28..32].try_into().expect("4 bytes")) as usize, word(42), word(44)),
    };
    (0..count)
        .map(|index| {
            let at = offset + index * size;
            u32::from_le_bytes(MODULE[at..at + 4].try_into().expect("4 bytes"))
        })
        .collect()
}
