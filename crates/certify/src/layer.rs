//! What the pass knows of one layer: the facts that the merge needs, and a table of all its paths. It is what the
//! cache keeps, so everything in it depends on the layer's bytes, the rules and the analysers alone.

use crate::evidence::{Binary, Distribution, Fault, FileFact, LayerFacts, Match, Package, ProductInfo};
use oci::digest::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Facts of one layer. The paths in it are as the layer has them; whether they are still there in the image is the
/// merge's business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in ImageEvidence")]
pub struct LayerEvidence {
    pub facts: LayerFacts,
    /// Digest of the uncompressed bytes; `None` when the layer could not be read to its end.
    pub diff_id: Option<Digest>,
    pub paths: PathTable,
    /// Hard links, as (link, target).
    pub hard_links: Vec<(String, String)>,
    pub packages: Vec<Package>,
    /// The distribution's lists of files by path, with those files in them that name packages of other kinds.
    pub owned: Vec<(String, Vec<String>)>,
    /// Licences that stand in files of their own: Debian's `usr/share/doc/*/copyright` by path.
    pub licences: Vec<(String, String)>,
    /// os-release files by path.
    pub distributions: Vec<(String, Distribution)>,
    pub binaries: Vec<Binary>,
    pub setuid: Vec<FileFact>,
    pub world_writable: Vec<FileFact>,
    pub leftovers: Vec<FileFact>,
    pub matches: Vec<Match>,
    pub product_infos: Vec<ProductInfo>,
    pub faults: Vec<Fault>,
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PathKind {
    File,
    Directory,
    /// Index into the table's link targets.
    SymLink(u32),
    Other,
    /// The path is deleted (`.wh.NAME`).
    Whiteout,
    /// The directory hides what lower layers have in it (`.wh..wh..opq`).
    Opaque,
}

/// All paths of a layer: 24 bytes each instead of names. A path is known by the first 16 bytes of the SHA-256 of its
/// text, so that nobody can make one path pass for another. One million entries take 24 MB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathTable {
    /// Records, sorted by key; each key once per namespace (paths, whiteouts, opaque marks).
    records: Records,
    links: Vec<String>,
}

/// Key of a path.
pub type PathKey = [u8; 16];

const RECORD_BYTES: usize = 24;

/// Makes a [`PathTable`], in order of the archive.
#[derive(Default)]
pub struct PathTableBuilder {
    records: Vec<Record>,
    links: Vec<String>,
}

#[derive(Clone, Copy)]
struct Record {
    key: PathKey,
    kind: u8,
    mode: u16,
    link: u32,
}

/// Key of a path without leading or trailing `/`.
pub fn path_key(path: &str) -> PathKey {
    let digest: [u8; 32] = Sha256::digest(path.as_bytes()).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

impl PathTableBuilder {
    /// Adds a path; a later one of the same name wins.
    pub fn add(&mut self, path: &str, kind: PathKind, mode: u32) {
        let mut key = path_key(path);
        let (kind, link) = match kind {
            PathKind::File => (0, 0),
            PathKind::Directory => (1, 0),
            PathKind::SymLink(link) => (2, link),
            PathKind::Other => (3, 0),
            PathKind::Whiteout => (4, 0),
            PathKind::Opaque => (5, 0),
        };
        mark(&mut key, kind);
        self.records.push(Record { key, kind, mode: u16::try_from(mode & 0o7777).unwrap_or(0), link });
    }

    /// Keeps a link's target for [`PathKind::SymLink`].
    pub fn link(&mut self, target: String) -> u32 {
        self.links.push(target);
        u32::try_from(self.links.len() - 1).unwrap_or(u32::MAX)
    }

    /// Sorts the records. Of equal keys the last added stays.
    pub fn finish(mut self) -> PathTable {
        // Stable, so that equal keys keep the archive's order.
        self.records.sort_by_key(|record| record.key);
        let mut bytes = Vec::with_capacity(self.records.len() * RECORD_BYTES);
        for (index, record) in self.records.iter().enumerate() {
            if self.records.get(index + 1).is_some_and(|next| next.key == record.key) {
                continue;
            }
            bytes.extend_from_slice(&record.key);
            bytes.push(record.kind);
            bytes.push(0);
            bytes.extend_from_slice(&record.mode.to_le_bytes());
            bytes.extend_from_slice(&record.link.to_le_bytes());
        }
        PathTable { records: Records(bytes), links: self.links }
    }
}

/// Whiteouts and opaque marks have their own namespaces: a layer may delete a directory and bring it anew.
fn mark(key: &mut PathKey, kind: u8) {
    key[15] = (key[15] & 0xf8) | if kind < 4 { 0 } else { kind };
}

impl PathTable {
    /// The entry that the layer has at a path, with its permission bits. Never a whiteout or opaque mark.
    pub fn get(&self, path: &str) -> Option<(PathKind, u32)> {
        self.find(path, 0)
    }

    /// Whether the layer deletes this path.
    pub fn whiteout(&self, path: &str) -> bool {
        self.find(path, 4).is_some()
    }

    /// Whether the layer hides what lower layers have in this directory.
    pub fn opaque(&self, path: &str) -> bool {
        self.find(path, 5).is_some()
    }

    /// Target of a [`PathKind::SymLink`].
    pub fn link_target(&self, link: u32) -> Option<&str> {
        self.links.get(link as usize).map(String::as_str)
    }

    /// Number of paths and marks.
    pub fn len(&self) -> usize {
        self.records.0.len() / RECORD_BYTES
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.0.is_empty()
    }

    fn find(&self, path: &str, namespace: u8) -> Option<(PathKind, u32)> {
        let mut key = path_key(path);
        mark(&mut key, namespace);
        let records = self.records.0.as_chunks::<RECORD_BYTES>().0;
        let at = records.binary_search_by(|record| record[..16].cmp(&key)).ok()?;
        let record = &records[at];
        let link = u32::from_le_bytes([record[20], record[21], record[22], record[23]]);
        let kind = match record[16] {
            0 => PathKind::File,
            1 => PathKind::Directory,
            2 => PathKind::SymLink(link),
            3 => PathKind::Other,
            4 => PathKind::Whiteout,
            _ => PathKind::Opaque,
        };
        Some((kind, u32::from(u16::from_le_bytes([record[18], record[19]]))))
    }
}

/// Bytes that are serialised in one piece, not one by one.
#[derive(Clone, Default, PartialEq, Eq)]
struct Records(Vec<u8>);

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} records", self.0.len() / RECORD_BYTES)
    }
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Records, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Records;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Records, E> {
                Ok(Records(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}
