//! Scans the content of files for malware, miners and secrets: whole where it is small, in overlapping windows where
//! it is large, and the members of archives as if they were files. What it could not look into becomes a fault. Of
//! packages it knows only what Java archives say of themselves, since nobody else sees their members.

mod archive;
mod clam;
mod cpio;
mod hashing;
mod zip;

use crate::evidence::{Fault, FaultKind, Match, MatchKind, Package, Place};
use crate::pass::file::large_buffer;
use crate::product_info::Collector;
use crate::rules::{Rules, Wake};
use crate::secrets::{self, Secret};
use archive::{Budget, Format};
use hashing::Hashing;
use oci::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::io::{self, Read};

/// Larger content is looked at in windows of this size.
pub(crate) const WINDOW_BYTES: usize = 4 << 20;

/// How much of two windows is the same: what an examination needs before and after a literal.
const OVERLAP_BYTES: usize = secrets::BEFORE_MAX + secrets::AFTER_MAX;

/// Archives without a streaming form (zip) inside other archives are looked into up to this size.
const NESTED_ZIP_BYTES_MAX: u64 = 16 << 20;

/// Enough of a file's beginning to know an archive (`ustar` stands at byte 257).
const HEAD_BYTES: usize = 512;

/// Most different matches reported of one file: a list of thousands helps nobody.
const MATCHES_PER_FILE_MAX: usize = 20;

/// Most matches and faults kept of one layer.
const KEPT_MAX: usize = 10_000;

/// Scanner of one layer, or of an image's config.
pub(crate) struct Scanner<'r> {
    rules: &'r Rules,
    layer: Option<Digest>,
    /// What was recognised.
    pub matches: Vec<Match>,
    /// What could not be looked into.
    pub faults: Vec<Fault>,
    /// What Java archives say of themselves.
    pub packages: Vec<Package>,
    /// Files that speak of `ProductInfo`.
    pub product_infos: Collector,
    /// Numbers of those matches that stand in comments or docstrings.
    pub documented: HashSet<usize>,
    window_buffer: Vec<u8>,
    unpacked_left: u64,
    dropped: u64,
    /// The ClamAV daemon could not be asked about a file; the fault is told once.
    clamd_failed: bool,
}

impl<'r> Scanner<'r> {
    pub(crate) fn new(rules: &'r Rules, layer: Option<Digest>) -> Scanner<'r> {
        Scanner {
            rules,
            layer,
            matches: Vec::new(),
            faults: Vec::new(),
            packages: Vec::new(),
            product_infos: Collector::default(),
            documented: HashSet::new(),
            window_buffer: Vec::new(),
            unpacked_left: archive::UNPACKED_BYTES_PER_LAYER_MAX,
            dropped: 0,
            clamd_failed: false,
        }
    }

    /// A place in this layer.
    pub(crate) fn place(&self, path: &str) -> Place {
        Place { layer: self.layer, path: path.to_owned() }
    }

    /// Notes something that is wrong or was not checked.
    pub(crate) fn fault(&mut self, kind: FaultKind, path: &str, message: String, hint: &str) {
        if self.faults.len() < KEPT_MAX {
            self.faults.push(Fault { kind, place: self.place(path), message, hint: hint.to_owned() });
        } else {
            self.dropped += 1;
        }
    }

    /// Says how much more there was than is kept.
    pub(crate) fn close(&mut self) {
        if self.dropped > 0 {
            let (kind, message) =
                (FaultKind::Unscanned, format!("{} more matches and faults are not listed", self.dropped));
            let hint = "correct what is listed, then check again".to_owned();
            self.faults.push(Fault { kind, place: self.place(""), message, hint });
        }
    }

    /// Scans a file's whole content, archives' members included.
    pub(crate) fn file(&mut self, path: &str, data: &[u8]) {
        if self.rules.is_off() {
            return;
        }
        self.check_hash(path, || Sha256::digest(data).into());
        self.ask_clamd(path, data);
        let budget = Budget::new(data.len() as u64, self.unpacked_left);
        self.data(path, data, &budget, 0);
        self.settle(path, &budget);
    }

    /// Scans a file that is too large to be held. `head` was read from it already.
    pub(crate) fn stream(&mut self, path: &str, size: u64, reader: &mut dyn Read) -> io::Result<()> {
        if self.rules.is_off() {
            // Who else looks at the file does so while it passes.
            return io::copy(reader, &mut io::sink()).map(drop);
        }
        let budget = Budget::new(size, self.unpacked_left);
        let hasher = self.rules.hashes_wanted().then(Sha256::new);
        let mut hashing = Hashing { inner: reader, hasher, clamd: self.begin_clamd() };
        let result = self.content(path, &mut hashing, &budget, 0);
        if let Some(stream) = hashing.clamd.take()
            && result.is_ok()
        {
            self.end_clamd(path, stream);
        }
        if let Some(hasher) = hashing.hasher.take()
            && result.is_ok()
        {
            self.check_hash(path, || hasher.finalize().into());
        }
        self.settle(path, &budget);
        result
    }

    /// Scans one text, such as an environment variable.
    pub(crate) fn text(&mut self, path: &str, text: &str) {
        if self.rules.is_off() {
            return;
        }
        self.window(path, text.as_bytes(), 0, text.len());
        self.url_credentials(path, text.as_bytes());
    }

    /// What the archive of this file took from the layer's budget, and whether a limit ended it.
    fn settle(&mut self, path: &str, budget: &Budget) {
        self.unpacked_left = self.unpacked_left.saturating_sub(budget.unpacked());
        if let Some((kind, message)) = budget.exceeded() {
            self.fault(
                kind,
                path,
                message,
                "leave the archive out of the image, or unpack it when the image is built",
            );
        }
    }

    /// Content of a member, or of a large file.
    fn content(&mut self, path: &str, reader: &mut dyn Read, budget: &Budget, depth: u32) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        match Format::of(&head) {
            Some(Format::Zip) => {
                let start = std::mem::replace(&mut head, large_buffer());
                head.extend_from_slice(&start);
                (&mut *reader).take(NESTED_ZIP_BYTES_MAX).read_to_end(&mut head)?;
                if head.len() as u64 > NESTED_ZIP_BYTES_MAX {
                    let message = format!(
                        "a zip archive of more than {} MiB inside an archive, or larger than memory allows, was not unpacked",
                        NESTED_ZIP_BYTES_MAX >> 20
                    );
                    self.fault(FaultKind::Unscanned, path, message, "unpack it when the image is built");
                    return self.windows(path, &head, reader);
                }
                self.data(path, &head, budget, depth);
                Ok(())
            }
            Some(format) => {
                let mut whole = head.as_slice().chain(reader);
                if let Err(error) = self.open(path, format, &mut whole, budget, depth) {
                    self.refused(path, &error.to_string(), budget);
                }
                // What follows an archive's end is still part of the file (and of its hash).
                io::copy(&mut whole, &mut io::sink()).map(drop)
            }
            None => {
                self.unknown_format(path, &head);
                self.windows(path, &head, reader)
            }
        }
    }

    /// Content that is in memory.
    fn data(&mut self, path: &str, data: &[u8], budget: &Budget, depth: u32) {
        let opened = match Format::of(data) {
            Some(Format::Zip) => Some(self.zip(path, data, budget, depth)),
            Some(format) => Some(self.open(path, format, &mut &data[..], budget, depth)),
            None => None,
        };
        match opened {
            // The bytes of an archive say nothing that its members did not.
            Some(Ok(())) => {}
            Some(Err(error)) => {
                self.refused(path, &error.to_string(), budget);
                self.window(path, data, 0, data.len());
            }
            None => {
                self.unknown_format(path, data);
                self.window(path, data, 0, data.len());
                self.url_credentials(path, data);
            }
        }
        if self.rules.operator_wanted() {
            self.hits(path, self.rules.scan_operator(data));
        }
    }

    fn refused(&mut self, path: &str, cause: &str, budget: &Budget) {
        // A limit is told once, for the whole file.
        if budget.exceeded().is_none() {
            let message = format!("the archive cannot be unpacked: {cause}");
            self.fault(
                FaultKind::Unscanned,
                path,
                message,
                "replace it by an intact, unencrypted archive, or remove it",
            );
        }
    }

    fn unknown_format(&mut self, path: &str, head: &[u8]) {
        if let Some(name) = archive::not_handled(head) {
            let message = format!("a {name} archive was not unpacked: this format is not handled");
            self.fault(
                FaultKind::Unscanned,
                path,
                message,
                "repack it as zip, tar, gzip, bzip2, xz or zstd, or unpack it",
            );
        }
    }

    /// Scans `head` and what follows it in windows. They share one buffer of the scanner: thousands of an archive's
    /// members would else each leave a hole of some megabytes in the heap.
    fn windows(&mut self, path: &str, head: &[u8], reader: &mut dyn Read) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.window_buffer);
        buffer.clear();
        buffer.reserve_exact(WINDOW_BYTES + OVERLAP_BYTES);
        buffer.extend_from_slice(head);
        let result = self.windows_of(path, &mut buffer, reader);
        self.window_buffer = buffer;
        result
    }

    fn windows_of(&mut self, path: &str, buffer: &mut Vec<u8>, reader: &mut dyn Read) -> io::Result<()> {
        let mut begin = 0;
        let mut first = true;
        loop {
            let room = WINDOW_BYTES.saturating_sub(buffer.len()).max(WINDOW_BYTES / 4) as u64;
            let got = (&mut *reader).take(room).read_to_end(buffer)? as u64;
            let last = got < room;
            let end = if last { buffer.len() } else { buffer.len() - secrets::AFTER_MAX };
            self.window(path, buffer, begin, end);
            if first && last {
                self.url_credentials(path, buffer);
            }
            if self.rules.operator_wanted() {
                self.hits(path, self.rules.scan_operator(buffer));
            }
            if last {
                return Ok(());
            }
            let keep = buffer.len().saturating_sub(OVERLAP_BYTES);
            buffer.drain(..keep);
            begin = end - keep;
            first = false;
        }
    }

    /// One pass of the shared literals over `data`; those that begin in `begin..end` count.
    fn window(&mut self, path: &str, data: &[u8], begin: usize, end: usize) {
        let rules = self.rules;
        let (mut malware, mut product_info) = (false, false);
        let mut found: Vec<Secret> = Vec::new();
        let mut examined_to = begin;
        rules.literals.find(data, |wake, at| match wake {
            Wake::Malware => malware = true,
            Wake::ProductInfo => product_info = true,
            Wake::Secret(kinds) => {
                if at >= examined_to
                    && at < end
                    && found.len() < MATCHES_PER_FILE_MAX
                    && let Some(secret) = secrets::examine(kinds, data, at)
                {
                    examined_to = secret.end;
                    found.push(secret);
                }
            }
        });
        self.secrets(path, data, found);
        if product_info {
            let layer = self.layer;
            let place = || Place { layer, path: path.to_owned() };
            self.product_infos.collect(place, path, data);
        }
        if malware {
            self.hits(path, rules.scan_built_in(data));
        }
    }

    fn url_credentials(&mut self, path: &str, data: &[u8]) {
        if self.layer.is_none() || secrets::may_hold_credentials(path, data.len()) {
            let mut found = secrets::credentials_in_file(path, data);
            found.truncate(MATCHES_PER_FILE_MAX);
            self.secrets(path, data, found);
        }
    }

    fn secrets(&mut self, path: &str, data: &[u8], found: Vec<Secret>) {
        for secret in found {
            let kind = MatchKind::Secret {
                kind: secret.kind.to_owned(),
                key_or_connection_string: secret.blocking,
                published: false,
            };
            let documented = secrets::context::is_documentation(path, data, secret.end.saturating_sub(1));
            let number = self.matches.len();
            self.keep(path, kind, secret.evidence);
            if documented && self.matches.len() > number {
                self.documented.insert(number);
            }
        }
    }

    fn hits(&mut self, path: &str, result: Result<Vec<crate::rules::Hit>, String>) {
        match result {
            Ok(hits) => {
                for hit in hits {
                    let evidence = format!("rule {}", hit.name);
                    let kind =
                        if hit.miner { MatchKind::Miner(hit.name) } else { MatchKind::Malware(hit.name) };
                    self.keep(path, kind, evidence);
                }
            }
            Err(cause) => {
                let message = format!("the malware rules did not finish: {cause}");
                self.fault(
                    FaultKind::Unscanned,
                    path,
                    message,
                    "check the operator's rules for slow expressions",
                );
            }
        }
    }

    fn keep(&mut self, path: &str, kind: MatchKind, evidence: String) {
        let of_this_file = self.matches.iter().rev().take_while(|kept| kept.place.path == path);
        let mut count = 0;
        for kept in of_this_file {
            count += 1;
            if kept.kind == kind && kept.evidence == evidence {
                return;
            }
        }
        if count < MATCHES_PER_FILE_MAX && self.matches.len() < KEPT_MAX {
            self.matches.push(Match { kind, place: self.place(path), evidence, deleted_later: false });
        } else {
            self.dropped += 1;
        }
    }

    fn check_hash(&mut self, path: &str, digest: impl FnOnce() -> [u8; 32]) {
        if self.rules.hashes_wanted() {
            let digest = digest();
            if self.rules.hash_listed(&digest) {
                let evidence = format!("sha256:{} is on the operator's list", hex::encode(digest));
                self.keep(path, MatchKind::Malware("operator-sha256-list".to_owned()), evidence);
            }
        }
    }
}
