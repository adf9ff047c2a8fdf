//! The lock on a directory of vulnerability data: two imports into one file would lose one of them. The kernel gives it
//! back when the process dies, however it dies.

use super::super::error::Error;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held as long as it lives.
///
/// flock(2) locks the open file, not the descriptor, so closing ours frees the lock only when no copy of it is left. A
/// program that another thread starts at this moment has one between fork and exec. So the lock is given back
/// explicitly; that the descriptor is closed on exec (O_CLOEXEC, which the standard library sets) would not be enough.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Locks a directory.
    ///
    /// # Errors
    /// It cannot be opened or locked, or somebody else holds the lock.
    pub(super) fn take(directory: &Path) -> Result<Lock, Error> {
        let file = File::open(directory).map_err(Error::io(format!("opening {}", directory.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                format!("another import is under way in {}", directory.display()),
                "wait until it is done",
            )),
            Err(TryLockError::Error(cause)) => {
                Err(Error::io(format!("locking {}", directory.display()))(cause))
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Where it fails, closing the file does the same, only later.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = Lock::take(directory.path()).expect("nobody holds it");
        // What a child has until it runs another program.
        let copy = lock.0.try_clone().expect("a copy");
        let busy = Lock::take(directory.path()).expect_err("it is held");
        assert!(busy.message.starts_with("another import is under way in "), "{busy}");
        drop(lock);
        let again = Lock::take(directory.path()).expect("it was given back");
        // The copy ends later, and must not free what is no longer its own.
        drop(copy);
        Lock::take(directory.path()).expect_err("it is held again");
        drop(again);
        Lock::take(directory.path()).expect("it was given back again");
    }

    #[test]
    fn a_program_that_is_started_does_not_inherit_the_descriptor() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = Lock::take(directory.path()).expect("nobody holds it");
        let flags = rustix::io::fcntl_getfd(&lock.0).expect("flags of an open descriptor");
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn a_directory_that_is_not_there_is_said() {
        let error = Lock::take(Path::new("/nowhere/at/all")).expect_err("it is not there");
        assert!(error.message.starts_with("opening /nowhere/at/all: "), "{error}");
    }
}
