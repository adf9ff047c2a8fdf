//! What refers to an image (reports, SBOMs, signatures), in registries that do not list it by themselves: a tag of the
//! form `sha256-…` then points at an index of it (OCI distribution spec 1.1, *Referrers Tag Schema*). That tag is no
//! tag of the offer and moves with the content.

use oci::client::Repository;
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document, Index, media_type};
use std::collections::BTreeMap;

/// A manifest that refers to another one.
pub(super) struct Referrer {
    subject: Digest,
    /// As the list shows it.
    entry: Descriptor,
}

/// What the list says of a manifest, if it refers to another one.
pub(super) fn entry(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<Referrer>, oci::Error> {
    let document = manifest::parse(bytes, Some(&descriptor.media_type))?;
    let (subject, artifact_type, annotations) = match document {
        Document::Manifest(found) => {
            let artifact_type = found.artifact_type.unwrap_or(found.config.media_type);
            (found.subject, Some(artifact_type), found.annotations)
        }
        Document::Index(found) => (found.subject, found.artifact_type, found.annotations),
    };
    let Some(subject) = subject else { return Ok(None) };
    let entry = Descriptor {
        artifact_type,
        annotations,
        ..Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size)
    };
    Ok(Some(Referrer { subject: subject.digest, entry }))
}

/// Makes sure that the repository lists all of them. Those that are listed already, whoever put them there, stay.
pub(super) async fn ensure(repository: &Repository, referrers: &[Referrer]) -> Result<(), oci::Error> {
    let mut subjects: BTreeMap<String, Vec<&Referrer>> = BTreeMap::new();
    for referrer in referrers {
        subjects.entry(referrer.subject.hex()).or_default().push(referrer);
    }
    for (hex, referrers) in subjects {
        let Some(first) = referrers.first() else { continue };
        let mut listed = repository.referrers(first.subject, None).await?;
        let before = listed.len();
        for referrer in &referrers {
            if !listed.iter().any(|entry| entry.digest == referrer.entry.digest) {
                listed.push(referrer.entry.clone());
            }
        }
        if listed.len() == before {
            continue;
        }
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests: listed,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let bytes = serde_json::to_vec(&index).map_err(|error| oci::Error::Malformed {
            what: format!("list of what refers to {}", first.subject),
            cause: error.to_string(),
        })?;
        repository.push_manifest(&format!("sha256-{hex}"), media_type::OCI_INDEX, &bytes).await?;
    }
    Ok(())
}
