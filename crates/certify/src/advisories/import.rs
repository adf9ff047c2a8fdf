//! Import of vulnerability data from files: OSV zips and directories, the KEV catalogue, EPSS scores, each recognised by
//! what is in it. Nothing is unpacked to disk. A record that is broken is counted and named; a file that is cut off ends
//! the import, and the old data stays. Fetching by URL is not here.

use super::error::Error;
use super::lists::{self, KEV_BYTES_MAX, Kev};
use super::osv::{self, RECORD_BYTES_MAX, Record};
use super::severity;
use super::store::writer::{SourceIndex, Writer};
use super::store::{Source, SourceKind};
use super::zipfile::ZipFile;
use flate2::read::MultiGzDecoder;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

mod lock;
mod summary;

use lock::Lock;
pub use summary::{Counts, Progress, SourceSummary, Summary};

/// Most files in a directory; a clone of all of GitHub's advisories has about 300,000.
const FILES_MAX: usize = 3_000_000;
/// Deepest directory that is looked into; advisory databases nest five deep.
const DEPTH_MAX: usize = 16;
/// Broken records that are named in the summary.
const NAMED_MAX: usize = 10;
/// Most unpacked bytes of a gzip file.
const GZIP_BYTES_MAX: u64 = 1 << 30;
/// Most parts of an import: one for each ecosystem in each file.
const PARTS_MAX: usize = 20_000;
/// Name of the source of records that affect no package.
const NO_PACKAGE: &str = "other";

/// A part of a source: what one file holds of one ecosystem.
struct Part {
    kind: SourceKind,
    file: usize,
    ecosystem: String,
    day: String,
    records: u64,
    ecosystems: BTreeMap<String, u64>,
    counts: Counts,
}

/// An import that is under way.
pub struct Importer<'a> {
    writer: Writer,
    today: Date,
    name: Option<&'a str>,
    progress: &'a mut dyn FnMut(Progress<'_>),
    parts: Vec<Part>,
    files: usize,
    broken: Vec<String>,
    _lock: Lock,
}

impl<'a> Importer<'a> {
    /// Begins an import into the file `target`, which need not exist. With `name` the records become a source of that
    /// name; otherwise one of their ecosystem's name.
    ///
    /// # Errors
    /// The directory cannot be written, or another import is under way in it.
    pub fn new(
        target: &Path,
        today: Date,
        name: Option<&'a str>,
        progress: &'a mut dyn FnMut(Progress<'_>),
    ) -> Result<Importer<'a>, Error> {
        let writer = Writer::new(target)?;
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let lock = Lock::take(directory)?;
        let (parts, broken) = (Vec::new(), Vec::new());
        Ok(Importer { writer, today, name, progress, parts, files: 0, broken, _lock: lock })
    }

    /// Adds a file or directory.
    ///
    /// # Errors
    /// It cannot be read, is cut off, or holds no vulnerability data.
    pub fn add(&mut self, path: &Path) -> Result<(), Error> {
        let metadata = std::fs::metadata(path).map_err(Error::io(format!("reading {}", path.display())))?;
        if !metadata.is_dir() {
            return self.file(path);
        }
        let mut files = Vec::new();
        walk(path, DEPTH_MAX, &mut files)?;
        let unit = self.unit();
        let total = files.len() as u64;
        let mut done = 0;
        for file in files {
            if file.extension().is_some_and(|extension| extension == "json") {
                let bytes = read_bounded(&file)?;
                self.json(unit, &file.display().to_string(), bytes)?;
                done += 1;
                self.tell(path, done, Some(total));
            } else {
                self.file(&file)?;
            }
        }
        self.not_empty(unit, path, total > done)
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// The disk is full, or the old file is damaged.
    pub fn finish(self) -> Result<Summary, Error> {
        let names = self.names();
        let mut first: BTreeMap<(SourceKind, &str), SourceIndex> = BTreeMap::new();
        let mut merged: Vec<SourceIndex> = Vec::new();
        let mut sources: BTreeMap<SourceIndex, Source> = BTreeMap::new();
        let mut counts: BTreeMap<SourceIndex, Counts> = BTreeMap::new();
        let today = self.today.to_string();
        for (number, (part, name)) in self.parts.iter().zip(&names).enumerate() {
            let index = *first.entry((part.kind, name)).or_insert(number as SourceIndex);
            merged.push(index);
            let source = sources.entry(index).or_insert_with(|| Source {
                kind: part.kind,
                name: name.clone(),
                day: String::new(),
                imported: today.clone(),
                records: 0,
                ecosystems: BTreeMap::new(),
            });
            source.records += part.records;
            // A date in the future is a slip of the pen, and must not make the data young for ever.
            let day = part.day.clone().min(today.clone());
            source.day = std::mem::take(&mut source.day).max(day);
            for (ecosystem, count) in &part.ecosystems {
                *source.ecosystems.entry(ecosystem.clone()).or_default() += count;
            }
            counts.entry(index).or_default().add(&part.counts);
        }
        // What holds broken records alone is told, but not kept.
        let empty: Vec<SourceSummary> = sources
            .extract_if(.., |_, source| source.records == 0 && source.name == NO_PACKAGE)
            .map(|(index, source)| SourceSummary::of(source, counts.remove(&index).unwrap_or_default()))
            .collect();
        let duplicates = self.writer.finish(&mut sources, &|index| merged[usize::from(index)])?;
        for (index, count) in duplicates {
            counts.entry(index).or_default().duplicates += count;
        }
        let mut summaries: Vec<SourceSummary> = sources
            .into_iter()
            .map(|(index, source)| SourceSummary::of(source, counts.remove(&index).unwrap_or_default()))
            .chain(empty)
            .collect();
        summaries.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(Summary { sources: summaries, broken: self.broken })
    }

    /// What each part's source is called. A file of which nine tenths are about one ecosystem is that ecosystem's, with
    /// all that is in it: osv.dev's file of one ecosystem names others on the side, and must not replace those.
    fn names(&self) -> Vec<String> {
        let mut totals: BTreeMap<usize, (u64, u64, &str)> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.kind == SourceKind::Osv) {
            let (all, most, name) = totals.entry(part.file).or_insert((0, 0, ""));
            *all += part.records;
            if part.records >= *most && !part.ecosystem.is_empty() {
                (*most, *name) = (part.records, &part.ecosystem);
            }
        }
        let name = |part: &Part| match (part.kind, self.name) {
            (SourceKind::Kev, _) => "KEV".to_owned(),
            (SourceKind::Epss, _) => "EPSS".to_owned(),
            (SourceKind::Osv, Some(name)) => name.to_owned(),
            (SourceKind::Osv, None) => match totals.get(&part.file) {
                Some((all, most, name)) if most * 10 >= all * 9 && !name.is_empty() => (*name).to_owned(),
                _ if part.ecosystem.is_empty() => NO_PACKAGE.to_owned(),
                _ => part.ecosystem.clone(),
            },
        };
        self.parts.iter().map(name).collect()
    }

    fn unit(&mut self) -> usize {
        self.files += 1;
        self.files
    }

    fn file(&mut self, path: &Path) -> Result<(), Error> {
        let what = || format!("reading {}", path.display());
        let mut input = BufReader::new(File::open(path).map_err(Error::io(what()))?);
        let start = input.fill_buf().map_err(Error::io(what()))?;
        if start.starts_with(b"PK") {
            return self.zip(path);
        }
        if start.starts_with(b"\x1f\x8b") {
            let inner = MultiGzDecoder::new(input).take(GZIP_BYTES_MAX);
            return self.plain(path, BufReader::new(inner));
        }
        self.plain(path, input)
    }

    /// A file that is not an archive: EPSS scores, the KEV catalogue or one record.
    fn plain(&mut self, path: &Path, mut input: impl BufRead) -> Result<(), Error> {
        let what = || format!("reading {}", path.display());
        let start = input.fill_buf().map_err(Error::io(what()))?;
        let first = start.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let unit = self.unit();
        if start.starts_with(b"#model_version") || start.starts_with(b"cve,epss") {
            return self.epss(path, unit, input);
        }
        if first != Some(b'{') {
            return Err(Error::new(
                format!("{} is no vulnerability data", path.display()),
                "give OSV zips or directories of OSV JSON, the KEV catalogue (JSON), or the EPSS scores (CSV)",
            ));
        }
        let mut bytes = Vec::new();
        let limit = KEV_BYTES_MAX.max(RECORD_BYTES_MAX);
        input.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(what()))?;
        self.json(unit, &path.display().to_string(), bytes)?;
        self.not_empty(unit, path, false)
    }

    fn epss(&mut self, path: &Path, unit: usize, input: impl BufRead) -> Result<(), Error> {
        let index = self.part(unit, SourceKind::Epss, "")?;
        let mut records = 0u64;
        let (writer, progress) = (&mut self.writer, &mut *self.progress);
        let (day, broken) = lists::read_epss(input, &path.display().to_string(), |cve, epss| {
            records += 1;
            if records.is_multiple_of(10_000) {
                progress(Progress { file: path, done: records, total: None });
            }
            writer.add_epss(index, cve, epss)
        })?;
        let part = &mut self.parts[usize::from(index)];
        (part.records, part.day, part.counts.broken) = (records, day, broken);
        Ok(())
    }

    fn zip(&mut self, path: &Path) -> Result<(), Error> {
        let unit = self.unit();
        let mut zip = ZipFile::open(path)?;
        let (_, total) = zip.size();
        let mut done = 0;
        while let Some(member) = zip.next(RECORD_BYTES_MAX, |name| name.ends_with(".json"))? {
            let name = format!("{}!{}", path.display(), member.name);
            match member.content {
                Ok(bytes) => self.json(unit, &name, bytes)?,
                Err(cause) => self.broken(unit, &name, &cause)?,
            }
            done += 1;
            self.tell(path, done, Some(total));
        }
        self.not_empty(unit, path, false)
    }

    /// A JSON document: a record, or the KEV catalogue.
    fn json(&mut self, unit: usize, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let cause = match osv::parse(&bytes) {
            Ok(record) => return self.record(unit, record),
            Err(cause) => cause,
        };
        match serde_json::from_slice::<Kev>(&bytes) {
            Ok(kev) if bytes.len() <= KEV_BYTES_MAX => self.kev(unit, &kev),
            _ => self.broken(unit, name, &cause.to_string()),
        }
    }

    fn record(&mut self, unit: usize, record: Record) -> Result<(), Error> {
        let first = record.affected.first().map(|affected| affected.ecosystem.as_str()).unwrap_or_default();
        let base = first.split(':').next().unwrap_or_default().to_owned();
        let index = self.part(unit, SourceKind::Osv, &base)?;
        let part = &mut self.parts[usize::from(index)];
        part.counts.git_ranges += record.git_ranges as u64;
        if let Some(day) = record.modified.get(..10).filter(|day| *day > "1990") {
            part.day = std::mem::take(&mut part.day).max(day.to_owned());
        }
        if record.withdrawn {
            part.counts.withdrawn += 1;
            return Ok(());
        }
        if severity::is_no_security(&record.id, &record.covers) {
            part.counts.no_security += 1;
            return Ok(());
        }
        part.records += 1;
        for affected in &record.affected {
            *part.ecosystems.entry(affected.ecosystem.clone()).or_default() += 1;
        }
        self.writer.add(index, record)
    }

    fn kev(&mut self, unit: usize, kev: &Kev) -> Result<(), Error> {
        let index = self.part(unit, SourceKind::Kev, "")?;
        let part = &mut self.parts[usize::from(index)];
        part.day = kev.date_released.chars().filter(|c| c.is_ascii_digit() || *c == '-').take(10).collect();
        part.records += kev.vulnerabilities.len() as u64;
        for entry in &kev.vulnerabilities {
            let day: String =
                entry.added.chars().filter(|c| c.is_ascii_digit() || *c == '-').take(10).collect();
            self.writer.add_exploited(index, &entry.cve, &day)?;
        }
        Ok(())
    }

    fn broken(&mut self, unit: usize, name: &str, cause: &str) -> Result<(), Error> {
        let index = self.part(unit, SourceKind::Osv, "")?;
        self.parts[usize::from(index)].counts.broken += 1;
        if self.broken.len() < NAMED_MAX {
            self.broken.push(format!("{name}: {cause}"));
        }
        Ok(())
    }

    fn part(&mut self, file: usize, kind: SourceKind, ecosystem: &str) -> Result<SourceIndex, Error> {
        let same = |part: &Part| part.file == file && part.kind == kind && part.ecosystem == ecosystem;
        // The parts of this file are the last ones.
        if let Some(index) = self.parts.iter().rposition(same) {
            return Ok(index as SourceIndex);
        }
        if self.parts.len() >= PARTS_MAX {
            return Err(Error::new(
                format!("the import has more than {PARTS_MAX} parts"),
                "import one file, or one ecosystem, after the other",
            ));
        }
        self.parts.push(Part {
            kind,
            file,
            ecosystem: ecosystem.to_owned(),
            day: String::new(),
            records: 0,
            ecosystems: BTreeMap::new(),
            counts: Counts::default(),
        });
        Ok((self.parts.len() - 1) as SourceIndex)
    }

    /// What holds nothing must not replace what was there.
    fn not_empty(&self, unit: usize, path: &Path, others: bool) -> Result<(), Error> {
        let parts = self.parts.iter().filter(|part| part.file == unit);
        let all: u64 = parts.map(|part| part.records + part.counts.withdrawn + part.counts.no_security).sum();
        if all > 0 || others {
            return Ok(());
        }
        let example = self.broken.last().map(|broken| format!("; {broken}")).unwrap_or_default();
        Err(Error::new(
            format!("{} holds no vulnerability records{example}", path.display()),
            "give OSV zips or directories of OSV JSON, the KEV catalogue (JSON), or the EPSS scores (CSV)",
        ))
    }

    fn tell(&mut self, file: &Path, done: u64, total: Option<u64>) {
        if done.is_multiple_of(500) {
            (self.progress)(Progress { file, done, total });
        }
    }
}

/// Data files under a directory, in the order of their paths; neither hidden ones nor links.
fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let what = || format!("reading {}", directory.display());
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(Error::io(what()))? {
        entries.push(entry.map_err(Error::io(what()))?.path());
    }
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let metadata = std::fs::symlink_metadata(&path).map_err(Error::io(what()))?;
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if hidden {
            continue;
        } else if metadata.is_dir() && depth > 0 {
            walk(&path, depth - 1, files)?;
        } else if metadata.is_file() && matches!(extension, "json" | "zip" | "csv" | "gz") {
            if files.len() >= FILES_MAX {
                return Err(Error::new(
                    format!("{} holds more than {FILES_MAX} files", directory.display()),
                    "import its parts one after the other",
                ));
            }
            files.push(path);
        }
    }
    Ok(())
}

/// A file's bytes, and one more than a record may have when it is larger.
fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let what = || format!("reading {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::io(what()))?;
    file.take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(what()))?;
    Ok(bytes)
}
