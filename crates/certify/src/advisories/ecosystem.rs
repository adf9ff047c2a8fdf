//! Under which ecosystem, name and version of the OSV format a package is looked up: one table over the kinds of packages
//! and one over the distributions. Not the comparison of versions.

use crate::evidence::{Distribution, Package, PackageKind};

/// A place to look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// For example `Debian:12`.
    pub ecosystem: String,
    /// Normalised.
    pub name: String,
    /// The version that is compared: the source package's where advisories are about sources.
    pub version: String,
}

/// The name as its ecosystem compares names: PEP 503 for PyPI, without regard to case for NuGet and Packagist.
pub fn normalised(ecosystem: &str, name: &str) -> String {
    match ecosystem {
        "PyPI" => {
            let mut normal = String::with_capacity(name.len());
            for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
                if !normal.is_empty() {
                    normal.push('-');
                }
                normal.push_str(&part.to_lowercase());
            }
            normal
        }
        "NuGet" | "Packagist" => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

/// Where to look for a package. Empty when no ecosystem of advisories knows its kind or its distribution.
pub fn targets(package: &Package, distribution: Option<&Distribution>) -> Vec<Target> {
    let own = (package.name.as_str(), package.version.as_str());
    let source = package.source.as_ref().map(|(name, version)| (name.as_str(), version.as_str()));
    let target = |ecosystem: &str, (name, version): (&str, &str)| Target {
        ecosystem: ecosystem.to_owned(),
        name: normalised(ecosystem, name),
        version: version.to_owned(),
    };
    let of_distribution = |named: &[(&str, &str)]| {
        let ecosystems =
            distribution.map(|distribution| releases(package.kind, distribution)).unwrap_or_default();
        let pairs =
            ecosystems.iter().flat_map(|ecosystem| named.iter().map(move |named| (ecosystem, *named)));
        pairs.map(|(ecosystem, named)| target(ecosystem, named)).collect()
    };
    match package.kind {
        // Their advisories are about source packages.
        PackageKind::Deb | PackageKind::Apk => of_distribution(&[source.unwrap_or(own)]),
        PackageKind::Rpm => rpm(own, source, distribution),
        PackageKind::Pypi => vec![target("PyPI", own)],
        PackageKind::Npm => vec![target("npm", own)],
        PackageKind::Golang if package.name == "stdlib" && is_go_toolchain(&package.place.path) => {
            vec![target("Go", own), target("Go", ("toolchain", own.1))]
        }
        PackageKind::Golang => vec![target("Go", own)],
        PackageKind::Cargo => vec![target("crates.io", own)],
        PackageKind::Maven => vec![target("Maven", own)],
        PackageKind::Nuget => vec![target("NuGet", own)],
        PackageKind::Gem => vec![target("RubyGems", own)],
        PackageKind::Composer => vec![target("Packagist", own)],
        PackageKind::Generic => Vec::new(),
    }
}

/// AlmaLinux and Red Hat write binary packages into their advisories, SUSE and Mageia source packages; of the others both
/// are looked up. A source package's file name has no epoch; it has its binary packages' (without it, it would be
/// before every repaired version).
fn rpm(own: (&str, &str), source: Option<(&str, &str)>, distribution: Option<&Distribution>) -> Vec<Target> {
    let Some(distribution) = distribution else { return Vec::new() };
    let epoch = own.1.split_once(':').map(|(epoch, _)| epoch);
    let source = source.map(|(name, version)| match epoch {
        Some(epoch) if !version.contains(':') => (name.to_owned(), format!("{epoch}:{version}")),
        _ => (name.to_owned(), version.to_owned()),
    });
    let own = (own.0.to_owned(), own.1.to_owned());
    let named = match (distribution.id.as_str(), source) {
        ("almalinux" | "rhel", _) | (_, None) => vec![own],
        ("sles" | "opensuse-leap" | "opensuse-tumbleweed" | "mageia", Some(source)) => vec![source],
        (_, Some(source)) if source != own => vec![own, source],
        (_, Some(_)) => vec![own],
    };
    let mut targets = Vec::new();
    for ecosystem in releases(PackageKind::Rpm, distribution) {
        for (name, version) in &named {
            targets.push(Target {
                ecosystem: ecosystem.clone(),
                name: name.clone(),
                version: version.clone(),
            });
        }
    }
    targets
}

/// Ecosystems of a distribution's release (OSV schema, *Defined ecosystems*). A release that os-release does not number
/// (Debian testing) has none.
fn releases(kind: PackageKind, distribution: &Distribution) -> Vec<String> {
    let version = distribution.version_id.as_str();
    let major = version.split('.').next().unwrap_or_default();
    let numbered = |name: &str, number: &str| {
        if number.is_empty() { Vec::new() } else { vec![format!("{name}:{number}")] }
    };
    match (kind, distribution.id.as_str()) {
        (PackageKind::Deb, "debian" | "raspbian") => numbered("Debian", major),
        // Long-term releases have `:LTS` after the number.
        (PackageKind::Deb, "ubuntu") => {
            [numbered("Ubuntu", version), numbered("Ubuntu", &format!("{version}:LTS"))]
                .concat()
                .into_iter()
                .filter(|_| !version.is_empty())
                .collect()
        }
        (PackageKind::Apk, "alpine") => numbered("Alpine", &alpine_branch(version)),
        (PackageKind::Apk, "wolfi") => vec!["Wolfi".to_owned()],
        (PackageKind::Apk, "chainguard") => vec!["Chainguard".to_owned()],
        (PackageKind::Apk, "alpaquita") => numbered("Alpaquita", version),
        (PackageKind::Rpm, "almalinux") => numbered("AlmaLinux", major),
        (PackageKind::Rpm, "rocky") => numbered("Rocky Linux", major),
        (PackageKind::Rpm, "rhel") if !major.is_empty() => ["baseos", "appstream", "crb"]
            .iter()
            .map(|repository| format!("Red Hat:enterprise_linux:{major}::{repository}"))
            .collect(),
        (PackageKind::Rpm, "photon") => numbered("Photon OS", version),
        (PackageKind::Rpm, "azurelinux" | "mariner") => numbered("Azure Linux", major),
        (PackageKind::Rpm, "opensuse-leap") => numbered("openSUSE", &format!("Leap {version}")),
        (PackageKind::Rpm, "opensuse-tumbleweed") => numbered("openSUSE", "Tumbleweed"),
        (PackageKind::Rpm, "sles") => {
            let service_pack = version.split_once('.').map(|(major, sp)| format!("{major} SP{sp}"));
            let release = service_pack.unwrap_or_else(|| version.to_owned());
            numbered("SUSE", &format!("Linux Enterprise Server {release}"))
        }
        (PackageKind::Rpm, "mageia") => numbered("Mageia", major),
        _ => Vec::new(),
    }
}

/// `v3.19` for `3.19.1`; a pre-release of the next branch (`3.20_alpha…`) is `edge`, which has no ecosystem.
fn alpine_branch(version: &str) -> String {
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor))
            if [major, minor].iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) =>
        {
            format!("v{major}.{minor}")
        }
        _ => String::new(),
    }
}

/// Whether a Go program is the toolchain itself, whose vulnerabilities have a name of their own in the Go database.
fn is_go_toolchain(path: &str) -> bool {
    path.ends_with("/go/bin/go") || path.contains("/go/pkg/tool/") || path.contains("/go/bin/gofmt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    fn told(kind: PackageKind, name: &str, source: Option<&str>, id: &str, version_id: &str) -> String {
        let package = Package {
            kind,
            name: name.to_owned(),
            version: "1".to_owned(),
            architecture: None,
            source: source.map(|name| (name.to_owned(), "2".to_owned())),
            licence: None,
            place: example::place("usr/local/go/bin/go"),
        };
        let distribution =
            Distribution { id: id.to_owned(), version_id: version_id.to_owned(), pretty_name: String::new() };
        let all = targets(&package, Some(&distribution));
        let lines = all.iter().map(|t| format!("{} {} {}", t.ecosystem, t.name, t.version));
        lines.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn distributions_and_languages_lead_to_their_ecosystems() {
        use PackageKind::*;
        let all = [
            told(Deb, "libssl3", Some("openssl"), "debian", "12"),
            told(Deb, "bash", None, "raspbian", "11"),
            told(Deb, "bash", None, "debian", ""),
            told(Deb, "bash", None, "ubuntu", "22.04"),
            told(Apk, "libcrypto3", Some("openssl"), "alpine", "3.19.1"),
            told(Apk, "busybox", None, "alpine", "3.20_alpha20240329"),
            told(Apk, "busybox", None, "wolfi", "20230201"),
            told(Rpm, "openssl-libs", Some("openssl"), "almalinux", "9.4"),
            told(Rpm, "bash", None, "rhel", "9.4"),
            told(Rpm, "libopenssl3", Some("openssl-3"), "sles", "15.5"),
            told(Rpm, "openssl-libs", Some("openssl"), "rocky", "9.4"),
            told(Rpm, "bash", None, "fedora", "40"),
            told(Pypi, "Foo.._-Bar", None, "", ""),
            told(Npm, "@babel/core", None, "", ""),
            told(Golang, "stdlib", None, "", ""),
            told(Golang, "golang.org/x/net", None, "", ""),
            told(Cargo, "serde", None, "", ""),
            told(Maven, "org.a:b", None, "", ""),
            told(Nuget, "Newtonsoft.Json", None, "", ""),
            told(Gem, "rails", None, "", ""),
            told(Composer, "Symfony/Http", None, "", ""),
            told(Generic, "node", None, "", ""),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }
}
