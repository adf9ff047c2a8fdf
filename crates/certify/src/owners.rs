//! Which files of a layer came out of a public package, by the packages' own file lists: dpkg's `info/*.list`, apk's
//! and RPM's databases, Python's `RECORD`; npm keeps none, so there a place under `node_modules` counts. Used for two things.
//! What a package of the distribution brings is that package, and no npm or Python package besides. And a
//! secret among the tests, examples or documentation of a package, in a comment or docstring of its sources, or inside
//! a program or library of the distribution (curl's and GnuTLS's self-tests), was published with it, protects nothing,
//! and is advice. A secret anywhere else, or in no package, counts in full. A vendor who packs a real key in a package
//! of his own, under `tests`, gets the advice only: the lists cannot tell whose package it is. For the same reason such
//! a secret is still told, and not left out.

use crate::evidence::{Match, MatchKind};
use crate::files::is_test_or_example;
use crate::packages::{self, java, rpm, runtime};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Most paths that are remembered; a whole desktop has about 500,000.
const PATHS_MAX: usize = 1_000_000;

/// Most paths that are kept by name for the merge; a distribution's own language packages are some thousands.
const NAMED_MAX: usize = 100_000;

/// The files of packages, known by keyed hashes of their paths.
#[derive(Default)]
pub struct Owners {
    hasher: RandomState,
    distribution: HashSet<u64>,
    language: HashSet<u64>,
    /// Lists of the distribution, with those of their paths that name packages of other kinds.
    pub named: Vec<(String, Vec<String>)>,
    named_count: usize,
}

/// Whether [`Owners::read`] wants the file at this path.
pub fn wants(path: &str) -> bool {
    (path.starts_with("var/lib/dpkg/info/") && path.ends_with(".list"))
        || path.ends_with(".dist-info/RECORD")
        || matches!(path, "lib/apk/db/installed" | "usr/lib/apk/db/installed")
        || rpm::is_database(path)
}

impl Owners {
    /// Adds the paths of one list.
    pub fn read(&mut self, path: &str, data: &[u8]) {
        if rpm::is_database(path) {
            let mut named = Vec::new();
            // The reader of packages tells what is wrong with the database.
            let _ = rpm::files(data, &mut |file| self.distribution_file(file, &mut named));
            self.name(path, named);
            return;
        }
        let text = String::from_utf8_lossy(data);
        if path.ends_with(".list") {
            let mut named = Vec::new();
            for line in text.lines() {
                self.distribution_file(line.trim_start_matches('/'), &mut named);
            }
            self.name(path, named);
        } else if let Some((info, _)) = path.rsplit_once("/RECORD") {
            let packages = info.rsplit_once('/').map_or("", |(directory, _)| directory);
            for line in text.lines() {
                let file = line.split(',').next().unwrap_or(line);
                let hash = self.hash(&format!("{packages}/{file}"));
                add(&mut self.language, hash);
            }
        } else {
            let mut directory = "";
            let mut named = Vec::new();
            for line in text.lines() {
                match line.split_once(':') {
                    Some(("F", value)) => directory = value,
                    Some(("R", value)) => {
                        self.distribution_file(&format!("{directory}/{value}"), &mut named);
                    }
                    _ => {}
                }
            }
            self.name(path, named);
        }
    }

    fn distribution_file(&mut self, file: &str, named: &mut Vec<String>) {
        let hash = self.hash(file);
        add(&mut self.distribution, hash);
        let names_packages =
            packages::wants(file) || runtime::wanted(file).is_some() || java::is_archive(file);
        if names_packages && self.named_count < NAMED_MAX {
            self.named_count += 1;
            named.push(file.to_owned());
        }
    }

    fn name(&mut self, list: &str, named: Vec<String>) {
        if !named.is_empty() {
            self.named.push((list.to_owned(), named));
        }
    }

    /// Whether a package of the distribution lists this path.
    pub fn distribution_owns(&self, path: &str) -> bool {
        self.distribution.contains(&self.hash(path))
    }

    /// Whether any package lists this path, or npm put it there.
    pub fn owns(&self, path: &str) -> bool {
        path.contains("node_modules/")
            || self.distribution_owns(path)
            || self.language.contains(&self.hash(path))
    }

    /// Marks a secret that was published with a package (see above). `documented` says that it stands in a comment or
    /// docstring; `programs` are the files with machine code.
    pub fn weigh(&self, found: &mut Match, documented: bool, programs: &HashSet<&str>) {
        let MatchKind::Secret { published, .. } = &mut found.kind else { return };
        let path = found.place.path.as_str();
        let file = path.split('!').next().unwrap_or("");
        *published = ((documented || is_test_or_example(path)) && self.owns(file))
            || (programs.contains(file) && self.distribution_owns(file));
    }

    fn hash(&self, path: &str) -> u64 {
        self.hasher.hash_one(without_usr(path))
    }
}

fn add(paths: &mut HashSet<u64>, hash: u64) {
    if paths.len() < PATHS_MAX {
        paths.insert(hash);
    }
}

/// `lib/x` and `usr/lib/x` are one file where `/usr` is merged, and lists name either.
pub(crate) fn without_usr(path: &str) -> &str {
    path.strip_prefix("usr/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Place;

    fn published(owners: &Owners, path: &str, documented: bool) -> bool {
        let kind = MatchKind::Secret {
            kind: "private-key".to_owned(),
            key_or_connection_string: true,
            published: false,
        };
        let place = Place { layer: None, path: path.to_owned() };
        let mut found = Match { kind, place, evidence: String::new(), deleted_later: false };
        owners.weigh(&mut found, documented, &HashSet::new());
        matches!(found.kind, MatchKind::Secret { published: true, .. })
    }

    #[test]
    fn what_stands_in_the_documentation_or_tests_of_a_package_is_published() {
        let mut owners = Owners::default();
        let list = b"/usr/share/man/man5/netdev.5.gz\n/etc/netdev.key\n";
        owners.read("var/lib/dpkg/info/netdev.list", list);
        let record = b"net/core.py,sha256=x,1\nnet/tests/key.pem,,\nnet/testament.py,,\n";
        owners.read("usr/lib/python3/net-1.dist-info/RECORD", record);
        assert!(published(&owners, "usr/share/man/man5/netdev.5.gz!netdev.5", false));
        assert!(published(&owners, "usr/lib/python3/net/tests/key.pem", false));
        assert!(published(&owners, "usr/lib/python3/net/core.py", true));
        assert!(published(&owners, "app/node_modules/a/README.md", false));
        // In code, in no package, or in what an administrator changes.
        assert!(!published(&owners, "usr/lib/python3/net/core.py", false));
        assert!(!published(&owners, "usr/lib/python3/net/testament.py", false));
        assert!(!published(&owners, "usr/share/man/man5/mine.5.gz!mine.5", false));
        assert!(!published(&owners, "app/tests/key.pem", false));
        assert!(!published(&owners, "app/main.py", true));
        assert!(!published(&owners, "etc/netdev.key", false));
        assert!(!published(&owners, "app/node_modules/a/index.js", false));
    }
}
