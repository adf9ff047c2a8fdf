//! Which vulnerabilities the packages of images have, by the advisories: a function of stored evidence, so that a new
//! import can be matched again without the images. Whether they matter is the criteria's matter.

use super::ecosystem::{self, Target};
use super::error::Error;
use super::ranges::{self, Hit};
use super::severity::{self, Rating};
use super::store::{Advisories, Entry, Epss, Source, SourceKind, Stored};
use super::versions::Scheme;
use super::vex::{self, Subject, Vex};
use crate::evidence::{Distribution, ImageEvidence, Package, Place};
use crate::sbom::purl;
use oci::digest::Digest;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the advisories say about a case's images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vulnerabilities {
    /// The sources that were of use: of the packages' ecosystems, KEV and EPSS.
    pub sources: Vec<Source>,
    /// Image by image, in the order of the evidence.
    pub images: Vec<OfImage>,
    /// There is a list of exploited vulnerabilities.
    pub knows_exploited: bool,
    /// Why it could not be found out; then the rest is empty.
    pub fault: Option<String>,
}

/// What they say about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct OfImage {
    /// Digest of its manifest.
    pub image: Digest,
    /// Sorted by package and name.
    pub found: Vec<Vulnerability>,
    /// Packages that were not compared, by reason.
    pub unchecked: BTreeMap<String, usize>,
}

/// A vulnerability of a package, under whichever ids it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability {
    /// Its name: the CVE where there is one.
    pub id: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Vulnerabilities that the advisory is about, when it is about several.
    pub covers: Vec<String>,
    /// Name of the package that the advisory is about: on Debian and Alpine the source package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Package URLs of the installed packages, sorted.
    pub purls: Vec<String>,
    /// Where the first of them was read.
    pub place: Place,
    /// How bad; `None` when nobody says.
    pub rating: Option<Rating>,
    /// The version with which it is repaired.
    pub fixed: Option<String>,
    /// One line.
    pub summary: String,
    /// The day since which it is known to be exploited.
    pub exploited: Option<String>,
    /// The chance of exploitation.
    pub epss: Option<Epss>,
    /// Not a vulnerability but a notice, for example `unmaintained`.
    pub informational: Option<String>,
    /// The package itself is malware.
    pub malicious: bool,
    /// What OpenVEX documents say.
    pub vex: Option<vex::Verdict>,
}

/// Looks up the packages of images.
pub fn gather(advisories: &Advisories, vex: &Vex, images: &[ImageEvidence]) -> Vulnerabilities {
    let mut all = Vulnerabilities { knows_exploited: advisories.has(SourceKind::Kev), ..Default::default() };
    let mut used: BTreeSet<String> = BTreeSet::new();
    for image in images {
        let matched = match_packages(advisories, &image.packages, image.distribution.as_ref());
        let (mut found, unchecked) = match matched {
            Ok(matched) => matched,
            Err(error) => return Vulnerabilities { fault: Some(error.message), ..Default::default() },
        };
        for vulnerability in &mut found {
            vulnerability.vex = vex_verdict(vex, image.digest, vulnerability);
        }
        let targets = image.packages.iter().flat_map(|p| ecosystem::targets(p, image.distribution.as_ref()));
        used.extend(targets.map(|target| target.ecosystem));
        all.images.push(OfImage { image: image.digest, found, unchecked });
    }
    let of_use = |source: &&Source| {
        source.kind != SourceKind::Osv || source.ecosystems.keys().any(|ecosystem| used.contains(ecosystem))
    };
    all.sources = advisories.sources().filter(of_use).cloned().collect();
    all
}

/// Vulnerabilities of packages, and how many packages could not be compared, by reason.
///
/// # Errors
/// The advisories cannot be read, or are damaged.
pub fn match_packages(
    advisories: &Advisories,
    packages: &[Package],
    distribution: Option<&Distribution>,
) -> Result<(Vec<Vulnerability>, BTreeMap<String, usize>), Error> {
    let known: BTreeSet<&str> =
        advisories.sources().flat_map(|source| source.ecosystems.keys()).map(String::as_str).collect();
    let mut unchecked: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_target: BTreeMap<Target, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        let targets = ecosystem::targets(package, distribution);
        if let Some(why) = why_unchecked(package, &targets, &known, distribution) {
            *unchecked.entry(why).or_default() += 1;
        }
        for target in targets {
            by_target.entry(target).or_default().push(package);
        }
    }
    let mut found: Vec<Vulnerability> = Vec::new();
    for (target, packages) in &by_target {
        let Some(scheme) = Scheme::of_ecosystem(&target.ecosystem) else { continue };
        let mut hits = Vec::new();
        for (section, entry) in advisories.entries(&target.ecosystem, &target.name)? {
            let facts = &entry.facts;
            if let Some(hit) = ranges::affected(scheme, &facts.ranges, &facts.versions, &target.version) {
                let record = advisories.record(section, &entry)?;
                hits.push((entry, record, hit));
            }
        }
        let mut groups = grouped(hits);
        drop_repeated(&mut groups);
        for group in groups {
            found.push(group.vulnerability(advisories, scheme, target, packages, distribution)?);
        }
    }
    found.sort_by(|a, b| (&a.package, &a.purls, &a.id).cmp(&(&b.package, &b.purls, &b.id)));
    // One package may have been found under several ecosystems, or as binary and source package.
    let mut seen: HashSet<(String, Vec<String>)> = HashSet::new();
    found.retain(|vulnerability| seen.insert((vulnerability.id.clone(), vulnerability.purls.clone())));
    Ok((found, unchecked))
}

/// `None` when the package can be compared with what was imported.
fn why_unchecked(
    package: &Package,
    targets: &[Target],
    known: &BTreeSet<&str>,
    distribution: Option<&Distribution>,
) -> Option<String> {
    let Some(first) = targets.first() else {
        let kind = format!("{:?}", package.kind).to_lowercase();
        return Some(match distribution.filter(|_| purl::is_of_distribution(package.kind)) {
            Some(distribution) => format!(
                "no advisories are known for {kind} packages of {:?} {:?}",
                distribution.id, distribution.version_id
            ),
            None => format!("no advisories are known for {kind} packages"),
        });
    };
    if !targets.iter().any(|target| known.contains(target.ecosystem.as_str())) {
        return Some(format!("no advisories of {} were imported", first.ecosystem));
    }
    let readable = |target: &Target| {
        Scheme::of_ecosystem(&target.ecosystem).is_some_and(|scheme| scheme.is_valid(&target.version))
    };
    if targets.iter().any(readable) {
        return None;
    }
    Some("their versions cannot be compared with ranges of versions".to_owned())
}

/// A record that affects the version.
type Found = (Entry, Stored, Hit);

/// Records that are about one vulnerability.
#[derive(Default)]
struct Group {
    /// All ids by which records say that they are the same.
    ids: BTreeSet<String>,
    hits: Vec<Found>,
}

/// Joins the records that share an id, in time linear in their ids: a kernel has some thousand.
fn grouped(hits: Vec<Found>) -> Vec<Group> {
    let mut first_with: HashMap<String, usize> = HashMap::new();
    // Each record leads to an earlier one that is the same, the first to itself.
    let mut same_as: Vec<usize> = (0..hits.len()).collect();
    fn root(same_as: &mut [usize], mut at: usize) -> usize {
        while same_as[at] != at {
            same_as[at] = same_as[same_as[at]];
            at = same_as[at];
        }
        at
    }
    for (number, (_, record, _)) in hits.iter().enumerate() {
        for id in ids(record) {
            let other = *first_with.entry(id.to_owned()).or_insert(number);
            let (a, b) = (root(&mut same_as, number), root(&mut same_as, other));
            same_as[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (number, hit) in hits.into_iter().enumerate() {
        let group = groups.entry(root(&mut same_as, number)).or_default();
        group.ids.extend(ids(&hit.1).map(str::to_owned));
        group.hits.push(hit);
    }
    groups.into_values().collect()
}

/// The names of the vulnerability that a record is about. `DEBIAN-CVE-2023-1` is about one of another name; an advisory
/// about several is not any of them.
fn ids(record: &Stored) -> impl Iterator<Item = &str> {
    let only = record.covers.first().filter(|_| record.covers.len() == 1);
    std::iter::once(&record.id).chain(&record.aliases).chain(only).map(String::as_str)
}

/// Takes out advisories about several vulnerabilities that were all found by themselves (DSA beside the Debian tracker).
fn drop_repeated(groups: &mut Vec<Group>) {
    let alone: HashSet<String> = groups.iter().flat_map(|group| group.ids.iter().cloned()).collect();
    let repeated = |group: &Group| {
        group.hits.iter().all(|(_, record, _)| {
            record.covers.len() > 1 && record.covers.iter().all(|cve| alone.contains(cve))
        })
    };
    groups.retain(|group| !repeated(group));
}

impl Group {
    fn vulnerability(
        self,
        advisories: &Advisories,
        scheme: Scheme,
        target: &Target,
        packages: &[&Package],
        distribution: Option<&Distribution>,
    ) -> Result<Vulnerability, Error> {
        let id = self.name();
        let aliases: Vec<String> = self.ids.iter().filter(|other| **other != id).cloned().collect();
        let mut covers: BTreeSet<String> = BTreeSet::new();
        for (_, record, _) in self.hits.iter().filter(|(_, record, _)| record.covers.len() > 1) {
            covers.extend(record.covers.iter().cloned());
        }
        let stated = self.hits.iter().map(|(entry, record, _)| entry.facts.rating.or(record.rating)).max();
        let mut rating = stated.flatten();
        let (mut exploited, mut epss): (Option<String>, Option<Epss>) = (None, None);
        for cve in self.ids.iter().chain(&covers).filter(|id| id.starts_with("CVE-")) {
            if let Some(day) = advisories.exploited(cve)? {
                exploited = Some(exploited.map_or(day.clone(), |earlier| earlier.min(day)));
            }
            epss = epss.max(advisories.epss(cve)?);
            if stated.flatten().is_none() && covers.is_empty() {
                rating = rating.max(advisories.rating(cve)?);
            }
        }
        let fixes = self.hits.iter().filter_map(|(_, _, hit)| hit.fixed.clone());
        let fixed = fixes.max_by(|a, b| scheme.compare(a, b).then(Ordering::Less));
        let informational = |(entry, _, _): &Found| entry.facts.informational.clone();
        let all_informational = self.hits.iter().all(|hit| informational(hit).is_some());
        let summaries = self.hits.iter().map(|(_, record, _)| record.summary.clone());
        let mut purls: Vec<(String, Place)> =
            packages.iter().map(|package| (purl::of(package, distribution), package.place.clone())).collect();
        purls.sort();
        Ok(Vulnerability {
            malicious: self.ids.iter().any(|id| severity::is_malicious(id)),
            id,
            aliases,
            covers: covers.into_iter().collect(),
            package: target.name.clone(),
            version: target.version.clone(),
            place: packages
                .iter()
                .map(|package| &package.place)
                .min()
                .cloned()
                .unwrap_or(Place { layer: None, path: String::new() }),
            purls: purls.into_iter().map(|(purl, _)| purl).collect(),
            rating,
            fixed,
            summary: summaries.filter(|summary| !summary.is_empty()).min().unwrap_or_default(),
            exploited,
            epss,
            informational: self.hits.iter().find_map(informational).filter(|_| all_informational),
            vex: None,
        })
    }

    /// The CVE, else GitHub's id, else the first. Of several CVEs the first: a record that joins them means one repair.
    fn name(&self) -> String {
        let with = |prefix: &str| self.ids.iter().find(|id| id.starts_with(prefix));
        let first = with("CVE-").or_else(|| with("GHSA-")).or_else(|| self.ids.first());
        first.cloned().unwrap_or_default()
    }
}

/// What VEX documents say: all of the packages must be covered, and of an advisory about several vulnerabilities each.
fn vex_verdict(vex: &Vex, image: Digest, vulnerability: &Vulnerability) -> Option<vex::Verdict> {
    if vex.is_empty() {
        return None;
    }
    let mut names = vulnerability.aliases.clone();
    names.push(vulnerability.id.clone());
    let about = |names: &[String]| -> Option<vex::Verdict> {
        let images = [image];
        let of = |purl: &String| vex.verdict(&Subject { images: &images, package: purl, names });
        let verdicts: Option<Vec<&vex::Verdict>> = vulnerability.purls.iter().map(of).collect();
        // The least favourable one: a harmless package does not excuse another.
        verdicts?.into_iter().max_by_key(|verdict| !verdict.status.is_harmless()).cloned()
    };
    if let Some(verdict) = about(&names) {
        return Some(verdict);
    }
    let each = vulnerability.covers.iter().map(|cve| about(std::slice::from_ref(cve)));
    let each: Option<Vec<vex::Verdict>> = each.collect();
    each?.into_iter().max_by_key(|verdict| !verdict.status.is_harmless())
}
