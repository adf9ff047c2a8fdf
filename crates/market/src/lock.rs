//! One process per data directory: an exclusive lock on a file in it, held as long as the process lives. The kernel
//! gives it back when the process dies, however it dies, so a crash leaves nothing to clean up.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The lock; dropping it gives it back.
#[derive(Debug)]
pub struct DataLock(#[allow(dead_code, reason = "held for its lock, never read")] File);

/// Takes the lock of a data directory, or says that somebody else has it.
pub fn acquire(data: &Path) -> Result<DataLock> {
    let path = data.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::io(format!("opening the lock file {}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(DataLock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::setup(
            format!("another edgemarket process uses the data directory {}", data.display()),
            "stop that process, talk to it with --server URL, or choose another --data DIR",
        )),
        Err(TryLockError::Error(source)) => Err(Error::io(format!("locking {}", path.display()))(source)),
    }
}
