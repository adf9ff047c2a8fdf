//! Control groups: whether this process may make them, where the runtime will make one, what it counted, and that it goes
//! away. Version 1, version 2 and both together; the runtime itself sets the limits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often removing is tried: a group is busy until the kernel has buried its last process.
const REMOVALS: u32 = 40;

/// What this process may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cgroups {
    /// Directories in which the runtime makes groups.
    parents: Vec<PathBuf>,
    /// Whether swap can be limited as well.
    pub(super) swap: bool,
}

/// One container's group, in every hierarchy.
#[derive(Debug, Clone)]
pub(super) struct Group(Vec<PathBuf>);

impl Cgroups {
    /// Looks, and tries: the error says why no group can be made.
    pub(super) fn of_host() -> Result<Cgroups, String> {
        let read =
            |path: &str| fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
        let (mounts, own) = (read("/proc/self/mountinfo")?, read("/proc/self/cgroup")?);
        let found = hierarchies(&mounts, &own);
        let of = |name: &str| found.iter().find(|one| one.controllers.iter().any(|known| known == name));
        let parents = found.iter().map(|one| one.parent.clone()).collect();
        if let (Some(memory), Some(pids)) = (of("memory"), of("pids")) {
            let swap = try_to_make(&memory.parent, "memory.memsw.limit_in_bytes")?;
            try_to_make(&pids.parent, "pids.max")?;
            return Ok(Cgroups { parents, swap });
        }
        let Some(unified) = found.iter().find(|one| one.controllers.is_empty()) else {
            return Err("no control groups are mounted".to_owned());
        };
        let controllers = fs::read_to_string(unified.parent.join("cgroup.controllers")).unwrap_or_default();
        for needed in ["memory", "pids"] {
            if !controllers.split_whitespace().any(|known| known == needed) {
                return Err(format!("{} has no controller {needed}", unified.parent.display()));
            }
        }
        let swap = try_to_make(&unified.parent, "memory.swap.max")?;
        Ok(Cgroups { parents, swap })
    }

    /// The group that the runtime makes for a relative path of this name.
    pub(super) fn group(&self, name: &str) -> Group {
        Group(self.parents.iter().map(|parent| parent.join(name)).collect())
    }
}

impl Group {
    /// A group in these directories.
    pub(super) fn of(paths: Vec<PathBuf>) -> Group {
        Group(paths)
    }

    /// Its directories, whether or not they are there.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// Whether a process was killed because memory ran out (`memory.oom_control`, `memory.events`).
    pub(super) fn out_of_memory(&self) -> bool {
        self.count(&["memory.oom_control", "memory.events"], "oom_kill") > 0
    }

    /// Whether a new process or thread was refused.
    pub(super) fn out_of_processes(&self) -> bool {
        self.count(&["pids.events"], "max") > 0
    }

    fn count(&self, files: &[&str], key: &str) -> u64 {
        let texts = self.0.iter().flat_map(|path| files.iter().map(|file| path.join(file)));
        texts.filter_map(|path| fs::read_to_string(path).ok()).map(|text| counter(&text, key)).sum()
    }

    /// Removes it, once its processes are gone.
    pub(super) fn remove(&self) {
        for path in &self.0 {
            for _ in 0..REMOVALS {
                match fs::remove_dir(path) {
                    Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Lines of `key number`.
fn counter(text: &str, key: &str) -> u64 {
    let value = text.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| *name == key));
    value.and_then(|(_, number)| number.trim().parse().ok()).unwrap_or(0)
}

#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    /// Empty for version 2.
    controllers: Vec<String>,
    parent: PathBuf,
}

/// Reads mountinfo (proc_pid_mountinfo(5)) and the process's own groups (cgroups(7)).
fn hierarchies(mounts: &str, own: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
        let (Some(root), Some(mount), Some(kind)) = (left.get(3), left.get(4), right.first()) else {
            continue;
        };
        let controllers: Vec<String> = match (*kind, right.get(2)) {
            ("cgroup2", _) => Vec::new(),
            ("cgroup", Some(options)) => options
                .split(',')
                .filter(|option| !matches!(*option, "rw" | "ro" | "xattr" | "clone_children"))
                .map(str::to_owned)
                .collect(),
            _ => continue,
        };
        let Some(path) = own.lines().find_map(|line| own_path(line, &controllers)) else { continue };
        // As the runtime does: in version 2 beside the own group, because one with processes cannot have children.
        let path = match controllers.is_empty() && found.is_empty() && !mount.ends_with("/unified") {
            true => Path::new(path).parent().map_or(Path::new("/"), |above| above),
            false => Path::new(path),
        };
        let below = path.strip_prefix(root).or_else(|_| path.strip_prefix("/")).unwrap_or(Path::new(""));
        let parent = Path::new(mount).join(below);
        if !found.iter().any(|known| known.parent == parent) {
            found.push(Hierarchy { controllers, parent });
        }
    }
    found
}

/// `4:memory:/path` or `0::/path`, when it is this hierarchy's.
fn own_path<'a>(line: &'a str, controllers: &[String]) -> Option<&'a str> {
    let mut parts = line.splitn(3, ':');
    let (_, names, path) = (parts.next()?, parts.next()?, parts.next()?);
    let same = match controllers.first() {
        Some(first) => names.split(',').any(|name| name == first),
        None => names.is_empty(),
    };
    same.then_some(path)
}

/// Makes a group and removes it; whether it had this file.
fn try_to_make(parent: &Path, file: &str) -> Result<bool, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let probe = parent.join(format!("{}probe-{}-{number}", super::scratch::PREFIX, std::process::id()));
    let made = fs::create_dir(&probe);
    let had = probe.join(file).exists();
    // It has no process, so this does not fail.
    let _ = fs::remove_dir(&probe);
    made.map(|()| had)
        .map_err(|error| format!("no control group can be made in {}: {error}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_where_the_runtime_looks() {
        let v1 = "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                  31 25 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let found = hierarchies(v1, "4:memory:/a/b\n0::/\n");
        let parents: Vec<&Path> = found.iter().map(|one| one.parent.as_path()).collect();
        assert_eq!(parents, [Path::new("/sys/fs/cgroup/memory/a/b"), Path::new("/sys/fs/cgroup/unified")]);
        let v2 = "25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = hierarchies(v2, "0::/user.slice/session-1.scope\n");
        assert_eq!(found[0].parent, Path::new("/sys/fs/cgroup/user.slice"));
        assert_eq!(hierarchies(v2, "0::/\n")[0].parent, Path::new("/sys/fs/cgroup"));
        assert_eq!(hierarchies("x", "y"), []);
    }

    #[test]
    fn counters_are_found_by_name() {
        assert_eq!(counter("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), 3);
        assert_eq!(counter("max 7\n", "max"), 7);
        assert_eq!(counter("", "max"), 0);
    }
}
