//! Layers' evidence on disk, so that a layer is never scanned twice for the same rules. Keyed by layer digest,
//! analyser version and rule set; a file that is missing, broken or of another version is a miss, never an error.

use crate::layer::LayerEvidence;
use oci::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Version of the analysers and of the stored form. Raise it with every change that can change a layer's evidence.
pub const ANALYSER_VERSION: u32 = 7;

/// Largest stored evidence of one layer. A layer of two million entries takes about 60 MB.
const ENTRY_BYTES_MAX: u64 = 256 << 20;

/// A directory of evidence. Several processes may share it.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
    bytes_max: u64,
    /// Held while a file is half written.
    writing: Arc<Mutex<()>>,
}

/// No file of the cache is half written while this lives: see [`Cache::hold`].
#[derive(Debug)]
pub struct Held<'c>(#[allow(dead_code, reason = "it is dropped")] MutexGuard<'c, ()>);

impl Cache {
    /// Uses this directory, which is made when it is not there, and keeps it under `bytes_max` (the oldest go first).
    pub fn open(directory: &Path, bytes_max: u64) -> Result<Cache, oci::Error> {
        let what = || format!("making the cache directory {}", directory.display());
        fs::create_dir_all(directory).map_err(oci::Error::io(what()))?;
        Ok(Cache { directory: directory.to_owned(), bytes_max, writing: Arc::default() })
    }

    /// Evidence of this layer under these rules.
    pub fn get(&self, layer: &Digest, rules_version: &str) -> Option<LayerEvidence> {
        let path = self.path(layer, rules_version);
        if fs::metadata(&path).ok()?.len() > ENTRY_BYTES_MAX {
            return None;
        }
        let stored = fs::read(path).ok()?;
        let (sum, bytes) = stored.split_at_checked(32)?;
        if sum != Sha256::digest(bytes).as_slice() {
            return None;
        }
        let evidence: LayerEvidence = postcard::from_bytes(bytes).ok()?;
        (evidence.facts.digest == *layer).then_some(evidence)
    }

    /// Keeps evidence. A full or read-only disk costs only time, so a failure is logged and forgotten.
    pub fn put(&self, rules_version: &str, evidence: &LayerEvidence) {
        if let Err(error) = self.write(rules_version, evidence) {
            tracing::warn!(layer = %evidence.facts.digest, %error, "evidence could not be cached");
        }
    }

    /// Waits until what is being written is whole, and lets nothing new be begun: for a process that is about to end.
    /// The longest wait is for one layer's evidence to reach the disk.
    pub fn hold(&self) -> Held<'_> {
        // Behind this lock there is nothing that a panic could leave half done but a file, which is removed.
        Held(self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, rules_version: &str, evidence: &LayerEvidence) -> Result<(), std::io::Error> {
        let bytes = postcard::to_stdvec(evidence).map_err(std::io::Error::other)?;
        if bytes.len() as u64 > ENTRY_BYTES_MAX.min(self.bytes_max) {
            return Ok(());
        }
        let path = self.path(&evidence.facts.digest, rules_version);
        let _held = self.hold();
        // A name of its own for each writer: two processes may store the same layer at once.
        let temporary = path.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
        let written = fs::write(&temporary, [Sha256::digest(&bytes).as_slice(), &bytes].concat())
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.shrink()
    }

    /// Removes the oldest files until the rest fits.
    fn shrink(&self) -> Result<(), std::io::Error> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)?.flatten() {
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((modified, metadata.len(), entry.path()));
            }
        }
        let mut total: u64 = files.iter().map(|file| file.1).sum();
        files.sort();
        for (_, bytes, path) in files {
            if total <= self.bytes_max {
                break;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(path);
            total -= bytes;
        }
        Ok(())
    }

    fn path(&self, layer: &Digest, rules_version: &str) -> PathBuf {
        let rules = Digest::of(rules_version.as_bytes()).hex();
        self.directory.join(format!("{}-{ANALYSER_VERSION}-{}.evidence", layer.hex(), &rules[..16]))
    }
}
