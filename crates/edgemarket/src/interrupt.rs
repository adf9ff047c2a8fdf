//! Ctrl-C and SIGTERM while a command works on this machine: it ends at once with status 130 and leaves nothing behind.
//! Files are written beside their place and renamed, and a process ends only while none is half written; temporary
//! files lie in one directory, which goes with it. Servers end in order instead, see `running`.

use crate::output::Failure;
use crate::running;
use certify::cache::Cache;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// Exit status of an interrupted command, by the shells' convention 128 + SIGINT.
pub const STATUS_INTERRUPTED: u8 = 130;

/// How often it is asked whether everything has ended.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Held while a file of [`write_whole`] is half written.
static WRITING: Mutex<()> = Mutex::new(());

/// The directory for temporary files; it is removed when this is dropped.
pub struct Interruptible(#[allow(dead_code, reason = "it is dropped")] Option<TempDir>);

/// From now on the process ends at a signal, as soon as `stopped` (asked again and again) says that nothing runs any
/// more that has to end in order. `last_words` says so to whoever follows it.
pub fn watch(
    cache: Option<Cache>,
    stopped: impl Fn() -> bool + Send + 'static,
    last_words: impl FnOnce() + Send + 'static,
) -> Result<Interruptible, Failure> {
    let failed = |cause: std::io::Error| {
        Failure::could_not_run(
            format!("signals cannot be waited for: {cause}"),
            "free some memory, then try again",
        )
    };
    // Without a place for temporary files the command goes on: most images need none.
    let scratch = TempDir::with_prefix("edgemarket-").ok();
    let scratch_path = scratch.as_ref().map(|scratch| scratch.path().to_owned());
    if let Some(path) = &scratch_path {
        // Only the first of a process counts; a command line runs one command.
        let _ = tempfile::env::override_temp_dir(path);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let signalled = {
        let _within = runtime.enter();
        running::signalled()
    };
    let wait = move || {
        runtime.block_on(signalled);
        while !stopped() {
            std::thread::sleep(ASK_EVERY);
        }
        let _whole = cache.as_ref().map(Cache::hold);
        let _written = hold();
        last_words();
        if let Some(path) = scratch_path {
            let _ = std::fs::remove_dir_all(path);
        }
        std::process::exit(i32::from(STATUS_INTERRUPTED));
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(Interruptible(scratch))
}

fn hold() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file beside its place and renames it, so that nobody ever finds half of it there. A place that is no regular
/// file, such as a pipe, is written as it is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let _held = hold();
    let write = || {
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return std::fs::write(path, bytes);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    };
    write().map_err(|cause| {
        Failure::could_not_run(
            format!("{} cannot be written: {cause}", path.display()),
            "check the path, its permissions and the space on the disk",
        )
    })
}
