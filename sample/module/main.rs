//! The sample module: reports the vitals of the gateway that it runs on (load, free memory, uptime) as one line of
//! JSON per interval on standard output. It is what `edgemarket demo` publishes: one static program for an image
//! without a distribution. It uses the standard library alone, and is not part of the marketplace.
//!
//! Settings come from the environment, as a module's do:
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `INTERVAL_MS` | milliseconds between readings, 100 to 3,600,000 | 5000 |
//! | `GATEWAY_NAME` | a name that each reading carries: 1 to 64 of `A-Z a-z 0-9 . _ -` | `gateway` |
//! | `HEARTBEAT_FILE` | file that the health check looks at | `/dev/shm/gateway-vitals.heartbeat` |
//!
//! `--once` prints one reading and ends; `--healthcheck` exits 0 when the running module has made a reading within
//! the last three intervals, and 1 otherwise. A setting that is out of range ends the module with status 2.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the program was built from, in the section and format that `cargo auditable` made common, so that
/// certification lists its packages.
#[used]
#[unsafe(link_section = ".dep-v0")]
static AUDIT_DATA: [u8; include_bytes!(env!("SAMPLE_AUDIT_DATA")).len()] =
    *include_bytes!(env!("SAMPLE_AUDIT_DATA"));

const INTERVAL_MS_MIN: u64 = 100;
const INTERVAL_MS_MAX: u64 = 3_600_000;
const NAME_BYTES_MAX: usize = 64;

fn main() -> ExitCode {
    // The linker drops sections that nothing refers to.
    std::hint::black_box(&AUDIT_DATA);
    let mode = std::env::args().nth(1);
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match mode.as_deref() {
        None => run(&settings),
        Some("--once") => match print_reading(&settings, 1) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed("print a reading", &error),
        },
        Some("--healthcheck") => healthcheck(&settings),
        Some(other) => {
            eprintln!("unknown argument `{other}`\nhint: use none, --once or --healthcheck");
            ExitCode::from(2)
        }
    }
}

struct Settings {
    interval: Duration,
    name: String,
    heartbeat: String,
}

impl Settings {
    fn from_environment() -> Result<Self, String> {
        let interval_ms = setting("INTERVAL_MS", "5000")?;
        let interval = interval_ms
            .parse::<u64>()
            .ok()
            .filter(|ms| (INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(ms))
            .ok_or_else(|| {
                format!(
                    "INTERVAL_MS is `{interval_ms}`\nhint: give whole milliseconds from {INTERVAL_MS_MIN} to {INTERVAL_MS_MAX}"
                )
            })?;
        let name = setting("GATEWAY_NAME", "gateway")?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(allowed) {
            return Err(format!(
                "GATEWAY_NAME is `{name}`\nhint: use 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 . _ -"
            ));
        }
        let heartbeat = setting("HEARTBEAT_FILE", "/dev/shm/gateway-vitals.heartbeat")?;
        Ok(Settings { interval: Duration::from_millis(interval), name, heartbeat })
    }
}

fn setting(name: &str, default: &str) -> Result<String, String> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8\nhint: give plain text")),
    }
}

fn run(settings: &Settings) -> ExitCode {
    stop_on_sigterm();
    let mut heartbeat_refused = false;
    for sequence in 1_u64.. {
        if let Err(error) = print_reading(settings, sequence) {
            return failed("print a reading", &error);
        }
        if let Err(error) = std::fs::write(&settings.heartbeat, sequence.to_string())
            && !std::mem::replace(&mut heartbeat_refused, true)
        {
            // Readings matter more than the health check, which will say that it saw none.
            eprintln!("cannot write {}: {error}\nhint: set HEARTBEAT_FILE", settings.heartbeat);
        }
        std::thread::sleep(settings.interval);
    }
    ExitCode::SUCCESS
}

fn print_reading(settings: &Settings, sequence: u64) -> std::io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let line = format!(
        "{{\"gateway\":\"{}\",\"sequence\":{sequence},\"timeMs\":{now},\"loadOneMinute\":{},\"memoryAvailableBytes\":{},\"uptimeSeconds\":{}}}\n",
        settings.name,
        first_number(&load),
        available_bytes(&memory),
        first_number(&uptime),
    );
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// The first word as a number, or `null`, so that the line is JSON whatever the kernel says.
fn first_number(text: &str) -> String {
    match text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()) {
        Some(number) if number.is_finite() => number.to_string(),
        _ => "null".to_owned(),
    }
}

fn available_bytes(meminfo: &str) -> String {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or("null".to_owned(), |kib| (kib * 1024).to_string())
}

fn healthcheck(settings: &Settings) -> ExitCode {
    let age = std::fs::metadata(&settings.heartbeat)
        .and_then(|data| data.modified())
        .map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    match age {
        Ok(age) if age <= settings.interval * 3 => ExitCode::SUCCESS,
        Ok(age) => {
            eprintln!("the last reading is {} s old", age.as_secs());
            ExitCode::FAILURE
        }
        Err(error) => failed("see a reading", &error),
    }
}

fn failed(what: &str, error: &std::io::Error) -> ExitCode {
    eprintln!("cannot {what}: {error}");
    ExitCode::FAILURE
}

/// In a container this program is process 1, for which the kernel drops every signal that has no handler: without
/// this one, stopping the module would take the runtime's ten seconds of patience.
fn stop_on_sigterm() {
    const SIGTERM: i32 = 15;
    unsafe extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
        fn _exit(status: i32) -> !;
    }
    extern "C" fn stop(_number: i32) {
        // SAFETY: `_exit` is async-signal-safe, and nothing is buffered: each line is flushed.
        unsafe { _exit(0) }
    }
    // SAFETY: both declarations are the C library's, and `stop` does nothing but call `_exit`.
    unsafe {
        signal(SIGTERM, stop);
    }
}
