//! What must be there before anything is measured: the shared folder with the image scripts, Debian's tools, the test
//! images, the release build; and the description of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{output, run_checked};

/// Names the shared folder when it is not beside the workspace.
const SHARED_VARIABLE: &str = "EDGEMARKET_SHARED";

/// Program to look for, and the Debian package that has it.
pub const TOOLS: &[(&str, &str)] = &[
    ("/usr/bin/igzip", "isal"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/bin/time", "time"),
    ("/usr/bin/umoci", "umoci"),
];

/// The same for the registry's measurements.
pub const REGISTRY_TOOLS: &[(&str, &str)] = &[
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/sbin/nginx", "nginx-light"),
    ("/usr/bin/skopeo", "skopeo"),
    ("/usr/bin/wrk", "wrk"),
];

/// The same for the storefront's.
pub const STOREFRONT_TOOLS: &[(&str, &str)] = &[
    ("/usr/bin/skopeo", "skopeo"),
    ("/usr/bin/sqlite3", "sqlite3"),
    ("/usr/bin/taskset", "util-linux"),
    ("/usr/bin/wrk", "wrk"),
    ("/usr/bin/curl", "curl"),
];

pub fn shared_folder(root: &Path) -> Result<PathBuf, String> {
    let folder = match std::env::var_os(SHARED_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => root.join("../shared"),
    };
    if folder.join("bench/make-images").is_file() {
        Ok(folder)
    } else {
        Err(format!(
            "{} has no bench/make-images, which makes the test images\nhint: set {SHARED_VARIABLE} to the shared folder",
            folder.display()
        ))
    }
}

pub fn install_tools(tools: &[(&str, &'static str)]) -> Result<(), String> {
    let missing: Vec<&str> =
        tools.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    run_checked(Command::new("apt-get").args(["-q", "update"]))?;
    run_checked(
        Command::new("apt-get").args(["-q", "-y", "install", "--no-install-recommends"]).args(&missing),
    )
    .map_err(|error| format!("{error}\nhint: as root, apt-get install {}", missing.join(" ")))
}

/// Images that exist are left alone by the script.
pub fn make_images(shared: &Path, folder: &Path, names: &[&str]) -> Result<(), String> {
    run_checked(Command::new(shared.join("bench/make-images")).arg(folder).args(names))
}

pub fn build_release(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run_checked(Command::new(cargo).current_dir(root).args([
        "build",
        "--release",
        "--package",
        "edgemarket",
    ]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/edgemarket"))
}

/// Processor, cores, memory, load and compiler, in one line.
pub fn machine() -> Result<String, String> {
    let read =
        |path: &str| std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"));
    let cpu = read("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model)
        .to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo")?;
    let memory_kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let load = read("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or("?");
    let compiler = output(Command::new("rustc").arg("--version"))?;
    Ok(format!(
        "{model}, {cores} cores, {} GiB, load {load} at the start, {}",
        memory_kib.div_ceil(1024 * 1024),
        compiler.trim()
    ))
}
