//! The sandbox of one `certify` run: opened where the flag asks for it, and emptied when the user breaks the run off.

use crate::interrupt::STATUS_INTERRUPTED;
use crate::output::Failure;
use certify::sandbox::{Sandbox, Starter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the end of an interrupted program takes at most: evidence that is half written is written whole.
const END_MAX: Duration = Duration::from_secs(10);

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
        Ok(Starting { sandbox: Some(sandbox), stop })
    }

    /// For the engine.
    pub fn starter(&self) -> Starter<'_> {
        match &self.sandbox {
            Some(sandbox) => Starter::With(sandbox, &self.stop),
            None => Starter::Off(certify::sandbox::OFF),
        }
    }

    /// For the thread that waits for signals: breaks a start off, and says whether nothing of it is left.
    pub fn stopper(&self) -> impl Fn() -> bool + Send + 'static {
        let (sandbox, stop) = (self.sandbox.clone(), Arc::clone(&self.stop));
        move || {
            stop.store(true, Ordering::Relaxed);
            sandbox.as_ref().is_none_or(|sandbox| !sandbox.is_busy())
        }
    }

    /// Goes no further when the user broke the run off: the thread that waits for signals ends the program.
    pub fn end_if_interrupted(&self) {
        if self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(END_MAX);
            std::process::exit(i32::from(STATUS_INTERRUPTED));
        }
    }
}

/// Where images are unpacked: beside the evidence, which lies on a disk that is meant for such things.
pub fn directory(cache: Option<&Path>) -> PathBuf {
    let beside = cache.and_then(Path::parent).map(|above| above.join("sandbox"));
    beside.unwrap_or_else(|| std::env::temp_dir().join("edgemarket-sandbox"))
}
