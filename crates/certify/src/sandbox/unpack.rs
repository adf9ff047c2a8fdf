//! Unpacks an image into a directory that is thrown away after the start: the one place where an image reaches the disk.
//! Layers in order, whiteouts and opaque directories honoured, digests and diff IDs verified while they stream by.
//! Devices, fifos and sparse files are left out and said; owners are those of the sandbox.

use super::root::Root;
use crate::files::printable;
use crate::layer::{PathKey, path_key};
use crate::tarwalk::{Entry, Kind, Walker};
use oci::layer::{LayerLimits, LayerReader};
use oci::manifest::{Descriptor, Document, ImageRef};
use oci::source::Source;
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Most entries of all layers; each takes an inode. Images of Debian with Python and Node have 100,000.
pub(super) const ENTRIES_MAX: u64 = 1_000_000;

/// Bytes copied at a time.
const CHUNK_BYTES: u64 = 128 << 10;

/// What an unpacked image is short of.
pub(super) type LeftOut = BTreeSet<&'static str>;

/// Unpacks; the error says what could not be done.
pub(super) fn unpack(
    source: &dyn Source,
    image: &ImageRef,
    bytes_max: u64,
    stop: &AtomicBool,
    root: &mut Root,
) -> Result<LeftOut, String> {
    let bytes = source.manifest(&image.descriptor).map_err(|error| error.to_string())?;
    let Ok(Document::Manifest(manifest)) = oci::manifest::parse(&bytes, Some(&image.descriptor.media_type))
    else {
        return Err("its manifest is none of an image".to_owned());
    };
    let config = source.manifest(&manifest.config).map_err(|error| error.to_string())?;
    let config = oci::manifest::parse_config(&config).map_err(|error| error.to_string())?;
    let mut work = Unpack { root, stop, entries: 0, bytes_left: bytes_max, left_out: LeftOut::new() };
    for (index, layer) in manifest.layers.iter().enumerate() {
        let diff_id = config.rootfs.diff_ids.get(index).copied();
        let raw = source.blob(layer).map_err(|error| error.to_string())?;
        let limits = LayerLimits { uncompressed_bytes_max: work.bytes_left };
        let reader = LayerReader::open(raw, layer, diff_id, limits).map_err(|error| error.to_string())?;
        work.layer(layer, reader)?;
    }
    Ok(work.left_out)
}

struct Unpack<'a> {
    root: &'a mut Root,
    stop: &'a AtomicBool,
    entries: u64,
    bytes_left: u64,
    left_out: LeftOut,
}

impl Unpack<'_> {
    fn layer(&mut self, layer: &Descriptor, reader: LayerReader) -> Result<(), String> {
        let mut walker = Walker::new(reader);
        let mut brought: HashSet<PathKey> = HashSet::new();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(super::STOPPED.to_owned());
            }
            let entry = match walker.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => return Err(format!("layer {}: {error}", layer.digest)),
            };
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(format!("it has more than {ENTRIES_MAX} files"));
            }
            self.entry(&entry, &mut walker, &mut brought)
                .map_err(|error| format!("{} of layer {}: {error}", printable(&entry.name), layer.digest))?;
        }
        let read = walker.into_inner().finish().map_err(|error| error.to_string())?;
        self.bytes_left = self.bytes_left.saturating_sub(read.uncompressed_bytes);
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &Entry,
        walker: &mut Walker<LayerReader>,
        brought: &mut HashSet<PathKey>,
    ) -> io::Result<()> {
        let path = normal(&entry.name)?;
        let name_at = memchr::memrchr(b'/', &path).map_or(0, |at| at + 1);
        if let Some(hidden) = path[name_at..].strip_prefix(b".wh.") {
            let directory = &path[..name_at.saturating_sub(1)];
            return self.whiteout(directory, hidden, brought);
        }
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            brought.insert(key(&path[..at]));
        }
        brought.insert(key(&path));
        match entry.kind {
            Kind::Directory if path.is_empty() => Ok(()),
            _ if path.is_empty() => Err(io::Error::other("something other than a directory is the root")),
            Kind::Directory => self.root.directory(&path, entry),
            Kind::File if entry.sparse_size.is_some() => {
                self.left_out.insert("sparse files");
                self.root.remove(&path)
            }
            Kind::File => self.file(&path, entry, walker),
            Kind::SymLink => self.root.symlink(&path, entry),
            Kind::HardLink => {
                let target = normal(&entry.link)?;
                self.root.hard_link(&path, &target)
            }
            Kind::CharDevice | Kind::BlockDevice => {
                self.left_out.insert("device nodes");
                self.root.remove(&path)
            }
            Kind::Fifo => {
                self.left_out.insert("fifos");
                self.root.remove(&path)
            }
            Kind::Other(_) => Ok(()),
        }
    }

    fn whiteout(&mut self, directory: &[u8], hidden: &[u8], brought: &HashSet<PathKey>) -> io::Result<()> {
        match hidden {
            b".wh..opq" => self.root.empty(directory, &|name| brought.contains(&key(&join(directory, name)))),
            // Marks of aufs, which name no file.
            _ if hidden.starts_with(b".wh.") => Ok(()),
            b"" | b"." | b".." => Err(io::Error::other("a whiteout names no file")),
            _ => self.root.remove(&join(directory, hidden)),
        }
    }

    fn file(&mut self, path: &[u8], entry: &Entry, walker: &mut Walker<LayerReader>) -> io::Result<()> {
        let mut file = self.root.file(path)?;
        let mut buffer = Vec::new();
        while walker.data_left() > 0 {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other(super::STOPPED));
            }
            buffer.clear();
            walker.read_data(CHUNK_BYTES, &mut buffer).map_err(io::Error::other)?;
            file.write_all(&buffer)?;
        }
        self.root.close(&file, entry)
    }
}

/// Without `.`, empty parts and the leading `/`. A name with `..` is refused: no good tool writes one.
fn normal(name: &[u8]) -> io::Result<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(io::Error::other("the name contains `..`")),
            part if part.contains(&0) => return Err(io::Error::other("the name contains a NUL")),
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

fn key(path: &[u8]) -> PathKey {
    path_key(&printable(path))
}
