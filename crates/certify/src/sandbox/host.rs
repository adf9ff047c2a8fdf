//! What this host offers for starting modules: the programs that it takes, whether namespaces may be made, which users a
//! module's become, and which platforms run here. It is asked once; nothing is changed.

use super::cgroup::Cgroups;
use offer::platform::Platform;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs are looked for besides `PATH`: Debian's runc is among the administrator's.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// First of the 65,536 host users that a module's become: the last block of those that are reserved for containers
/// (systemd, *Users, Groups, UIDs and GIDs*: 524288 to 1879048191), so that no file and no process of the host is theirs.
pub(super) const FIRST_ID: u32 = 1_878_982_656;

/// How many users a module may have.
pub(super) const IDS: u32 = 65_536;

/// The user that ids beyond [`IDS`] become.
const NOBODY: u32 = 65_534;

/// Which users of the host a module's become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// We are root, and user namespaces work: users that own nothing else.
    Mapped,
    /// We are root, and user namespaces are not allowed: the same numbers, without capabilities.
    Plain,
    /// We are not root: every user of the module is the one who called.
    Caller,
}

impl Ids {
    /// The host's number of a module's user or group; `None` for the caller's own.
    pub(super) fn on_host(self, id: u64) -> Option<u32> {
        let small = u32::try_from(id).ok().filter(|id| *id < IDS).unwrap_or(NOBODY);
        match self {
            Ids::Mapped => Some(FIRST_ID + small),
            Ids::Plain => Some(small),
            Ids::Caller => None,
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) runtime: PathBuf,
    pub(super) setpriv: PathBuf,
    pub(super) unshare: PathBuf,
    pub(super) ids: Ids,
    pub(super) cgroups: Result<Cgroups, String>,
}

impl Host {
    /// Looks for what is needed; the error says what is missing.
    pub(super) fn probe(runtime: &Path) -> Result<Host, String> {
        let runtime =
            find(runtime).ok_or_else(|| format!("there is no {} on this host", runtime.display()))?;
        said(Command::new(&runtime).arg("--version"), &format!("{} --version", runtime.display()))?;
        let tool = |name: &str| {
            find(Path::new(name)).ok_or_else(|| format!("there is no {name} (util-linux) on this host"))
        };
        let (setpriv, unshare) = (tool("setpriv")?, tool("unshare")?);
        let root = rustix::process::geteuid().is_root();
        let namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "true"];
        let mut probe = Command::new(&unshare);
        let ids = match root {
            true if said(Command::new(&unshare).args(["--user", "true"]), "unshare --user").is_ok() => {
                Ids::Mapped
            }
            true => Ids::Plain,
            false => {
                probe.args(["--user", "--map-root-user"]);
                Ids::Caller
            }
        };
        said(probe.args(namespaces), "namespaces cannot be made: unshare")?;
        Ok(Host { runtime, setpriv, unshare, ids, cgroups: Cgroups::of_host() })
    }
}

/// Runs a program that should say nothing; the error has its last line.
fn said(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.env("PATH", PATH).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{what} cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let text = String::from_utf8_lossy(&output.stderr);
            Err(format!("{what} failed: {}", text.lines().last().unwrap_or("it says nothing")))
        }
    }
}

/// A path as it is; a name along `PATH`, then in the usual directories.
fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).chain(std::env::split_paths(PATH)).collect();
    let absolute = directories.into_iter().filter(|directory| directory.is_absolute());
    absolute.map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// This host's architecture in Go's spelling.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// Whether a platform runs here: natively, or by the emulator that is named; the error says why not.
pub(super) fn runs_here(platform: &Platform) -> Result<Option<String>, String> {
    let here = architecture();
    if platform.os() != "linux" {
        return Err(format!("{platform} does not run on this host (linux/{here})"));
    }
    if platform.architecture() == here {
        return Ok(None);
    }
    let emulator = match platform.architecture() {
        "amd64" => "x86_64",
        "386" => "i386",
        "arm64" => "aarch64",
        "loong64" => "loongarch64",
        other => other,
    };
    let known = !emulator.is_empty() && emulator.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let entry = format!("/proc/sys/fs/binfmt_misc/qemu-{emulator}");
    match known && std::fs::read_to_string(entry).is_ok_and(|text| emulator_is_ready(&text)) {
        true => Ok(Some(format!("qemu-{emulator}"))),
        false => Err(format!(
            "{platform} is not the platform of this host (linux/{here}), and no emulator is registered for it \
             (binfmt_misc qemu-{emulator} with flag F)"
        )),
    }
}

/// An entry of binfmt_misc that is enabled and whose interpreter was opened when it was registered (`F`): it works in
/// another root.
fn emulator_is_ready(entry: &str) -> bool {
    let mut lines = entry.lines();
    lines.next() == Some("enabled")
        && lines.any(|line| line.strip_prefix("flags: ").is_some_and(|flags| flags.contains('F')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_counts_when_it_works_in_another_root() {
        let entry = |state: &str, flags: &str| {
            format!(
                "{state}\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: {flags}\noffset 0\n"
            )
        };
        assert!(emulator_is_ready(&entry("enabled", "POCF")));
        assert!(!emulator_is_ready(&entry("enabled", "POC")));
        assert!(!emulator_is_ready(&entry("disabled", "F")));
        assert!(!emulator_is_ready(""));
    }

    #[test]
    fn another_system_or_machine_is_said() {
        let windows = runs_here(&Platform::new("windows", "amd64", None)).expect_err("not here");
        assert!(windows.starts_with("windows/amd64 does not run on this host"), "{windows}");
        let odd = runs_here(&Platform::new("linux", "../x", None)).expect_err("no machine");
        assert!(odd.contains("no emulator"), "{odd}");
        assert_eq!(runs_here(&Platform::new("linux", architecture(), None)), Ok(None));
    }

    #[test]
    fn ids_never_leave_the_block() {
        assert_eq!(Ids::Mapped.on_host(0), Some(FIRST_ID));
        assert_eq!(Ids::Mapped.on_host(u64::MAX), Some(FIRST_ID + NOBODY));
        assert_eq!(Ids::Plain.on_host(1000), Some(1000));
        assert_eq!(Ids::Caller.on_host(0), None);
    }
}
