//! A layout directory that grows: made where there is none, added to where there is one. Blobs that are there already are
//! not fetched again, so a copy that was broken off goes on where it was. A blob appears under its name when it is whole
//! and verified, and an image is findable when everything that it names is there.

use super::{BUFFER_BYTES, OCI_LAYOUT, exists, index_json, set_readable, write_tar};
use crate::Error;
use crate::client::{BlobPush, CopyEvent, CopyProgress, is_manifest};
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document, Index, MANIFEST_BYTES_MAX, check_json};
use crate::source::{Source, check_bytes, layout::REF_NAME, read_bounded};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Most manifests of one copy.
const MANIFESTS_MAX: usize = 10_000;

/// A layout directory that is being added to.
#[derive(Debug)]
pub struct GrowingLayout {
    directory: PathBuf,
    entries: Vec<Descriptor>,
    /// What was put in, whether it had been there before or not.
    held: BTreeSet<Digest>,
}

impl GrowingLayout {
    /// Opens a layout directory, or makes one; the directory above it must be there.
    pub fn open(directory: &Path) -> Result<GrowingLayout, Error> {
        let what = || format!("writing {}", directory.display());
        let index = directory.join("index.json");
        let entries = match File::open(&index) {
            Ok(file) => {
                let what = index.display().to_string();
                let bytes = read_bounded(file, &what, MANIFEST_BYTES_MAX)?;
                check_json(&bytes, &what, MANIFEST_BYTES_MAX)?;
                let malformed =
                    |error: serde_json::Error| Error::Malformed { what, cause: error.to_string() };
                serde_json::from_slice::<Index>(&bytes).map_err(malformed)?.manifests
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io(format!("reading {}", index.display()))(error)),
        };
        let make = |path: &Path| match std::fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        };
        for path in [directory.to_owned(), directory.join("blobs"), directory.join("blobs/sha256")] {
            make(&path).map_err(Error::io(what()))?;
        }
        std::fs::write(directory.join("oci-layout"), OCI_LAYOUT).map_err(Error::io(what()))?;
        Ok(GrowingLayout { directory: directory.to_owned(), entries, held: BTreeSet::new() })
    }

    /// Brings in a manifest or index with all that it names, verified.
    pub fn put_from(
        &mut self,
        source: &dyn Source,
        root: &Descriptor,
        progress: &CopyProgress,
    ) -> Result<(), Error> {
        let (mut pending, mut manifests, mut blobs) = (vec![root.clone()], Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        while let Some(descriptor) = pending.pop() {
            if !seen.insert(descriptor.digest) {
                continue;
            }
            if !is_manifest(&descriptor.media_type) {
                blobs.push(descriptor);
                continue;
            }
            if manifests.len() >= MANIFESTS_MAX {
                let what = format!("number of manifests below {}", root.digest);
                return Err(Error::Limit { what, limit: MANIFESTS_MAX.to_string() });
            }
            let bytes = source.manifest(&descriptor)?;
            let document = manifest::parse(&bytes, Some(&descriptor.media_type))?;
            if let Document::Manifest(manifest) = &document
                && let Some(layer) = manifest.layers.iter().find(|layer| !layer.urls.is_empty())
            {
                return Err(Error::Unsupported(format!("foreign layer {}", layer.digest)));
            }
            pending.extend(document.children().into_iter().cloned());
            manifests.push((descriptor, bytes));
        }
        progress(CopyEvent::Planned { blobs: blobs.len(), bytes: blobs.iter().map(|blob| blob.size).sum() });
        for blob in blobs {
            let how = match self.has(&blob)? {
                true => BlobPush::Existed,
                false => {
                    self.put(&blob, source.blob(&blob)?, &|bytes| progress(CopyEvent::Sent(bytes)))?;
                    BlobPush::Uploaded
                }
            };
            self.held.insert(blob.digest);
            progress(CopyEvent::Blob(blob, how));
        }
        // Parents were read before their children: whoever finds a manifest finds what it names.
        for (descriptor, bytes) in manifests.into_iter().rev() {
            check_bytes(&descriptor.digest.to_string(), &descriptor, &bytes)?;
            if !self.has(&descriptor)? {
                self.put(&descriptor, &bytes[..], &|_| {})?;
            }
            self.held.insert(descriptor.digest);
            progress(CopyEvent::Manifest(descriptor));
        }
        Ok(())
    }

    /// Makes a manifest or index findable, under a tag if one is given, which moves to it.
    pub fn add(&mut self, descriptor: &Descriptor, tag: Option<&str>) {
        let name = |entry: &Descriptor| entry.annotations.get(REF_NAME).cloned();
        let mut entry = descriptor.clone();
        entry.annotations.remove(REF_NAME);
        if let Some(tag) = tag {
            entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
            self.entries.retain(|known| name(known).as_deref() != Some(tag));
        } else if self.entries.iter().any(|known| known.digest == entry.digest) {
            return;
        }
        self.entries.push(entry);
    }

    /// Makes findable what was added.
    pub fn finish_directory(&self) -> Result<(), Error> {
        let what = || format!("writing {}", self.directory.display());
        let beside = self.directory.join(".index.json.new");
        std::fs::write(&beside, index_json(&self.entries)?)
            .and_then(|()| std::fs::rename(&beside, self.directory.join("index.json")))
            .map_err(Error::io(what()))
    }

    /// Writes what was put in as a tar archive, and removes the directory.
    pub fn finish_archive(self, target: &Path) -> Result<(), Error> {
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        self.finish_directory()?;
        let names =
            self.held.iter().map(|digest| format!("blobs/{}/{}", digest.algorithm(), digest.hex())).collect();
        write_tar(&self.directory, names, target)?;
        std::fs::remove_dir_all(&self.directory)
            .map_err(Error::io(format!("removing {}", self.directory.display())))
    }

    /// Whether the blob is there, whole. It is read, so that a copy mends what was damaged since.
    fn has(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        let path = self.path(descriptor.digest);
        let what = || format!("reading {}", path.display());
        if !path.metadata().is_ok_and(|found| found.is_file() && found.len() == descriptor.size) {
            return Ok(false);
        }
        let mut file = File::open(&path).map_err(Error::io(what()))?;
        let (mut hasher, mut buffer) = (descriptor.digest.hasher(), vec![0; BUFFER_BYTES]);
        loop {
            let count = file.read(&mut buffer).map_err(Error::io(what()))?;
            if count == 0 {
                return Ok(hasher.finish() == descriptor.digest);
            }
            hasher.update(&buffer[..count]);
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.directory.join("blobs").join(digest.algorithm()).join(digest.hex())
    }

    /// Writes beside the place, verifies and renames. The name beside it is always the same, so that nothing is left of
    /// a copy that was killed, and locked, so that two copies do not mix.
    fn put(&self, descriptor: &Descriptor, raw: impl Read, sent: &dyn Fn(u64)) -> Result<(), Error> {
        let what = || format!("writing blob {}", descriptor.digest);
        let path = self.path(descriptor.digest);
        std::fs::create_dir_all(super::parent(&path)).map_err(Error::io(what()))?;
        let beside = path.with_file_name(format!(".{}.part", descriptor.digest.hex()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(what()))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&beside)
            .map_err(Error::io(what()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, "another copy writes it");
                return Err(Error::io(what())(busy));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(what())(error)),
        }
        file.set_len(0).map_err(Error::io(what()))?;
        let mut raw = raw.take(descriptor.size.saturating_add(1));
        let (mut hasher, mut found, mut buffer) = (descriptor.digest.hasher(), 0_u64, vec![0; BUFFER_BYTES]);
        loop {
            let count = raw.read(&mut buffer).map_err(|error| Error::from_io(what(), error))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(Error::io(what()))?;
            found += count as u64;
            sent(count as u64);
        }
        let (digest, what_came) = (hasher.finish(), descriptor.digest.to_string());
        if found != descriptor.size {
            return Err(Error::SizeMismatch { what: what_came, expected: descriptor.size, found });
        }
        if digest != descriptor.digest {
            return Err(Error::DigestMismatch {
                what: what_came,
                expected: descriptor.digest,
                found: Box::new(digest),
            });
        }
        set_readable(&beside).and_then(|()| std::fs::rename(&beside, &path)).map_err(Error::io(what()))
    }
}
