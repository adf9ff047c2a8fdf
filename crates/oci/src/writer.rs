//! Writing images: an OCI image layout, as a directory or as a tar archive. Everything is staged next to the target
//! and appears there at once, or not at all. The same content gives the same bytes.

use crate::Error;
use crate::digest::Hasher;
use crate::manifest::{Descriptor, ImageConfig, Index, Manifest, media_type};
use crate::source::layout::REF_NAME;
pub use grow::GrowingLayout;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

mod grow;
mod part;

/// Content of the file `oci-layout`.
const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Size of the buffer for copying blobs.
const BUFFER_BYTES: usize = 128 << 10;

/// An image layout in the making. Dropped without being finished, it leaves nothing behind.
#[derive(Debug)]
pub struct LayoutWriter {
    target: PathBuf,
    staging: TempDir,
    entries: Vec<Descriptor>,
}

impl LayoutWriter {
    /// Starts a layout that will appear at `target`, which must not exist yet; its directory must.
    pub fn new(target: &Path) -> Result<LayoutWriter, Error> {
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        let what = || format!("writing next to {}", target.display());
        let staging = tempfile::Builder::new()
            .prefix(".image-")
            .tempdir_in(parent(target))
            .map_err(Error::io(what()))?;
        std::fs::create_dir_all(staging.path().join("blobs/sha256")).map_err(Error::io(what()))?;
        Ok(LayoutWriter { target: target.to_owned(), staging, entries: Vec::new() })
    }

    /// Adds a blob.
    pub fn put_blob(&mut self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        self.put_blob_from(media_type, bytes)
    }

    /// Adds a blob from a reader.
    pub fn put_blob_from(&mut self, media_type: &str, reader: impl Read) -> Result<Descriptor, Error> {
        self.fill(self.blob_writer()?, media_type, reader)
    }

    fn fill(
        &self,
        mut blob: BlobWriter,
        media_type: &str,
        mut reader: impl Read,
    ) -> Result<Descriptor, Error> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = reader
                .read(&mut buffer)
                .map_err(|error| Error::from_io("reading a blob to write it into a layout", error))?;
            if count == 0 {
                return blob.finish(media_type);
            }
            blob.write_all(&buffer[..count]).map_err(Error::io(self.what()))?;
        }
    }

    /// A blob that is written piece by piece.
    pub(crate) fn blob_writer(&self) -> Result<BlobWriter, Error> {
        self.writer_of("sha256", Hasher::Sha256(Sha256::new()))
    }

    fn writer_of(&self, algorithm: &str, hasher: Hasher) -> Result<BlobWriter, Error> {
        let directory = self.staging.path().join("blobs").join(algorithm);
        std::fs::create_dir_all(&directory).map_err(Error::io(self.what()))?;
        let file = NamedTempFile::new_in(&directory).map_err(Error::io(self.what()))?;
        Ok(BlobWriter { file, directory, hasher, bytes: 0 })
    }

    /// Adds an image config.
    pub fn put_config(&mut self, config: &ImageConfig) -> Result<Descriptor, Error> {
        self.put_json(media_type::OCI_CONFIG, config)
    }

    /// Adds a manifest; its descriptor has the media type that it states, else OCI's.
    pub fn put_manifest(&mut self, manifest: &Manifest) -> Result<Descriptor, Error> {
        self.put_json(manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST), manifest)
    }

    /// Adds an index; its descriptor has the media type that it states, else OCI's.
    pub fn put_index(&mut self, index: &Index) -> Result<Descriptor, Error> {
        self.put_json(index.media_type.as_deref().unwrap_or(media_type::OCI_INDEX), index)
    }

    fn put_json(&mut self, media_type: &str, value: &impl Serialize) -> Result<Descriptor, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::Malformed { what: media_type.to_owned(), cause: error.to_string() })?;
        self.put_blob(media_type, &bytes)
    }

    /// Makes a manifest or index findable, under a tag if one is given.
    pub fn add(&mut self, descriptor: &Descriptor, tag: Option<&str>) {
        let mut entry = descriptor.clone();
        if let Some(tag) = tag {
            entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
        }
        self.entries.push(entry);
    }

    /// Puts the layout in its place as a directory.
    pub fn finish_directory(self) -> Result<(), Error> {
        self.write_index()?;
        if self.target.symlink_metadata().is_ok() {
            return Err(exists(&self.target));
        }
        set_readable(self.staging.path()).map_err(Error::io(self.what()))?;
        std::fs::rename(self.staging.path(), &self.target).map_err(Error::io(self.what()))?;
        // The directory moved away; there is nothing left to remove.
        let _ = self.staging.keep();
        Ok(())
    }

    /// Puts the layout in its place as a tar archive.
    pub fn finish_archive(self) -> Result<(), Error> {
        self.write_index()?;
        let what = || format!("writing {}", self.target.display());
        let mut names = Vec::new();
        let blobs = std::fs::read_dir(self.staging.path().join("blobs/sha256")).map_err(Error::io(what()))?;
        for blob in blobs {
            let name = blob.map_err(Error::io(what()))?.file_name();
            names.push(format!("blobs/sha256/{}", name.to_string_lossy()));
        }
        write_tar(self.staging.path(), names, &self.target)
    }

    fn write_index(&self) -> Result<(), Error> {
        let index = index_json(&self.entries)?;
        let directory = self.staging.path();
        std::fs::write(directory.join("oci-layout"), OCI_LAYOUT)
            .and_then(|()| std::fs::write(directory.join("index.json"), index))
            .map_err(Error::io(self.what()))
    }

    fn what(&self) -> String {
        format!("writing {}", self.target.display())
    }
}

/// The bytes of a layout's `index.json`.
fn index_json(entries: &[Descriptor]) -> Result<Vec<u8>, Error> {
    let index = Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: entries.to_vec(),
        subject: None,
        annotations: Default::default(),
    };
    serde_json::to_vec(&index)
        .map_err(|error| Error::Malformed { what: "index.json".to_owned(), cause: error.to_string() })
}

/// Writes a layout as a tar archive, with these of its blobs; the same content gives the same bytes.
fn write_tar(layout: &Path, mut names: Vec<String>, target: &Path) -> Result<(), Error> {
    let what = || format!("writing {}", target.display());
    let archive = NamedTempFile::new_in(parent(target)).map_err(Error::io(what()))?;
    let mut builder = tar::Builder::new(io::BufWriter::with_capacity(BUFFER_BYTES, archive));
    names.extend(["index.json".to_owned(), "oci-layout".to_owned()]);
    names.sort();
    for name in names {
        let file = File::open(layout.join(&name)).map_err(Error::io(what()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(file.metadata().map_err(Error::io(what()))?.len());
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, &name, file).map_err(Error::io(what()))?;
    }
    let buffered = builder.into_inner().map_err(Error::io(what()))?;
    let archive = buffered.into_inner().map_err(|error| Error::io(what())(error.into_error()))?;
    set_readable(archive.path()).map_err(Error::io(what()))?;
    archive.persist_noclobber(target).map_err(|error| Error::io(what())(error.error))?;
    Ok(())
}

/// A blob on its way into a layout; its name is known at the end.
pub(crate) struct BlobWriter {
    file: NamedTempFile,
    directory: PathBuf,
    hasher: Hasher,
    bytes: u64,
}

impl BlobWriter {
    /// Puts the blob in its place.
    pub(crate) fn finish(self, media_type: &str) -> Result<Descriptor, Error> {
        let digest = self.hasher.finish();
        let what = || format!("writing blob {digest}");
        set_readable(self.file.path()).map_err(Error::io(what()))?;
        self.file
            .persist(self.directory.join(digest.hex()))
            .map_err(|error| Error::io(what())(error.error))?;
        Ok(Descriptor::new(media_type, digest, self.bytes))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn exists(target: &Path) -> Error {
    Error::Io {
        what: format!("writing {}", target.display()),
        source: io::Error::new(io::ErrorKind::AlreadyExists, "there is something of that name already"),
    }
}

/// Temporary files are private; an image is for others to read.
#[cfg(unix)]
fn set_readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_readable(_: &Path) -> io::Result<()> {
    Ok(())
}
