//! A blob that is not whole yet, in a file beside its place.

use super::{BUFFER_BYTES, parent, set_readable};
use crate::Error;
use crate::digest::Hasher;
use crate::manifest::Descriptor;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where a blob comes from: its bytes from an offset on.
pub(super) type From<'a> = &'a dyn Fn(u64) -> Result<Box<dyn Read + Send + 'a>, Error>;

/// The file, locked until this is dropped.
pub(super) struct Part {
    descriptor: Descriptor,
    path: PathBuf,
    file: File,
    hasher: Hasher,
    bytes: u64,
}

impl Part {
    /// Opens the file beside `place`, or makes it.
    pub fn open(place: &Path, descriptor: &Descriptor) -> Result<Part, Error> {
        let what = || what(descriptor);
        std::fs::create_dir_all(parent(place)).map_err(Error::io(what()))?;
        let path = place.with_file_name(format!(".{}.part", descriptor.digest.hex()));
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let file = options.map_err(Error::io(what()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, "another copy writes it");
                return Err(Error::io(what())(busy));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(what())(error)),
        }
        let (descriptor, hasher) = (descriptor.clone(), descriptor.digest.hasher());
        Ok(Part { descriptor, path, file, hasher, bytes: 0 })
    }

    /// Reads what is there already, and returns how many bytes that are.
    pub fn take_up(&mut self) -> Result<u64, Error> {
        let there = self.file.metadata().map_err(self.failed())?.len();
        if there > self.descriptor.size {
            self.begin_anew()?;
            return Ok(0);
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.bytes < there {
            let count = self.file.read(&mut buffer).map_err(self.failed())?;
            if count == 0 {
                break;
            }
            self.hasher.update(&buffer[..count]);
            self.bytes += count as u64;
        }
        Ok(self.bytes)
    }

    /// Forgets what is there.
    pub fn begin_anew(&mut self) -> Result<(), Error> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(self.failed())?;
        (self.hasher, self.bytes) = (self.descriptor.digest.hasher(), 0);
        Ok(())
    }

    /// Appends the rest, and compares size and digest. `sent` is told of each piece.
    pub fn fill(&mut self, from: From<'_>, sent: &dyn Fn(u64)) -> Result<(), Error> {
        if self.bytes < self.descriptor.size || self.bytes == 0 {
            let left = self.descriptor.size - self.bytes;
            let mut raw = from(self.bytes)?.take(left.saturating_add(1));
            let mut buffer = vec![0; BUFFER_BYTES];
            loop {
                let read = raw.read(&mut buffer);
                let count = read.map_err(|error| Error::from_io(what(&self.descriptor), error))?;
                if count == 0 {
                    break;
                }
                self.file.write_all(&buffer[..count]).map_err(self.failed())?;
                self.hasher.update(&buffer[..count]);
                self.bytes += count as u64;
                sent(count as u64);
            }
        }
        let (expected, what) = (self.descriptor.digest, self.descriptor.digest.to_string());
        if self.bytes != self.descriptor.size {
            return Err(Error::SizeMismatch { what, expected: self.descriptor.size, found: self.bytes });
        }
        match self.hasher.clone().finish() {
            found if found == expected => Ok(()),
            found => Err(Error::DigestMismatch { what, expected, found: Box::new(found) }),
        }
    }

    /// Puts the whole blob in its place.
    pub fn keep(self, place: &Path) -> Result<(), Error> {
        let moved = set_readable(&self.path).and_then(|()| std::fs::rename(&self.path, place));
        moved.map_err(self.failed())
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(what(&self.descriptor))
    }
}

fn what(descriptor: &Descriptor) -> String {
    format!("writing blob {}", descriptor.digest)
}
