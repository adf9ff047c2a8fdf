//! What a pushed manifest must look like, and what it refers to. Only the form is judged; whether the references exist
//! is asked of the owner's records by the caller.

use oci::{
    digest::Digest,
    manifest::{Descriptor, media_type},
};
use serde::{Deserialize, de::IgnoredAny};
use std::collections::{BTreeMap, HashSet};

/// Most references of one manifest: each costs a look-up. Container engines stop at 127 layers, and the largest indexes
/// in the field (every platform of many variants) have some hundred entries.
pub(super) const REFERENCES_MAX: usize = 2048;

/// A well-formed manifest or index.
#[derive(Debug)]
pub(super) struct Form {
    pub media_type: String,
    pub artifact_type: Option<String>,
    pub annotations: BTreeMap<String, String>,
    pub subject: Option<Digest>,
    /// Config and layers, each digest once, without foreign layers.
    pub blobs: Vec<Descriptor>,
    /// Child manifests, each digest once.
    pub children: Vec<Descriptor>,
}

/// Reads a manifest. The `Content-Type`, the field `mediaType` and the fields present must agree: content that two
/// readers could take for two things is refused (CVE-2021-41190).
pub(super) fn read(content_type: Option<&str>, bytes: &[u8]) -> Result<Form, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|e| format!("not a manifest: {e}"))?;
    if document.schema_version != Some(2) {
        return Err("schemaVersion must be 2; version 1 is obsolete".into());
    }
    let media_type = document.media_type(content_type)?;
    if document.fs_layers.is_some() {
        return Err("fsLayers belongs to the obsolete schema version 1".into());
    }
    let annotations = document.annotations.unwrap_or_default();
    let subject = document.subject.map(|subject| subject.digest);
    let (artifact_type, blobs, children) = if is_index(&media_type) {
        if document.config.is_some() || document.layers.is_some() {
            return Err("an index must not have config or layers".into());
        }
        (document.artifact_type, Vec::new(), document.manifests.unwrap_or_default())
    } else {
        if document.manifests.is_some() {
            return Err("an image manifest must not have manifests".into());
        }
        let config = document.config.ok_or("an image manifest must have a config")?;
        // An empty artifactType is no type (OCI distribution spec 1.1, *Listing Referrers*).
        let artifact_type = document.artifact_type.filter(|t| !t.is_empty());
        let artifact_type = artifact_type.unwrap_or_else(|| config.media_type.clone());
        let mut blobs = vec![config];
        blobs.extend(document.layers.unwrap_or_default().into_iter().filter(|layer| !is_foreign(layer)));
        (Some(artifact_type), blobs, Vec::new())
    };
    let found = blobs.len() + children.len();
    if found > REFERENCES_MAX {
        return Err(format!("{found} references pass the limit of {REFERENCES_MAX}"));
    }
    Ok(Form {
        media_type,
        artifact_type,
        annotations,
        subject,
        blobs: each_once(blobs),
        children: each_once(children),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u32>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    // `null` is what some writers make of an empty list.
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
    fs_layers: Option<IgnoredAny>,
}

impl Document {
    fn media_type(&self, content_type: Option<&str>) -> Result<String, String> {
        let content_type =
            content_type.and_then(|t| t.split(';').next()).map(str::trim).filter(|t| !t.is_empty());
        let guess = if self.manifests.is_some() { media_type::OCI_INDEX } else { media_type::OCI_MANIFEST };
        let found = match (content_type, self.media_type.as_deref()) {
            (Some(header), Some(field)) if header != field => {
                return Err(format!("Content-Type is {header}, but mediaType is {field}"));
            }
            (header, field) => header.or(field).unwrap_or(guess),
        };
        let known = [
            media_type::OCI_MANIFEST,
            media_type::OCI_INDEX,
            media_type::DOCKER_MANIFEST,
            media_type::DOCKER_LIST,
        ];
        if !known.contains(&found) {
            let shown: String = found.chars().take(200).collect();
            return Err(format!("manifests of type {shown:?} are not taken, only {}", known.join(", ")));
        }
        Ok(found.to_owned())
    }
}

fn is_index(media_type: &str) -> bool {
    matches!(media_type, media_type::OCI_INDEX | media_type::DOCKER_LIST)
}

/// A layer that may not be distributed and is fetched from its own URLs (base layers of Windows images).
fn is_foreign(layer: &Descriptor) -> bool {
    !layer.urls.is_empty()
        && (layer.media_type.contains("nondistributable") || layer.media_type.contains(".foreign."))
}

fn each_once(descriptors: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    descriptors.into_iter().filter(|descriptor| seen.insert(descriptor.digest)).collect()
}
