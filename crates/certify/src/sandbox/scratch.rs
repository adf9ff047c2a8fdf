//! The directories in which images are started: each is locked by the process that uses it, and removed with it. What a
//! killed process left is removed at the next start: its lock is free, and its processes died with it.

use super::cgroup::Group;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Begin of every directory's name, and of its control group's.
pub(super) const PREFIX: &str = "edgemarket-start-";

/// How often removing is tried: a process that was just killed may still hold a file of an overlay.
const REMOVALS: u32 = 20;

/// A directory that goes away with this value.
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    /// Also the container's ID.
    pub(super) name: String,
    _lock: File,
}

impl Scratch {
    /// Makes one, after what earlier processes left is gone.
    pub(super) fn make(directory: &Path) -> io::Result<Scratch> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        fs::create_dir_all(directory)?;
        // Held while others look for what is left over, so that a directory without its lock is never seen.
        let all = lock_file(&directory.join("lock"))?;
        all.lock()?;
        sweep(directory);
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = directory.join(&name);
        // The ID of a dead process may come again, and its directory may have resisted.
        fs::create_dir(&path)?;
        let lock = lock_file(&path.join("lock"))?;
        lock.lock()?;
        let scratch = Scratch { path, name, _lock: lock };
        for part in ["image", "root", "writes", "state"] {
            fs::create_dir(scratch.path.join(part))?;
        }
        Ok(scratch)
    }

    /// Remembers the control groups that a start will make.
    pub(super) fn remember(&self, group: &Group) -> io::Result<()> {
        let lines: Vec<String> = group.paths().map(|path| path.display().to_string()).collect();
        fs::write(self.path.join("cgroups"), lines.join("\n"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

/// Removes the directories whose processes are gone, and their control groups.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let held =
            File::options().write(true).open(path.join("lock")).is_ok_and(|lock| lock.try_lock().is_err());
        if held {
            continue;
        }
        if let Ok(text) = fs::read_to_string(path.join("cgroups")) {
            let ours = |line: &&str| line.starts_with("/sys/fs/cgroup/") && line.contains(PREFIX);
            Group::of(text.lines().filter(ours).map(PathBuf::from).collect()).remove();
        }
        tracing::info!(directory = %path.display(), "removing what an earlier start left");
        remove(&path);
    }
}

fn remove(path: &Path) {
    for attempt in 1..=REMOVALS {
        match fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) if attempt == REMOVALS => {
                tracing::warn!(directory = %path.display(), %error, "a start's directory cannot be removed");
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
