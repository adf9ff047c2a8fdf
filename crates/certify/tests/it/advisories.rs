//! Vulnerability data from import to match, on records made here after the public facts of well-known advisories.

use certify::advisories::import::{Importer, Summary};
use certify::advisories::matching::{Vulnerability, gather, match_packages};
use certify::advisories::vex::Vex;
use certify::advisories::{Advisories, Error};
use certify::evidence::{Distribution, Package, PackageKind, Place};
use flate2::write::DeflateEncoder;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 24);

/// A zip file with these members, deflated.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut packed = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).expect("into memory");
        let packed = packed.finish().expect("into memory");
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        let at = file.len() as u32;
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        for number in [sum.sum(), packed.len() as u32, bytes.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        file.extend(b"PK\x03\x04".iter().chain(&common).chain(name.as_bytes()).chain(&packed));
        directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&common));
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes().iter().chain(name.as_bytes()));
    }
    let (at, count) = (file.len() as u32, members.len() as u16);
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00");
    file.extend(count.to_le_bytes().iter().chain(&count.to_le_bytes()));
    file.extend((directory.len() as u32).to_le_bytes().iter().chain(&at.to_le_bytes()));
    file.extend([0, 0]);
    file
}

/// Imports files into the file `a.db` of the directory.
pub fn import(directory: &Path, name: Option<&str>, files: &[PathBuf]) -> Result<Summary, Error> {
    let mut silent = |_: certify::advisories::import::Progress<'_>| {};
    let mut importer = Importer::new(&directory.join("a.db"), TODAY, name, &mut silent)?;
    files.iter().try_for_each(|file| importer.add(file))?;
    importer.finish()
}

/// Writes a file into the directory.
pub fn written(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("writable");
    fs::write(&path, bytes).expect("writable");
    path
}

pub fn package(kind: PackageKind, name: &str, version: &str, source: Option<(&str, &str)>) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: None,
        source: source.map(|(name, version)| (name.to_owned(), version.to_owned())),
        licence: None,
        place: Place { layer: None, path: "x".to_owned() },
    }
}

pub fn distribution(id: &str, version_id: &str) -> Distribution {
    Distribution { id: id.to_owned(), version_id: version_id.to_owned(), pretty_name: String::new() }
}

pub fn line(found: &Vulnerability) -> String {
    let rating = found.rating.map_or("-".to_owned(), |rating| format!("{rating:?}"));
    let fixed = found.fixed.as_deref().unwrap_or("-");
    let more = [&found.aliases[..], &found.covers[..]].concat().join(" ");
    let exploited = found.exploited.as_deref().unwrap_or("-");
    format!(
        "{} {} {} fixed {fixed} exploited {exploited} {rating} [{more}]",
        found.package, found.version, found.id
    )
}

fn record(id: &str, ecosystem: &str, name: &str, fixed: &str, more: &str) -> String {
    format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"2026-11-20T10:00:00Z",{more}"affected":[{{"package":
        {{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},
        {{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

/// Debian, Alpine, Go, PyPI: openssl's CVE-2023-0286 and CVE-2023-5363, busybox, and log-like records.
fn records() -> Vec<(String, String)> {
    const CVSS: &str =
        r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"#;
    let alias = |alias: &str| format!(r#""aliases":["{alias}"],"#);
    let all = [
        record(
            "DEBIAN-CVE-2023-5363",
            "Debian:12",
            "openssl",
            "3.0.11-1~deb12u2",
            r#""upstream":["CVE-2023-5363"],"#,
        ),
        record("DSA-5532-1", "Debian:12", "openssl", "3.0.11-1~deb12u2", r#""related":["CVE-2023-5363"],"#),
        record(
            "DEBIAN-CVE-2023-0286",
            "Debian:11",
            "openssl",
            "1.1.1n-0+deb11u4",
            r#""upstream":["CVE-2023-0286"],"#,
        ),
        record(
            "ALPINE-CVE-2023-5363",
            "Alpine:v3.18",
            "openssl",
            "3.1.4-r0",
            r#""upstream":["CVE-2023-5363"],"#,
        ),
        record("ALPINE-CVE-2023-42366", "Alpine:v3.19", "busybox", "1.36.1-r16", &alias("CVE-2023-42366")),
        record("PYSEC-2021-1", "PyPI", "Foo_Bar", "1.2", &alias("CVE-2021-0001")),
        record(
            "GHSA-aaaa-bbbb-cccc",
            "PyPI",
            "foo-bar",
            "1.2.0",
            &format!("{CVSS}{}", alias("CVE-2021-0001")),
        ),
        record("PYSEC-2021-2", "PyPI", "foo.bar", "1.2", r#""withdrawn":"2022-01-01T00:00:00Z","#),
        record("CVE-2023-5363", "Bitnami", "openssl", "3.0.12", CVSS),
        "nonsense".to_owned(),
    ];
    all.into_iter().enumerate().map(|(number, text)| (format!("{number}.json"), text)).collect()
}

fn imported() -> (tempfile::TempDir, Summary) {
    let directory = tempfile::tempdir().expect("a directory");
    let records = records();
    let members: Vec<(&str, &[u8])> =
        records.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let all = written(directory.path(), "in/all.zip", &zip(&members));
    let kev = br#"{"catalogVersion":"1","dateReleased":"2026-11-21T01:02:03Z","vulnerabilities":
        [{"cveID":"CVE-2021-0001","dateAdded":"2022-02-02"}]}"#;
    let kev = written(directory.path(), "in/kev.json", kev);
    let epss =
        b"#model_version:v1,score_date:2026-11-22T00:00:00Z\ncve,epss,percentile\nCVE-2021-0001,0.5,0.9\n";
    let epss = written(directory.path(), "in/epss.csv", epss);
    let summary = import(directory.path(), None, &[all, kev, epss]).expect("imported");
    (directory, summary)
}

fn found(directory: &Path, packages: &[Package], of: &Distribution) -> (Vec<String>, Vec<String>) {
    let advisories = Advisories::open(&directory.join("a.db")).expect("the file");
    let (found, unchecked) = match_packages(&advisories, packages, Some(of)).expect("it can be read");
    let unchecked = unchecked.into_iter().map(|(why, count)| format!("{count}: {why}")).collect();
    (found.iter().map(line).collect(), unchecked)
}

#[test]
fn what_was_imported_is_told() {
    let (directory, summary) = imported();
    let told = serde_json::to_string_pretty(&summary).expect("JSON");
    insta::assert_snapshot!(told.replace(&directory.path().display().to_string(), "[DIR]"));
}

#[test]
fn packages_are_found_by_source_name_and_one_vulnerability_once() {
    let (directory, _) = imported();
    let openssl = |version| Some(("openssl", version));
    let packages = [
        package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u1", openssl("3.0.11-1~deb12u1")),
        package(PackageKind::Deb, "openssl", "3.0.11-1~deb12u1", None),
        package(PackageKind::Pypi, "foo.bar", "1.1", None),
        package(PackageKind::Pypi, "foo.baz", "1.1", None),
        package(PackageKind::Npm, "left-pad", "1.0.0", None),
        package(PackageKind::Generic, "node", "20", None),
    ];
    insta::assert_debug_snapshot!(
        "debian",
        found(directory.path(), &packages, &distribution("debian", "12"))
    );
    // Repaired, and another release.
    let repaired = [package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u2", openssl("3.0.11-1~deb12u2"))];
    assert!(found(directory.path(), &repaired, &distribution("debian", "12")).0.is_empty());
    let (none, unchecked) = found(directory.path(), &packages[..1], &distribution("debian", "13"));
    assert_eq!((none.len(), unchecked), (0, vec!["1: no advisories of Debian:13 were imported".to_owned()]));
    let alpine = [
        package(PackageKind::Apk, "libcrypto3", "3.1.3-r0", openssl("3.1.3-r0")),
        package(PackageKind::Apk, "busybox-binsh", "1.36.1-r15", Some(("busybox", "1.36.1-r15"))),
    ];
    let told = [
        found(directory.path(), &alpine, &distribution("alpine", "3.18.4")),
        found(directory.path(), &alpine, &distribution("alpine", "3.19.1")),
    ];
    insta::assert_debug_snapshot!("alpine", told);
}

#[test]
fn an_import_replaces_its_own_ecosystem_alone() {
    let (directory, _) = imported();
    let of = distribution("debian", "12");
    let old = package(PackageKind::Pypi, "foo-bar", "1.1", None);
    let openssl = package(PackageKind::Deb, "openssl", "3.0.10-1", None);
    let count = || found(directory.path(), &[old.clone(), openssl.clone()], &of).0.len();
    assert_eq!(count(), 2);
    // A file of npm that names PyPI on the side does not replace what is known of PyPI.
    let mut members: Vec<(String, String)> =
        (0..10).map(|n| (format!("{n}.json"), record(&format!("N-{n}"), "npm", "a", "2", ""))).collect();
    members
        .push(("x.json".to_owned(), record("N-x", "PyPI", "foo-bar", "1.2", r#""aliases":["CVE-2099-1"],"#)));
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, t)| (n.as_str(), t.as_bytes())).collect();
    let npm = written(directory.path(), "in/npm.zip", &zip(&members));
    let summary = import(directory.path(), None, &[npm]).expect("imported");
    assert_eq!(summary.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["npm"]);
    assert_eq!(count(), 3);
    // One of PyPI does.
    let pypi = written(directory.path(), "in/one.json", record("P-1", "PyPI", "other", "2", "").as_bytes());
    import(directory.path(), None, std::slice::from_ref(&pypi)).expect("imported");
    assert_eq!(count(), 2);
    // Unless it has a name of its own.
    import(
        directory.path(),
        Some("ours"),
        &[written(directory.path(), "in/two.json", record("P-2", "PyPI", "foo-bar", "9", "").as_bytes())],
    )
    .expect("imported");
    import(directory.path(), None, &[pypi]).expect("imported");
    assert_eq!(count(), 3);
    // The same data gives the same bytes.
    let before = fs::read(directory.path().join("a.db")).expect("the file");
    import(directory.path(), None, &[directory.path().join("in/one.json")]).expect("imported");
    assert!(before == fs::read(directory.path().join("a.db")).expect("the file"));
    assert_eq!(
        fs::read_dir(directory.path()).expect("readable").count(),
        2,
        "nothing is left beside the file"
    );
}

#[test]
fn directories_are_read_and_the_later_record_of_an_id_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    let early = record("P-1", "PyPI", "a", "2", "").replace("2026-11-20", "2020-01-01");
    written(directory.path(), "in/2026/z.json", early.as_bytes());
    written(directory.path(), "in/2025/a.json", record("P-1", "PyPI", "a", "3", "").as_bytes());
    written(directory.path(), "in/.git/hidden.json", b"{}");
    written(directory.path(), "in/README.md", b"text");
    let summary = import(directory.path(), None, &[directory.path().join("in")]).expect("imported");
    assert_eq!((summary.sources[0].records, summary.sources[0].counts.duplicates), (1, 1));
    let packages = [package(PackageKind::Pypi, "a", "1", None)];
    let (found, _) = found(directory.path(), &packages, &distribution("", ""));
    assert_eq!(found, ["a 1 P-1 fixed 3 exploited - - []"]);
}

#[test]
fn stored_evidence_is_enough_to_match_again() {
    let (directory, _) = imported();
    let advisories = Advisories::open(&directory.path().join("a.db")).expect("the file");
    let known = gather(&advisories, &Vex::default(), &[]);
    let sources: Vec<&str> = known.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!((sources, known.knows_exploited), (vec!["KEV", "EPSS"], true));
}
