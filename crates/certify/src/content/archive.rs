//! Archives inside files: which formats there are, how far they are looked into, and the walk over their members.
//! Nothing is unpacked to disk; a member is scanned while it streams by.

use super::Scanner;
use super::hashing::Hashing;
use crate::evidence::FaultKind;
use crate::tarwalk::{Kind, Walker};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
use std::io::{self, BufReader, Read};

/// Archives are looked into this deep (spec `certification.md`, *Malware*). A compressed tar counts as one.
pub(super) const DEPTH_MAX: u32 = 4;

/// Most members of one file's archives together.
const MEMBERS_MAX: u64 = 200_000;

/// Most bytes that one file may unpack to.
const UNPACKED_BYTES_MAX: u64 = 2 << 30;

/// Most bytes that all archives of one layer may unpack to.
pub(super) const UNPACKED_BYTES_PER_LAYER_MAX: u64 = 8 << 30;

/// An archive that unpacks to more than this many times its size …
const RATIO_MAX: u64 = 200;

/// … and to more than this many bytes is a bomb. Logs and sparse images reach the ratio, but not the size.
const BOMB_BYTES_MIN: u64 = 64 << 20;

/// Largest dictionary of an xz or LZMA stream, in KiB. `xz -9` needs 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 66 << 10;

/// Largest zstd window as a power of two: 8 MiB, what RFC 8878 asks decoders for, and `zstd -19` needs.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// A format that is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Xz,
    Lzma,
    Zstd,
    Tar,
    Zip,
    Deb,
    Bzip2,
    Cpio,
    Rpm,
}

impl Format {
    /// By the first bytes; names lie.
    pub(super) fn of(head: &[u8]) -> Option<Format> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Format::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::Xz),
            // LZMA without a container: dictionary of a power of two, unknown size.
            [0x5d, 0, 0, _, _, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ..] => Some(Format::Lzma),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..] => Some(Format::Bzip2),
            [0xed, 0xab, 0xee, 0xdb, 3, ..] => Some(Format::Rpm),
            _ if super::cpio::is_cpio(head) => Some(Format::Cpio),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
            _ if head.starts_with(b"!<arch>\ndebian-binary") => Some(Format::Deb),
            _ if head.get(257..262) == Some(b"ustar") => Some(Format::Tar),
            _ => None,
        }
    }
}

/// Name of an archive format that is known and not handled.
pub(super) fn not_handled(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("7z"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Some("RAR"),
        [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => Some("cabinet"),
        [b'L', b'Z', b'I', b'P', 0 | 1, ..] => Some("lzip"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("LZ4"),
        [0x1f, 0x9d, 0x80..=0x9f, ..] => Some("compress"),
        // A squashfs of version 4, as Snap and AppImage have it.
        [b'h', b's', b'q', b's', ..] if head.get(28..30) == Some(&[4, 0]) => Some("squashfs"),
        [b'0', b'7', b'0', b'7', b'0', b'7', b'0'..=b'7', ..] => Some("cpio (old portable)"),
        _ => None,
    }
}

/// What one file's archives may use.
pub(super) struct Budget {
    packed: u64,
    unpacked: Cell<u64>,
    unpacked_max: u64,
    members: Cell<u64>,
    exceeded: Cell<Option<Limit>>,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    Ratio,
    Bytes,
    Members,
}

impl Budget {
    pub(super) fn new(packed: u64, left_of_layer: u64) -> Budget {
        Budget {
            packed,
            unpacked: Cell::new(0),
            unpacked_max: UNPACKED_BYTES_MAX.min(left_of_layer),
            members: Cell::new(0),
            exceeded: Cell::new(None),
        }
    }

    pub(super) fn unpacked(&self) -> u64 {
        self.unpacked.get()
    }

    /// The limit that was passed, as kind and fact.
    pub(super) fn exceeded(&self) -> Option<(FaultKind, String)> {
        Some(match self.exceeded.get()? {
            Limit::Ratio => (
                FaultKind::Size,
                format!(
                    "an archive of {} bytes unpacks to more than {} bytes ({RATIO_MAX} times as much): a bomb",
                    self.packed,
                    self.unpacked.get()
                ),
            ),
            Limit::Bytes => (
                FaultKind::Unscanned,
                format!("the archive was looked into only as far as {} unpacked bytes", self.unpacked.get()),
            ),
            Limit::Members => (
                FaultKind::Unscanned,
                format!("the archive was looked into only as far as {MEMBERS_MAX} members"),
            ),
        })
    }

    fn add_unpacked(&self, count: u64) -> io::Result<()> {
        let unpacked = self.unpacked.get() + count;
        self.unpacked.set(unpacked);
        if unpacked > BOMB_BYTES_MIN && unpacked / RATIO_MAX > self.packed {
            return self.stop(Limit::Ratio);
        }
        if unpacked > self.unpacked_max {
            return self.stop(Limit::Bytes);
        }
        Ok(())
    }

    pub(super) fn add_member(&self) -> io::Result<()> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > MEMBERS_MAX { self.stop(Limit::Members) } else { Ok(()) }
    }

    fn stop(&self, limit: Limit) -> io::Result<()> {
        self.exceeded.set(self.exceeded.get().or(Some(limit)));
        Err(io::Error::other("a limit for archives is passed"))
    }
}

/// Counts what a decompressor gives.
pub(super) struct Metered<'a, R> {
    pub(super) inner: R,
    pub(super) budget: &'a Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.budget.add_unpacked(count as u64)?;
        Ok(count)
    }
}

impl Scanner<'_> {
    /// Looks into an archive of a streaming format.
    pub(super) fn open(
        &mut self,
        path: &str,
        format: Format,
        reader: &mut dyn Read,
        budget: &Budget,
        depth: u32,
    ) -> io::Result<()> {
        if depth >= DEPTH_MAX {
            let message = format!("archives nested deeper than {DEPTH_MAX} were not unpacked");
            self.fault(FaultKind::Unscanned, path, message, "unpack it when the image is built");
            return Ok(());
        }
        match format {
            Format::Gzip => {
                let inner = MultiGzDecoder::new(BufReader::with_capacity(32 << 10, reader));
                self.unpacked(path, &mut Metered { inner, budget }, budget, depth)
            }
            Format::Xz => {
                let inner = lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB_MAX);
                self.unpacked(path, &mut Metered { inner, budget }, budget, depth)
            }
            Format::Lzma => {
                let inner = lzma_rust2::LzmaReader::new_mem_limit(reader, XZ_MEMORY_KIB_MAX, None)?;
                self.unpacked(path, &mut Metered { inner, budget }, budget, depth)
            }
            Format::Zstd => {
                let mut inner = zstd::stream::read::Decoder::new(reader)?;
                inner.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                self.unpacked(path, &mut Metered { inner, budget }, budget, depth)
            }
            Format::Bzip2 => {
                let inner = bzip2::read::MultiBzDecoder::new(reader);
                self.unpacked(path, &mut Metered { inner, budget }, budget, depth)
            }
            Format::Cpio => self.cpio(path, reader, budget, depth),
            Format::Rpm => self.rpm(path, reader, budget, depth),
            Format::Tar => self.tar(path, reader, budget, depth),
            Format::Deb => self.deb(path, reader, budget, depth),
            Format::Zip => Err(io::Error::other("a zip archive needs its whole bytes")),
        }
    }

    /// The one member of a compressed file. A compressed tar's members come right after its own name.
    fn unpacked(&mut self, path: &str, reader: &mut dyn Read, budget: &Budget, depth: u32) -> io::Result<()> {
        let mut head = Vec::with_capacity(512);
        reader.take(512).read_to_end(&mut head)?;
        let mut whole = head.as_slice().chain(reader);
        match Format::of(&head) {
            Some(Format::Tar) => return self.tar(path, &mut whole, budget, depth),
            Some(Format::Cpio) => return self.cpio(path, &mut whole, budget, depth),
            _ => {}
        }
        let name = path.rsplit(['/', '!']).next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        self.member(&format!("{path}!{stem}"), &mut whole, budget, depth)
    }

    fn tar(&mut self, path: &str, reader: &mut dyn Read, budget: &Budget, depth: u32) -> io::Result<()> {
        let mut walker = Walker::new(reader);
        while let Some(entry) = walker.next_entry().map_err(io::Error::other)? {
            budget.add_member()?;
            if entry.kind == Kind::File && entry.size > 0 {
                let name = format!("{path}!{}", crate::files::printable(crate::files::trimmed(&entry.name)));
                self.member(&name, &mut walker.data(), budget, depth)?;
            }
        }
        Ok(())
    }

    /// `ar` with members `debian-binary`, `control.tar.*`, `data.tar.*` (deb(5)).
    fn deb(&mut self, path: &str, reader: &mut dyn Read, budget: &Budget, depth: u32) -> io::Result<()> {
        let mut magic = [0; 8];
        reader.read_exact(&mut magic)?;
        loop {
            let mut header = Vec::with_capacity(60);
            reader.take(60).read_to_end(&mut header)?;
            if header.len() < 60 {
                return Ok(());
            }
            budget.add_member()?;
            let field =
                |range: std::ops::Range<usize>| String::from_utf8_lossy(&header[range]).trim().to_owned();
            let size: u64 =
                field(48..58).parse().map_err(|_| io::Error::other("a member's size is no number"))?;
            let name = format!("{path}!{}", field(0..16).trim_end_matches('/'));
            let mut data = reader.take(size.saturating_add(size % 2));
            self.member(&name, &mut data, budget, depth)?;
            io::copy(&mut data, &mut io::sink())?;
        }
    }

    /// One member, scanned as a file of its own. Errors of this member alone do not end the archive.
    pub(super) fn member(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        budget: &Budget,
        depth: u32,
    ) -> io::Result<()> {
        let hasher = self.rules.hashes_wanted().then(Sha256::new);
        let mut hashing = Hashing { inner: reader, hasher, clamd: None };
        self.content(path, &mut hashing, budget, depth + 1)?;
        if let Some(hasher) = hashing.hasher {
            self.check_hash(path, || hasher.finalize().into());
        }
        if budget.exceeded().is_some() {
            Err(io::Error::other("a limit for archives is passed"))
        } else {
            Ok(())
        }
    }
}
