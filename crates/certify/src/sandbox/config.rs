//! The runtime's `config.json` (OCI runtime spec 1.0.2): namespaces of its own, no network, no capability, no new
//! privileges, seccomp, limits, masked paths. Pure, and the same for every module but program, user and limits.

use super::host::{FIRST_ID, IDS, Ids};
use super::program::Program;
use super::users::Identity;
use super::{host, seccomp};
use serde_json::{Value, json};

/// Most memory, and swap: what small gateways have.
pub(super) const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Most processes and threads; .NET and Java start some dozens.
pub(super) const PROCESSES_MAX: u64 = 512;
/// Most bytes and files that it may write to its root. They lie in memory.
pub(super) const WRITES_BYTES_MAX: u64 = 256 << 20;
/// Most files that it may make.
pub(super) const WRITES_FILES_MAX: u64 = 100_000;
/// Bytes of each of `/tmp`, `/run` and `/dev/shm`.
const TMPFS_BYTES: u64 = 64 << 20;
/// Most open files.
const OPEN_FILES_MAX: u64 = 65_536;

/// What differs from start to start.
pub(super) struct Start<'a> {
    pub(super) program: &'a Program,
    pub(super) identity: &'a Identity,
    pub(super) ids: Ids,
    /// Where the runtime finds the root file system.
    pub(super) root: &'a str,
    pub(super) read_only: bool,
    /// Name of the control group, and whether swap can be limited, when there can be one.
    pub(super) cgroup: Option<(&'a str, bool)>,
    /// Our own limit on open files, which cannot be exceeded.
    pub(super) open_files: Option<u64>,
}

/// The whole document.
pub(super) fn config(start: &Start<'_>) -> Value {
    let mut linux = json!({
        "namespaces": namespaces(start),
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
            "/sys/firmware", "/sys/devices/virtual/powercap"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    });
    if let Some(profile) = seccomp::profile(host::architecture()) {
        linux["seccomp"] = profile;
    }
    let mapping = match start.ids {
        Ids::Mapped => Some(json!([{ "containerID": 0, "hostID": FIRST_ID, "size": IDS }])),
        // In the caller's own user namespace, whose only user is called 0.
        Ids::Caller => Some(json!([{ "containerID": 0, "hostID": 0, "size": 1 }])),
        Ids::Plain => None,
    };
    if let Some(mapping) = mapping {
        linux["uidMappings"] = mapping.clone();
        linux["gidMappings"] = mapping;
    }
    if let Some((name, swap)) = start.cgroup {
        linux["cgroupsPath"] = json!(name);
        let mut memory = json!({ "limit": MEMORY_BYTES_MAX });
        if swap {
            memory["swap"] = json!(MEMORY_BYTES_MAX);
        }
        linux["resources"] = json!({
            "devices": [{ "allow": false, "access": "rwm" }],
            "memory": memory,
            "pids": { "limit": PROCESSES_MAX },
            "cpu": { "quota": 100_000, "period": 100_000 },
        });
    }
    json!({
        "ociVersion": "1.0.2",
        "process": process(start),
        "root": { "path": start.root, "readonly": start.read_only },
        "hostname": "module",
        "mounts": mounts(start),
        "linux": linux,
    })
}

fn process(start: &Start<'_>) -> Value {
    let user = match start.ids {
        Ids::Caller => json!({ "uid": 0, "gid": 0 }),
        _ => json!({
            "uid": start.identity.uid, "gid": start.identity.gid, "additionalGids": start.identity.groups,
        }),
    };
    let limit = |kind: &str, value: u64| json!({ "type": kind, "hard": value, "soft": value });
    let open_files = start.open_files.map_or(OPEN_FILES_MAX, |own| own.min(OPEN_FILES_MAX));
    let mut limits = vec![limit("RLIMIT_CORE", 0), limit("RLIMIT_NOFILE", open_files)];
    if start.cgroup.is_none() {
        limits.extend([limit("RLIMIT_NPROC", PROCESSES_MAX), limit("RLIMIT_DATA", MEMORY_BYTES_MAX)]);
    }
    json!({
        "terminal": false,
        "user": user,
        "args": start.program.arguments,
        "env": start.program.environment,
        "cwd": start.program.directory,
        "capabilities": { "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [] },
        "rlimits": limits,
        "noNewPrivileges": true,
        // Where memory is short on the whole host, this goes first.
        "oomScoreAdj": 1000,
    })
}

fn namespaces(start: &Start<'_>) -> Vec<Value> {
    let mut names = vec!["pid", "network", "ipc", "uts", "mount"];
    if start.ids != Ids::Plain {
        names.push("user");
    }
    if start.cgroup.is_some() {
        names.push("cgroup");
    }
    names.into_iter().map(|name| json!({ "type": name })).collect()
}

fn mounts(start: &Start<'_>) -> Vec<Value> {
    let mount = |destination: &str, kind: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": kind, "options": options });
    let tmpfs = |destination: &str, mode: &str| {
        let size = format!("size={TMPFS_BYTES}");
        mount(destination, "tmpfs", &["nosuid", "nodev", mode, &size])
    };
    let mut pts = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    if start.ids != Ids::Caller {
        pts.push("gid=5");
    }
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/dev/pts", "devpts", &pts),
        tmpfs("/dev/shm", "mode=1777"),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        tmpfs("/tmp", "mode=1777"),
    ];
    if start.cgroup.is_some() {
        mounts.push(mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]));
    }
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start<'a>(program: &'a Program, identity: &'a Identity, ids: Ids, cgroup: bool) -> Value {
        let cgroup = cgroup.then_some(("edgemarket-start-1-0", true));
        config(&Start {
            program,
            identity,
            ids,
            root: "/mnt",
            read_only: false,
            cgroup,
            open_files: Some(1024),
        })
    }

    #[test]
    fn the_whole_document() {
        let program = super::super::program::program(&crate::criteria::example::image().config, None);
        let program = program.expect("a command");
        let identity = Identity { uid: 65532, gid: 65532, groups: vec![44] };
        let mut whole = start(&program, &identity, Ids::Mapped, true);
        whole["linux"]["seccomp"] = json!("see seccomp.rs");
        insta::assert_snapshot!(serde_json::to_string_pretty(&whole).expect("JSON"));
        let mut rootless = start(&program, &identity, Ids::Caller, false);
        rootless["linux"]["seccomp"] = json!("see seccomp.rs");
        insta::assert_snapshot!(serde_json::to_string_pretty(&rootless).expect("JSON"));
        assert!(start(&program, &identity, Ids::Plain, true)["linux"].get("uidMappings").is_none());
    }
}
