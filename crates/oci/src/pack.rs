//! Making images from files, without a container engine: the same input gives the same digest on every machine. There
//! is nothing in it that runs or builds anything.

use crate::Error;
use crate::digest::Digest;
use crate::manifest::{
    Descriptor, History, ImageConfig, Index, Manifest, Platform, RootFs, RunConfig, media_type,
};
use crate::source::archive::normalise;
use crate::writer::LayoutWriter;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Most files of one layer.
const FILES_MAX: usize = 200_000;

/// Deepest directory below a root that is packed.
const DEPTH_MAX: usize = 64;

/// One image for one platform.
#[derive(Debug, Clone)]
pub struct PackSpec {
    /// Platform that the config states.
    pub platform: Platform,
    /// The layers, lowest first.
    pub layers: Vec<PackLayer>,
    /// Entrypoint, command, environment, user, labels, working directory, exposed ports, health check.
    pub config: RunConfig,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// When the image and its files were made, in seconds since 1970 UTC; 0 keeps rebuilds equal.
    pub created_epoch_seconds: u32,
    /// What the history says about the layers' origin.
    pub created_by: String,
}

/// What one layer holds. A file listed in `files` wins over one of the same path below `from_root`.
#[derive(Debug, Clone, Default)]
pub struct PackLayer {
    /// A directory whose content becomes the layer's. Owner becomes root; of the permissions only "executable" is
    /// kept, since the rest depends on the packer's umask.
    pub from_root: Option<PathBuf>,
    /// Single files.
    pub files: Vec<PackFile>,
}

/// One file of a layer. Directories above it are added where they are missing, with mode 755 and owner root.
#[derive(Debug, Clone)]
pub struct PackFile {
    /// Path in the image; a leading `/` is allowed.
    pub path: String,
    /// What is there.
    pub content: PackContent,
    /// Permission bits, at most `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub enum PackContent {
    /// A file with these bytes.
    Bytes(Vec<u8>),
    /// A file with the content of this one.
    File(PathBuf),
    /// A directory.
    Directory,
    /// A symbolic link to this target.
    Link(String),
}

/// Makes the image's blobs and manifest in `writer`. The descriptor carries the platform, as an index wants it; call
/// [`LayoutWriter::add`] or [`pack_index`] with it.
pub fn pack(spec: &PackSpec, writer: &mut LayoutWriter) -> Result<Descriptor, Error> {
    let created = rfc3339(spec.created_epoch_seconds);
    let mut layers = Vec::new();
    let mut diff_ids = Vec::new();
    let mut history = Vec::new();
    for layer in &spec.layers {
        let (descriptor, diff_id) = pack_layer(layer, spec.created_epoch_seconds, writer)?;
        layers.push(descriptor);
        diff_ids.push(diff_id);
        history.push(History {
            created: Some(created.clone()),
            created_by: Some(spec.created_by.clone()).filter(|text| !text.is_empty()),
            comment: None,
            empty_layer: false,
        });
    }
    let config = writer.put_config(&ImageConfig {
        created: Some(created),
        architecture: spec.platform.architecture.clone(),
        os: spec.platform.os.clone(),
        variant: spec.platform.variant.clone(),
        config: spec.config.clone(),
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids },
        history,
    })?;
    let mut descriptor = writer.put_manifest(&Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config,
        layers,
        subject: None,
        annotations: spec.annotations.clone(),
    })?;
    descriptor.platform = Some(spec.platform.clone());
    Ok(descriptor)
}

/// Makes an index of images, each of which states its platform.
pub fn pack_index(
    images: &[Descriptor],
    annotations: &BTreeMap<String, String>,
    writer: &mut LayoutWriter,
) -> Result<Descriptor, Error> {
    writer.put_index(&Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: images.to_vec(),
        subject: None,
        annotations: annotations.clone(),
    })
}

fn pack_layer(layer: &PackLayer, mtime: u32, writer: &LayoutWriter) -> Result<(Descriptor, Digest), Error> {
    let files = collect(layer)?;
    let blob = writer.blob_writer()?;
    let gzip = flate2::GzBuilder::new().mtime(0).write(blob, flate2::Compression::new(6));
    let mut builder = tar::Builder::new(Hashing { inner: gzip, hasher: Sha256::new() });
    let mut directories = BTreeSet::new();
    for (path, file) in &files {
        for (at, _) in path.match_indices('/') {
            let above = &path[..at];
            if !files.contains_key(above) && directories.insert(above.to_owned()) {
                let directory = PackFile {
                    path: above.to_owned(),
                    content: PackContent::Directory,
                    mode: 0o755,
                    uid: 0,
                    gid: 0,
                };
                append(&mut builder, above, &directory, mtime)?;
            }
        }
        append(&mut builder, path, file, mtime)?;
    }
    let writing = || Error::io("writing a layer");
    let hashing = builder.into_inner().map_err(writing())?;
    let diff_id = Digest::from_hasher(hashing.hasher);
    let blob = hashing.inner.finish().map_err(writing())?;
    Ok((blob.finish(media_type::OCI_LAYER_GZIP)?, diff_id))
}

fn append(
    builder: &mut tar::Builder<impl Write>,
    path: &str,
    file: &PackFile,
    mtime: u32,
) -> Result<(), Error> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(file.mode & 0o7777);
    header.set_uid(file.uid.into());
    header.set_gid(file.gid.into());
    header.set_mtime(mtime.into());
    header.set_size(0);
    let result = match &file.content {
        PackContent::Bytes(bytes) => {
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, &bytes[..])
        }
        PackContent::File(from) => {
            let opened = File::open(from).and_then(|file| Ok((file.metadata()?, file)));
            let (metadata, from_file) = opened.map_err(Error::io(format!("reading {}", from.display())))?;
            header.set_size(metadata.len());
            // A file that grows while it is read must not spill over its entry.
            builder.append_data(&mut header, path, io::Read::take(from_file, metadata.len()))
        }
        PackContent::Directory => {
            header.set_entry_type(tar::EntryType::Directory);
            builder.append_data(&mut header, format!("{path}/"), io::empty())
        }
        PackContent::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            builder.append_link(&mut header, path, target)
        }
    };
    result.map_err(Error::io(format!("packing {path}")))
}

/// The layer's files by their path in the image.
fn collect(layer: &PackLayer) -> Result<BTreeMap<String, PackFile>, Error> {
    let mut files = BTreeMap::new();
    if let Some(root) = &layer.from_root {
        walk(root, "", 0, &mut files)?;
    }
    for file in &layer.files {
        let path =
            normalise("", file.path.trim_start_matches('/').as_bytes()).filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| Error::Malformed {
            what: format!("path {:?} in the image", file.path),
            cause: "it is empty, too long or has \"..\"".to_owned(),
        })?;
        files.insert(path, file.clone());
    }
    if files.len() > FILES_MAX {
        return Err(too_many());
    }
    Ok(files)
}

fn walk(
    directory: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, PackFile>,
) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        let what = format!("nesting of directories at {}", directory.display());
        return Err(Error::Limit { what, limit: DEPTH_MAX.to_string() });
    }
    let reading = |path: &Path| Error::io(format!("reading {}", path.display()));
    for entry in std::fs::read_dir(directory).map_err(reading(directory))? {
        let entry = entry.map_err(reading(directory))?;
        let from = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| Error::Unsupported(format!("file name {} (no UTF-8)", from.display())))?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let metadata = entry.metadata().map_err(reading(&from))?;
        let (content, mode) = if metadata.is_dir() {
            walk(&from, &path, depth + 1, files)?;
            (PackContent::Directory, 0o755)
        } else if metadata.is_symlink() {
            let target = std::fs::read_link(&from).map_err(reading(&from))?;
            (PackContent::Link(target.to_string_lossy().into_owned()), 0o777)
        } else if metadata.is_file() {
            let mode = if is_executable(&metadata) { 0o755 } else { 0o644 };
            (PackContent::File(from), mode)
        } else {
            return Err(Error::Unsupported(format!("{} (no file, directory or link)", from.display())));
        };
        files.insert(path.clone(), PackFile { path, content, mode, uid: 0, gid: 0 });
        if files.len() > FILES_MAX {
            return Err(too_many());
        }
    }
    Ok(())
}

fn too_many() -> Error {
    Error::Limit { what: "number of files in a layer".to_owned(), limit: FILES_MAX.to_string() }
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

/// Seconds since 1970 as RFC 3339 in UTC. (Civil date from days: the 400-year cycle begins on 1 March.)
fn rfc3339(seconds: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
