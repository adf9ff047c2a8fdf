//! The sandbox of one `certify` run: opened where the flag asks for it, and emptied when the user breaks the run off.

use crate::output::Failure;
use certify::sandbox::{Sandbox, Starter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the report says when nothing asks for a start.
const NOT_ASKED: &str = "no module was started; with --sandbox runc each is started in a sandbox";

/// Exit status of a program that was interrupted, as shells have it (128 + SIGINT).
const STATUS_INTERRUPTED: i32 = 130;

/// The sandbox, or none.
pub struct Starting {
    sandbox: Option<Arc<Sandbox>>,
    stop: Arc<AtomicBool>,
}

impl Starting {
    /// `off`, or the name or path of an OCI runtime. `directory` is where images are unpacked.
    pub fn open(choice: &str, directory: &Path) -> Result<Starting, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        if choice == "off" {
            return Ok(Starting { sandbox: None, stop });
        }
        let sandbox = Sandbox::open(Path::new(choice), directory, 1).map_err(|cause| {
            Failure::could_not_run(
                format!("modules cannot be started here: {cause}"),
                "install runc and util-linux (Debian: runc), or leave out --sandbox",
            )
        })?;
        let sandbox = Arc::new(sandbox);
        stop_on_signals(&sandbox, &stop)?;
        Ok(Starting { sandbox: Some(sandbox), stop })
    }

    /// For the engine.
    pub fn starter(&self) -> Starter<'_> {
        match &self.sandbox {
            Some(sandbox) => Starter::With(sandbox, &self.stop),
            None => Starter::Off(NOT_ASKED),
        }
    }

    /// Ends the program when the user broke it off; what was started is gone by now.
    pub fn end_if_interrupted(&self) {
        if self.stop.load(Ordering::Relaxed) {
            std::process::exit(STATUS_INTERRUPTED);
        }
    }
}

/// Where images are unpacked: beside the evidence, which lies on a disk that is meant for such things.
pub fn directory(cache: Option<&Path>) -> PathBuf {
    let beside = cache.and_then(Path::parent).map(|above| above.join("sandbox"));
    beside.unwrap_or_else(|| std::env::temp_dir().join("edgemarket-sandbox"))
}

/// SIGINT and SIGTERM end a start in order, and the program at once when there is none.
fn stop_on_signals(sandbox: &Arc<Sandbox>, stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| {
        Failure::could_not_run(
            format!("signals cannot be waited for: {cause}"),
            "free some memory, then try again",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (sandbox, stop) = (Arc::clone(sandbox), Arc::clone(stop));
    let wait = move || {
        runtime.block_on(crate::running::signalled());
        stop.store(true, Ordering::Relaxed);
        if !sandbox.is_busy() {
            std::process::exit(STATUS_INTERRUPTED);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(())
}
