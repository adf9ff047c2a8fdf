//! Go's build information in programs (`debug/buildinfo`): module lines between two 16-byte marks that every Go linker
//! since 1.12 writes, whether the header points at them (before 1.18) or holds them.

use super::{PACKAGES_MAX, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use memchr::memmem;

/// Mark before the module lines (`cmd/go/internal/modload`, infoStart).
const START: [u8; 16] = *b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";

/// Mark after them (infoEnd).
const END: [u8; 16] = *b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";

/// Mark of the header that states the Go version.
const HEADER: [u8; 14] = *b"\xff Go buildinf:";

/// Most bytes of module lines; Kubernetes has about 20 KiB.
pub const BYTES_MAX: usize = 4 << 20;

/// Build information as found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// For example `1.22.1`, when the header holds it.
    pub go_version: Option<String>,
    /// The module lines.
    pub modules: String,
}

/// Looks for build information in a program's bytes.
pub fn find(data: &[u8]) -> Option<BuildInfo> {
    let start = memmem::find(data, &START)? + START.len();
    let window = &data[start..data.len().min(start + BYTES_MAX)];
    let modules = &window[..memmem::find(window, &END)?];
    let modules = std::str::from_utf8(modules).ok()?;
    // A program that merely contains the mark (this one) has no module line after it.
    modules
        .starts_with("path\t")
        .then(|| BuildInfo { go_version: go_version(data), modules: modules.to_owned() })
}

/// Where the header begins.
pub(crate) fn header_at(data: &[u8]) -> Option<usize> {
    memmem::find(data, &HEADER)
}

/// Where the module lines' mark begins.
pub(crate) fn start_at(data: &[u8]) -> Option<usize> {
    memmem::find(data, &START)
}

/// Whether the module lines' end mark is in `data`.
pub(crate) fn ends(data: &[u8]) -> bool {
    memmem::find(data, &END).is_some()
}

/// The packages that build information names. With `=>`, the replacement is what was built.
pub fn packages(place: &Place, info: &BuildInfo) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in info.modules.lines().take(PACKAGES_MAX) {
        let mut words = line.split('\t');
        let kind = words.next().unwrap_or("");
        let (Some(path), Some(version)) = (words.next(), words.next()) else { continue };
        if !sane(path) || !sane(version) {
            continue;
        }
        match kind {
            "mod" if version != "(devel)" => {
                packages.push(package(PackageKind::Golang, place, path, version))
            }
            "dep" => packages.push(package(PackageKind::Golang, place, path, version)),
            "=>" => {
                packages.pop();
                packages.push(package(PackageKind::Golang, place, path, version));
            }
            _ => {}
        }
    }
    if let Some(version) = &info.go_version {
        packages.push(package(PackageKind::Golang, place, "stdlib", version));
    }
    packages
}

/// `GOARM` of the build settings: `6` for `v6`.
pub fn arm_variant(info: &BuildInfo) -> Option<String> {
    let setting = info.modules.lines().find_map(|line| line.strip_prefix("build\tGOARM="))?;
    let digit = setting.chars().next().filter(|digit| ('5'..='7').contains(digit))?;
    Some(format!("v{digit}"))
}

/// Since 1.18 the header holds the version: at byte 32, a varint length and the text (`go1.22.1`).
fn go_version(data: &[u8]) -> Option<String> {
    for at in memmem::find_iter(data, &HEADER).take(16) {
        let header = &data[at..];
        if header.get(15).is_some_and(|flags| flags & 2 != 0)
            && let Some(&length) = header.get(32)
            && length < 0x80
            && let Some(text) = header.get(33..33 + usize::from(length))
            && let Ok(text) = std::str::from_utf8(text)
            && let Some(version) = text.strip_prefix("go")
        {
            let version = version.split(' ').next().unwrap_or(version);
            return sane(version).then(|| version.to_owned());
        }
    }
    None
}
