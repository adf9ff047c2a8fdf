//! Packages that came, went, or changed their version between two bills of materials. Pure.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A package in whose versions two bills of materials differ. An image may hold several versions of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// Ecosystem: the type of its package URL (`deb`, `npm`, …).
    pub kind: String,
    /// Its name there.
    pub name: String,
    /// Versions before; empty for a package that is new.
    pub before: Vec<String>,
    /// Versions after; empty for a package that is gone.
    pub after: Vec<String>,
}

/// The packages that differ, by ecosystem and name. Packages are given as ecosystem, name and version.
pub fn changes<'a>(
    before: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    after: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Vec<PackageChange> {
    let mut packages: BTreeMap<(&str, &str), [BTreeSet<&str>; 2]> = BTreeMap::new();
    for (kind, name, version) in before {
        packages.entry((kind, name)).or_default()[0].insert(version);
    }
    for (kind, name, version) in after {
        packages.entry((kind, name)).or_default()[1].insert(version);
    }
    let owned = |versions: BTreeSet<&str>| versions.into_iter().map(str::to_owned).collect();
    packages
        .into_iter()
        .filter(|(_, [before, after])| before != after)
        .map(|((kind, name), [before, after])| PackageChange {
            kind: kind.to_owned(),
            name: name.to_owned(),
            before: owned(before),
            after: owned(after),
        })
        .collect()
}
