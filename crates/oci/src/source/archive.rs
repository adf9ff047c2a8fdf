//! Tar archives as a file system for reading: one pass notes where each file lies, then files are read in place.
//! Nothing is unpacked to the disk, with one exception: an archive that is compressed as a whole cannot be read in
//! place, so it is decompressed once into a temporary file, which goes away with the source.
//!
//! Names from the archive are only keys of a map, never paths of this machine.

use crate::Error;
use flate2::bufread::MultiGzDecoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Most entries of an archive. An image archive has one per blob, and three per layer in Docker's old form; an export of a
/// marketplace has all of its images. Each takes some 200 bytes of memory.
const ENTRIES_MAX: usize = 100_000;

/// Longest entry name in bytes.
const NAME_BYTES_MAX: usize = 1_024;

/// Most bytes that a compressed archive may unpack to.
const UNPACKED_BYTES_MAX: u64 = 16 << 30;

/// Most links followed from one name.
const LINKS_MAX: usize = 8;

/// Where the files of a tar archive lie.
#[derive(Debug)]
pub(crate) struct TarIndex {
    path: PathBuf,
    unpacked: Option<NamedTempFile>,
    entries: HashMap<String, Place>,
}

#[derive(Debug)]
enum Place {
    File { offset: u64, bytes: u64 },
    Link(String),
}

impl TarIndex {
    /// Reads the archive's table of entries.
    pub(crate) fn read(path: &Path) -> Result<TarIndex, Error> {
        let mut file = open_file(path)?;
        let mut magic = Vec::new();
        let reading = || format!("reading {}", path.display());
        (&mut file).take(4).read_to_end(&mut magic).map_err(Error::io(reading()))?;
        file.rewind().map_err(Error::io(reading()))?;
        if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || magic.starts_with(b"\xfd7zX") {
            return Err(Error::Unsupported(format!(
                "archive {} (compressed with zstd or xz)",
                path.display()
            )));
        }
        let unpacked = match magic.starts_with(&[0x1f, 0x8b]) {
            true => Some(unpack(file, path)?),
            false => None,
        };
        let file = open_file(unpacked.as_ref().map_or(path, NamedTempFile::path))?;
        let entries = read_entries(file, path)?;
        Ok(TarIndex { path: path.to_owned(), unpacked, entries })
    }

    /// The archive's path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a file or link of that name is there.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A file's bytes and size, links followed inside the archive.
    pub(crate) fn open(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error> {
        let (offset, bytes) = self.place(name)?;
        let mut file = open_file(self.unpacked.as_ref().map_or(&self.path, |file| file.path()))?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io(format!("reading {}", self.path.display())))?;
        Ok((Box::new(file.take(bytes)), bytes))
    }

    fn place(&self, name: &str) -> Result<(u64, u64), Error> {
        let mut name = name;
        for _ in 0..=LINKS_MAX {
            match self.entries.get(name) {
                Some(Place::File { offset, bytes }) => return Ok((*offset, *bytes)),
                Some(Place::Link(target)) => name = target,
                None => {
                    return Err(Error::NotFound(format!("{} in {}", shorten(name), self.path.display())));
                }
            }
        }
        Err(Error::Limit {
            what: format!("chain of links at {} in {}", shorten(name), self.path.display()),
            limit: format!("{LINKS_MAX} links"),
        })
    }
}

/// The error for an archive that is none of an image.
pub(crate) fn no_image(path: &Path) -> Error {
    Error::Malformed {
        what: format!("archive {}", path.display()),
        cause: "it has neither oci-layout nor manifest.json, so it holds no image".to_owned(),
    }
}

fn open_file(path: &Path) -> Result<File, Error> {
    let metadata = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound(format!("archive {}", path.display())),
        _ => Error::io(format!("opening {}", path.display()))(error),
    })?;
    if !metadata.is_file() {
        return Err(Error::Unsupported(format!("archive {} (no regular file)", path.display())));
    }
    File::open(path).map_err(Error::io(format!("opening {}", path.display())))
}

fn unpack(file: File, path: &Path) -> Result<NamedTempFile, Error> {
    let what = || format!("unpacking {} into a temporary file", path.display());
    let mut target = NamedTempFile::new().map_err(Error::io(what()))?;
    let mut plain =
        MultiGzDecoder::new(BufReader::with_capacity(128 << 10, file)).take(UNPACKED_BYTES_MAX + 1);
    let count = std::io::copy(&mut plain, &mut target).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::InvalidInput
        | std::io::ErrorKind::InvalidData => {
            Error::Malformed { what: format!("archive {}", path.display()), cause: error.to_string() }
        }
        _ => Error::io(what())(error),
    })?;
    match count > UNPACKED_BYTES_MAX {
        true => Err(Error::Limit {
            what: format!("uncompressed content of {}", path.display()),
            limit: format!("{UNPACKED_BYTES_MAX} bytes"),
        }),
        false => Ok(target),
    }
}

fn read_entries(file: File, path: &Path) -> Result<HashMap<String, Place>, Error> {
    let malformed = |cause: String| Error::Malformed { what: format!("archive {}", path.display()), cause };
    let file_bytes = file.metadata().map_err(Error::io(format!("reading {}", path.display())))?.len();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut entries = HashMap::new();
    for entry in archive.entries_with_seek().map_err(|error| malformed(error.to_string()))? {
        let entry = entry.map_err(|error| malformed(error.to_string()))?;
        let name = entry.path_bytes();
        let Some(name) = normalise("", &name) else {
            return Err(malformed(format!(
                "an entry is named {:?}; names must be relative UTF-8 of at most {NAME_BYTES_MAX} bytes without \
                 \"..\"",
                shorten(&String::from_utf8_lossy(&name))
            )));
        };
        let kind = entry.header().entry_type();
        let place = if kind.is_file() || kind.is_contiguous() {
            let (offset, bytes) = (entry.raw_file_position(), entry.size());
            if offset.checked_add(bytes).is_none_or(|end| end > file_bytes) {
                return Err(malformed(format!("it ends inside of entry {:?}", shorten(&name))));
            }
            Place::File { offset, bytes }
        } else if kind.is_symlink() || kind.is_hard_link() {
            // A symbolic link is relative to its directory, a hard link to the archive's root.
            let base = if kind.is_symlink() { parent(&name) } else { "" };
            let target = entry.link_name_bytes().and_then(|target| normalise(base, &target));
            let Some(target) = target else {
                return Err(malformed(format!(
                    "entry {:?} is a link that leaves the archive",
                    shorten(&name)
                )));
            };
            Place::Link(target)
        } else if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        } else {
            return Err(malformed(format!("entry {:?} is no file, directory or link", shorten(&name))));
        };
        if entries.insert(name.clone(), place).is_some() {
            return Err(malformed(format!("it has two entries named {:?}", shorten(&name))));
        }
        if entries.len() > ENTRIES_MAX {
            return Err(Error::Limit {
                what: format!("number of entries in {}", path.display()),
                limit: ENTRIES_MAX.to_string(),
            });
        }
    }
    Ok(entries)
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `base` and `name` joined, without `.` and `..`. `None` if the name is absolute, too long, not UTF-8 or leaves the
/// archive.
pub(crate) fn normalise(base: &str, name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if name.starts_with('/') || name.contains('\0') || name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn shorten(name: &str) -> String {
    name.chars().take(200).collect()
}
