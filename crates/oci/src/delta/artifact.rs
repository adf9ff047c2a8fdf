//! How an image offers deltas: a referrer of its manifest (OCI image spec 1.1, *Guidelines for Artifact Usage*), one for each
//! image that devices may have already, with a layer for each delta. What the annotations say is a claim: whoever rebuilds a
//! layer compares its digest.

use super::Parts;
use crate::digest::Digest;
use crate::manifest::{Descriptor, Manifest, media_type};
use crate::trust::EMPTY;
use std::collections::BTreeMap;

/// Artifact type of the referrer, and media type of each delta in it.
pub const DELTA_TYPE: &str = "application/vnd.edgemarket.delta.v1";

/// Digest that it is made from: of the old layer, and for the referrer as a whole of the old image's manifest.
const FROM: &str = "vnd.edgemarket.delta.from";
/// Media type of the old layer, which says how to take it apart.
const FROM_TYPE: &str = "vnd.edgemarket.delta.from-type";
/// Bytes of the old layer.
const FROM_BYTES: &str = "vnd.edgemarket.delta.from-bytes";
/// Digest of what it gives: of the new layer, and for the referrer as a whole of the new image's manifest.
const TO: &str = "vnd.edgemarket.delta.to";
/// Bytes of the new layer.
const TO_BYTES: &str = "vnd.edgemarket.delta.to-bytes";

/// A delta between two layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDelta {
    /// The old layer.
    pub from: Descriptor,
    /// Digest of the new layer.
    pub to: Digest,
    /// Bytes of the new layer.
    pub to_bytes: u64,
    /// The delta itself.
    pub blob: Descriptor,
}

/// The manifest that offers deltas from the image `base` to the image `subject`, and its empty config. It carries no instant,
/// so that the same deltas give the same digest.
pub fn referrer(deltas: &[LayerDelta], base: Digest, subject: &Descriptor) -> (Manifest, &'static [u8]) {
    let layers = deltas.iter().map(|delta| {
        let annotations = [
            (FROM, delta.from.digest.to_string()),
            (FROM_TYPE, delta.from.media_type.clone()),
            (FROM_BYTES, delta.from.size.to_string()),
            (TO, delta.to.to_string()),
            (TO_BYTES, delta.to_bytes.to_string()),
        ];
        let annotations = annotations.map(|(name, value)| (name.to_owned(), value)).into();
        Descriptor { annotations, ..Descriptor::new(DELTA_TYPE, delta.blob.digest, delta.blob.size) }
    });
    let annotations = [(FROM, base.to_string()), (TO, subject.digest.to_string())];
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: Some(DELTA_TYPE.to_owned()),
        config: Descriptor::of(media_type::OCI_EMPTY, EMPTY),
        layers: layers.collect(),
        subject: Some(Descriptor::new(&subject.media_type, subject.digest, subject.size)),
        annotations: annotations.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    (manifest, EMPTY)
}

/// The deltas that a manifest offers. Those that say too little, or of which there is nothing to gain, are passed over: a plain
/// layer takes their place.
pub fn offered(manifest: &Manifest) -> Vec<LayerDelta> {
    manifest.layers.iter().filter_map(one).collect()
}

fn one(blob: &Descriptor) -> Option<LayerDelta> {
    let text = |notes: &BTreeMap<String, String>, name: &str| notes.get(name).cloned();
    let notes = &blob.annotations;
    let (from, kind) = (text(notes, FROM)?.parse().ok()?, text(notes, FROM_TYPE)?);
    let from = Descriptor::new(&kind, from, text(notes, FROM_BYTES)?.parse().ok()?);
    let (to, to_bytes) = (text(notes, TO)?.parse().ok()?, text(notes, TO_BYTES)?.parse().ok()?);
    let useful = blob.media_type == DELTA_TYPE && blob.size < to_bytes && Parts::is_supported(&kind);
    let plain = Descriptor::new(DELTA_TYPE, blob.digest, blob.size);
    useful.then_some(LayerDelta { from, to, to_bytes, blob: plain })
}
