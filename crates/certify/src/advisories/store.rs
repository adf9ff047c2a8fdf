//! The file in which imported vulnerability data lies: made for few reads. A header leads to a directory of sections, one
//! for each source; in a section a key (ecosystem and package name) leads through a fan-out table and a bucket of the
//! index to the list of what is known of the package: three positioned reads of some hundred bytes. Every byte that is
//! read is under a checksum. Writing it is [`writer`]'s matter.
//!
//! ```text
//! header   "EDGEADV\n" · format version u32 · directory: offset u64, length u32, CRC-32 u32
//! section  records · lists · index: key 16 bytes, offset u64, length u32, CRC-32 u32, sorted by key
//!          · fan-out: 2^bits + 1 times first index entry u32, CRC-32 of the bucket's entries u32
//! ```
//! Numbers are little-endian, offsets count from the section's start, records and lists are `postcard`.

use super::error::Error;
use super::osv::Range;
use super::severity::Rating;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

mod output;
pub mod writer;

const MAGIC: &[u8; 8] = b"EDGEADV\n";

/// Version of the format. A reader refuses a later one.
pub const FORMAT_VERSION: u32 = 1;

const HEADER_BYTES: usize = 28;
const ENTRY_BYTES: usize = 32;
const FANOUT_BYTES: usize = 8;

/// Most bytes of the directory; a source with 300 releases of distributions takes about 10 kB.
const DIRECTORY_BYTES_MAX: usize = 16 << 20;

/// Most bytes of one list or record: a damaged length must not become an allocation.
const BLOB_BYTES_MAX: usize = 256 << 20;

/// What kind of source a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Records in the OSV format.
    Osv,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// FIRST's exploit prediction scores.
    Epss,
}

/// A source, as of its last import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// The ecosystem, `KEV`, `EPSS`, or the name that was given at the import.
    pub name: String,
    /// The day on which the data was last changed by those who make it, `YYYY-MM-DD`; empty when they do not say.
    pub day: String,
    /// The day of the import, `YYYY-MM-DD`.
    pub imported: String,
    /// Records in it.
    pub records: u64,
    /// Ecosystems with the number of their affected packages.
    pub ecosystems: BTreeMap<String, u64>,
}

impl Source {
    /// The day of the data, or where that is not known the day of the import.
    pub fn day_or_import(&self) -> &str {
        if self.day.is_empty() { &self.imported } else { &self.day }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    source: Source,
    start: u64,
    length: u64,
    /// Of the whole section, checked when it is copied.
    sum: u32,
    keys: u32,
    fanout_bits: u8,
    index_at: u64,
    fanout_at: u64,
}

/// Where a record lies in its section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pointer {
    at: u64,
    length: u32,
    sum: u32,
}

/// What a record says about one package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The record.
    pub record: Pointer,
    /// The rest.
    pub facts: Facts,
}

/// What is kept of [`super::osv::Affected`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of osv::Affected")]
pub struct Facts {
    pub ranges: Vec<Range>,
    /// Enumerated versions that are in none of the ranges.
    pub versions: Vec<String>,
    pub rating: Option<Rating>,
    pub informational: Option<String>,
}

/// What is kept of [`super::osv::Record`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of osv::Record")]
pub struct Stored {
    pub id: String,
    pub aliases: Vec<String>,
    pub covers: Vec<String>,
    pub summary: String,
    pub rating: Option<Rating>,
}

/// Chance of exploitation within 30 days (EPSS), in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epss {
    /// The chance.
    pub score: u32,
    /// Part of all vulnerabilities whose chance is not greater.
    pub percentile: u32,
}

/// A key: 128 bits of SHA-256, so that no two packages share one, whoever chose their names.
type Key = [u8; 16];

fn key(space: &str, name: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update(space);
    hash.update([0]);
    hash.update(name);
    let mut key = Key::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

/// Key spaces that are no ecosystems.
const KEV_SPACE: &str = "\u{1}kev";
const EPSS_SPACE: &str = "\u{1}epss";
const CVSS_SPACE: &str = "\u{1}cvss";

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// An open file of vulnerability data. It stays as it was opened while an import replaces it.
#[derive(Debug)]
pub struct Advisories {
    path: PathBuf,
    file: File,
    sections: Vec<Section>,
}

impl Advisories {
    /// Opens the file.
    ///
    /// # Errors
    /// It cannot be read, is of another kind or a later format, or damaged.
    pub fn open(path: &Path) -> Result<Advisories, Error> {
        let what = || format!("reading the advisories in {}", path.display());
        let file = File::open(path).map_err(Error::io(what()))?;
        let size = file.metadata().map_err(Error::io(what()))?.len();
        let mut header = [0; HEADER_BYTES];
        if size < HEADER_BYTES as u64 {
            return Err(no_advisories(path));
        }
        file.read_exact_at(&mut header, 0).map_err(Error::io(what()))?;
        if !header.starts_with(MAGIC) {
            return Err(no_advisories(path));
        }
        let version = int32(&header, 8);
        if version > FORMAT_VERSION {
            return Err(Error::new(
                format!("{} has format {version}, this program reads up to {FORMAT_VERSION}", path.display()),
                "a later version of the program made it; use that one, or import again into another file",
            ));
        }
        let (at, length) = (int64(&header, 12), int32(&header, 20) as usize);
        let fits = at.checked_add(length as u64).is_some_and(|end| end <= size);
        if !fits || length > DIRECTORY_BYTES_MAX {
            return Err(damaged(path, "its directory is not inside the file"));
        }
        let mut advisories = Advisories { path: path.to_owned(), file, sections: Vec::new() };
        advisories.sections = advisories.read(at, length, int32(&header, 24))?;
        let inside = |section: &Section| {
            section.start.checked_add(section.length).is_some_and(|end| end <= size)
                && section.fanout_bits <= output::FANOUT_BITS_MAX
        };
        if !advisories.sections.iter().all(inside) {
            return Err(damaged(path, "a section is not inside the file"));
        }
        Ok(advisories)
    }

    /// The sources in it, sorted.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sections.iter().map(|section| &section.source)
    }

    /// Whether there is a source of this kind.
    pub fn has(&self, kind: SourceKind) -> bool {
        self.sources().any(|source| source.kind == kind)
    }

    /// What is known of a package, record by record, each with the number of its section. The name is as
    /// [`super::ecosystem::normalised`] gives it.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn entries(&self, ecosystem: &str, name: &str) -> Result<Vec<(usize, Entry)>, Error> {
        let key = key(ecosystem, name);
        let mut found = Vec::new();
        for (number, section) in self.sections.iter().enumerate() {
            if section.source.ecosystems.contains_key(ecosystem) {
                found.extend(self.list::<Entry>(section, &key)?.into_iter().map(|entry| (number, entry)));
            }
        }
        Ok(found)
    }

    /// The record behind an entry; read apart from it, because most entries are about other versions.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn record(&self, section: usize, entry: &Entry) -> Result<Stored, Error> {
        let start = self.sections.get(section).map_or(0, |section| section.start);
        let Pointer { at, length, sum } = entry.record;
        self.read(start.saturating_add(at), length as usize, sum)
    }

    /// The day since which a vulnerability is known to be exploited.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn exploited(&self, cve: &str) -> Result<Option<String>, Error> {
        self.first(SourceKind::Kev, &key(KEV_SPACE, cve))
    }

    /// The chance that it is exploited.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn epss(&self, cve: &str) -> Result<Option<Epss>, Error> {
        self.first(SourceKind::Epss, &key(EPSS_SPACE, cve))
    }

    /// The severity that some record gives a CVE, for those that give none themselves (Debian, Go).
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn rating(&self, cve: &str) -> Result<Option<Rating>, Error> {
        self.first(SourceKind::Osv, &key(CVSS_SPACE, cve))
    }

    fn first<T: DeserializeOwned + Ord>(&self, kind: SourceKind, key: &Key) -> Result<Option<T>, Error> {
        let mut found = Vec::new();
        for section in self.sections.iter().filter(|section| section.source.kind == kind) {
            found.extend(self.list::<T>(section, key)?);
        }
        Ok(found.into_iter().max())
    }

    fn list<T: DeserializeOwned>(&self, section: &Section, key: &Key) -> Result<Vec<T>, Error> {
        if section.keys == 0 {
            return Ok(Vec::new());
        }
        let bucket = bucket(key, section.fanout_bits);
        let fanout_at = section.start.saturating_add(section.fanout_at) + (bucket * FANOUT_BYTES) as u64;
        let mut fanout = [0; 2 * FANOUT_BYTES];
        self.read_into(&mut fanout, fanout_at)?;
        let (first, sum, last) = (int32(&fanout, 0), int32(&fanout, 4), int32(&fanout, 8));
        if first > last || last > section.keys {
            return Err(damaged(&self.path, "its index is out of order"));
        }
        let mut entries = vec![0; (last - first) as usize * ENTRY_BYTES];
        let index_at = section.start.saturating_add(section.index_at) + u64::from(first) * ENTRY_BYTES as u64;
        self.read_into(&mut entries, index_at)?;
        if checksum(&entries) != sum {
            return Err(damaged(&self.path, "a part of its index has another checksum"));
        }
        let Some(entry) = entries.chunks_exact(ENTRY_BYTES).find(|entry| entry[..16] == key[..]) else {
            return Ok(Vec::new());
        };
        let at = section.start.saturating_add(int64(entry, 16));
        self.read(at, int32(entry, 24) as usize, int32(entry, 28))
    }

    fn read<T: DeserializeOwned>(&self, at: u64, length: usize, sum: u32) -> Result<T, Error> {
        if length > BLOB_BYTES_MAX {
            return Err(damaged(&self.path, "a length in it cannot be true"));
        }
        let mut bytes = vec![0; length];
        self.read_into(&mut bytes, at)?;
        if checksum(&bytes) != sum {
            return Err(damaged(&self.path, "a part of it has another checksum"));
        }
        postcard::from_bytes(&bytes).map_err(|_| damaged(&self.path, "a part of it cannot be decoded"))
    }

    fn read_into(&self, bytes: &mut [u8], at: u64) -> Result<(), Error> {
        let what = || format!("reading the advisories in {}", self.path.display());
        self.file.read_exact_at(bytes, at).map_err(Error::io(what()))
    }
}

/// Which bucket of the index a key is in: its first bits.
fn bucket(key: &Key, bits: u8) -> usize {
    let first = u32::from_be_bytes([key[0], key[1], key[2], key[3]]);
    if bits == 0 { 0 } else { (first >> (32 - bits)) as usize }
}

fn no_advisories(path: &Path) -> Error {
    Error::new(
        format!("{} is no file of advisories", path.display()),
        "make one: edgemarket advisories import FILE… --advisories FILE",
    )
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::new(
        format!("the file of advisories {} is damaged: {how}", path.display()),
        "remove it and import the data again",
    )
}

fn int32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn int64(bytes: &[u8], at: usize) -> u64 {
    u64::from(int32(bytes, at)) | (u64::from(int32(bytes, at + 4)) << 32)
}
