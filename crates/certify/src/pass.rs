//! One streaming pass over one layer: walks the tar once and hands each file's bytes once to everything that looks at
//! them. Nothing is unpacked to disk, and memory does not grow with the layer: a file is held whole only up to a
//! limit, beyond which it streams through the content scanner in windows.

use crate::content::Scanner;
use crate::evidence::{Fault, FaultKind, FileFact, LayerFacts, Place};
use crate::files;
use crate::layer::{LayerEvidence, PathKind, PathTable, PathTableBuilder};
use crate::owners::Owners;
use crate::rules::Rules;
use crate::tarwalk::{Entry, Kind, WalkError, Walker};
use names::Names;
use oci::layer::LayerReader;
use oci::manifest::Descriptor;
use std::collections::HashSet;

pub(crate) mod file;
mod names;

/// Most entries of a layer. The largest real ones have some hundred thousand.
pub const ENTRIES_MAX: u64 = 2_000_000;

/// Most facts of one kind that are kept of a layer.
const FACTS_MAX: usize = 100_000;

/// Most faults about single entries; then only their number is told.
const ENTRY_FAULTS_MAX: usize = 100;

/// Zero bytes after an archive's end that need no remark; `tar` fills its last record of 10 KiB, some tools more.
const TRAILER_BYTES_MAX: u64 = 1 << 20;

/// Scans one layer. Errors of the source (the layer could not be read) are errors; whatever is wrong with the
/// content is a fault in the evidence. `tick` is called with the name of each entry, before it is read.
pub fn scan(
    reader: LayerReader,
    layer: &Descriptor,
    rules: &Rules,
    tick: &dyn Fn(&[u8]),
) -> Result<LayerEvidence, oci::Error> {
    let mut pass = Pass::new(layer, rules);
    let mut walker = Walker::new(reader);
    let ended = pass.walk(&mut walker, tick);
    let mut reader = walker.into_inner();
    let read_error = match ended {
        Err(WalkError::Read(_)) => reader.take_error(),
        _ => None,
    };
    let uncompressed = reader.uncompressed_bytes();
    let result = match read_error {
        Some(error) => Err(error),
        None => {
            pass.walk_ended(ended);
            reader.finish()
        }
    };
    match result {
        Ok(summary) => {
            pass.evidence.diff_id = Some(summary.diff_id);
            pass.evidence.facts.uncompressed_bytes = summary.uncompressed_bytes;
        }
        Err(error) => {
            pass.evidence.facts.uncompressed_bytes = uncompressed;
            let fault = content_fault(error, Place { layer: Some(layer.digest), path: String::new() })?;
            pass.scanner.faults.push(fault);
        }
    }
    Ok(pass.finish())
}

/// An error that says something about the image's content, as a fault; others (network, disk, credentials) stay errors.
pub(crate) fn content_fault(error: oci::Error, place: Place) -> Result<Fault, oci::Error> {
    let kind = match &error {
        oci::Error::DigestMismatch { .. }
        | oci::Error::SizeMismatch { .. }
        | oci::Error::DiffIdMismatch { .. }
        | oci::Error::Malformed { .. }
        | oci::Error::Unsupported(_) => FaultKind::Verification,
        oci::Error::Limit { .. } => FaultKind::Size,
        _ => return Err(error),
    };
    Ok(Fault { kind, place, message: error.to_string(), hint: error.hint() })
}

/// Evidence of a layer whose content could not be seen at all, with the fault that says why.
pub(crate) fn unseen(layer: &Descriptor, fault: Fault) -> LayerEvidence {
    let mut evidence = empty(layer);
    evidence.faults.push(fault);
    evidence
}

fn empty(layer: &Descriptor) -> LayerEvidence {
    LayerEvidence {
        facts: LayerFacts {
            digest: layer.digest,
            media_type: layer.media_type.clone(),
            compressed_bytes: layer.size,
            uncompressed_bytes: 0,
            entries: 0,
        },
        diff_id: None,
        paths: PathTable::default(),
        hard_links: Vec::new(),
        packages: Vec::new(),
        owned: Vec::new(),
        licences: Vec::new(),
        distributions: Vec::new(),
        binaries: Vec::new(),
        setuid: Vec::new(),
        world_writable: Vec::new(),
        leftovers: Vec::new(),
        matches: Vec::new(),
        product_infos: Vec::new(),
        faults: Vec::new(),
    }
}

struct Pass<'r> {
    evidence: LayerEvidence,
    scanner: Scanner<'r>,
    table: PathTableBuilder,
    names: Names,
    owners: Owners,
    buffer: Vec<u8>,
    entry_faults: usize,
    /// Paths that differ from another only in case; whose they are is known at the end.
    other_case: Vec<String>,
    forgotten: usize,
}

impl<'r> Pass<'r> {
    fn new(layer: &Descriptor, rules: &'r Rules) -> Pass<'r> {
        Pass {
            evidence: empty(layer),
            scanner: Scanner::new(rules, Some(layer.digest)),
            table: PathTableBuilder::default(),
            names: Names::default(),
            owners: Owners::default(),
            buffer: Vec::new(),
            entry_faults: 0,
            other_case: Vec::new(),
            forgotten: 0,
        }
    }

    fn walk(&mut self, walker: &mut Walker<LayerReader>, tick: &dyn Fn(&[u8])) -> Result<(), WalkError> {
        while let Some(entry) = walker.next_entry()? {
            self.evidence.facts.entries += 1;
            if self.evidence.facts.entries > ENTRIES_MAX {
                let message =
                    format!("the layer has more than {ENTRIES_MAX} entries; the rest was not looked at");
                self.scanner.fault(
                    FaultKind::Size,
                    "",
                    message,
                    "split the layer, or pack the many files into one",
                );
                return Ok(());
            }
            tick(&entry.name);
            self.entry(&entry, walker)?;
        }
        let trailer = walker.trailer()?;
        if trailer.garbage || trailer.bytes > TRAILER_BYTES_MAX {
            let what = if trailer.garbage { "not all of them zero" } else { "all of them zero" };
            let message = format!("{} bytes follow the end of the archive, {what}", trailer.bytes);
            self.scanner.fault(FaultKind::Bulk, "", message, "build the layer again with a current tool");
        }
        Ok(())
    }

    fn walk_ended(&mut self, ended: Result<(), WalkError>) {
        let hint = "build and push the image again with a current tool";
        match ended {
            Ok(()) => {}
            Err(error @ WalkError::CutShort(_)) => {
                self.scanner.fault(FaultKind::Verification, "", error.to_string(), hint)
            }
            Err(error @ WalkError::Header { .. }) => {
                self.scanner.fault(FaultKind::Structure, "", error.to_string(), hint)
            }
            // The reader tells it in its own words.
            Err(WalkError::Read(_)) => {}
        }
        if self.evidence.facts.entries == 0 {
            let message = "the layer has no entry".to_owned();
            self.scanner.fault(FaultKind::Bulk, "", message, "leave out build steps that change no file");
        }
    }

    fn entry(&mut self, entry: &Entry, walker: &mut Walker<LayerReader>) -> Result<(), WalkError> {
        let name = files::name(&entry.name);
        self.check_name(entry, &name);
        let path = name.path;
        let last = path.rsplit('/').next().unwrap_or("");
        if let Some(hidden) = last.strip_prefix(".wh.") {
            let directory = path.strip_suffix(last).unwrap_or("").trim_end_matches('/');
            match hidden {
                ".wh..opq" => self.table.add(directory, PathKind::Opaque, 0),
                // Others of this prefix are aufs's own book-keeping.
                hidden if hidden.starts_with(".wh.") => {}
                hidden if directory.is_empty() => self.table.add(hidden, PathKind::Whiteout, 0),
                hidden => self.table.add(&format!("{directory}/{hidden}"), PathKind::Whiteout, 0),
            }
            return Ok(());
        }
        self.note_path(entry, &path);
        self.note_mode(entry, &path);
        if entry.kind == Kind::File && entry.size > 0 { self.file(entry, &path, walker) } else { Ok(()) }
    }

    fn note_path(&mut self, entry: &Entry, path: &str) {
        let kind = match entry.kind {
            Kind::File => PathKind::File,
            Kind::Directory => PathKind::Directory,
            Kind::SymLink => {
                let target = files::printable(&entry.link);
                if files::leaves_root(path, &target) {
                    let message = format!("the symbolic link points above the root: {target}");
                    self.entry_fault(FaultKind::Structure, path, &message, "correct the link's target");
                }
                PathKind::SymLink(self.table.link(target))
            }
            Kind::HardLink => {
                let target = files::name(&entry.link);
                if target.parent {
                    let message = format!("the hard link's target contains `..`: {}", target.path);
                    self.entry_fault(FaultKind::Structure, path, &message, "correct the link's target");
                }
                if self.evidence.hard_links.len() < FACTS_MAX {
                    self.evidence.hard_links.push((path.to_owned(), target.path));
                }
                PathKind::File
            }
            _ => PathKind::Other,
        };
        self.table.add(path, kind, entry.mode);
    }

    fn note_mode(&mut self, entry: &Entry, path: &str) {
        let directory = entry.kind == Kind::Directory;
        let place = || Place { layer: self.scanner.place("").layer, path: path.to_owned() };
        let fact =
            || FileFact { place: place(), mode: entry.mode, uid: entry.uid, size: entry.size, directory };
        let evidence = &mut self.evidence;
        if matches!(entry.kind, Kind::File | Kind::HardLink) {
            if entry.mode & 0o6000 != 0 && evidence.setuid.len() < FACTS_MAX {
                evidence.setuid.push(fact());
            }
            if evidence.leftovers.len() < FACTS_MAX && files::leftover_root(path).is_some() {
                evidence.leftovers.push(fact());
            }
        }
        let writable =
            matches!(entry.kind, Kind::File | Kind::HardLink) || (directory && entry.mode & 0o1000 == 0);
        if writable
            && entry.mode & 0o002 != 0
            && files::holds_programs(path)
            && evidence.world_writable.len() < FACTS_MAX
        {
            evidence.world_writable.push(fact());
        }
    }

    fn finish(mut self) -> LayerEvidence {
        for path in std::mem::take(&mut self.other_case) {
            // A distribution's own files are meant so (`Pod` and `pod` of Perl), and are on every image made from it.
            if !self.owners.distribution_owns(&path) {
                let message = "the path differs from another only in the case of its letters";
                let hint = "rename it, if the image is meant for Windows hosts too";
                self.entry_fault(FaultKind::Names, &path, message, hint);
            }
        }
        if self.entry_faults > ENTRY_FAULTS_MAX {
            let message = format!(
                "{} entries have names or forms that are unusual; the first are listed",
                self.entry_faults
            );
            self.scanner.fault(FaultKind::Names, "", message, "correct what is listed, then check again");
        }
        self.scanner.close();
        let mut evidence = self.evidence;
        evidence.paths = self.table.finish();
        evidence.faults = self.scanner.faults;
        evidence.matches = self.scanner.matches;
        evidence.packages.append(&mut self.scanner.packages);
        evidence.owned = std::mem::take(&mut self.owners.named);
        evidence.product_infos = self.scanner.product_infos.found;
        let programs: HashSet<&str> =
            evidence.binaries.iter().map(|binary| binary.place.path.as_str()).collect();
        for (number, found) in evidence.matches.iter_mut().enumerate() {
            self.owners.weigh(found, self.scanner.documented.contains(&number), &programs);
        }
        evidence
    }
}
