//! OCI image layouts (OCI image spec 1.1, *Image Layout*): a directory, or a tar archive of one. Blobs are looked up
//! by digest only, so no name from a file becomes part of a path; links that leave the directory are refused.

use super::archive::TarIndex;
use super::{Source, TAGS_MAX, check_bytes, read_bounded};
use crate::Error;
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document, Index, MANIFEST_BYTES_MAX, check_json};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The annotation that holds an index entry's tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Largest `oci-layout` file; the real one has 30 bytes.
const LAYOUT_FILE_BYTES_MAX: u64 = 4 << 10;

/// An image layout.
#[derive(Debug)]
pub struct LayoutSource {
    store: Store,
    index: Index,
    reference: Option<String>,
    /// What refers to which digest, by the tag that would list it; found when somebody asks.
    referrers: OnceLock<HashMap<String, Vec<Descriptor>>>,
}

#[derive(Debug)]
enum Store {
    Directory { shown: PathBuf, canonical: PathBuf },
    Archive(TarIndex),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutFile {
    image_layout_version: String,
}

impl LayoutSource {
    /// Opens a layout directory. `reference` is the tag or digest meant when nothing else is said.
    pub fn open(directory: &Path, reference: Option<&str>) -> Result<LayoutSource, Error> {
        let shown = directory.to_owned();
        let canonical = directory.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound(format!("directory {}", directory.display())),
            _ => Error::io(format!("opening {}", directory.display()))(error),
        })?;
        LayoutSource::with_store(Store::Directory { shown, canonical }, reference)
    }

    /// Reads a layout in a tar archive, plain or compressed with gzip.
    pub fn open_archive(archive: &Path, reference: Option<&str>) -> Result<LayoutSource, Error> {
        LayoutSource::from_tar(TarIndex::read(archive)?, reference)
    }

    /// The layout in an archive whose entries are known already.
    pub(crate) fn from_tar(tar: TarIndex, reference: Option<&str>) -> Result<LayoutSource, Error> {
        LayoutSource::with_store(Store::Archive(tar), reference)
    }

    fn with_store(store: Store, reference: Option<&str>) -> Result<LayoutSource, Error> {
        let bytes = store.small_file("oci-layout", LAYOUT_FILE_BYTES_MAX)?;
        let malformed = |file: &str, cause: String| Error::Malformed {
            what: format!("{file} of {}", store.describe()),
            cause,
        };
        let version = serde_json::from_slice::<LayoutFile>(&bytes)
            .map_err(|error| malformed("oci-layout", error.to_string()))?
            .image_layout_version;
        if !version.starts_with("1.") {
            return Err(Error::Unsupported(format!(
                "image layout version {version:?} of {}",
                store.describe()
            )));
        }
        let bytes = store.small_file("index.json", MANIFEST_BYTES_MAX)?;
        check_json(&bytes, "index.json", MANIFEST_BYTES_MAX)?;
        let index = serde_json::from_slice::<Index>(&bytes)
            .map_err(|error| malformed("index.json", error.to_string()))?;
        let reference = reference.map(str::to_owned);
        Ok(LayoutSource { store, index, reference, referrers: OnceLock::new() })
    }

    fn by_digest(&self, digest: Digest) -> Result<Descriptor, Error> {
        if let Some(entry) = self.index.manifests.iter().find(|entry| entry.digest == digest) {
            return Ok(entry.clone());
        }
        let (raw, size) = self.store.blob(digest)?;
        let what = format!("manifest {digest} of {}", self.describe());
        let bytes = read_bounded(raw, &what, MANIFEST_BYTES_MAX)?;
        let media_type = manifest::parse(&bytes, None)?.media_type().to_owned();
        Ok(Descriptor::new(&media_type, digest, size))
    }

    /// The entries that are not there for another's sake: what refers to an image, and lists of it, are left out.
    fn images(&self) -> Vec<&Descriptor> {
        let is_list =
            |entry: &&Descriptor| entry.annotations.get(REF_NAME).is_some_and(|name| is_list_tag(name));
        let alone =
            |entry: &&Descriptor| entry.artifact_type.is_some() && !entry.annotations.contains_key(REF_NAME);
        self.index.manifests.iter().filter(|entry| !is_list(entry) && !alone(entry)).collect()
    }

    /// Looks at each entry once. Those that cannot be read refer to nothing.
    fn find_referrers(&self) -> HashMap<String, Vec<Descriptor>> {
        let mut found: HashMap<String, Vec<Descriptor>> = HashMap::new();
        let mut add = |tag: String, entry: Descriptor| {
            let of_subject = found.entry(tag).or_default();
            if !of_subject.iter().any(|known| known.digest == entry.digest) {
                of_subject.push(entry);
            }
        };
        for entry in &self.index.manifests {
            let Ok(bytes) = self.manifest(entry) else { continue };
            if let Some(tag) = entry.annotations.get(REF_NAME).filter(|name| is_list_tag(name)) {
                if let Ok(Document::Index(list)) = manifest::parse(&bytes, Some(&entry.media_type)) {
                    list.manifests.into_iter().for_each(|entry| add(tag.clone(), entry));
                }
            } else if let Ok(Some((subject, entry))) = manifest::referring(entry, &bytes) {
                add(subject.referrers_tag(), entry);
            }
        }
        found
    }

    fn by_tag(&self, tag: &str) -> Option<&Descriptor> {
        self.index
            .manifests
            .iter()
            .find(|entry| entry.annotations.get(REF_NAME).is_some_and(|name| name == tag))
    }
}

impl Source for LayoutSource {
    fn describe(&self) -> String {
        let reference = match &self.reference {
            Some(digest) if digest.starts_with("sha256:") => format!("@{digest}"),
            Some(tag) => format!(":{tag}"),
            None => String::new(),
        };
        format!("{}{reference}", self.store.describe())
    }

    fn tags(&self) -> Result<Vec<String>, Error> {
        let mut tags: Vec<String> = self
            .index
            .manifests
            .iter()
            .filter_map(|entry| entry.annotations.get(REF_NAME))
            .cloned()
            .collect();
        tags.sort();
        tags.dedup();
        match tags.len() > TAGS_MAX {
            true => Err(Error::Limit {
                what: format!("{} tags in {}", tags.len(), self.describe()),
                limit: TAGS_MAX.to_string(),
            }),
            false => Ok(tags),
        }
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error> {
        if let Some(wanted) = tag_or_digest.or(self.reference.as_deref()) {
            if let Ok(digest) = wanted.parse() {
                return self.by_digest(digest);
            }
            return self
                .by_tag(wanted)
                .cloned()
                .ok_or_else(|| Error::NotFound(format!("tag {wanted:?} in {}", self.store.describe())));
        }
        match (&self.images()[..], self.by_tag("latest")) {
            (_, Some(entry)) => Ok(entry.clone()),
            ([entry], None) => Ok((*entry).clone()),
            ([], None) => Err(Error::NotFound(format!("an image in {}", self.store.describe()))),
            (entries, None) => Err(Error::NotFound(format!(
                "tag \"latest\" in {}, which holds {} images,",
                self.store.describe(),
                entries.len()
            ))),
        }
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let what = format!("{} of {}", descriptor.digest, self.store.describe());
        let (raw, _) = self.store.blob(descriptor.digest)?;
        let bytes = read_bounded(raw, &what, MANIFEST_BYTES_MAX)?;
        check_bytes(&what, descriptor, &bytes)?;
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        Ok(self.store.blob(descriptor.digest)?.0)
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        let found = self.referrers.get_or_init(|| self.find_referrers());
        Ok(found.get(&subject.referrers_tag()).cloned().unwrap_or_default())
    }
}

/// Whether this is the tag of a referrers list (OCI distribution spec 1.1, *Referrers Tag Schema*), and no image's.
fn is_list_tag(tag: &str) -> bool {
    let digits = tag.strip_prefix("sha256-").or_else(|| tag.strip_prefix("sha512-"));
    digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Store {
    fn describe(&self) -> String {
        match self {
            Store::Directory { shown, .. } => format!("oci:{}", shown.display()),
            Store::Archive(tar) => format!("oci-archive:{}", tar.path().display()),
        }
    }

    fn small_file(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, Error> {
        let (raw, _) = self.file(name)?;
        read_bounded(raw, &format!("{name} of {}", self.describe()), bytes_max)
    }

    fn blob(&self, digest: Digest) -> Result<(Box<dyn Read + Send>, u64), Error> {
        self.file(&format!("blobs/{}/{}", digest.algorithm(), digest.hex()))
    }

    /// A file and its size. `name` is one of ours, never taken from the layout.
    fn file(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error> {
        match self {
            Store::Archive(tar) => tar.open(name),
            Store::Directory { canonical, .. } => {
                let what = || format!("{name} of {}", self.describe());
                let path = canonical.join(name).canonicalize().map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => Error::NotFound(what()),
                    _ => Error::io(format!("opening {}", what()))(error),
                })?;
                if !path.starts_with(canonical) {
                    return Err(Error::Malformed {
                        what: what(),
                        cause: "it is a link that leaves the layout".to_owned(),
                    });
                }
                // Asked before opening: opening a named pipe would wait for ever.
                let metadata = path.metadata().map_err(Error::io(format!("reading {}", what())))?;
                if !metadata.is_file() {
                    return Err(Error::Malformed { what: what(), cause: "it is no regular file".to_owned() });
                }
                let file = File::open(&path).map_err(Error::io(format!("opening {}", what())))?;
                Ok((Box::new(file), metadata.len()))
            }
        }
    }
}
