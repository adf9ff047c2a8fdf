//! `licences-identified`: every package states a licence that SPDX knows, and none needs a licence that the policy
//! denies (`[licences] deny`). What is not known is one finding for each source of packages: nobody reads hundreds.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::{ImageEvidence, Package, PackageKind};
use crate::licences;
use crate::report::{Finding, Severity, Where};
use std::collections::BTreeMap;

pub(super) struct LicencesIdentified;

/// Most packages that a finding names; then only their number is told.
const NAMED_MAX: usize = 10;

impl Criterion for LicencesIdentified {
    fn id(&self) -> &'static str {
        "licences-identified"
    }
    fn title(&self) -> &'static str {
        "Each package's licence is known and allowed"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        let deny = &case.policy.licences.deny;
        if !case.images.is_empty() && case.images.iter().all(|image| image.packages.is_empty()) {
            return Judgement::NotApplicable(
                "no package is known whose licence could be asked for".to_owned(),
            );
        }
        each_image(case, |image| {
            let mut findings: Vec<Finding> =
                image.packages.iter().filter_map(|package| denied(image, package, deny)).collect();
            findings.extend(unknown(image));
            findings
        })
    }
}

fn denied(image: &ImageEvidence, package: &Package, deny: &[String]) -> Option<Finding> {
    let licence = package.licence.as_deref()?;
    let needed = licences::denied(licence, deny);
    if needed.is_empty() {
        return None;
    }
    let place = Where {
        package: Some(format!("{} {}", package.name, package.version)),
        ..Where::file(image, &package.place)
    };
    let message = format!(
        "{} {} cannot be used without {}, which the policy denies",
        package.name,
        package.version,
        needed.join(" and ")
    );
    let hint = "replace the package, or use it under another licence and say so in the image's documentation";
    Some(Finding::advice(Severity::High, place, message, hint).with_evidence(licence))
}

/// One finding for each kind of package of which some have no known licence.
fn unknown(image: &ImageEvidence) -> Vec<Finding> {
    let mut by_kind: BTreeMap<PackageKind, Vec<&Package>> = BTreeMap::new();
    for package in &image.packages {
        let known = package.licence.as_deref().is_some_and(|stated| licences::expression(stated).is_some());
        if !known {
            by_kind.entry(package.kind).or_default().push(package);
        }
    }
    let finding = |(kind, packages): (PackageKind, Vec<&Package>)| {
        let (source, hint) = words(kind);
        let all = image.packages.iter().filter(|package| package.kind == kind).count();
        let named = packages.iter().take(NAMED_MAX).map(|package| match &package.licence {
            Some(stated) => format!("{} ({stated:.60})", package.name),
            None => package.name.clone(),
        });
        let mut named = named.collect::<Vec<_>>().join(", ");
        if packages.len() > NAMED_MAX {
            named += &format!(" and {} more", packages.len() - NAMED_MAX);
        }
        let message =
            format!("{} of {all} {source} state no licence that SPDX knows: {named}", packages.len());
        Finding::advice(Severity::Low, Where::image(image), message, hint)
    };
    by_kind.into_iter().map(finding).collect()
}

/// What packages of a kind are called, and where their licence would be read.
fn words(kind: PackageKind) -> (&'static str, &'static str) {
    match kind {
        PackageKind::Deb => {
            ("Debian packages", "keep /usr/share/doc/*/copyright when the image is made smaller")
        }
        PackageKind::Apk => ("Alpine packages", "ask the package's maintainer to state the SPDX identifier"),
        PackageKind::Rpm => ("RPM packages", "ask the package's maintainer to state the SPDX identifier"),
        PackageKind::Pypi => {
            ("Python packages", "state License-Expression in the package's metadata (PEP 639)")
        }
        PackageKind::Npm => ("npm packages", "state `license` in package.json as an SPDX expression"),
        PackageKind::Gem => ("Ruby gems", "state `licenses` in the gemspec as SPDX identifiers"),
        PackageKind::Composer => ("PHP packages", "state `license` in composer.json as an SPDX identifier"),
        PackageKind::Maven => ("Java archives", "state Bundle-License in the archive's manifest"),
        PackageKind::Golang => {
            ("Go modules", "programs do not carry their modules' licences; list them in the documentation")
        }
        PackageKind::Cargo => {
            ("Rust crates", "programs do not carry their crates' licences; list them in the documentation")
        }
        PackageKind::Nuget => {
            (".NET packages", "dependency lists do not carry licences; list them in the documentation")
        }
        PackageKind::Generic => {
            ("runtimes", "install the runtime as a package, or list its licence in the documentation")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use offer::policy::Policy;

    fn image(licences: &[(PackageKind, Option<&str>)]) -> ImageEvidence {
        let mut image = example::image();
        image.packages = licences
            .iter()
            .enumerate()
            .map(|(index, (kind, licence))| Package {
                kind: *kind,
                name: format!("p{index}"),
                licence: licence.map(str::to_owned),
                ..image.packages[0].clone()
            })
            .collect();
        image
    }

    #[test]
    fn unknown_licences_are_one_finding_for_each_source() {
        let mut packages =
            vec![(PackageKind::Deb, Some("MIT")), (PackageKind::Pypi, Some("BSD")), (PackageKind::Npm, None)];
        assert!(
            example::findings(example::judge_image(&LicencesIdentified, &image(&packages[..1]))).is_empty()
        );
        packages.extend([(PackageKind::Pypi, None); 12]);
        let findings = example::findings(example::judge_image(&LicencesIdentified, &image(&packages)));
        let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "13 of 13 Python packages state no licence that SPDX knows: p1 (BSD), p3, p4, p5, p6, p7, p8, p9, p10, p11 and 3 more",
                "1 of 1 npm packages state no licence that SPDX knows: p2",
            ]
        );
    }

    #[test]
    fn a_denied_licence_is_a_finding_for_each_package_that_needs_it() {
        let image = image(&[
            (PackageKind::Npm, Some("AGPL-3.0-only")),
            (PackageKind::Npm, Some("MIT OR AGPL-3.0-only")),
            (PackageKind::Deb, Some("MIT AND AGPL-3.0-only")),
        ]);
        let policy = Policy::from_toml("[licences]\ndeny = [\"AGPL-3.0-only\"]\n").expect("it is a policy");
        let findings = example::findings(example::judge_image_with(&LicencesIdentified, &image, &policy));
        let where_found: Vec<&str> =
            findings.iter().filter_map(|found| found.place.package.as_deref()).collect();
        assert_eq!(where_found, ["p0 1.0.0", "p2 1.0.0"]);
        assert_eq!(findings.len(), 2);
    }
}
