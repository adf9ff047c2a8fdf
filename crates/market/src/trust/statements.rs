//! What is attached to the images of a plan: each manifest and index gets a signature, its bills of materials and the
//! certification, all signed, in the form that cosign 3 reads. An index gets the bills of all its images: each names the
//! image and the indexes that contain it as its subjects, so that one bundle serves all of them.
//!
//! They take the place of bare documents as referrers, which proved nothing and of which nobody could say by whom they
//! were; the documents themselves are at the API.

use super::Signer;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::stage::Tree;
use crate::store::documents::DocumentRow;
use bytes::Bytes;
use certify::sbom::SbomFormat;
use certify::trust::statement::{CERTIFICATION, sbom_predicate};
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document, MANIFEST_BYTES_MAX, Manifest, media_type};
use oci::trust::{BUNDLE_BYTES_MAX, BUNDLE_TYPE, Bundle, COSIGN_SIGN, Envelope, IN_TOTO, Subject, referrer};
use registry::Blobs;
use std::collections::{BTreeMap, BTreeSet};

/// Kind of the document that is a certification's predicate.
pub(crate) const CERTIFICATION_KIND: &str = "certification";

/// A referrer, whose content is in the blob store.
pub(crate) type Referrer = (Descriptor, Manifest);

/// Makes all statements about the images of one plan, signatures first. The same images, documents and key give the same
/// bytes. `None` when there is no certification to state.
pub(crate) async fn attach(
    market: &Market,
    signer: &Signer,
    tree: &Tree,
    documents: &[&DocumentRow],
) -> Result<Option<Vec<Referrer>>> {
    let Some(certification) = documents.iter().find(|document| document.kind == CERTIFICATION_KIND) else {
        return Ok(None);
    };
    let desk = Desk { blobs: &market.blobs, signer };
    let mut made = Vec::new();
    for subject in &tree.manifests {
        made.extend(desk.state(&[subject], COSIGN_SIGN, b"{}").await?);
    }
    market.faults.at("packaging:signed");
    let containers = containers(&market.blobs, tree).await?;
    for (kind, format) in [("sbom", SbomFormat::CycloneDx), ("spdx", SbomFormat::Spdx)] {
        for document in documents.iter().filter(|document| document.kind == kind) {
            let digest: Digest = document.subject.parse().map_err(Error::internal)?;
            let within = containers.get(&digest);
            let is_subject = |found: &&Descriptor| {
                found.digest == digest || within.is_some_and(|within| within.contains(&found.digest))
            };
            let subjects: Vec<&Descriptor> = tree.manifests.iter().filter(is_subject).collect();
            let predicate = desk.read(document).await?;
            made.extend(desk.state(&subjects, sbom_predicate(format), &predicate).await?);
        }
    }
    let subjects: Vec<&Descriptor> = tree.manifests.iter().collect();
    let predicate = desk.read(certification).await?;
    made.extend(desk.state(&subjects, CERTIFICATION, &predicate).await?);
    Ok(Some(made))
}

struct Desk<'a> {
    blobs: &'a Blobs,
    signer: &'a Signer,
}

impl Desk<'_> {
    /// Signs one statement about all subjects, and attaches it to each of them.
    async fn state(
        &self,
        subjects: &[&Descriptor],
        predicate_type: &str,
        predicate: &[u8],
    ) -> Result<Vec<Referrer>> {
        let named: Vec<Subject> = subjects.iter().map(|subject| Subject::new(subject.digest, None)).collect();
        let statement = oci::trust::statement(&named, predicate_type, predicate)?;
        let envelope = Envelope::seal(IN_TOTO, &statement, |message| self.signer.sign(message));
        let bytes = Bundle::new(envelope, self.signer.id()).to_json()?;
        if bytes.len() as u64 > BUNDLE_BYTES_MAX {
            return Err(Error::conflict(
                format!(
                    "a statement of the type {predicate_type} has {} bytes, at most {BUNDLE_BYTES_MAX} are signed",
                    bytes.len()
                ),
                "make an image with fewer packages, or split it into several plans",
            ));
        }
        let bundle = Descriptor::of(BUNDLE_TYPE, &bytes);
        self.blobs.put_bytes(bytes).await?;
        let mut made = Vec::new();
        for subject in subjects {
            let (manifest, config) = referrer(&bundle, predicate_type, subject);
            self.blobs.put_bytes(config).await?;
            let bytes = serde_json::to_vec(&manifest).map_err(Error::internal)?;
            made.push((Descriptor::of(media_type::OCI_MANIFEST, &bytes), manifest));
            self.blobs.put_bytes(bytes).await?;
        }
        Ok(made)
    }

    async fn read(&self, document: &DocumentRow) -> Result<Bytes> {
        let digest = document.digest.parse().map_err(Error::internal)?;
        let bytes = self.blobs.read(&digest, BUNDLE_BYTES_MAX).await?;
        bytes.ok_or_else(|| Error::internal(format!("the document {digest} is not in the blob store")))
    }
}

/// For each manifest the indexes that contain it, at any depth.
async fn containers(blobs: &Blobs, tree: &Tree) -> Result<BTreeMap<Digest, BTreeSet<Digest>>> {
    let mut within: BTreeMap<Digest, BTreeSet<Digest>> = BTreeMap::new();
    // Children come before parents, so from the end each index is known with all that contain it.
    for parent in tree.manifests.iter().rev() {
        let bytes = blobs.read(&parent.digest, MANIFEST_BYTES_MAX).await?;
        let bytes =
            bytes.ok_or_else(|| Error::internal(format!("{} is not in the blob store", parent.digest)))?;
        if let Document::Index(index) = manifest::parse(&bytes, Some(&parent.media_type))? {
            let mut all = within.get(&parent.digest).cloned().unwrap_or_default();
            all.insert(parent.digest);
            for child in &index.manifests {
                within.entry(child.digest).or_default().extend(all.iter().copied());
            }
        }
    }
    Ok(within)
}
