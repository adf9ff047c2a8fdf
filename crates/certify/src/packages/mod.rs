//! Readers of package databases, manifests and build information: bytes in, packages out. They know nothing of layers;
//! which copy of a database counts is the merge's business.

pub mod apk;
pub mod dpkg;
pub mod go;
pub mod npm;
pub mod python;
pub mod rust;

use crate::evidence::{Package, PackageKind, Place};

/// Most packages that one database, manifest or binary may name. Debian has about 60,000 in all.
pub const PACKAGES_MAX: usize = 100_000;

/// Largest database or manifest in bytes: all of Debian's packages at once take about 80 MB, a desktop's 5.
pub const DATABASE_BYTES_MAX: u64 = 16 << 20;

/// Longest name or version; the longest in the field have about 200 characters.
const WORD_BYTES_MAX: usize = 1024;

/// A reader's refusal, as a fact: `line 7 has no colon`.
pub type Refused = String;

/// The packages in a file at this path, or `None` when the path is no database's.
pub fn read(place: &Place, data: &[u8]) -> Option<Result<Vec<Package>, Refused>> {
    let path = place.path.as_str();
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "status" if path == "var/lib/dpkg/status" => Some(dpkg::read(place, data)),
        "installed" if matches!(path, "lib/apk/db/installed" | "usr/lib/apk/db/installed") => {
            Some(apk::read(place, data))
        }
        "package.json" => Some(npm::read(place, data)),
        "METADATA" if path.contains(".dist-info/") => Some(python::read(place, data)),
        "PKG-INFO" if path.contains(".egg-info/") || path.contains("EGG-INFO/") => {
            Some(python::read(place, data))
        }
        name if name.ends_with(".egg-info") => Some(python::read(place, data)),
        name if path.starts_with("var/lib/dpkg/status.d/") && !name.ends_with(".md5sums") => {
            Some(dpkg::read(place, data))
        }
        _ => None,
    }
}

/// Whether [`read`] wants the file at this path.
pub fn wants(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "status" | "installed" | "package.json" | "METADATA" | "PKG-INFO")
        || name.ends_with(".egg-info")
        || path.starts_with("var/lib/dpkg/status.d/")
}

/// Whether the file at this path is a database of many packages, and not one package's manifest.
pub fn is_database(path: &str) -> bool {
    matches!(path, "var/lib/dpkg/status" | "lib/apk/db/installed" | "usr/lib/apk/db/installed")
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
