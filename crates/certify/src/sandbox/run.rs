//! Runs a prepared bundle and watches it. The runtime lives in a process namespace of its own, whose end is the end of
//! everything in it, and which the kernel ends when this thread dies, however it dies: `setpriv` asks for that, `unshare`
//! makes the namespaces. Mounts are made in a mount namespace that goes with it, so the host's table never changes.

use super::cgroup::Group;
use super::host::{Host, Ids, PATH};
use super::output::Output;
use super::processes;
use super::scratch::Scratch;
use super::{STOPPED, config};
use crate::sandbox::facts::End;
use rustix::process::Signal;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest time for the runtime to make the container. It takes a tenth of a second; on a loaded host much more.
const SETUP_MAX: Duration = Duration::from_secs(60);

/// Longest time for the kernel to end a process namespace.
const END_MAX: Duration = Duration::from_secs(20);

/// How often is looked whether something happened.
const LOOK: Duration = Duration::from_millis(20);

/// Status of the script when mounting failed.
const MOUNT_FAILED: i32 = 97;

/// Makes the root in the new mount namespace: the unpacked image below, what the module writes above it in memory. As
/// root, the result moves to a directory that the module's user, who is not ours, may look through.
/// Standard error joins standard output for the module alone. Arguments: directory, mount options of the writes, their owner, target or nothing, `overlay` or `bind`, the command.
const SCRIPT: &str = r#"cd "$1" || exit 97
{
    if [ "$5" = overlay ]; then
        mount -t tmpfs -o "$2" tmpfs writes && mkdir -m 755 writes/upper writes/work && chown "$3" writes/upper &&
        mount -t overlay -o lowerdir=image,upperdir=writes/upper,workdir=writes/work overlay root
    else
        mount --bind image root
    fi && { [ -z "$4" ] || mount --move root "$4"; }
} 2>setup || exit 97
shift 5
exec "$@" 2>&1"#;

/// How the sandbox is put together on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) cgroup: bool,
    /// Whether the root can be written, into memory.
    pub(super) writable: bool,
}

/// Why a start did not come to the module.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The throw-away root could not be mounted.
    Mount(String),
    /// The runtime could not make the container.
    Runtime(String),
    /// Something else.
    Other(String),
}

/// What was seen.
pub(super) struct Seen {
    pub(super) end: End,
    pub(super) output: String,
}

/// A bundle that can be run.
pub(super) struct Bundle<'a> {
    pub(super) host: &'a Host,
    pub(super) scratch: &'a Scratch,
    /// Where the root is moved to; the empty path for nowhere.
    pub(super) target: &'a str,
    pub(super) mode: Mode,
    pub(super) observe: Duration,
    pub(super) stop_within: Duration,
}

impl Bundle<'_> {
    /// Runs it to its end. When this returns or panics, no process of it is left.
    pub(super) fn run(&self, stop: &AtomicBool, tell: &dyn Fn(Duration)) -> Result<Seen, Trouble> {
        let other = |what: &'static str| move |error: io::Error| Trouble::Other(format!("{what}: {error}"));
        for name in ["pid", "log", "setup"] {
            let _ = fs::remove_file(self.scratch.path.join(name));
        }
        let (reader, writer) = io::pipe().map_err(other("a pipe cannot be made"))?;
        let mut command = self.command();
        // `unshare` has a word to say when its child is killed, which is not the module's.
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
        let child = command.spawn().map_err(other("setpriv cannot be run"))?;
        // It holds the pipe's writing ends.
        drop(command);
        let mut running =
            Running { child, ended: None, output: Some(thread::spawn(move || Output::read(reader))) };
        let end = self.watch(&mut running, stop, tell);
        let output = running.end();
        match end {
            Ok(End::Exited(1)) if is_refusal(&output) => {
                Ok(Seen { end: End::NotExecuted(output), output: String::new() })
            }
            Ok(end) => Ok(Seen { end, output }),
            Err(trouble) => Err(trouble),
        }
    }

    fn watch(
        &self,
        running: &mut Running,
        stop: &AtomicBool,
        tell: &dyn Fn(Duration),
    ) -> Result<End, Trouble> {
        let is_up = || fs::metadata(self.scratch.path.join("pid")).is_ok_and(|pid| pid.len() > 0);
        running.wait(SETUP_MAX, stop, &|_| (), &is_up)?;
        if !is_up() {
            return match running.ended {
                Some(status) => self.refused(status),
                None => Err(Trouble::Other(format!("the runtime took more than {} s", SETUP_MAX.as_secs()))),
            };
        }
        running.wait(self.observe, stop, tell, &|| false)?;
        if let Some(status) = running.ended {
            return Ok(self.not_executed().unwrap_or(End::Exited(status)));
        }
        let Some(module) = processes::module(running.child.id()) else {
            // It may have ended just now.
            running.wait(Duration::from_secs(1), stop, &|_| (), &|| false)?;
            let lost = || Trouble::Other("its first process cannot be found".to_owned());
            return running.ended.map(End::Exited).ok_or_else(lost);
        };
        module
            .signal(Signal::TERM)
            .map_err(|error| Trouble::Other(format!("it cannot be signalled: {error}")))?;
        running.wait(self.stop_within, stop, &|_| (), &|| false)?;
        Ok(running.ended.map_or(End::IgnoredSigterm, End::Stopped))
    }

    /// Why the container did not come up.
    fn refused(&self, status: i32) -> Result<End, Trouble> {
        if status == MOUNT_FAILED {
            let text = fs::read_to_string(self.scratch.path.join("setup")).unwrap_or_default();
            return Err(Trouble::Mount(text.trim().to_owned()));
        }
        if let Some(end) = self.not_executed() {
            return Ok(end);
        }
        let said = self.log().unwrap_or_else(|| format!("it ended with status {status}"));
        Err(Trouble::Runtime(said))
    }

    /// The runtime's words when it is the program, its directory or its interpreter that is wrong.
    fn not_executed(&self) -> Option<End> {
        let said = self.log()?;
        let of_program = ["exec: ", "exec /", "exec user process", "chdir to cwd", "exec format error"];
        let at = of_program.iter().filter_map(|mark| said.find(mark)).min()?;
        Some(End::NotExecuted(said[at..].trim().to_owned()))
    }

    /// The runtime's last error.
    fn log(&self) -> Option<String> {
        let text = fs::read_to_string(self.scratch.path.join("log")).ok()?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut errors = lines.filter(|line| matches!(line["level"].as_str(), Some("error" | "fatal")));
        errors.next_back().and_then(|line| line["msg"].as_str().map(str::to_owned))
    }

    fn command(&self) -> Command {
        let Bundle { host, scratch, .. } = self;
        let mut command = Command::new(&host.setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(&host.unshare);
        if host.ids == Ids::Caller {
            command.args(["--user", "--map-root-user"]);
        }
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ]);
        let (size, files) = (config::WRITES_BYTES_MAX, config::WRITES_FILES_MAX);
        let owner = host.ids.on_host(0).unwrap_or(0);
        command
            .arg(&scratch.path)
            .arg(format!("size={size},nr_inodes={files},mode=755"))
            .arg(format!("{owner}:{owner}"))
            .arg(self.target)
            .arg(if self.mode.writable { "overlay" } else { "bind" })
            .arg(&host.runtime);
        if !self.mode.cgroup {
            // The runtime then lives without a control group.
            command.arg("--rootless=true");
        }
        let file = |name: &str| scratch.path.join(name);
        command.arg("--root").arg(file("state")).arg("--log").arg(file("log")).args(["--log-format", "json"]);
        command.args(["run", "--keep", "--bundle"]).arg(&scratch.path).arg("--pid-file").arg(file("pid"));
        command.arg(&scratch.name);
        // Away from the terminal's signals, so that Ctrl-C lets us end it in order.
        command.env_clear().env("PATH", PATH).current_dir(Path::new("/"));
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

/// The processes; ended when dropped.
struct Running {
    child: Child,
    ended: Option<i32>,
    output: Option<JoinHandle<Output>>,
}

impl Running {
    /// Waits for the end, a condition, or the time to be over.
    fn wait(
        &mut self,
        time: Duration,
        stop: &AtomicBool,
        tell: &dyn Fn(Duration),
        until: &dyn Fn() -> bool,
    ) -> Result<(), Trouble> {
        let start = Instant::now();
        while self.ended.is_none() && !until() && start.elapsed() < time {
            if stop.load(Ordering::Relaxed) {
                return Err(Trouble::Other(STOPPED.to_owned()));
            }
            tell(start.elapsed());
            thread::sleep(LOOK.min(time.saturating_sub(start.elapsed())));
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Trouble> {
        let ended = self.child.try_wait();
        let ended =
            ended.map_err(|error| Trouble::Other(format!("the runtime cannot be waited for: {error}")))?;
        self.ended = self.ended.or(ended.map(status_of));
        Ok(())
    }

    /// Ends what is left, and gives the output.
    fn end(&mut self) -> String {
        if self.ended.is_none() {
            // The namespace's first process: its end is the end of all in it, and `unshare` buries it.
            if let Some(first) = processes::child_of(self.child.id()) {
                let _ = first.signal(Signal::KILL);
            }
            let start = Instant::now();
            while self.ended.is_none() && start.elapsed() < END_MAX {
                thread::sleep(LOOK);
                if self.look().is_err() {
                    break;
                }
            }
            if self.ended.is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        let output = self.output.take().and_then(|reader| reader.join().ok());
        output.map(Output::text).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.output.is_some() {
            self.end();
        }
    }
}

/// Whether the only words are the runtime's own, whose last act it is to put the program in its place: `exec /app/run:
/// exec format error`.
fn is_refusal(output: &str) -> bool {
    let words = ["exec format error", "no such file or directory", "permission denied"];
    output.starts_with("exec /")
        && output.lines().count() == 1
        && words.iter().any(|words| output.ends_with(&format!(": {words}")))
}

/// As shells have it: 128 and the signal's number.
fn status_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Counts and removes the group of a run.
pub(super) fn bury(group: Option<&Group>) -> (bool, bool) {
    let Some(group) = group else { return (false, false) };
    let counts = (group.out_of_memory(), group.out_of_processes());
    group.remove();
    counts
}
