//! From bytes to manifests, indexes and configs, and from an index to its images. Nothing is corrected on the way:
//! what contradicts itself is refused, because two programs would read it differently (CVE-2021-41190).

use super::{
    CONFIG_BYTES_MAX, Descriptor, ImageConfig, Index, MANIFEST_BYTES_MAX, Manifest, Platform, media_type,
};
use crate::Error;
use crate::digest::Digest;
use crate::source::Source;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Deepest JSON. Manifests and configs need 6 levels; labels and health checks are flat.
const JSON_DEPTH_MAX: usize = 64;

/// Deepest nesting of indexes. The specification allows any; nothing in the field has more than 2.
pub const INDEX_DEPTH_MAX: usize = 4;

/// Most images behind one reference; each would be certified on its own.
pub const IMAGES_MAX: usize = 64;

/// Most entries read in all indexes of one reference, attestations and artifacts included.
const INDEX_ENTRIES_MAX: usize = 1_024;

/// A parsed index or manifest, of either family.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "few exist at a time; matching on a box is clumsier")]
pub enum Document {
    /// OCI image index or Docker manifest list.
    Index(Index),
    /// OCI image manifest or Docker image manifest V2.2.
    Manifest(Manifest),
}

/// One image behind a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// Descriptor of the image's manifest.
    pub descriptor: Descriptor,
    /// Platform that the index states, if there is an index and it states one.
    pub index_platform: Option<Platform>,
}

impl Document {
    /// The media type that the document is pushed with: its own, else the OCI one of its form.
    pub fn media_type(&self) -> &str {
        match self {
            Document::Index(index) => index.media_type.as_deref().unwrap_or(media_type::OCI_INDEX),
            Document::Manifest(manifest) => {
                manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST)
            }
        }
    }

    /// Every descriptor that the document needs to be whole: config and layers, or the index's manifests. The
    /// subject is not among them: it may be missing.
    pub fn children(&self) -> Vec<&Descriptor> {
        match self {
            Document::Index(index) => index.manifests.iter().collect(),
            Document::Manifest(manifest) => {
                std::iter::once(&manifest.config).chain(&manifest.layers).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: Option<u32>,
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

/// Parses an index or manifest. `media_type_hint` is what a descriptor or a registry's `Content-Type` says; an empty
/// or generic one (`application/json`, `application/octet-stream`, `text/plain`) says nothing.
pub fn parse(bytes: &[u8], media_type_hint: Option<&str>) -> Result<Document, Error> {
    let malformed = |cause: String| Error::Malformed { what: "manifest".to_owned(), cause };
    check_json(bytes, "manifest", MANIFEST_BYTES_MAX)?;
    let hint = media_type_hint.map(essence).filter(|hint| !is_generic(hint));
    if let Some(media_type::DOCKER_SCHEMA1 | media_type::DOCKER_SCHEMA1_SIGNED) = hint.as_deref() {
        return Err(schema_1());
    }
    let probe: Probe = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    if probe.schema_version == Some(1) || probe.fs_layers.is_some() {
        return Err(schema_1());
    }
    if probe.schema_version != Some(2) {
        let found = probe.schema_version.map_or("none".to_owned(), |version| version.to_string());
        return Err(malformed(format!("schemaVersion must be 2, found {found}")));
    }
    let own = probe.media_type.as_deref();
    if let (Some(hint), Some(own)) = (hint.as_deref(), own)
        && hint != own
    {
        return Err(malformed(format!("it was announced as {hint:?} but calls itself {own:?}")));
    }
    if probe.manifests.is_some() && (probe.config.is_some() || probe.layers.is_some()) {
        return Err(malformed("it has both manifests and config or layers".to_owned()));
    }
    let is_index = match own.or(hint.as_deref()) {
        Some(media_type::OCI_INDEX | media_type::DOCKER_LIST) => true,
        Some(media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST) => false,
        Some(other) => {
            let shown: String = other.chars().take(200).collect();
            return Err(Error::Unsupported(format!("manifest media type {shown:?}")));
        }
        None => probe.manifests.is_some(),
    };
    let parsed = if is_index {
        serde_json::from_slice(bytes).map(Document::Index)
    } else {
        serde_json::from_slice(bytes).map(Document::Manifest)
    };
    parsed.map_err(|error| malformed(error.to_string()))
}

/// Which digest a manifest or index refers to as its subject, and how it is then listed there (OCI distribution spec 1.1,
/// *Listing Referrers*). `None` for what refers to nothing.
pub fn referring(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<(Digest, Descriptor)>, Error> {
    let (subject, artifact_type, annotations) = match parse(bytes, Some(&descriptor.media_type))? {
        Document::Manifest(found) => {
            let artifact_type = found.artifact_type.unwrap_or(found.config.media_type);
            (found.subject, Some(artifact_type), found.annotations)
        }
        Document::Index(found) => (found.subject, found.artifact_type, found.annotations),
    };
    let entry = Descriptor {
        artifact_type,
        annotations,
        ..Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size)
    };
    Ok(subject.map(|subject| (subject.digest, entry)))
}

/// Parses an image config.
pub fn parse_config(bytes: &[u8]) -> Result<ImageConfig, Error> {
    check_json(bytes, "image config", CONFIG_BYTES_MAX)?;
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Malformed { what: "image config".to_owned(), cause: error.to_string() })
}

/// All images behind a descriptor, in the order of their indexes. Attestations (platform `unknown/unknown`) and
/// artifacts that are no images are left out; if the descriptor itself is one, that is [`Error::Unsupported`].
pub fn images(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<ImageRef>, Error> {
    let mut walk = Walk { source, ancestors: Vec::new(), entries: 0, found: Vec::new() };
    if let Some(artifact) = walk.visit(descriptor, None)? {
        return Err(Error::Unsupported(format!(
            "{} (an artifact of type {artifact}, no image)",
            descriptor.digest
        )));
    }
    if walk.found.is_empty() {
        return Err(Error::Malformed {
            what: format!("index {}", descriptor.digest),
            cause: "it lists no image".to_owned(),
        });
    }
    Ok(walk.found)
}

struct Walk<'a> {
    source: &'a dyn Source,
    ancestors: Vec<Digest>,
    entries: usize,
    found: Vec<ImageRef>,
}

impl Walk<'_> {
    /// Adds the images at and below a descriptor. The result is the artifact's type if it is no image.
    fn visit(
        &mut self,
        descriptor: &Descriptor,
        platform: Option<&Platform>,
    ) -> Result<Option<String>, Error> {
        if self.ancestors.contains(&descriptor.digest) {
            return Err(Error::Malformed {
                what: format!("index {}", descriptor.digest),
                cause: "it contains itself".to_owned(),
            });
        }
        if self.ancestors.len() > INDEX_DEPTH_MAX {
            return Err(Error::Limit {
                what: format!("nesting of indexes above {}", descriptor.digest),
                limit: format!("{INDEX_DEPTH_MAX} levels"),
            });
        }
        self.entries += 1;
        if self.entries > INDEX_ENTRIES_MAX {
            return Err(limit("number of index entries", INDEX_ENTRIES_MAX));
        }
        let bytes = self.source.manifest(descriptor)?;
        match parse(&bytes, Some(&descriptor.media_type))? {
            Document::Manifest(manifest) => {
                if let Some(artifact) = artifact_type(&manifest) {
                    return Ok(Some(artifact));
                }
                let image = ImageRef { descriptor: descriptor.clone(), index_platform: platform.cloned() };
                if !self.found.contains(&image) {
                    self.found.push(image);
                }
                if self.found.len() > IMAGES_MAX {
                    return Err(limit("number of images behind one reference", IMAGES_MAX));
                }
            }
            Document::Index(index) => {
                self.ancestors.push(descriptor.digest);
                for entry in index.manifests.iter().filter(|entry| !is_attestation(entry)) {
                    self.visit(entry, entry.platform.as_ref())?;
                }
                self.ancestors.pop();
            }
        }
        Ok(None)
    }
}

fn limit(what: &str, limit: usize) -> Error {
    Error::Limit { what: what.to_owned(), limit: limit.to_string() }
}

fn is_attestation(entry: &Descriptor) -> bool {
    let unknown = |platform: &Platform| platform.os == "unknown" && platform.architecture == "unknown";
    entry.platform.as_ref().is_some_and(unknown)
        || entry
            .annotations
            .get("vnd.docker.reference.type")
            .is_some_and(|kind| kind == "attestation-manifest")
}

fn artifact_type(manifest: &Manifest) -> Option<String> {
    match manifest.config.media_type.as_str() {
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG => None,
        other => Some(manifest.artifact_type.as_deref().unwrap_or(other).chars().take(200).collect()),
    }
}

fn schema_1() -> Error {
    Error::Unsupported("Docker image manifest schema 1 (of Docker before 1.10)".to_owned())
}

/// The media type without parameters, in lower case (RFC 9110, 8.3.1).
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_generic(media_type: &str) -> bool {
    matches!(media_type, "" | "application/json" | "application/octet-stream" | "text/plain")
}

/// Size and depth, before a parser sees the bytes: parsers skip unknown fields at any depth, and the bytes are passed
/// on to others, whose parsers may not bear it.
pub(crate) fn check_json(bytes: &[u8], what: &str, bytes_max: u64) -> Result<(), Error> {
    if bytes.len() as u64 > bytes_max {
        return Err(Error::Limit {
            what: format!("{what} of {} bytes", bytes.len()),
            limit: format!("{bytes_max} bytes"),
        });
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return Err(Error::Malformed {
                what: what.to_owned(),
                cause: format!("its JSON is nested more than {JSON_DEPTH_MAX} deep"),
            });
        }
    }
    Ok(())
}
