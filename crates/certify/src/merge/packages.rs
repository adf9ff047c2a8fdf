//! Which of the layers' packages are the image's: not those of files that are gone, nor of files that a package of the
//! distribution owns, nor what a lock file asks for where it is installed; each once, with its licence.

use super::Merged;
use crate::evidence::{Package, PackageKind};
use crate::licences;
use crate::owners::without_usr;
use crate::packages::npm_lock;
use std::collections::{BTreeMap, HashSet};

impl Merged<'_> {
    /// Packages of the merged file system, sorted, each once, however many copies of it there are.
    pub fn packages(&self) -> Vec<Package> {
        let mut packages: Vec<Package> = self.visible(|layer| &layer.packages, |package| &mut package.place);
        // Debian's `node-*` and `python3-*` files are counted as Debian packages, with Debian's versions and patches.
        let owned = self.owned();
        packages.retain(|package| {
            let path = package.place.path.as_str();
            is_distributions(package.kind)
                || !owned.contains(without_usr(path.split('!').next().unwrap_or(path)))
        });
        packages.sort();
        drop_asked_for(&mut packages);
        self.add_licences(&mut packages);
        let mut distinct: Vec<Package> = Vec::with_capacity(packages.len());
        let mut seen = BTreeMap::new();
        for package in packages {
            let key =
                (package.kind, package.name.clone(), package.version.clone(), package.architecture.clone());
            match seen.get(&key) {
                None => {
                    seen.insert(key, distinct.len());
                    distinct.push(package);
                }
                // One copy may state what another leaves out.
                Some(&first) => {
                    let known: &mut Package = &mut distinct[first];
                    known.licence = known.licence.take().or(package.licence);
                }
            }
        }
        distinct
    }

    /// The files that lists of the distribution name, as far as such files name packages. A list counts in its own layer
    /// and in all others, for a later layer may bring a file of an earlier layer's package again, with other rights.
    fn owned(&self) -> HashSet<&str> {
        let mut owned = HashSet::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let lists = layer.owned.iter().filter(|(list, _)| !self.hidden(index, list));
            owned.extend(lists.flat_map(|(_, files)| files.iter().map(|file| without_usr(file))));
        }
        owned
    }

    /// Licences in one form; those of Debian's packages come from their copyright files.
    fn add_licences(&self, packages: &mut [Package]) {
        let mut copyright = BTreeMap::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (path, licence) in layer.licences.iter().filter(|(path, _)| !self.hidden(index, path)) {
                copyright.insert(path.as_str(), licence);
            }
        }
        for package in packages {
            if package.kind == PackageKind::Deb && !copyright.is_empty() {
                // The directory may be a link to that of another package of the same source.
                let path = format!("usr/share/doc/{}/copyright", package.name);
                let found = self.resolve("", &path).and_then(|found| copyright.get(found.path.as_str()));
                package.licence = found.map(|licence| licence.to_string());
            } else if let Some(stated) = &package.licence {
                package.licence = Some(licences::normalised(stated));
            }
        }
    }
}

fn is_distributions(kind: PackageKind) -> bool {
    matches!(kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm)
}

/// Drops what lock files ask for, where packages are installed beside them: those say what is there. `packages` are
/// sorted, but by kind and name, so the places are looked at once for all.
fn drop_asked_for(packages: &mut Vec<Package>) {
    let asking = |package: &Package| match package.kind {
        PackageKind::Npm => npm_lock::directory(&package.place.path).map(|at| below(at, "node_modules/")),
        PackageKind::Composer => {
            let directory = package.place.path.strip_suffix("composer.lock")?;
            Some(format!("{directory}vendor/composer/installed.json"))
        }
        _ => None,
    };
    let lists: HashSet<String> = packages.iter().filter_map(asking).collect();
    if lists.is_empty() {
        return;
    }
    let mut installed: HashSet<String> = HashSet::new();
    for package in packages.iter().filter(|package| asking(package).is_none()) {
        let path = package.place.path.as_str();
        let above = path.match_indices("node_modules/").map(|(at, part)| &path[..at + part.len()]);
        let places = above.chain([path]).filter(|place| lists.contains(*place));
        installed.extend(places.map(str::to_owned));
    }
    packages.retain(|package| asking(package).is_none_or(|place| !installed.contains(&place)));
}

fn below(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
