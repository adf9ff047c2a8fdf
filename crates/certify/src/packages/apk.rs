//! Alpine's package database `lib/apk/db/installed`: paragraphs of one-letter fields (apk-v2 index format).

use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};

/// Reads all paragraphs.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let text = String::from_utf8_lossy(data);
    let mut packages = Vec::new();
    let (mut name, mut version, mut architecture, mut origin, mut licence) = ("", "", "", "", "");
    for line in text.lines().chain([""]) {
        match line.split_once(':') {
            Some(("P", value)) => name = value,
            Some(("V", value)) => version = value,
            Some(("A", value)) => architecture = value,
            Some(("o", value)) => origin = value,
            Some(("L", value)) => licence = value,
            Some(_) => {}
            None if sane(name) && sane(version) => {
                let mut found = package(PackageKind::Apk, place, name, version);
                found.architecture = sane(architecture).then(|| architecture.to_owned());
                found.source =
                    (sane(origin) && origin != name).then(|| (origin.to_owned(), version.to_owned()));
                found.licence = sane(licence).then(|| licence.to_owned());
                packages.push(found);
                (name, version, architecture, origin, licence) = ("", "", "", "", "");
                if packages.len() > PACKAGES_MAX {
                    return Err(format!("more than {PACKAGES_MAX} packages"));
                }
            }
            None => (name, version, architecture, origin, licence) = ("", "", "", "", ""),
        }
    }
    match packages.is_empty() && data.len() > 1 {
        true => Err("no paragraph names a package".to_owned()),
        false => Ok(packages),
    }
}
