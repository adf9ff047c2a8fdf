//! Blobs as plain files, for one machine with one disk.
//!
//! ```text
//! DIR/blobs/sha256/ab/abcdef…     a blob, complete, verified, never changed; its name is its digest
//! DIR/blobs/sha512/ab/abcdef…     the same, for those that were pushed by such a digest
//! DIR/quarantine/sha256-abcdef…   what a scrub found to be rotten
//! ```
//!
//! A spooled file is synced, renamed into place, and then the directory is synced: at no instant, crash or power cut
//! included, is there a partial or wrong file under `blobs/`.

use super::{
    Error, at, blocking,
    reader::Reader,
    storage::{Blob, Spooled, Storage, Stored},
    sync_dir,
};
use bytes::Bytes;
use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt, TryStreamExt},
};
use oci::digest::Digest;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Algorithms of digests, each with a directory of its own.
const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];

pub(super) struct Directory {
    blobs: PathBuf,
    quarantine: PathBuf,
    reader: Reader,
}

impl Directory {
    /// Makes what is missing. Blocks for a moment.
    pub fn open(dir: &Path) -> Result<Directory, Error> {
        let blobs = dir.join("blobs");
        for algorithm in ALGORITHMS {
            let parent = blobs.join(algorithm);
            fs::create_dir_all(&parent).map_err(at("create", &parent))?;
            // All 256 now, so that no write ever has to make one and sync its parent.
            for byte in 0..=u8::MAX {
                let path = parent.join(hex::encode([byte]));
                match fs::create_dir(&path) {
                    Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(at("create", &path)(e)),
                    _ => {}
                }
            }
            sync_dir(&parent)?;
        }
        for path in [&blobs, dir] {
            sync_dir(path)?;
        }
        Ok(Directory { blobs, quarantine: dir.join("quarantine"), reader: Reader::default() })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.hex();
        self.blobs.join(digest.algorithm()).join(&name[..2]).join(name)
    }
}

impl Storage for Directory {
    /// An equal blob that is already there is replaced, which heals one that the disk has damaged; those who read it keep
    /// the file they opened.
    fn keep<'a>(&'a self, spooled: Spooled<'a>) -> BoxFuture<'a, Result<(), Error>> {
        let (from, to) = (spooled.path.to_owned(), self.path(&spooled.digest));
        Box::pin(blocking(move || {
            let file = fs::File::open(&from).map_err(at("store", &from))?;
            file.sync_all().map_err(at("sync", &from))?;
            fs::rename(&from, &to).map_err(at("store", &to))?;
            sync_dir(to.parent().expect("a blob lies in a directory"))
        }))
    }

    fn open<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<Blob>, Error>> {
        let (path, reader) = (self.path(digest), self.reader.clone());
        Box::pin(blocking(move || match fs::File::open(&path) {
            Ok(file) => {
                let size = file.metadata().map_err(at("read", &path))?.len();
                Ok(Some(Blob::file(file, size, reader)))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at("open", &path)(e)),
        }))
    }

    fn size<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        let path = self.path(digest);
        Box::pin(blocking(move || size_of(&path)))
    }

    fn read<'a>(&'a self, digest: &'a Digest, size_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        let path = self.path(digest);
        Box::pin(blocking(move || match size_of(&path)? {
            None => Ok(None),
            Some(found) if found > size_max => Err(Error::TooLarge { limit: size_max }),
            Some(_) => fs::read(&path).map(|bytes| Some(bytes.into())).map_err(at("read", &path)),
        }))
    }

    fn open_blocking(&self, digest: &Digest) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(fs::File::open(self.path(digest))?))
    }

    fn link<'a>(&'a self, _digest: &'a Digest) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn list(&self) -> BoxStream<'_, Result<Stored, Error>> {
        let parents = ALGORITHMS.into_iter().flat_map(|algorithm| {
            let parent = self.blobs.join(algorithm);
            (0..=u8::MAX).map(move |byte| (algorithm, parent.join(hex::encode([byte]))))
        });
        stream::iter(parents)
            .then(|(algorithm, parent)| blocking(move || list_one(algorithm, &parent)))
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Not synced: one that is there again after a power cut is as unneeded as before.
    fn remove<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<(), Error>> {
        let path = self.path(digest);
        Box::pin(blocking(move || match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(at("remove", &path)(e)),
        }))
    }

    fn set_aside<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, Error>> {
        let (from, quarantine) = (self.path(digest), self.quarantine.clone());
        let to = quarantine.join(format!("{}-{}", digest.algorithm(), digest.hex()));
        Box::pin(blocking(move || {
            fs::create_dir_all(&quarantine).map_err(at("create", &quarantine))?;
            match fs::rename(&from, &to) {
                Ok(()) => {
                    sync_dir(&quarantine)?;
                    sync_dir(from.parent().expect("a blob lies in a directory"))?;
                    Ok(true)
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(e) => Err(at("set aside", &from)(e)),
            }
        }))
    }
}

fn size_of(path: &Path) -> Result<Option<u64>, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(at("read", path)(e)),
    }
}

/// What lies in one of the directories. A name that is no digest is somebody else's file and no business of ours.
fn list_one(algorithm: &str, parent: &Path) -> Result<Vec<Stored>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).map_err(at("list", parent))? {
        let entry = entry.map_err(at("list", parent))?;
        let name = entry.file_name();
        let digest = name.to_str().and_then(|name| format!("{algorithm}:{name}").parse().ok());
        // One that goes meanwhile was not there.
        if let (Some(digest), Ok(metadata)) = (digest, entry.metadata()) {
            found.push(Stored { digest, size: metadata.len() });
        }
    }
    Ok(found)
}
