//! Follows the chain, fails closed, and says which link of it is missing. What a trusted key did not sign counts for
//! nothing; what it signed counts for exactly the digest that it names.

use super::statement::{CERTIFICATION, Certified, sbom_predicate, sbom_summary};
use crate::report::Verdict;
use crate::sbom::SbomFormat;
use oci::Error;
use oci::digest::Digest;
use oci::manifest::{self, Descriptor, Document};
use oci::source::Source;
use oci::trust::{COSIGN_SIGN, KeyId, Keyring, Rejection, Verified};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

/// Size of the pieces in which content is read.
const PIECE_BYTES: usize = 256 << 10;

/// What must be there besides the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demands {
    /// Config and layers are what the manifest says. They are read whole.
    pub content: bool,
    /// A signed bill of materials.
    pub sbom: bool,
    /// A signed certification, passed.
    pub certification: bool,
}

/// A link of the chain, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// The manifest is what its digest says, and so are those that it names.
    Image,
    /// Config and layers are what the manifest says.
    Content,
    /// A trusted key signed the digest.
    Signature,
    /// A trusted key signed a bill of materials of the digest.
    Sbom,
    /// A trusted key signed that the digest passed its certification.
    Certification,
}

/// Whether a link holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkState {
    /// Which.
    pub link: Link,
    /// Whether it holds.
    pub verified: bool,
    /// What was found; one sentence each.
    pub details: Vec<String>,
    /// The way out, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The chain of one manifest or index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Chain {
    pub digest: Digest,
    /// As the index states it; none for the index itself, and for an image that stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    pub links: Vec<LinkState>,
}

/// A referrer that counted for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Ignored {
    pub subject: Digest,
    pub referrer: Digest,
    pub reason: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether every link of every chain holds.
    pub verified: bool,
    /// Digest of what was asked for.
    pub digest: Digest,
    /// The manifest or index itself first, then the images of the index.
    pub chains: Vec<Chain>,
    /// Bundles that no trusted key made, or that are broken. A stranger can attach such to any image.
    pub ignored: Vec<Ignored>,
}

/// Verifies a manifest or index, and each image that it names.
///
/// # Errors
/// The source cannot be read. What the source holds, and does not hold, is part of the result.
pub fn verify(
    source: &dyn Source,
    root: &Descriptor,
    keys: &Keyring,
    demands: Demands,
) -> Result<Verification, Error> {
    let mut found =
        Verification { verified: false, digest: root.digest, chains: Vec::new(), ignored: Vec::new() };
    let images = match manifest::images(source, root) {
        Ok(images) => images,
        Err(error) if is_content(&error) => {
            found.chains.push(Chain {
                digest: root.digest,
                platform: None,
                links: vec![broken(Link::Image, &error)],
            });
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    let mut targets = vec![(root.clone(), None)];
    for image in images {
        if targets.iter().all(|(known, _)| known.digest != image.descriptor.digest) {
            targets.push((image.descriptor, image.index_platform.map(platform)));
        }
    }
    let mut read = HashSet::new();
    for (descriptor, platform) in targets {
        let mut links = vec![holds(Link::Image, "the manifest is what its digest says")];
        if demands.content {
            links.push(content(source, &descriptor, &mut read)?);
        }
        let mut statements = Statements::default();
        oci::trust::read(source, descriptor.digest, keys, &mut |one| match one {
            Ok(verified) => statements.add(&verified),
            Err((referrer, rejection)) => {
                let reason = rejection.to_string();
                statements.changed |= !matches!(rejection, Rejection::UnknownKey { .. });
                statements.reject(reason.clone());
                found.ignored.push(Ignored { subject: descriptor.digest, referrer, reason });
            }
        })?;
        links.push(statements.signature());
        if demands.sbom {
            links.push(statements.sbom());
        }
        if demands.certification {
            links.push(statements.certification());
        }
        found.chains.push(Chain { digest: descriptor.digest, platform, links });
    }
    found.verified = found.chains.iter().flat_map(|chain| &chain.links).all(|link| link.verified);
    Ok(found)
}

/// What trusted keys said about one digest.
#[derive(Default)]
struct Statements {
    signatures: Vec<String>,
    sboms: Vec<Result<String, String>>,
    certifications: Vec<Result<(KeyId, Certified), String>>,
    /// Why bundles count for nothing, and how many each time.
    rejected: BTreeMap<String, usize>,
    /// Some were changed, rather than signed by others.
    changed: bool,
    /// It was said why.
    said: bool,
}

impl Statements {
    fn reject(&mut self, reason: String) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    fn add(&mut self, one: &Verified) {
        let by = |what: String| format!("{what}; signed by the key {}", one.key);
        match one.predicate_type.as_str() {
            COSIGN_SIGN => self.signatures.push(format!("signed by the key {}", one.key)),
            CERTIFICATION => {
                self.certifications.push(Certified::parse(&one.payload).map(|found| (one.key, found)));
            }
            kind if SbomFormat::ALL.into_iter().any(|format| sbom_predicate(format) == kind) => {
                self.sboms.push(sbom_summary(&one.payload).map(by));
            }
            _ => {}
        }
    }

    fn signature(&mut self) -> LinkState {
        self.signatures.sort();
        self.signatures.dedup();
        match self.signatures.is_empty() {
            true => self.missing(Link::Signature, "signature"),
            false => LinkState {
                link: Link::Signature,
                verified: true,
                details: std::mem::take(&mut self.signatures),
                hint: None,
            },
        }
    }

    fn sbom(&mut self) -> LinkState {
        let mut good: Vec<String> = self.sboms.iter().flatten().cloned().collect();
        good.sort();
        if !good.is_empty() {
            return LinkState { link: Link::Sbom, verified: true, details: good, hint: None };
        }
        for reason in std::mem::take(&mut self.sboms).into_iter().filter_map(Result::err) {
            self.reject(format!("it is no bill of materials: {reason}"));
        }
        self.missing(Link::Sbom, "bill of materials")
    }

    /// The latest one counts: a later certification revokes an earlier one. Of two of the same instant the one that did
    /// not pass counts, and one that cannot be read is not passed over.
    fn certification(&mut self) -> LinkState {
        let link = Link::Certification;
        if let Some(reason) = self.certifications.iter().find_map(|one| one.as_ref().err()) {
            let text = format!("a signed certification cannot be read: {reason}");
            return fails(link, vec![text], "use a version of this program as new as the marketplace's");
        }
        let by_age = |one: &&(KeyId, Certified)| (one.1.certified_at, one.1.verdict != Verdict::Passed);
        let Some((key, latest)) = self.certifications.iter().flatten().max_by_key(by_age) else {
            return self.missing(link, "certification");
        };
        let policy = latest.policy().map(|digest| digest.to_string()).unwrap_or_default();
        let passed = latest.verdict == Verdict::Passed;
        let head = if passed { "passed" } else { "not passed" };
        let (failed, waived) = (latest.criteria(Verdict::Failed), latest.criteria(Verdict::Waived));
        let details = vec![
            format!("{head} at {}, criteria failed: {failed}, waived: {waived}", latest.certified_at),
            format!("by the policy {policy}; signed by the key {key}"),
        ];
        match passed {
            true => LinkState { link, verified: true, details, hint: None },
            false => fails(link, details, "see the report; pull a later version of the module, which passed"),
        }
    }

    /// The reasons are the same for each link and are told with the first.
    fn missing(&mut self, link: Link, what: &str) -> LinkState {
        let mut details = vec![format!("no {what} of this digest is signed by a given key")];
        if !std::mem::replace(&mut self.said, true) {
            details.extend(self.rejected.iter().map(|(reason, number)| match number {
                1 => format!("a bundle counts for nothing: {reason}"),
                _ => format!("{number} bundles count for nothing: {reason}"),
            }));
        }
        let hint = match (self.rejected.is_empty(), self.changed) {
            (true, _) => {
                "copy the image together with what refers to it, for example with `edgemarket copy --referrers`"
            }
            (_, false) => {
                "give the marketplace's own public keys, which `edgemarket key export` prints, old ones too"
            }
            (_, true) => {
                "do not use the image; copy it anew from the marketplace, and find out who changed it"
            }
        };
        fails(link, details, hint)
    }
}

/// Config and layers, each read once; foreign layers lie elsewhere and are passed over.
fn content(
    source: &dyn Source,
    descriptor: &Descriptor,
    read: &mut HashSet<Digest>,
) -> Result<LinkState, Error> {
    let bytes = source.manifest(descriptor)?;
    let Document::Manifest(manifest) = manifest::parse(&bytes, Some(&descriptor.media_type))? else {
        return Ok(holds(Link::Content, "an index has none but its manifests"));
    };
    let here = manifest.layers.iter().filter(|layer| layer.urls.is_empty());
    let (mut blobs, mut bytes) = (0_usize, 0_u64);
    for blob in std::iter::once(&manifest.config).chain(here) {
        (blobs, bytes) = (blobs + 1, bytes + blob.size);
        if !read.insert(blob.digest) {
            continue;
        }
        match check(source, blob) {
            Ok(()) => {}
            Err(error) if is_content(&error) => {
                return Ok(broken(Link::Content, &error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(holds(Link::Content, &format!("{blobs} blobs with {bytes} bytes are what the manifest says")))
}

fn check(source: &dyn Source, blob: &Descriptor) -> Result<(), Error> {
    let what = || format!("{} of {}", blob.digest, source.describe());
    let mut raw = source.blob(blob)?.take(blob.size.saturating_add(1));
    let (mut hasher, mut found, mut piece) = (blob.digest.hasher(), 0_u64, vec![0; PIECE_BYTES]);
    loop {
        let count =
            raw.read(&mut piece).map_err(|error| Error::from_io(format!("reading {}", what()), error))?;
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
        found += count as u64;
    }
    if found != blob.size {
        return Err(Error::SizeMismatch { what: what(), expected: blob.size, found });
    }
    let digest = hasher.finish();
    match digest == blob.digest {
        true => Ok(()),
        false => Err(Error::DigestMismatch { what: what(), expected: blob.digest, found: Box::new(digest) }),
    }
}

/// Whether the content is at fault, rather than the way to it.
fn is_content(error: &Error) -> bool {
    use Error::*;
    matches!(
        error,
        NotFound(_)
            | DigestMismatch { .. }
            | SizeMismatch { .. }
            | Malformed { .. }
            | Limit { .. }
            | Unsupported(_)
    )
}

fn broken(link: Link, error: &Error) -> LinkState {
    let hint = match error {
        Error::NotFound(_) => {
            "copy the image again: a copy that was broken off goes on where it was".to_owned()
        }
        Error::DigestMismatch { .. } | Error::SizeMismatch { .. } => {
            "do not use the image; copy it anew from the marketplace, and find out who changed it".to_owned()
        }
        other => other.hint(),
    };
    fails(link, vec![error.to_string()], &hint)
}

fn holds(link: Link, detail: &str) -> LinkState {
    LinkState { link, verified: true, details: vec![detail.to_owned()], hint: None }
}

fn fails(link: Link, details: Vec<String>, hint: &str) -> LinkState {
    LinkState { link, verified: false, details, hint: Some(hint.to_owned()) }
}

/// `linux/arm/v7`.
fn platform(platform: manifest::Platform) -> String {
    let mut parts = vec![platform.os, platform.architecture];
    parts.extend(platform.variant);
    parts.join("/")
}
