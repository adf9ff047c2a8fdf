//! A source beside which an older image lies: blobs that are there are taken from it, and layers of which the source offers a
//! delta are rebuilt, so that little is fetched. Where a delta does not fit, the plain layer is. Whatever comes out was compared
//! with its digest.

use super::{Source, check_bytes, read_bounded};
use crate::Error;
use crate::delta::{DELTA_TYPE, LayerDelta, PARTS_BYTES_MAX, Parts, apply, offered};
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document, images};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most lists of deltas that are read about one image: there is one for each older version that was thought of.
const LISTS_MAX: usize = 16;

/// Size of the buffers for reading old layers and writing new ones.
const BUFFER_BYTES: usize = 128 << 10;

/// Where a blob did not come from the source as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebuilding {
    /// The older image has it.
    There(Descriptor),
    /// It was rebuilt.
    Rebuilt {
        /// The layer.
        layer: Descriptor,
        /// The older image's layer.
        from: Digest,
        /// Bytes of the delta, which were fetched.
        delta_bytes: u64,
    },
    /// It could not be rebuilt, so that the plain layer is fetched.
    Failed {
        /// The layer.
        layer: Digest,
        /// Why.
        cause: String,
    },
}

/// A source, and an older image.
pub struct DeltaSource {
    source: Arc<dyn Source>,
    old: Box<dyn Source>,
    /// By new layer.
    deltas: HashMap<Digest, Vec<LayerDelta>>,
    scratch: PathBuf,
    told: Mutex<Vec<Rebuilding>>,
}

impl DeltaSource {
    /// Reads which deltas `source` offers for the images of `root`. `old` holds an older image, and is on this machine. What is
    /// rebuilt lies in a file without a name in the directory `scratch` until it is read.
    ///
    /// # Errors
    /// `source` cannot be read. What it says of deltas in a wrong form is passed over.
    pub fn new(
        source: Arc<dyn Source>,
        old: Box<dyn Source>,
        root: &Descriptor,
        scratch: &Path,
    ) -> Result<DeltaSource, Error> {
        let mut deltas: HashMap<Digest, Vec<LayerDelta>> = HashMap::new();
        let mut seen = BTreeSet::new();
        for image in images(source.as_ref(), root)? {
            let mut listed = source.referrers(image.descriptor.digest)?;
            listed.retain(|entry| entry.artifact_type.as_deref() == Some(DELTA_TYPE));
            for entry in listed.iter().take(LISTS_MAX).filter(|entry| seen.insert(entry.digest)) {
                let Ok(bytes) = source.manifest(entry) else { continue };
                let found = manifest::parse(&bytes, Some(&entry.media_type));
                let Ok(Document::Manifest(found)) = found else { continue };
                for delta in offered(&found) {
                    deltas.entry(delta.to).or_default().push(delta);
                }
            }
        }
        Ok(DeltaSource { source, old, deltas, scratch: scratch.to_owned(), told: Mutex::default() })
    }

    /// What was rebuilt so far, and what could not be.
    pub fn told(&self) -> Vec<Rebuilding> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, what: Rebuilding) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// The blob, from the older image or rebuilt; `None` when it has to be fetched.
    fn at_hand(&self, descriptor: &Descriptor) -> Result<Option<Box<dyn Read + Send>>, Error> {
        if self.old_has(descriptor) {
            self.tell(Rebuilding::There(descriptor.clone()));
            return self.old.blob(descriptor).map(Some);
        }
        for delta in self.deltas.get(&descriptor.digest).into_iter().flatten() {
            if delta.to_bytes != descriptor.size || self.old.blob(&delta.from).is_err() {
                continue;
            }
            match self.rebuild(descriptor, delta) {
                Ok(file) => {
                    let (from, delta_bytes) = (delta.from.digest, delta.blob.size);
                    self.tell(Rebuilding::Rebuilt { layer: descriptor.clone(), from, delta_bytes });
                    return Ok(Some(Box::new(file)));
                }
                // The way to the source, or this machine's disk: fetching more will not help.
                Err(error @ (Error::Unreachable { .. } | Error::Io { .. })) => return Err(error),
                Err(error) => {
                    let (layer, cause) = (descriptor.digest, error.to_string());
                    self.tell(Rebuilding::Failed { layer, cause });
                }
            }
        }
        Ok(None)
    }

    /// Whether the older image has the blob, whole.
    fn old_has(&self, descriptor: &Descriptor) -> bool {
        let Ok(raw) = self.old.blob(descriptor) else { return false };
        let mut raw = raw.take(descriptor.size.saturating_add(1));
        let (mut hasher, mut found, mut buffer) = (descriptor.digest.hasher(), 0, vec![0; BUFFER_BYTES]);
        loop {
            match raw.read(&mut buffer) {
                Ok(0) => return found == descriptor.size && hasher.finish() == descriptor.digest,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    found += count as u64;
                }
                Err(_) => return false,
            }
        }
    }

    fn rebuild(&self, layer: &Descriptor, delta: &LayerDelta) -> Result<File, Error> {
        let what = || format!("the delta {} to the layer {}", delta.blob.digest, layer.digest);
        let fault = |fault: crate::delta::Fault| match fault {
            crate::delta::Fault::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                Error::io(format!("rebuilding the layer {}", layer.digest))(error)
            }
            other => Error::Malformed { what: what(), cause: other.to_string() },
        };
        if delta.from.size > PARTS_BYTES_MAX || delta.blob.size > PARTS_BYTES_MAX {
            let limit = format!("{PARTS_BYTES_MAX} bytes");
            return Err(Error::Limit { what: what(), limit });
        }
        let old =
            read_bounded(self.old.blob(&delta.from)?, "an old layer", delta.from.size).map_err(|error| {
                Error::Malformed { what: "the old layer".to_owned(), cause: error.to_string() }
            })?;
        let parts = Parts::of(&delta.from.media_type, &old).map_err(fault)?;
        drop(old);
        let bytes = read_bounded(self.source.blob(&delta.blob)?, &what(), delta.blob.size)?;
        check_bytes(&what(), &delta.blob, &bytes)?;
        let file = tempfile::tempfile_in(&self.scratch)
            .map_err(Error::io(format!("writing in {}", self.scratch.display())))?;
        let mut checked =
            Checked { file: BufWriter::with_capacity(BUFFER_BYTES, file), hasher: layer.digest.hasher() };
        apply(&parts, &bytes, layer.size, &mut checked).map_err(fault)?;
        let found = checked.hasher.finish();
        if found != layer.digest {
            let (expected, found) = (layer.digest, Box::new(found));
            return Err(Error::DigestMismatch { what: format!("what {} gives", what()), expected, found });
        }
        let failed = Error::io(format!("rebuilding the layer {}", layer.digest));
        let mut file = checked.file.into_inner().map_err(|error| error.into_error());
        if let Ok(file) = &mut file {
            file.rewind().map_err(Error::io(format!("rebuilding the layer {}", layer.digest)))?;
        }
        file.map_err(failed)
    }
}

impl Source for DeltaSource {
    fn describe(&self) -> String {
        self.source.describe()
    }

    fn tags(&self) -> Result<Vec<String>, Error> {
        self.source.tags()
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error> {
        self.source.resolve(tag_or_digest)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        self.source.manifest(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        self.blob_from(descriptor, 0)
    }

    fn blob_from(&self, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        let Some(mut raw) = self.at_hand(descriptor)? else {
            return self.source.blob_from(descriptor, offset);
        };
        io::copy(&mut raw.by_ref().take(offset), &mut io::sink())
            .map_err(|error| Error::from_io(format!("reading {}", descriptor.digest), error))?;
        Ok(raw)
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        self.source.referrers(subject)
    }
}

/// Writes and digests.
struct Checked {
    file: BufWriter<File>,
    hasher: crate::digest::Hasher,
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
