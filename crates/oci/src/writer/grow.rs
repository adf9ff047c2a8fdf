//! A layout directory that grows: made where there is none, added to where there is one. Blobs that are there already are
//! not fetched again, so a copy that was broken off goes on where it was. A blob appears under its name when it is whole
//! and verified, and an image is findable when everything that it names is there.

use super::part::{From, Part};
use super::{BUFFER_BYTES, OCI_LAYOUT, exists, index_json, write_tar};
use crate::Error;
use crate::client::{BlobPush, CopyEvent, CopyProgress, check_root, is_manifest};
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document, Index, MANIFEST_BYTES_MAX, check_json};
use crate::source::{Source, check_bytes, layout::REF_NAME, read_bounded};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What `docker load` reads.
const DOCKER_MANIFEST: &str = "manifest.json";

/// The annotation by which containerd gives an imported image its name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

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
        check_root(root)?;
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
                    self.put(&blob, &|offset| source.blob_from(&blob, offset), progress.as_ref())?;
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
                let from = |offset: u64| Ok(Box::new(&bytes[(offset as usize).min(bytes.len())..]) as _);
                self.put(&descriptor, &from, &|_| {})?;
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
        self.write_archive(target, None)
    }

    fn write_archive(self, target: &Path, more: Option<&str>) -> Result<(), Error> {
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        self.finish_directory()?;
        let blobs = self.held.iter().map(|digest| format!("blobs/{}/{}", digest.algorithm(), digest.hex()));
        let names = blobs.chain(more.map(str::to_owned)).collect();
        write_tar(&self.directory, names, target)?;
        std::fs::remove_dir_all(&self.directory)
            .map_err(Error::io(format!("removing {}", self.directory.display())))
    }

    /// As [`finish_archive`](GrowingLayout::finish_archive), with what `docker load` reads beside it (`manifest.json`, as Docker's
    /// own `docker save` writes both since version 25): one image, under this name, for example
    /// `registry.example.com/acme/telemetry:1.0`.
    ///
    /// # Errors
    /// `image` is an index: that form has no room for several platforms.
    pub fn finish_docker_archive(
        mut self,
        target: &Path,
        image: &Descriptor,
        name: Option<&str>,
    ) -> Result<(), Error> {
        let bytes = read_bounded(
            File::open(self.path(image.digest)).map_err(Error::io(format!("reading {}", image.digest)))?,
            &image.digest.to_string(),
            MANIFEST_BYTES_MAX,
        )?;
        let Document::Manifest(manifest) = manifest::parse(&bytes, Some(&image.media_type))? else {
            return Err(Error::Unsupported(format!("a Docker archive of the index {}", image.digest)));
        };
        let place = |blob: &Descriptor| format!("blobs/{}/{}", blob.digest.algorithm(), blob.digest.hex());
        let entry = serde_json::json!([{
            "Config": place(&manifest.config),
            "RepoTags": name.into_iter().collect::<Vec<_>>(),
            "Layers": manifest.layers.iter().map(place).collect::<Vec<_>>(),
        }]);
        if let Some(name) = name {
            // Docker over containerd reads the layout, and there the tag alone would be the name.
            for entry in self.entries.iter_mut().filter(|entry| entry.digest == image.digest) {
                entry.annotations.insert(CONTAINERD_NAME.to_owned(), name.to_owned());
            }
        }
        std::fs::write(self.directory.join(DOCKER_MANIFEST), entry.to_string())
            .map_err(Error::io(format!("writing {}", self.directory.display())))?;
        self.write_archive(target, Some(DOCKER_MANIFEST))
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

    /// Brings in one blob that is not there. It is written beside its place, under a name that is always the same, so that
    /// what came before a copy was broken off is not asked for again, and locked, so that two copies do not mix.
    fn put(&self, descriptor: &Descriptor, from: From<'_>, tell: &dyn Fn(CopyEvent)) -> Result<(), Error> {
        let path = self.path(descriptor.digest);
        let mut part = Part::open(&path, descriptor)?;
        let before = part.take_up()?;
        if before > 0 {
            tell(CopyEvent::Resumed(before));
        }
        let sent = |bytes| tell(CopyEvent::Sent(bytes));
        let result = match part.fill(from, &sent) {
            // What came before may be what is wrong, after a power failure. A copy that began anew knows better.
            Err(Error::DigestMismatch { .. }) if before > 0 => {
                part.begin_anew()?;
                part.fill(from, &sent)
            }
            other => other,
        };
        match result {
            Ok(()) => part.keep(&path),
            Err(error) => {
                if matches!(error, Error::DigestMismatch { .. }) {
                    part.begin_anew()?;
                }
                Err(error)
            }
        }
    }
}
