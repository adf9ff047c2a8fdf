//! Readers of package databases, manifests and build information: bytes in, packages out. They know nothing of layers;
//! which copy of a database counts is the merge's business.

pub mod apk;
pub mod composer;
pub mod dotnet;
pub mod dpkg;
pub mod gem;
pub mod go;
pub mod java;
pub mod npm;
pub mod npm_lock;
pub mod python;
pub mod rpm;
pub mod runtime;
pub mod rust;

use crate::evidence::{Package, PackageKind, Place};

/// Most packages that one database, manifest or binary may name. Debian has about 60,000 in all.
pub const PACKAGES_MAX: usize = 100_000;

/// Longest name or version; the longest in the field have about 200 characters.
const WORD_BYTES_MAX: usize = 1024;

/// A reader's refusal, as a fact: `line 7 has no colon`.
pub type Refused = String;

/// Reads the packages in a file.
type Reader = fn(&Place, &[u8]) -> Result<Vec<Package>, Refused>;

/// The packages in a file at this path, or `None` when the path is no database's.
pub fn read(place: &Place, data: &[u8]) -> Option<Result<Vec<Package>, Refused>> {
    Some(reader(&place.path)?(place, data))
}

/// Whether [`read`] wants the file at this path.
pub fn wants(path: &str) -> bool {
    reader(path).is_some()
}

/// Whether the file at this path is a database of many packages, and not one package's manifest.
pub fn is_database(path: &str) -> bool {
    matches!(path, "var/lib/dpkg/status" | "lib/apk/db/installed" | "usr/lib/apk/db/installed")
        || rpm::is_database(path)
}

/// By name alone, for it is asked of every file.
fn reader(path: &str) -> Option<Reader> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "status" if path == "var/lib/dpkg/status" => Some(dpkg::read),
        "installed" if is_database(path) => Some(apk::read),
        "Packages" | "Packages.db" | "rpmdb.sqlite" if rpm::is_database(path) => Some(rpm::read),
        "rpmdb.sqlite-wal" if rpm::is_log(path) => Some(|_, _| {
            Err("its write-ahead log was not written back, so that packages may be missing".to_owned())
        }),
        "package.json" => Some(npm::read),
        "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => {
            npm_lock::directory(path).map(|_| npm_lock::read as Reader)
        }
        "composer.lock" | "installed.json" if composer::is_list(path) => Some(composer::read),
        "METADATA" if path.contains(".dist-info/") => Some(python::read),
        "PKG-INFO" if path.contains(".egg-info/") || path.contains("EGG-INFO/") => Some(python::read),
        "release" => Some(runtime::release),
        name if name.ends_with(".egg-info") => Some(python::read),
        name if name.ends_with(".gemspec") && gem::is_specification(path) => Some(gem::read),
        name if name.ends_with(".deps.json") => Some(dotnet::read),
        name if path.starts_with("var/lib/dpkg/status.d/") && !name.ends_with(".md5sums") => Some(dpkg::read),
        _ => None,
    }
}

fn package(kind: PackageKind, place: &Place, name: &str, version: &str) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: None,
        source: None,
        licence: None,
        place: place.clone(),
    }
}

/// Name and version as every reader accepts them: not empty, no control characters, not longer than the limit.
fn sane(word: &str) -> bool {
    !word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.chars().any(char::is_control)
}
