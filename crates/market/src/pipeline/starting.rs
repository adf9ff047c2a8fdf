//! The sandbox in which step 2 starts modules on trial: opened at its first use, shared by all certifications, broken off
//! with the task that uses it.

use crate::market::Market;
use crate::offers::blocking;
use crate::tasks::Claim;
use certify::sandbox::{Sandbox, Starter};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;

/// The value of the setting with which no module is started.
const OFF: &str = "off";
/// The value with which it is done where it can be done.
const AUTO: &str = "auto";
/// What [`AUTO`] looks for.
const RUNTIME: &str = "runc";
/// Modules that are up at the same time: each may use a core and 1 GiB.
const AT_ONCE: usize = 2;

/// The sandbox, or why there is none, for the report.
pub(super) async fn sandbox(market: &Market) -> Result<Arc<Sandbox>, String> {
    let open = async || {
        let choice = market.config.settings.sandbox.clone();
        if choice == OFF {
            return Err(certify::sandbox::OFF.to_owned());
        }
        let directory = market.config.data.join("sandbox");
        let name = if choice == AUTO { RUNTIME.to_owned() } else { choice };
        let opened = blocking(move || Ok(Sandbox::open(Path::new(&name), &directory, AT_ONCE))).await;
        let sandbox = opened.map_err(|error| error.to_string()).and_then(|sandbox| sandbox);
        if let Err(cause) = &sandbox {
            tracing::warn!(cause, "modules are not started on trial");
        }
        sandbox.map(Arc::new).map_err(|cause| format!("modules cannot be started by this worker: {cause}"))
    };
    market.sandbox.get_or_init(open).await.clone()
}

/// For the engine.
pub(super) fn starter<'a>(sandbox: &'a Result<Arc<Sandbox>, String>, stop: &'a AtomicBool) -> Starter<'a> {
    match sandbox {
        Ok(sandbox) => Starter::With(sandbox, stop),
        Err(reason) => Starter::Off(reason),
    }
}

/// Set when the task is to stop.
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    watch: JoinHandle<()>,
}

impl Stop {
    /// Follows a task.
    pub(super) fn of(claim: &Claim) -> Stop {
        let flag = Arc::new(AtomicBool::new(false));
        let (token, set) = (claim.stop.clone(), Arc::clone(&flag));
        let watch = tokio::spawn(async move {
            token.cancelled().await;
            set.store(true, Ordering::Relaxed);
        });
        Stop { flag, watch }
    }

    /// The flag.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.flag
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
