//! Package URLs (package-url/purl-spec): the identity of a package across tools.

use crate::evidence::{Distribution, Package, PackageKind};
use packageurl::PackageUrl;

/// The package's URL. Packages of a distribution carry architecture and distribution, so that vulnerability data of the
/// right release is found.
pub fn of(package: &Package, distribution: Option<&Distribution>) -> String {
    let (kind, namespace, name) = identity(package, distribution);
    // The only errors are unknown types and empty names; neither the readers nor `identity` let them through.
    let Ok(mut url) = PackageUrl::new(kind, name) else {
        return format!("pkg:generic/{}", package.version);
    };
    if let Some(namespace) = namespace {
        let _ = url.with_namespace(namespace);
    }
    let (epoch, version) = epoch_and_version(package);
    if !version.is_empty() {
        let _ = url.with_version(version.to_owned());
    }
    let architecture = package.architecture.as_deref().filter(|text| !text.is_empty());
    match package.kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm => {
            if let Some(architecture) = architecture {
                let _ = url.add_qualifier("arch", architecture.to_owned());
            }
            if let Some(distribution) = distribution.filter(|distribution| !distribution.id.is_empty()) {
                let distro = match distribution.version_id.as_str() {
                    "" => distribution.id.clone(),
                    version => format!("{}-{version}", distribution.id),
                };
                let _ = url.add_qualifier("distro", distro);
            }
        }
        PackageKind::Gem => {
            if let Some(platform) = architecture {
                let _ = url.add_qualifier("platform", platform.to_owned());
            }
        }
        _ => {}
    }
    if let Some(epoch) = epoch {
        let _ = url.add_qualifier("epoch", epoch.to_owned());
    }
    with_encoded_version(url.to_string())
}

/// A slash in a version is escaped (purl-spec, *How to build purl string from its components*); the library leaves it, and
/// then cannot read its own text.
fn with_encoded_version(url: String) -> String {
    let end = url.find('?').unwrap_or(url.len());
    match url[..end].rfind('@') {
        Some(at) if url[at..end].contains('/') => {
            format!("{}{}{}", &url[..at], url[at..end].replace('/', "%2F"), &url[end..])
        }
        _ => url,
    }
}

/// Whether the kind is a distribution's, so that the name means nothing without it.
pub fn is_of_distribution(kind: PackageKind) -> bool {
    matches!(kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm)
}

/// RPM's epoch is a qualifier of its own (purl type `rpm`); elsewhere it is a part of the version.
fn epoch_and_version(package: &Package) -> (Option<&str>, &str) {
    match package.version.split_once(':') {
        Some((epoch, version)) if package.kind == PackageKind::Rpm => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

/// Type, namespace and name, normalised as purl's types ask.
fn identity(
    package: &Package,
    distribution: Option<&Distribution>,
) -> (&'static str, Option<String>, String) {
    let name = package.name.clone();
    let id = distribution.map(|distribution| distribution.id.to_lowercase()).filter(|id| !id.is_empty());
    let split = |name: &str, at: char| match name.rsplit_once(at) {
        Some((namespace, last)) => (Some(namespace.to_owned()), last.to_owned()),
        None => (None, name.to_owned()),
    };
    let of_type = |kind, (namespace, name)| (kind, namespace, name);
    match package.kind {
        PackageKind::Deb => ("deb", Some(id.unwrap_or_else(|| "debian".to_owned())), name.to_lowercase()),
        PackageKind::Apk => ("apk", Some(id.unwrap_or_else(|| "alpine".to_owned())), name.to_lowercase()),
        // The vendor, such as `fedora`; without os-release it is not known.
        PackageKind::Rpm => ("rpm", id, name),
        PackageKind::Pypi => ("pypi", None, name.to_lowercase().replace('_', "-")),
        PackageKind::Cargo => ("cargo", None, name),
        PackageKind::Npm => of_type("npm", split(&name, '/')),
        PackageKind::Golang => of_type("golang", split(&name, '/')),
        PackageKind::Maven => of_type("maven", split(&name, ':')),
        // Composer's schema demands `vendor/package`, and purl's type a namespace; what has none is still listed.
        PackageKind::Composer => match split(&name.to_lowercase(), '/') {
            (Some(vendor), last) if !vendor.is_empty() => ("composer", Some(vendor), last),
            _ => ("generic", None, name),
        },
        PackageKind::Nuget => ("nuget", None, name),
        PackageKind::Gem => ("gem", None, name),
        PackageKind::Generic => ("generic", None, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn each_kind_has_its_form() {
        let debian = Distribution {
            id: "debian".to_owned(),
            version_id: "12".to_owned(),
            pretty_name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        };
        let url = |kind, name: &str, version: &str, architecture: Option<&str>| {
            let package = Package {
                kind,
                name: name.to_owned(),
                version: version.to_owned(),
                architecture: architecture.map(str::to_owned),
                source: None,
                licence: None,
                place: example::place("x"),
            };
            of(&package, Some(&debian))
        };
        let all = [
            url(PackageKind::Deb, "libstdc++6", "12.2.0-14+deb12u1", Some("amd64")),
            url(PackageKind::Apk, "musl", "1.2.4-r2", Some("x86_64")),
            url(PackageKind::Pypi, "Typing_Extensions", "4.8.0", None),
            url(PackageKind::Npm, "@babel/core", "7.0.0", None),
            url(PackageKind::Golang, "golang.org/x/sys", "v0.1.0", None),
            url(PackageKind::Cargo, "serde", "1.0.0", None),
            url(PackageKind::Rpm, "openssl-libs", "1:3.0.7-24.el9", Some("x86_64")),
            url(PackageKind::Rpm, "bash", "5.1.8-6.el9", Some("x86_64")),
            url(PackageKind::Maven, "org.apache.logging.log4j:log4j-core", "2.17.1", None),
            url(PackageKind::Maven, "plexus", "1.0", None),
            url(PackageKind::Nuget, "Newtonsoft.Json", "13.0.3", None),
            url(PackageKind::Gem, "nokogiri", "1.15.4", Some("x86_64-linux")),
            url(PackageKind::Composer, "Laravel/framework", "v10.0.0", None),
            url(PackageKind::Composer, "without-vendor", "v2", None),
            url(PackageKind::Generic, "openssl", "3.0.11", None),
            url(PackageKind::Generic, "openssl", "3/11", None),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12
        pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12
        pkg:pypi/typing-extensions@4.8.0
        pkg:npm/%40babel/core@7.0.0
        pkg:golang/golang.org/x/sys@v0.1.0
        pkg:cargo/serde@1.0.0
        pkg:rpm/debian/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=debian-12&epoch=1
        pkg:rpm/debian/bash@5.1.8-6.el9?arch=x86_64&distro=debian-12
        pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1
        pkg:maven/plexus@1.0
        pkg:nuget/Newtonsoft.Json@13.0.3
        pkg:gem/nokogiri@1.15.4?platform=x86_64-linux
        pkg:composer/laravel/framework@v10.0.0
        pkg:generic/without-vendor@v2
        pkg:generic/openssl@3.0.11
        pkg:generic/openssl@3%2F11
        ");
    }
}
