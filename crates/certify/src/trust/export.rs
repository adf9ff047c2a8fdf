//! What a marketplace states about an export: which offers it carries, which content belongs to it, and on which earlier export
//! it builds. The form of the archive around it is drawn here, since whoever verifies one needs no marketplace:
//!
//! ```text
//! oci-layout
//! index.json                   the whole (tag `export`), the statement, and each image with its referrers
//! blobs/…  the whole           an index: listings, images, referrers
//!          the statement       a referrer of it: in-toto in DSSE in a Sigstore bundle, predicate EXPORT
//!          listings            an artifact for each offer: its document and pictures, its reports, its tags
//!          everything that these name and the earlier export does not have
//! ```

use super::{Demands, Verification, verify};
use oci::Error;
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document};
use oci::source::Source;
use oci::trust::{Keyring, Statement, Verified};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// Predicate type of the statement.
pub const EXPORT: &str = "urn:edgemarket:export:v1";
/// Tag of the whole in the archive.
pub const EXPORT_TAG: &str = "export";
/// Artifact type of an offer's listing.
pub const LISTING_TYPE: &str = "application/vnd.edgemarket.listing.v1";
/// Most offers of one export.
pub const OFFERS_MAX: usize = 10_000;
/// Most pieces of content of one export: what an archive's table of entries holds. Some hundred large offers have a tenth.
pub const CONTENT_MAX: usize = 90_000;

/// Longest id, instant or name of a source in bytes; a host's has up to 253.
const TEXT_BYTES_MAX: usize = 300;

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// A UUID.
    pub id: String,
    /// When it was made, RFC 3339 in UTC.
    pub instant: String,
    /// Host of the marketplace that made it, as in its images' names.
    pub source: String,
    /// The earlier export whose content is not in this one's archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What it says of each offer.
    pub offers: Vec<ExportedOffer>,
    /// Everything that belongs to it, the earlier export's part included.
    pub content: Vec<Content>,
}

/// An offer in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct ExportedOffer {
    pub publisher: String,
    pub offer: String,
    /// Digest of its listing; absent for one that the earlier export carried and that is not offered any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Digest>,
}

/// A piece of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Content {
    pub digest: Digest,
    pub size: u64,
}

impl Export {
    /// Reads a statement's predicate, within the limits. The error says what is wrong with it.
    pub fn parse(payload: &[u8]) -> Result<Export, String> {
        let statement = Statement::<Export>::parse(payload)?;
        if statement.predicate_type != EXPORT {
            return Err("it is about something else than an export".to_owned());
        }
        let found = statement.predicate.ok_or("it has no predicate")?;
        for (what, count, limit) in [
            ("offers", found.offers.len(), OFFERS_MAX),
            ("pieces of content", found.content.len(), CONTENT_MAX),
        ] {
            if count > limit {
                return Err(format!("it lists {count} {what}; at most {limit} are read"));
            }
        }
        let is_odd = |text: &String| {
            text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control)
        };
        if [&found.id, &found.instant, &found.source].into_iter().chain(&found.base).any(is_odd) {
            return Err("its id, instant or source is empty, too long, or no text".to_owned());
        }
        let distinct: BTreeSet<Digest> = found.content.iter().map(|content| content.digest).collect();
        if distinct.len() != found.content.len() {
            return Err("it lists a piece of content twice".to_owned());
        }
        Ok(found)
    }
}

/// What [`verify_export`] found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportVerification {
    /// Whether a trusted key signed it, everything in it is what it says, and every image that is in it whole is verified.
    pub verified: bool,
    /// What is stated; absent where no trusted key signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<Export>,
    /// What is wrong with the export itself; one sentence each.
    pub faults: Vec<String>,
    /// Pieces of content that the earlier export has.
    pub in_base: usize,
    /// By name.
    pub images: BTreeMap<String, Verification>,
    /// Images of which the earlier export has a part; verified when both are there.
    pub partly: Vec<String>,
}

/// The whole of an export, if that is what the source is.
pub fn whole(source: &dyn Source) -> Option<Descriptor> {
    let root = source.resolve(Some(EXPORT_TAG)).ok()?;
    let bytes = source.manifest(&root).ok()?;
    match manifest::parse(&bytes, Some(&root.media_type)) {
        Ok(Document::Index(index)) if index.artifact_type.as_deref() == Some(EXPORT) => Some(root),
        _ => None,
    }
}

/// Verifies an export: who stated it, that each piece of content is what it is called and belongs to it, and the chain of each
/// image. `root` is what [`whole`] gave.
///
/// # Errors
/// The source cannot be read. What it holds, and does not hold, is part of the result.
pub fn verify_export(
    source: &dyn Source,
    root: &Descriptor,
    keys: &Keyring,
    demands: Demands,
) -> Result<ExportVerification, Error> {
    let mut found = ExportVerification {
        verified: false,
        export: None,
        faults: Vec::new(),
        in_base: 0,
        images: BTreeMap::new(),
        partly: Vec::new(),
    };
    let mut statements: Vec<Verified> = Vec::new();
    oci::trust::read(source, root.digest, keys, &mut |one| match one {
        Ok(verified) => statements.push(verified),
        Err((_, rejection)) => found.faults.push(format!("its statement counts for nothing: {rejection}")),
    })?;
    let Some(stated) = statements.iter().find(|one| one.predicate_type == EXPORT) else {
        if found.faults.is_empty() {
            found.faults.push("no statement about it is there".to_owned());
        }
        return Ok(found);
    };
    found.faults.clear();
    let export = match Export::parse(&stated.payload) {
        Ok(export) => export,
        Err(fault) => {
            found.faults.push(format!("its statement is malformed: {fault}"));
            return Ok(found);
        }
    };
    let there = check_content(source, &export, &mut found)?;
    for (name, image) in images_of(source, root)? {
        if export.base.is_some() && !is_whole(source, &image, &there)? {
            found.partly.push(name);
            continue;
        }
        let chain = verify(source, &image, keys, Demands { content: false, ..demands })?;
        found.images.insert(name, chain);
    }
    found.verified = found.faults.is_empty() && found.images.values().all(|image| image.verified);
    found.export = Some(export);
    Ok(found)
}

/// Reads everything that is there, and says what is wrong with it; what is not there must be the earlier export's.
fn check_content(
    source: &dyn Source,
    export: &Export,
    found: &mut ExportVerification,
) -> Result<BTreeSet<Digest>, Error> {
    let mut there = BTreeSet::new();
    for content in &export.content {
        let blob = Descriptor::new("application/octet-stream", content.digest, content.size);
        let mut raw = match source.blob(&blob) {
            Ok(raw) => raw.take(content.size.saturating_add(1)),
            Err(Error::NotFound(_)) if export.base.is_some() => {
                found.in_base += 1;
                continue;
            }
            Err(Error::NotFound(_)) => {
                found.faults.push(format!("{} is missing", content.digest));
                continue;
            }
            Err(error) => return Err(error),
        };
        let (mut hasher, mut bytes, mut buffer) = (content.digest.hasher(), 0, vec![0; 256 << 10]);
        loop {
            let read = raw.read(&mut buffer);
            let count = read.map_err(|error| Error::from_io(format!("reading {}", content.digest), error))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            bytes += count as u64;
        }
        if bytes != content.size || hasher.finish() != content.digest {
            found.faults.push(format!("{} is damaged: its content is another one", content.digest));
            continue;
        }
        there.insert(content.digest);
    }
    Ok(there)
}

/// The images of the whole, by the name that its entries give them.
fn images_of(source: &dyn Source, root: &Descriptor) -> Result<BTreeMap<String, Descriptor>, Error> {
    let bytes = source.manifest(root)?;
    let Document::Index(index) = manifest::parse(&bytes, Some(&root.media_type))? else {
        return Ok(BTreeMap::new());
    };
    let name = |entry: &Descriptor| entry.annotations.get(oci::source::layout::REF_NAME).cloned();
    Ok(index
        .manifests
        .iter()
        .filter_map(|entry| {
            Some((name(entry)?, Descriptor::new(&entry.media_type, entry.digest, entry.size)))
        })
        .collect())
}

/// Whether the manifest and all below it, and a referrer of each, are there.
fn is_whole(source: &dyn Source, image: &Descriptor, there: &BTreeSet<Digest>) -> Result<bool, Error> {
    if !there.contains(&image.digest) {
        return Ok(false);
    }
    let below = match oci::source::manifests_below(source, image) {
        Err(Error::NotFound(_)) => return Ok(false),
        other => other?,
    };
    Ok(below.iter().all(|manifest| there.contains(&manifest.digest)))
}
