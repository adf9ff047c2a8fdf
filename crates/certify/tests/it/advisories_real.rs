//! Matches with real vulnerability data, which is not part of the project: pypa/advisory-database (2024-10),
//! golang/vulndb and rustsec (2026-08), AlmaLinux (2026-08) and CISA KEV (2025-08), as `PyPI.zip`, `Go.zip`, … . The
//! tests look for them in the directory that `EDGEMARKET_TEST_DATA` names, else in `../shared/data` beside the workspace,
//! and fail where one is missing there. Where there is no such directory they say on standard error that they did not
//! run. `EDGEMARKET_TEST_DATA=none` leaves them out on purpose.

use crate::advisories::{distribution, import, line, package};
use certify::advisories::Advisories;
use certify::advisories::matching::match_packages;
use certify::evidence::{Distribution, Package, PackageKind};
use std::path::{Path, PathBuf};

const FILES: [&str; 5] =
    ["PyPI.zip", "Go.zip", "crates.io.zip", "AlmaLinux.zip", "known_exploited_vulnerabilities.json"];

/// `None` when they are left out on purpose.
fn files() -> Option<Vec<PathBuf>> {
    let directory = match std::env::var("EDGEMARKET_TEST_DATA") {
        Ok(none) if none == "none" => return None,
        Ok(directory) => PathBuf::from(directory),
        Err(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if std::env::var_os("EDGEMARKET_TEST_DATA").is_none() && !directory.exists() {
        // Past the capture of passing tests' output, so that it is seen.
        let said =
            "NOT RUN: matches with real vulnerability data: name its directory in EDGEMARKET_TEST_DATA\n";
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).expect("standard error");
        return None;
    }
    let files: Vec<PathBuf> = FILES.iter().map(|name| directory.join(name)).collect();
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        panic!(
            "the real vulnerability data {} is missing; name its directory in EDGEMARKET_TEST_DATA, or set that to \
             `none` to leave this test out",
            missing.display()
        );
    }
    Some(files)
}

fn found(advisories: &Advisories, packages: &[Package], of: &Distribution) -> String {
    let (found, unchecked) = match_packages(advisories, packages, Some(of)).expect("it can be read");
    assert!(unchecked.is_empty(), "{unchecked:?}");
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The Python ones were compared with an evaluation of the same records by the `packaging` library, the others read in
/// the records.
#[test]
fn known_packages_have_their_known_vulnerabilities() {
    let Some(files) = files() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let summary = import(directory.path(), None, &files).expect("imported");
    let told = serde_json::to_string_pretty(&summary).expect("JSON");
    insta::assert_snapshot!("real_summary", told);
    let advisories = Advisories::open(&directory.path().join("a.db")).expect("the file");
    let pypi = |name, version| package(PackageKind::Pypi, name, version, None);
    let go = |name, version| package(PackageKind::Golang, name, version, None);
    let languages = [
        pypi("requests", "2.19.0"),
        pypi("Jinja2", "2.10"),
        pypi("urllib3", "1.24.1"),
        pypi("urllib3", "2.2.2"),
        pypi("Django", "4.2.1"),
        pypi("Pillow", "9.0.0"),
        go("stdlib", "1.24.1"),
        go("golang.org/x/net", "v0.17.0"),
        package(PackageKind::Cargo, "time", "0.1.42", None),
        package(PackageKind::Cargo, "yaml-rust", "0.4.5", None),
    ];
    let none = distribution("", "");
    insta::assert_snapshot!("real_languages", found(&advisories, &languages, &none));
    let alma = [
        package(PackageKind::Rpm, "openssl-libs", "1:3.0.7-16.el9_2", Some(("openssl", "3.0.7-16.el9_2"))),
        package(PackageKind::Rpm, "xz-libs", "5.2.5-8.el9_0", Some(("xz", "5.2.5-8.el9_0"))),
        package(PackageKind::Rpm, "glibc", "2.34-60.el9", None),
    ];
    insta::assert_snapshot!("real_alma", found(&advisories, &alma, &distribution("almalinux", "9.2")));
}
