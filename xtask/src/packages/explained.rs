//! Why a peer finds a package that we do not, or the other way round: one entry for each class of difference.

use super::sets::{FoundBy, Package};
use std::collections::BTreeSet;

/// A class of differences.
struct Class {
    reason: &'static str,
    /// Whether a difference belongs to it; the set holds the files that packages of the distribution own.
    holds: fn(&Package, FoundBy, &BTreeSet<String>) -> bool,
}

const CLASSES: &[Class] = &[
    // Debian's nodejs, node-acorn or openjdk bring `package.json` and jar files. They are those Debian packages, with
    // Debian's version and Debian's patches, and its security tracker speaks of them under those names; as npm or Maven
    // packages besides they would be counted twice, and matched with advisories that Debian has mended. trivy leaves
    // them out as well.
    Class {
        reason: "syft counts files of a Debian package once more as packages of a language",
        holds: |package, by, owned| {
            let of_language = !matches!(package.kind.as_str(), "deb" | "rpm" | "apk");
            let all_owned = package.paths.iter().all(|path| is_owned(path, owned));
            by == FoundBy { ours: false, syft: true, trivy: false }
                && of_language
                && !package.paths.is_empty()
                && all_owned
        },
    },
];

/// Why not all tools found this package. What both peers find and we do not is a fault of ours, never explained.
pub fn reason(package: &Package, by: FoundBy, owned: &BTreeSet<String>) -> Option<&'static str> {
    if by == (FoundBy { ours: false, syft: true, trivy: true }) {
        return None;
    }
    CLASSES.iter().find(|class| (class.holds)(package, by, owned)).map(|class| class.reason)
}

/// `lib/x` and `usr/lib/x` are one file where `/usr` is merged, and lists name either.
fn is_owned(path: &str, owned: &BTreeSet<String>) -> bool {
    owned.contains(path) || path.strip_prefix("usr/").is_some_and(|path| owned.contains(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_the_distribution_owns_and_syft_alone_counts_are_explained() {
        let owned = BTreeSet::from(["usr/share/nodejs/acorn/package.json".to_owned()]);
        let package = |paths: &[&str]| Package {
            kind: "npm".to_owned(),
            name: "acorn".to_owned(),
            version: "8.8.1".to_owned(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let syft = FoundBy { ours: false, syft: true, trivy: false };
        let debian = "usr/share/nodejs/acorn/package.json";
        assert!(reason(&package(&[debian]), syft, &owned).is_some());
        assert_eq!(reason(&package(&[debian, "app/node_modules/acorn/package.json"]), syft, &owned), None);
        assert_eq!(reason(&package(&[]), syft, &owned), None);
        let both = FoundBy { trivy: true, ..syft };
        assert_eq!(reason(&package(&[debian]), both, &owned), None);
        let ours = FoundBy { ours: true, syft: false, trivy: false };
        assert_eq!(reason(&package(&[debian]), ours, &owned), None);
    }
}
