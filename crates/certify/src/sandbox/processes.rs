//! Finds the processes of a start among the host's, by their parents and namespaces (proc_pid_status(5)), and signals them
//! without the danger of meeting another that got the same number.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// A process that stays the same, whatever happens to its number.
pub(super) struct Process(OwnedFd);

impl Process {
    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.0, signal)?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Status {
    parent: u32,
    /// Its number in each process namespace, ours first.
    numbers: Vec<u32>,
}

/// The process that `unshare` started: the first of the runtime's namespace.
pub(super) fn child_of(parent: u32) -> Option<Process> {
    let found =
        all().into_iter().find(|(_, status)| status.parent == parent && status.numbers.ends_with(&[1]));
    found.and_then(|(pid, status)| open(pid, &status))
}

/// The module's first process: number 1 in the container's namespace, which lies within the runtime's.
pub(super) fn module(parent: u32) -> Option<Process> {
    let all = all();
    let depth = all.values().find(|status| status.parent == parent)?.numbers.len() + 1;
    let below = |mut pid: u32| {
        // A chain of parents ends at 0.
        for _ in 0..all.len() {
            match all.get(&pid) {
                Some(status) if status.parent == parent => return true,
                Some(status) => pid = status.parent,
                None => return false,
            }
        }
        false
    };
    let first = |status: &Status| status.numbers.len() == depth && status.numbers.ends_with(&[1]);
    let (pid, status) = all.iter().find(|(pid, status)| first(status) && below(**pid))?;
    open(*pid, status)
}

fn open(pid: u32, status: &Status) -> Option<Process> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let process = pidfd_open(raw, PidfdFlags::empty()).ok()?;
    // Still the one that was found?
    (read(pid).as_ref() == Some(status)).then_some(Process(process))
}

fn all() -> HashMap<u32, Status> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, read(pid)?))).collect()
}

fn read(pid: u32) -> Option<Status> {
    parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse(text: &str) -> Option<Status> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let numbers = field("NSpid:")?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(Status { parent: field("PPid:")?.trim().parse().ok()?, numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let text = "Name:\tsh\nPid:\t17\nPPid:\t4\nNSpid:\t17\t3\t1\n";
        assert_eq!(parse(text), Some(Status { parent: 4, numbers: vec![17, 3, 1] }));
        assert_eq!(parse("Name:\tsh\n"), None);
        assert!(all().contains_key(&std::process::id()));
    }
}
