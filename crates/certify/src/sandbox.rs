//! Starts a module as a device would, but alone: unpacked into a directory that is thrown away, without network,
//! capabilities or new privileges, limited in memory, processes and CPU, by an OCI runtime (`runc`). It gathers facts
//! ([`facts`]); what they mean, the criterion `module-starts-with-defaults` says. Nothing of it is left when it ends,
//! whichever way it ends.

mod cgroup;
mod config;
pub mod facts;
mod host;
pub mod output;
mod processes;
mod program;
mod root;
mod run;
mod scratch;
mod seccomp;
mod unpack;
mod users;

use crate::evidence::{FaultKind, ImageEvidence};
use cgroup::Cgroups;
use facts::{End, Outcome, Run, StartFacts};
use host::{Host, Ids};
use oci::manifest::ImageRef;
use oci::source::Source;
use offer::document::Plan;
use offer::policy::StartLimits;
use program::Program;
use root::Root;
use run::{Bundle, Mode, Trouble};
use scratch::Scratch;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use users::Identity;

/// What is said of a start that was broken off.
const STOPPED: &str = "it was broken off";

/// Bytes of an image's users and groups file that are read.
const USERS_BYTES_MAX: u64 = 1 << 20;

/// Bytes of disk that stay free beside an unpacked image.
const DISK_BYTES_FREE: u64 = 256 << 20;

/// Bytes that an entry takes on the disk beside its content.
const ENTRY_BYTES: u64 = 4096;

/// Where the root may be mounted for another user; the first that is there, and holds neither bundle nor runtime.
const TARGETS: &[&str] = &["/mnt", "/media", "/srv", "/opt", "/var/tmp", "/tmp"];

/// Why no module is started where nobody wants it. The same words on the command line and in a marketplace, whose
/// reports are equal.
pub const OFF: &str = "no module was started: no sandbox is set (--sandbox runc, or the setting sandbox)";

/// Whether modules are started, and how.
#[derive(Clone, Copy)]
pub enum Starter<'a> {
    /// They are not: why, for the report.
    Off(&'a str),
    /// In this sandbox, until the flag is set.
    With(&'a Sandbox, &'a AtomicBool),
}

/// The means to start modules on this host, for several at once.
#[derive(Debug)]
pub struct Sandbox {
    host: Host,
    directory: PathBuf,
    places: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// What is to be started.
pub struct Start<'a> {
    /// Where the image is.
    pub source: &'a dyn Source,
    /// The image.
    pub image: &'a ImageRef,
    /// What the pass found in it.
    pub evidence: &'a ImageEvidence,
    /// The plan with its default settings, when there is one.
    pub plan: Option<&'a Plan>,
    /// How long it is watched, and how long it may take to stop.
    pub limits: StartLimits,
    /// Breaks it off.
    pub stop: &'a AtomicBool,
    /// Told of the time for which the module is up, several times a second.
    pub progress: &'a dyn Fn(Duration),
}

impl Sandbox {
    /// Looks whether modules can be started here: `runtime` is a name or path, `directory` is where images are unpacked,
    /// `at_once` how many run at the same time. The error says what is missing, for the report.
    pub fn open(runtime: &Path, directory: &Path, at_once: usize) -> Result<Sandbox, String> {
        let host = Host::probe(runtime)?;
        let directory = std::path::absolute(directory).map_err(|error| error.to_string())?;
        let places = at_once.max(1);
        Ok(Sandbox { host, directory, places, free: Mutex::new(places), freed: Condvar::new() })
    }

    /// Whether something is being started, or cleared away.
    pub fn is_busy(&self) -> bool {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) < self.places
    }

    /// Starts an image, and says what became of it.
    pub fn start(&self, start: &Start<'_>) -> StartFacts {
        let outcome = match self.turn(start) {
            Ok(run) => Outcome::Ran(run),
            Err(outcome) => outcome,
        };
        StartFacts { image: start.image.descriptor.digest, outcome }
    }

    fn turn(&self, start: &Start<'_>) -> Result<Run, Outcome> {
        let Some(platform) = start.evidence.platform.as_ref().or(start.evidence.index_platform.as_ref())
        else {
            return Err(Outcome::Unchecked("the image states no platform".to_owned()));
        };
        let emulator = host::runs_here(platform).map_err(Outcome::NotApplicable)?;
        let broken = |kind| matches!(kind, FaultKind::Verification | FaultKind::Structure | FaultKind::Size);
        if start.evidence.faults.iter().any(|fault| broken(fault.kind)) {
            let text =
                "the image is not started, because it is not whole (digest-verified, size-within-limit)";
            return Err(Outcome::Unchecked(text.to_owned()));
        }
        let Some(program) = program::program(&start.evidence.config, start.plan) else {
            return Err(Outcome::Unchecked("the image has no start command".to_owned()));
        };
        let _place = self.place();
        self.run(start, program, emulator).map_err(Outcome::Unchecked)
    }

    fn run(&self, start: &Start<'_>, mut program: Program, emulator: Option<String>) -> Result<Run, String> {
        let io = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
        let scratch = Scratch::make(&self.directory).map_err(io("no directory can be made for it"))?;
        let bytes: u64 = start.evidence.layers.iter().map(|layer| layer.uncompressed_bytes).sum();
        let entries: u64 = start.evidence.layers.iter().map(|layer| layer.entries).sum();
        check_space(&scratch.path, bytes, entries)?;
        let mut root =
            Root::open(&scratch.path.join("image"), self.host.ids).map_err(io("it cannot be unpacked"))?;
        let left_out = unpack::unpack(start.source, start.image, bytes, start.stop, &mut root)?;
        let mut remarks = std::mem::take(&mut program.remarks);
        if let Some(emulator) = emulator {
            remarks.push(format!("it ran in {emulator}"));
        }
        if !left_out.is_empty() {
            remarks.push(format!("left out: {}", left_out.into_iter().collect::<Vec<_>>().join(", ")));
        }
        let identity = self.identity(&program, &root)?;
        prepare(&mut root, &program.directory).map_err(io("its directories cannot be made"))?;
        drop(root);
        self.attempts(start, &scratch, &program, &identity, remarks)
    }

    /// Tries the whole sandbox first, then what this host cannot give is left out, and said.
    fn attempts(
        &self,
        start: &Start<'_>,
        scratch: &Scratch,
        program: &Program,
        identity: &Identity,
        mut remarks: Vec<String>,
    ) -> Result<Run, String> {
        let target = self.target()?;
        let mut mode = Mode { cgroup: self.host.cgroups.is_ok(), writable: !program.read_only };
        if let Err(cause) = &self.host.cgroups {
            tracing::info!(cause, "modules are started without a control group");
        }
        loop {
            let cgroups = self.host.cgroups.as_ref().ok().filter(|_| mode.cgroup);
            let group = cgroups.map(|cgroups| cgroups.group(&scratch.name));
            if let Some(group) = &group {
                scratch.remember(group).map_err(|error| error.to_string())?;
            }
            self.write_config(scratch, (program, identity), target, mode, cgroups)?;
            let bundle = Bundle {
                host: &self.host,
                scratch,
                target,
                mode,
                observe: Duration::from_secs(start.limits.observe_seconds.into()),
                stop_within: Duration::from_secs(start.limits.stop_seconds.into()),
            };
            let seen = bundle.run(start.stop, start.progress);
            let (out_of_memory, out_of_processes) = run::bury(group.as_ref());
            match seen {
                Ok(seen) => {
                    remarks.extend(self.remarks(program, mode).into_iter().map(str::to_owned));
                    return Ok(Run {
                        end: seen.end,
                        observed_seconds: start.limits.observe_seconds,
                        stop_seconds: start.limits.stop_seconds,
                        out_of_memory,
                        out_of_processes,
                        remarks,
                        output: seen.output,
                    });
                }
                Err(Trouble::Mount(text)) if mode.writable => {
                    tracing::warn!(cause = text, "a root that can be written cannot be mounted");
                    mode.writable = false;
                }
                Err(Trouble::Runtime(text)) if mode.cgroup && text.contains("cgroup") => {
                    tracing::warn!(cause = text, "the runtime cannot use control groups here");
                    mode.cgroup = false;
                }
                Err(Trouble::Mount(text)) => return Err(format!("its root cannot be mounted: {text}")),
                Err(Trouble::Runtime(text)) => {
                    return Err(format!("the runtime could not make the container: {text}"));
                }
                Err(Trouble::Other(text)) => return Err(text),
            }
            let state = scratch.path.join("state");
            let renewed = std::fs::remove_dir_all(&state).and_then(|()| std::fs::create_dir(&state));
            renewed.map_err(|error| format!("the runtime's state cannot be removed: {error}"))?;
        }
    }

    fn write_config(
        &self,
        scratch: &Scratch,
        (program, identity): (&Program, &Identity),
        target: &str,
        mode: Mode,
        cgroups: Option<&Cgroups>,
    ) -> Result<(), String> {
        let document = config::config(&config::Start {
            program,
            identity,
            ids: self.host.ids,
            root: if target.is_empty() { "root" } else { target },
            read_only: !mode.writable,
            cgroup: cgroups.map(|cgroups| (scratch.name.as_str(), cgroups.swap)),
            open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        });
        let path = scratch.path.join("config.json");
        std::fs::write(path, document.to_string())
            .map_err(|error| format!("its config cannot be written: {error}"))
    }

    /// What is otherwise here than it should be.
    fn remarks(&self, program: &Program, mode: Mode) -> Vec<&'static str> {
        let mut remarks = Vec::new();
        match self.host.ids {
            Ids::Mapped => {}
            Ids::Plain => remarks.push("user namespaces are not allowed here: it ran without one"),
            Ids::Caller => {
                remarks.push("edgemarket was not root: it ran as the calling user, called root inside")
            }
        }
        if !mode.cgroup {
            remarks.push("no control group could be made: its memory was limited process by process, its CPU not at all");
        }
        if !mode.writable && !program.read_only {
            remarks.push("no overlay could be mounted: its root could not be written");
        }
        remarks
    }

    /// Whom the module runs as.
    fn identity(&self, program: &Program, root: &Root) -> Result<Identity, String> {
        let text = |path| root.read(path, USERS_BYTES_MAX).unwrap_or_default();
        let identity = users::find(&program.user, &text("etc/passwd"), &text("etc/group"));
        let identity =
            identity.map_err(|cause| format!("its user {:?} is unknown: {cause}", program.user))?;
        match [identity.uid, identity.gid].into_iter().find(|id| *id >= host::IDS) {
            Some(id) if self.host.ids == Ids::Mapped => {
                Err(format!("its user or group is {id}, and the sandbox has numbers under {}", host::IDS))
            }
            _ => Ok(identity),
        }
    }

    /// A directory of the host, covered in the new mount namespace alone.
    fn target(&self) -> Result<&'static str, String> {
        if self.host.ids == Ids::Caller {
            return Ok("");
        }
        let free = |target: &&&str| {
            let covers = |path: &Path| path.starts_with(**target);
            Path::new(**target).is_dir() && !covers(&self.directory) && !covers(&self.host.runtime)
        };
        let found = TARGETS.iter().find(free).copied();
        found.ok_or_else(|| format!("none of {} can be mounted on", TARGETS.join(", ")))
    }

    /// Waits until one of the places is free.
    fn place(&self) -> Place<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }
}

/// One of the places; free again when dropped.
struct Place<'a>(&'a Sandbox);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Whether the disk has room for what the pass counted.
fn check_space(directory: &Path, bytes: u64, entries: u64) -> Result<(), String> {
    if entries > unpack::ENTRIES_MAX {
        return Err(format!("it has {entries} files, and at most {} are unpacked", unpack::ENTRIES_MAX));
    }
    let disk =
        rustix::fs::statvfs(directory).map_err(|error| format!("the disk cannot be asked: {error}"))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = bytes.saturating_add(entries * ENTRY_BYTES).saturating_add(DISK_BYTES_FREE);
    match free < needed {
        true => Err(format!("unpacking it takes {needed} bytes of disk, and too few are free")),
        false => Ok(()),
    }
}

/// What runtimes make when the image does not have it: where it starts, and where they mount.
fn prepare(root: &mut Root, directory: &str) -> std::io::Result<()> {
    let parts: Vec<&str> = directory.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    for path in [parts.join("/").as_str(), "proc", "dev", "sys", "tmp"] {
        root.directories(path.as_bytes())?;
    }
    Ok(())
}

impl Run {
    /// Whether it did what the criterion asks for.
    pub fn is_sound(&self) -> bool {
        matches!(self.end, End::Exited(0) | End::Stopped(_)) && !self.out_of_memory && !self.out_of_processes
    }
}
