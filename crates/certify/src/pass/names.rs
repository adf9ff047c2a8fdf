//! What is unusual about an entry's name or form.

use super::{ENTRY_FAULTS_MAX, Pass};
use crate::evidence::FaultKind;
use crate::files::Name;
use crate::tarwalk::{Entry, Kind};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Most repeated paths of a layer whose first entry's facts are dropped; each costs a search through all facts.
const FORGOTTEN_MAX: usize = 1000;

/// Most paths that are held back until it is known whose they are. A kernel's headers have some dozens.
const OTHER_CASE_MAX: usize = 10_000;

impl Pass<'_> {
    pub(super) fn check_name(&mut self, entry: &Entry, name: &Name) {
        let rebuild = "build the layer again without this entry";
        let path = &name.path;
        if name.parent {
            self.entry_fault(FaultKind::Structure, path, "the entry's name contains `..`", rebuild);
        }
        if name.absolute {
            self.entry_fault(
                FaultKind::Names,
                path,
                "the entry's name is absolute",
                "write names relative to the root",
            );
        }
        if name.not_utf8 {
            self.entry_fault(FaultKind::Names, path, "the entry's name is not UTF-8", "rename the file");
        }
        match entry.kind {
            Kind::CharDevice | Kind::BlockDevice => {
                self.entry_fault(FaultKind::Structure, path, "the entry is a device node", rebuild);
            }
            Kind::Other(flag) => {
                let message = format!("the entry is of the unknown type {flag:#04x}");
                self.entry_fault(FaultKind::Structure, path, &message, rebuild);
            }
            _ => {}
        }
        if let Some(size) = entry.sparse_size {
            let message = format!(
                "a sparse file: {} bytes are stored of {size}; its holes were not looked at",
                entry.size
            );
            self.entry_fault(FaultKind::Unscanned, path, &message, "write the layer without sparse files");
        }
        match self.names.add(path, entry.kind == Kind::Directory) {
            Seen::New => {}
            Seen::Twice => {
                self.entry_fault(
                    FaultKind::Names,
                    path,
                    "the layer has this path twice; the last counts",
                    rebuild,
                );
                self.forget(path);
            }
            Seen::OtherCase => {
                if self.other_case.len() < OTHER_CASE_MAX {
                    self.other_case.push(path.clone());
                }
            }
        }
    }

    /// Drops what an earlier entry of the same path said; matches stay, for the bytes stay in the layer.
    fn forget(&mut self, path: &str) {
        self.forgotten += 1;
        if self.forgotten > FORGOTTEN_MAX {
            return;
        }
        let evidence = &mut self.evidence;
        evidence.packages.retain(|package| package.place.path != path);
        evidence.binaries.retain(|binary| binary.place.path != path);
        evidence.owned.retain(|(of, _)| of != path);
        evidence.licences.retain(|(of, _)| of != path);
        evidence.distributions.retain(|(of, _)| of != path);
        for facts in [&mut evidence.setuid, &mut evidence.world_writable, &mut evidence.leftovers] {
            facts.retain(|fact| fact.place.path != path);
        }
    }

    pub(super) fn entry_fault(&mut self, kind: FaultKind, path: &str, message: &str, hint: &str) {
        self.entry_faults += 1;
        if self.entry_faults <= ENTRY_FAULTS_MAX || kind == FaultKind::Structure {
            self.scanner.fault(kind, path, message.to_owned(), hint);
        }
    }
}

/// The names seen so far, by keyed hashes: of the path in lower case, and of the path.
#[derive(Default)]
pub(super) struct Names {
    hasher: RandomState,
    seen: HashMap<u64, u64>,
}

enum Seen {
    New,
    Twice,
    OtherCase,
}

impl Names {
    fn add(&mut self, path: &str, directory: bool) -> Seen {
        let exact = self.hasher.hash_one(path);
        let folded = match path.bytes().any(|byte| byte.is_ascii_uppercase() || byte >= 0x80) {
            true => self.hasher.hash_one(path.to_lowercase()),
            false => exact,
        };
        match self.seen.insert(folded, exact) {
            None => Seen::New,
            // Tools that join archives list a directory again.
            Some(before) if before == exact && directory => Seen::New,
            Some(before) if before == exact => Seen::Twice,
            Some(_) => Seen::OtherCase,
        }
    }
}
