//! Debian's package database: `var/lib/dpkg/status`, and distroless images' `var/lib/dpkg/status.d/*` (deb822 form,
//! deb-control(5)). Only packages that are installed count: a removed package leaves its paragraph behind.

use super::{PACKAGES_MAX, Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};

/// Reads all paragraphs.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let text = String::from_utf8_lossy(data);
    let mut packages = Vec::new();
    let mut fields = Fields::default();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            packages.extend(std::mem::take(&mut fields).package(place));
            if packages.len() > PACKAGES_MAX {
                return Err(format!("more than {PACKAGES_MAX} packages"));
            }
        } else if !line.starts_with([' ', '\t'])
            && let Some((name, value)) = line.split_once(':')
        {
            fields.set(name, value.trim());
        }
    }
    match packages.is_empty() && data.len() > 1 && !text.contains("Package:") {
        true => Err("no paragraph names a package".to_owned()),
        false => Ok(packages),
    }
}

#[derive(Default)]
struct Fields<'a> {
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    source: &'a str,
    status: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn set(&mut self, name: &str, value: &'a str) {
        match name {
            "Package" => self.name = value,
            "Version" => self.version = value,
            "Architecture" => self.architecture = value,
            "Source" => self.source = value,
            "Status" => self.status = Some(value),
            _ => {}
        }
    }

    fn package(self, place: &Place) -> Option<Package> {
        // Distroless has no Status field. `unpacked`, `half-configured` and `triggers-…` have their files in place.
        let there = self
            .status
            .and_then(|status| status.split(' ').nth(2))
            .is_none_or(|state| !matches!(state, "not-installed" | "config-files" | "half-installed"));
        if !there || !sane(self.name) || !sane(self.version) {
            return None;
        }
        let mut package = package(PackageKind::Deb, place, self.name, self.version);
        package.architecture = sane(self.architecture).then(|| self.architecture.to_owned());
        package.source = self.source();
        Some(package)
    }

    /// `Source: glibc` or `Source: glibc (2.36-9)`.
    fn source(&self) -> Option<(String, String)> {
        let (name, version) = match self.source.split_once(" (") {
            Some((name, version)) => (name, version.trim_end_matches(')')),
            None => (self.source, self.version),
        };
        let differs = sane(name) && sane(version) && (name != self.name || version != self.version);
        differs.then(|| (name.to_owned(), version.to_owned()))
    }
}
