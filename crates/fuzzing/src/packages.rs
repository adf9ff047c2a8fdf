//! Readers of package databases, manifests and programs, and what is made of their packages: package URLs and licences.

use crate::input::Input;
use certify::evidence::{Package, Place};
use certify::licences::{self, copyright};
use certify::packages::{self, PACKAGES_MAX, go, java, rpm, runtime, rust};
use certify::{binary, files, sbom};
use packageurl::PackageUrl;
use std::str::FromStr as _;

/// A path for each reader.
const PATHS: &[&str] = &[
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/base",
    "lib/apk/db/installed",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "a/package.json",
    "package-lock.json",
    "composer.lock",
    "vendor/composer/installed.json",
    "x.dist-info/METADATA",
    "y.egg-info",
    "a.deps.json",
    "specifications/a-1.gemspec",
    "opt/java/release",
    "lib/a-1.jar",
    "usr/bin/node",
    "usr/bin/python3.11",
    "etc/os-release",
    "usr/share/doc/a/copyright",
    "bin/program",
];

/// One byte for the path, then the file.
pub fn packages(data: &[u8]) {
    let mut input = Input::new(data);
    let path = *input.choose(PATHS);
    let place = Place { layer: None, path: path.to_owned() };
    let data = input.rest();
    if let Some(read) = packages::read(&place, data) {
        match read {
            Ok(found) => check(&found, &place),
            Err(cause) => assert!(!cause.is_empty() && cause.len() < 10_000, "{cause}"),
        }
    }
    if path.contains("rpm") {
        let mut told = 0_usize;
        let _ = rpm::files(data, &mut |_| told += 1);
    }
    if path.ends_with(".jar") {
        jar(data, &place);
    }
    if let Some(wanted) = runtime::wanted(path)
        && let Some(version) = wanted.version(data)
    {
        check(&[wanted.package(&place, &version)], &place);
    }
    if path.ends_with("copyright")
        && let Some(licence) = copyright::read(data)
    {
        stable(&licence);
    }
    if path.ends_with("os-release") {
        let _ = files::os_release(data);
    }
    if path == "bin/program" {
        program(data, &place);
    }
}

/// A manifest, and pom.properties, one after the other.
fn jar(data: &[u8], place: &Place) {
    let mut archive = java::Archive::default();
    for (index, member) in Input::new(data).pieces().enumerate() {
        let name = if index == 0 { "META-INF/MANIFEST.MF" } else { "META-INF/maven/g/a/pom.properties" };
        archive.member(name, member);
    }
    check(&archive.packages(place), place);
}

fn program(data: &[u8], place: &Place) {
    if let Some(header) = binary::header(data) {
        assert!(!header.machine.os.is_empty() && !header.machine.architecture.is_empty());
    }
    if let Some(info) = go::find(data) {
        check(&go::packages(place, &info), place);
        assert!(go::arm_variant(&info).is_none_or(|variant| variant.len() == 2));
    }
    match rust::read(place, data) {
        Ok(found) => check(&found, place),
        Err(cause) => assert!(!cause.is_empty()),
    }
}

/// A package has a name and a version that can be printed, a package URL that others read, and one form of its licence.
fn check(found: &[Package], place: &Place) {
    assert!(found.len() <= PACKAGES_MAX + 1);
    for package in found {
        for word in [&package.name, &package.version] {
            assert!(!word.is_empty() && word.len() <= 4_096, "{package:?}");
            assert!(!word.chars().any(char::is_control), "{package:?}");
        }
        assert_eq!(&package.place, place);
        let url = sbom::purl::of(package, None);
        assert!(PackageUrl::from_str(&url).is_ok(), "{url:?} of {package:?}");
        if let Some(licence) = &package.licence {
            stable(&licences::normalised(licence));
        }
    }
}

fn stable(licence: &str) {
    if let Some(expression) = licences::expression(licence) {
        assert_eq!(licences::expression(&expression).as_ref(), Some(&expression), "from {licence:?}");
    }
    let _ = licences::denied(licence, &["GPL-3.0-only".to_owned(), "MIT".to_owned()]);
}
