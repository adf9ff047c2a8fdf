//! The engine's one door: resolves what is to be certified, gathers the evidence of each distinct image once, judges.
//! The certification step, the command line and recertification all come in here, and get equal reports.

use crate::advisories::vex::Vex;
use crate::advisories::{self, Advisories};
use crate::cache::Cache;
use crate::criteria::{Case, IndexFault, OfferContext};
use crate::evidence::{Fault, FaultKind, ImageEvidence, Place};
use crate::gather::{self, gather};
use crate::judge::judge;
use crate::links::LinkFact;
use crate::report::Report;
use crate::rules::Rules;
use crate::sandbox::facts::{Outcome, StartFacts};
use crate::sandbox::{Start, Starter};
use crate::sbom::{SbomFormat, cyclonedx, spdx_json};
use jiff::civil::Date;
use oci::digest::Digest;
use oci::manifest::{Descriptor, ImageRef, media_type};
use oci::source::Source;
use offer::platform::Platform;
use offer::policy::Policy;
use offer::tags::{ResolvedImage, ResolvedTag, ResolvedTags, VersionTag};
use std::collections::BTreeMap;

/// What is to be certified, and by what.
pub struct Request<'a> {
    /// Where the images are.
    pub source: &'a dyn Source,
    /// Tag or digest; `None` is the source's own choice. With an offer the plan's tags count instead.
    pub reference: Option<&'a str>,
    /// The offer and the plan, when there is one.
    pub offer: Option<OfferContext<'a>>,
    /// Every version tag of the plan that was ever live, with its digest; empty without a marketplace.
    pub live_tags: &'a BTreeMap<VersionTag, Digest>,
    /// The operator's policy.
    pub policy: &'a Policy,
    /// Malware and secret rules.
    pub rules: &'a Rules,
    /// Evidence of layers that were seen before.
    pub cache: Option<&'a Cache>,
    /// Vulnerability data, and what OpenVEX documents say; `None` when none was imported.
    pub advisories: Option<(&'a Advisories, &'a Vex)>,
    /// What the listing's links answered; `None` when the caller may not ask or did not.
    pub links: Option<&'a [LinkFact]>,
    /// The day (UTC) that end dates (of waivers, of a distribution's support) are judged by.
    pub today: Date,
    /// Whether and how modules are started.
    pub starter: Starter<'a>,
    /// Told often, from several threads.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How far a certification has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which image is read, from 1.
    pub image: usize,
    /// How many distinct images there are.
    pub images: usize,
    /// The image's platform as the index states it.
    pub platform: Option<String>,
    /// The image's layers.
    pub layers: gather::Progress,
    /// For how many seconds it is up, of how many, when it is being started.
    pub start: Option<(u32, u32)>,
}

/// What a certification gives.
#[derive(Debug, Clone)]
pub struct Certification {
    /// The judgement.
    pub report: Report,
    /// One bill of materials for each image.
    pub sboms: Vec<Sbom>,
    /// What the judgement rests on; enough to judge again by another policy.
    pub evidence: Vec<ImageEvidence>,
    /// What the tags pointed at.
    pub tags: ResolvedTags,
}

/// The bill of materials of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// Platform as the config states it.
    pub platform: Option<Platform>,
    /// Digest of the image manifest.
    pub image: Digest,
    /// CycloneDX 1.6 JSON.
    pub cyclonedx: Vec<u8>,
    /// SPDX 2.3 JSON.
    pub spdx: Vec<u8>,
}

impl Sbom {
    /// The document in this form.
    pub fn document(&self, format: SbomFormat) -> &[u8] {
        match format {
            SbomFormat::CycloneDx => &self.cyclonedx,
            SbomFormat::Spdx => &self.spdx,
        }
    }
}

/// Certifies.
///
/// # Errors
/// The source cannot be read, or holds none of the tags. What is wrong with the content is a finding, not an error.
pub fn certify(request: &Request<'_>) -> Result<Certification, oci::Error> {
    request.rules.refresh();
    let targets = targets(request)?;
    let mut gathered = Gathered::default();
    for target in &targets {
        gathered.add_images(request.source, target)?;
    }
    gathered.gather(request)?;
    let starts = gathered.start(request);
    let tags = gathered.resolved(&targets);
    let name = name(request);
    let digest =
        targets.iter().find(|target| target.tag == "latest").unwrap_or(&targets[0]).descriptor.digest;
    let vulnerabilities =
        request.advisories.map(|(data, vex)| advisories::gather(data, vex, &gathered.evidence));
    let report = judge(&Case {
        reference: &name,
        digest,
        images: &gathered.evidence,
        tags: &tags,
        faults: &gathered.faults,
        offer: request.offer,
        starts: &starts,
        live_tags: request.live_tags,
        policy: request.policy,
        rules_version: &request.rules.version(),
        links: request.links,
        today: request.today,
        vulnerabilities: vulnerabilities.as_ref(),
    });
    let sboms = sboms_of(request, &name, &gathered.evidence);
    Ok(Certification { report, sboms, evidence: gathered.evidence, tags })
}

/// The bills of materials alone, without a judgement: with [`Rules::off`] nothing is scanned, so that little is left but
/// to unpack and to hash. They are the ones that [`certify`] gives.
///
/// # Errors
/// The source cannot be read, holds none of the tags, or an image that it names is broken: there is no report that
/// could say so.
pub fn bills_of_materials(request: &Request<'_>) -> Result<Vec<Sbom>, oci::Error> {
    let targets = targets(request)?;
    let mut gathered = Gathered::default();
    for target in &targets {
        gathered.add_images(request.source, target)?;
    }
    gathered.gather(request)?;
    let of_index = gathered.faults.iter().map(|fault| &fault.fault);
    let of_images = gathered.evidence.iter().flat_map(|image| &image.faults);
    // What a package database does not say is missing in the bill; what else is odd about an image does not touch it.
    let incomplete = [FaultKind::Verification, FaultKind::Size, FaultKind::Packages];
    if let Some(fault) = of_index.chain(of_images).find(|fault| incomplete.contains(&fault.kind)) {
        let what = format!("the image, whose bill of materials would be incomplete ({})", fault.place.path);
        return Err(oci::Error::Malformed { what, cause: fault.message.clone() });
    }
    Ok(sboms_of(request, &name(request), &gathered.evidence))
}

fn sboms_of(request: &Request<'_>, name: &str, evidence: &[ImageEvidence]) -> Vec<Sbom> {
    let component = component_name(request, name);
    let sbom = |image: &ImageEvidence| Sbom {
        platform: image.platform.clone(),
        image: image.digest,
        cyclonedx: cyclonedx::document(image, &component),
        spdx: spdx_json::document(image, &component),
    };
    evidence.iter().map(sbom).collect()
}

/// A tag, or what stands for it, and what it points at.
struct Target {
    tag: String,
    descriptor: Descriptor,
}

/// The plan's tags that the repository holds, in their order; without a readable offer the one that was asked for.
/// Never empty.
fn targets(request: &Request<'_>) -> Result<Vec<Target>, oci::Error> {
    let plan = request.offer.and_then(|context| context.plan());
    let Some((_, plan)) = plan else {
        let descriptor = request.source.resolve(request.reference)?;
        let tag = request.reference.map_or_else(|| descriptor.digest.to_string(), str::to_owned);
        return Ok(vec![Target { tag, descriptor }]);
    };
    let mut targets: Vec<Target> = Vec::new();
    for tag in &plan.tags {
        if targets.iter().any(|target| target.tag == *tag) {
            continue;
        }
        match request.source.resolve(Some(tag)) {
            Ok(descriptor) => targets.push(Target { tag: tag.clone(), descriptor }),
            Err(oci::Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if targets.is_empty() {
        let what = format!("any of the tags {} in {}", plan.tags.join(", "), request.source.describe());
        return Err(oci::Error::NotFound(what));
    }
    Ok(targets)
}

/// What people call the image. With an offer the repository that it names, so that all doors say the same.
fn name(request: &Request<'_>) -> String {
    match request.offer.and_then(|context| context.plan()) {
        Some((_, plan)) => plan.repository.name.clone(),
        None => request.source.describe(),
    }
}

fn component_name(request: &Request<'_>, name: &str) -> String {
    let context = request.offer.filter(|context| context.plan().is_some());
    match context.and_then(|context| context.reading.offer.as_ref().map(|offer| (offer, context.plan_id))) {
        Some((offer, plan)) => format!("{}/{}/{plan}", offer.publisher, offer.id),
        None => name.to_owned(),
    }
}

#[derive(Default)]
struct Gathered {
    /// Images behind each distinct digest of a tag.
    behind: BTreeMap<Digest, Vec<ImageRef>>,
    /// Distinct images with the tag through which they were found first.
    images: Vec<(String, ImageRef)>,
    evidence: Vec<ImageEvidence>,
    faults: Vec<IndexFault>,
}

impl Gathered {
    fn add_images(&mut self, source: &dyn Source, target: &Target) -> Result<(), oci::Error> {
        let digest = target.descriptor.digest;
        if self.behind.contains_key(&digest) {
            return Ok(());
        }
        let images = match oci::manifest::images(source, &target.descriptor) {
            Ok(images) => images,
            Err(error) => {
                self.faults.push(index_fault(&target.tag, digest, error)?);
                Vec::new()
            }
        };
        for image in &images {
            if !self.images.iter().any(|(_, known)| known.descriptor.digest == image.descriptor.digest) {
                self.images.push((target.tag.clone(), image.clone()));
            }
        }
        self.behind.insert(digest, images);
        Ok(())
    }

    fn gather(&mut self, request: &Request<'_>) -> Result<(), oci::Error> {
        let count = self.images.len();
        for (index, (tag, image)) in self.images.iter().enumerate() {
            let platform = image.index_platform.as_ref().map(|platform| of_index(platform).to_string());
            let progress = |layers| {
                let platform = platform.clone();
                (request.progress)(Progress {
                    image: index + 1,
                    images: count,
                    platform,
                    layers,
                    start: None,
                });
            };
            match gather(request.source, image, request.rules, request.cache, &progress) {
                Ok(evidence) => self.evidence.push(evidence),
                Err(error) => self.faults.push(index_fault(tag, image.descriptor.digest, error)?),
            }
        }
        Ok(())
    }

    /// Starts each distinct image, one after the other.
    fn start(&self, request: &Request<'_>) -> Vec<StartFacts> {
        let (sandbox, stop) = match request.starter {
            Starter::With(sandbox, stop) => (sandbox, stop),
            Starter::Off(reason) => {
                let outcome = || Outcome::NotApplicable(reason.to_owned());
                let facts = |image: &ImageEvidence| StartFacts { image: image.digest, outcome: outcome() };
                return self.evidence.iter().map(facts).collect();
            }
        };
        let count = self.images.len();
        let limits = request.policy.start;
        let mut starts = Vec::new();
        for (index, (_, image)) in self.images.iter().enumerate() {
            let digest = image.descriptor.digest;
            let Some(evidence) = self.evidence.iter().find(|evidence| evidence.digest == digest) else {
                continue;
            };
            let bytes = evidence.layers.iter().map(|layer| layer.compressed_bytes).sum();
            let number = evidence.layers.len();
            let layers = gather::Progress {
                layers_done: number,
                layers: number,
                bytes_done: bytes,
                bytes,
                path: None,
            };
            let platform = evidence.platform.as_ref().map(ToString::to_string);
            let progress = |time: std::time::Duration| {
                let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).min(limits.observe_seconds);
                let start = Some((seconds, limits.observe_seconds));
                (request.progress)(Progress {
                    image: index + 1,
                    images: count,
                    platform: platform.clone(),
                    layers: layers.clone(),
                    start,
                });
            };
            let plan = request.offer.and_then(|context| context.plan()).map(|(_, plan)| plan);
            let start =
                Start { source: request.source, image, evidence, plan, limits, stop, progress: &progress };
            starts.push(sandbox.start(&start));
        }
        starts
    }

    fn resolved(&self, targets: &[Target]) -> ResolvedTags {
        let resolved = |target: &Target| {
            let digest = target.descriptor.digest;
            let images = self.behind.get(&digest).into_iter().flatten().map(|image| self.image(image));
            let is_list = matches!(
                target.descriptor.media_type.as_str(),
                media_type::OCI_INDEX | media_type::DOCKER_LIST
            );
            ResolvedTag { digest: digest.to_string(), is_list, images: images.collect() }
        };
        ResolvedTags(targets.iter().map(|target| (target.tag.clone(), resolved(target))).collect())
    }

    fn image(&self, image: &ImageRef) -> ResolvedImage {
        let evidence = self.evidence.iter().find(|evidence| evidence.digest == image.descriptor.digest);
        let of_config = || evidence.and_then(|evidence| evidence.platform.clone());
        ResolvedImage {
            digest: image.descriptor.digest.to_string(),
            platform: image.index_platform.as_ref().map(of_index).or_else(of_config),
        }
    }
}

fn of_index(platform: &oci::manifest::Platform) -> Platform {
    Platform::new(&platform.os, &platform.architecture, platform.variant.as_deref())
}

/// What is wrong with the content is a fault; what kept us from reading it stays an error.
fn index_fault(tag: &str, digest: Digest, error: oci::Error) -> Result<IndexFault, oci::Error> {
    let kind = match &error {
        oci::Error::Limit { .. } => FaultKind::Size,
        oci::Error::DigestMismatch { .. }
        | oci::Error::SizeMismatch { .. }
        | oci::Error::DiffIdMismatch { .. }
        | oci::Error::Malformed { .. }
        | oci::Error::Unsupported(_)
        // The tag was resolved, so what is missing is a part of the image.
        | oci::Error::NotFound(_) => FaultKind::Verification,
        oci::Error::Io { .. }
        | oci::Error::Denied(_)
        | oci::Error::Unreachable { .. }
        | oci::Error::Refused { .. } => return Err(error),
    };
    let hint = match &error {
        oci::Error::NotFound(_) => {
            "push the image again; a part of it is missing in the repository".to_owned()
        }
        _ => error.hint(),
    };
    let place = Place { layer: None, path: "manifest".to_owned() };
    let fault = Fault { kind, place, message: error.to_string(), hint };
    Ok(IndexFault { tag: tag.to_owned(), digest, fault })
}
