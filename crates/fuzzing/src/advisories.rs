//! Vulnerability data: records, lists, OpenVEX documents, zip files of records, and the file that an import makes.

use crate::image::TODAY;
use crate::input::Input;
use certify::advisories::import::Importer;
use certify::advisories::lists::{Kev, read_epss};
use certify::advisories::matching::match_packages;
use certify::advisories::osv::{self, NAME_BYTES_MAX};
use certify::advisories::ranges;
use certify::advisories::versions::Scheme;
use certify::advisories::vex::{Subject, Vex};
use certify::advisories::{Advisories, severity};
use certify::evidence::{Distribution, Package, PackageKind, Place};
use std::path::Path;

/// The first byte says what the rest is.
pub fn advisories(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let rest = input.rest();
    match kind % 8 {
        0..=2 => record(rest),
        3 => lists(rest),
        4 => vex(rest),
        5 => imported("records.zip", rest),
        6 => imported("record.json", rest),
        _ => opened(rest),
    }
}

/// What a record enumerates is affected, before and after what its ranges hold is left out.
fn record(bytes: &[u8]) {
    let Ok(record) = osv::parse(bytes) else { return };
    assert!(!record.id.is_empty() && record.id.len() <= NAME_BYTES_MAX, "{:?}", record.id);
    assert!(!record.summary.contains('\n'), "{:?}", record.summary);
    for affected in &record.affected {
        assert!(affected.name.len() <= NAME_BYTES_MAX && affected.ecosystem.len() <= NAME_BYTES_MAX);
        let Some(scheme) = Scheme::of_ecosystem(&affected.ecosystem) else { continue };
        let outside = ranges::outside(scheme, &affected.ranges, affected.versions.clone());
        for version in affected.versions.iter().take(20) {
            let hit = ranges::affected(scheme, &affected.ranges, &affected.versions, version);
            let kept = ranges::affected(scheme, &affected.ranges, &outside, version);
            assert!(hit.is_some() && kept.is_some(), "{version:?} is enumerated");
        }
    }
}

fn lists(bytes: &[u8]) {
    if let Ok(kev) = serde_json::from_slice::<Kev>(bytes) {
        assert!(kev.vulnerabilities.iter().all(|entry| entry.cve.len() <= bytes.len()));
    }
    let read = read_epss(bytes, "epss.csv", |cve, epss| {
        assert!(cve.starts_with("CVE-") && epss.score <= 1_000_000 && epss.percentile <= 1_000_000);
        Ok(())
    });
    if let Ok((day, _)) = read {
        assert!(day.chars().count() <= 10, "{day:?}");
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = (severity::of_vector(&text), severity::of_word(&text), severity::of_summary(&text));
}

fn vex(bytes: &[u8]) {
    let mut vex = Vex::default();
    match vex.add("x.json", bytes) {
        Err(error) => {
            assert!(vex.is_empty());
            assert!(!error.to_string().is_empty());
        }
        Ok(()) => {
            let names = ["CVE-2021-44228".to_owned()];
            let _ = vex.verdict(&Subject { images: &[], package: "pkg:pypi/a@1", names: &names });
        }
    }
}

/// What an import takes can be opened and searched.
fn imported(name: &str, bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (file, target) = (directory.path().join(name), directory.path().join("a.db"));
    std::fs::write(&file, bytes).expect("writable");
    let mut silent = |_: certify::advisories::import::Progress<'_>| {};
    let mut importer = Importer::new(&target, TODAY, None, &mut silent).expect("an empty directory");
    if importer.add(&file).is_err() {
        return;
    }
    if importer.finish().is_ok() {
        search(&target).expect("a file that was just made");
    }
}

/// A damaged file is an error.
fn opened(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let target = directory.path().join("a.db");
    std::fs::write(&target, bytes).expect("writable");
    if let Err(error) = search(&target) {
        assert!(!error.to_string().is_empty());
    }
}

fn search(target: &Path) -> Result<(), certify::advisories::Error> {
    let advisories = Advisories::open(target)?;
    let package = |kind, name: &str| Package {
        kind,
        name: name.to_owned(),
        version: "1.0".to_owned(),
        architecture: None,
        source: None,
        licence: None,
        place: Place { layer: None, path: "x".to_owned() },
    };
    let packages =
        [package(PackageKind::Pypi, "a"), package(PackageKind::Deb, "a"), package(PackageKind::Npm, "a")];
    let debian =
        Distribution { id: "debian".to_owned(), version_id: "12".to_owned(), pretty_name: String::new() };
    match_packages(&advisories, &packages, Some(&debian))?;
    advisories.exploited("CVE-2021-44228")?;
    advisories.epss("CVE-2021-44228")?;
    advisories.rating("CVE-2021-44228").map(|_| ())
}
