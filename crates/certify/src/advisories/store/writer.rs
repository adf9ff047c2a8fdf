//! Writes the file of vulnerability data. Records and lists go to a spill file beside the target as they come, and only
//! keys and offsets stay in memory; at the end they are sorted, and written section by section beside the old file,
//! which is then replaced by renaming. Sections of other sources are copied from it.

use super::output::{Output, directory_of, encode, too_many};
use super::*;
use crate::advisories::osv::Record;
use crate::advisories::versions::Scheme;
use crate::advisories::{ecosystem, ranges};
use std::collections::HashMap;
use std::io::{BufWriter, Write};
use tempfile::NamedTempFile;

/// Most affected packages in one import; each takes 40 bytes of memory. All of osv.dev has some million.
pub const ROWS_MAX: usize = 12_000_000;

/// Most records in one import; all of osv.dev has about 700,000.
pub const RECORDS_MAX: usize = 3_000_000;

/// Bytes that are gathered before they are written.
const SPILL_BYTES: usize = 1 << 20;

const NO_RECORD: u32 = u32::MAX;

/// Which source of the import a row belongs to.
pub type SourceIndex = u16;

struct Row {
    key: Key,
    at: u64,
    length: u32,
    record: u32,
    source: SourceIndex,
}

struct RecordMeta {
    id: Key,
    at: u64,
    length: u32,
    sum: u32,
    /// Which of several records of one id counts.
    modified: u64,
    source: SourceIndex,
    replaced: bool,
}

/// Gathers sources, then writes them.
pub struct Writer {
    target: PathBuf,
    spill: BufWriter<NamedTempFile>,
    spilled: u64,
    rows: Vec<Row>,
    records: Vec<RecordMeta>,
}

impl Writer {
    /// Begins, with the spill file in the target's directory.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn new(target: &Path) -> Result<Writer, Error> {
        let directory = directory_of(target);
        let what = || format!("writing to {}", directory.display());
        std::fs::create_dir_all(directory).map_err(Error::io(what()))?;
        let spill = NamedTempFile::new_in(directory).map_err(Error::io(what()))?;
        Ok(Writer {
            target: target.to_owned(),
            spill: BufWriter::with_capacity(SPILL_BYTES, spill),
            spilled: 0,
            rows: Vec::new(),
            records: Vec::new(),
        })
    }

    /// Adds a record to a source of this import. The source may still be renumbered by [`Writer::finish`].
    ///
    /// # Errors
    /// The disk is full, or the import has too many records.
    pub fn add(&mut self, source: SourceIndex, record: Record) -> Result<(), Error> {
        if self.records.len() >= RECORDS_MAX {
            return Err(too_many(&format!("{RECORDS_MAX} records")));
        }
        let number = self.records.len() as u32;
        let stored = Stored {
            id: record.id,
            aliases: record.aliases,
            covers: record.covers,
            summary: record.summary,
            rating: record.rating,
        };
        let bytes = encode(&stored)?;
        let at = self.spill(&bytes)?;
        self.records.push(RecordMeta {
            id: key("", &stored.id),
            at,
            length: bytes.len() as u32,
            sum: checksum(&bytes),
            modified: digits(&record.modified),
            source,
            replaced: false,
        });
        let mut rating = stored.rating;
        for affected in record.affected {
            rating = rating.max(affected.rating);
            let versions = match Scheme::of_ecosystem(&affected.ecosystem) {
                Some(scheme) => ranges::outside(scheme, &affected.ranges, affected.versions),
                None => affected.versions,
            };
            let facts = Facts {
                ranges: affected.ranges,
                versions,
                rating: affected.rating,
                informational: affected.informational,
            };
            let name = ecosystem::normalised(&affected.ecosystem, &affected.name);
            self.row(source, number, key(&affected.ecosystem, &name), &encode(&facts)?)?;
        }
        if let Some(rating) = rating.filter(|rating| rating.score.is_some()) {
            for cve in std::iter::once(&stored.id).chain(&stored.aliases).filter(|id| id.starts_with("CVE-"))
            {
                self.row(source, NO_RECORD, key(CVSS_SPACE, cve), &encode(&rating)?)?;
            }
        }
        Ok(())
    }

    /// Adds a CVE of the catalogue of exploited vulnerabilities, with the day since which it is there.
    ///
    /// # Errors
    /// As [`Writer::add`].
    pub fn add_exploited(&mut self, source: SourceIndex, cve: &str, day: &str) -> Result<(), Error> {
        self.row(source, NO_RECORD, key(KEV_SPACE, cve), &encode(&day)?)
    }

    /// Adds the exploit prediction score of a CVE.
    ///
    /// # Errors
    /// As [`Writer::add`].
    pub fn add_epss(&mut self, source: SourceIndex, cve: &str, epss: Epss) -> Result<(), Error> {
        self.row(source, NO_RECORD, key(EPSS_SPACE, cve), &encode(&epss)?)
    }

    fn row(&mut self, source: SourceIndex, record: u32, key: Key, bytes: &[u8]) -> Result<(), Error> {
        if self.rows.len() >= ROWS_MAX {
            return Err(too_many(&format!("{ROWS_MAX} affected packages")));
        }
        let at = self.spill(bytes)?;
        self.rows.push(Row { key, at, length: bytes.len() as u32, record, source });
        Ok(())
    }

    fn spill(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let at = self.spilled;
        let what = || format!("writing beside {}", self.target.display());
        self.spill.write_all(bytes).map_err(Error::io(what()))?;
        self.spilled += bytes.len() as u64;
        Ok(at)
    }

    /// Writes the file: these sources, and those of the old file that have other names. Source indexes that are not in
    /// `sources` lead through `merged` to one that is. Returns how many records a source had more than once; of those the
    /// one that was changed last counts.
    ///
    /// # Errors
    /// The disk is full, or the old file is damaged.
    pub fn finish(
        mut self,
        sources: &mut BTreeMap<SourceIndex, Source>,
        merged: &dyn Fn(SourceIndex) -> SourceIndex,
    ) -> Result<BTreeMap<SourceIndex, u64>, Error> {
        let what = || format!("writing {}", self.target.display());
        self.spill.flush().map_err(Error::io(what()))?;
        for row in &mut self.rows {
            row.source = merged(row.source);
        }
        for record in &mut self.records {
            record.source = merged(record.source);
        }
        let duplicates = self.replace_earlier();
        for (index, count) in &duplicates {
            if let Some(source) = sources.get_mut(index) {
                source.records = source.records.saturating_sub(*count);
            }
        }
        self.rows.sort_unstable_by(|a, b| (a.source, &a.key, a.at).cmp(&(b.source, &b.key, b.at)));
        let mut output = Output::new(&self.target)?;
        if self.target.exists() {
            let old = Advisories::open(&self.target)?;
            for section in &old.sections {
                let replaced = sources.values().any(|new| same_place(new, &section.source));
                if !replaced {
                    output.copy(&old, section)?;
                }
            }
        }
        for (index, source) in &*sources {
            let from = self.rows.partition_point(|row| row.source < *index);
            let to = self.rows.partition_point(|row| row.source <= *index);
            self.section(&mut output, *index, source, from..to)?;
        }
        output.finish(&self.target)?;
        Ok(duplicates)
    }

    /// Marks the records that another one of the same source and id replaces.
    fn replace_earlier(&mut self) -> BTreeMap<SourceIndex, u64> {
        let mut order: Vec<u32> = (0..self.records.len() as u32).collect();
        order.sort_unstable_by_key(|number| {
            let record = &self.records[*number as usize];
            (record.source, record.id, record.modified, *number)
        });
        let mut duplicates = BTreeMap::new();
        for pair in order.windows(2) {
            let (earlier, later) = (&self.records[pair[0] as usize], &self.records[pair[1] as usize]);
            if (earlier.source, earlier.id) == (later.source, later.id) {
                *duplicates.entry(later.source).or_default() += 1;
                self.records[pair[0] as usize].replaced = true;
            }
        }
        duplicates
    }

    fn section(
        &self,
        output: &mut Output,
        index: SourceIndex,
        source: &Source,
        rows: std::ops::Range<usize>,
    ) -> Result<(), Error> {
        output.begin();
        let mut pointers: HashMap<u32, Pointer> = HashMap::new();
        let ours = |record: &&RecordMeta| record.source == index;
        for (number, record) in self.records.iter().enumerate().filter(|(_, record)| ours(record)) {
            if record.replaced {
                continue;
            }
            let bytes = self.spilled(record.at, record.length)?;
            let at = output.write(&bytes)?;
            pointers.insert(number as u32, Pointer { at, length: record.length, sum: record.sum });
        }
        let mut index_entries: Vec<u8> = Vec::new();
        let rows = &self.rows[rows];
        for list in rows.chunk_by(|a, b| a.key == b.key) {
            let (mut count, mut bytes) = (0u32, Vec::new());
            for row in list {
                if row.record != NO_RECORD {
                    let Some(pointer) = pointers.get(&row.record) else { continue };
                    bytes.extend(encode(pointer)?);
                }
                bytes.extend(self.spilled(row.at, row.length)?);
                count += 1;
            }
            if count == 0 {
                continue;
            }
            // A list is its length and its elements (postcard wire format, *seq*).
            let whole = [encode(&count)?, bytes].concat();
            if whole.len() > BLOB_BYTES_MAX {
                return Err(too_many("one package's share of a file"));
            }
            let at = output.write(&whole)?;
            index_entries.extend(list[0].key);
            index_entries.extend(at.to_le_bytes());
            index_entries.extend((whole.len() as u32).to_le_bytes());
            index_entries.extend(checksum(&whole).to_le_bytes());
        }
        output.end(source, &index_entries)
    }

    fn spilled(&self, at: u64, length: u32) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length as usize];
        let what = || format!("reading beside {}", self.target.display());
        self.spill.get_ref().as_file().read_exact_at(&mut bytes, at).map_err(Error::io(what()))?;
        Ok(bytes)
    }
}

/// Whether an import of the one replaces the other.
fn same_place(a: &Source, b: &Source) -> bool {
    (a.kind, &a.name) == (b.kind, &b.name)
}

/// `2024-10-10T17:22:00Z` as 20241010172200; 0 for what is no date.
fn digits(time: &str) -> u64 {
    let digits = time.bytes().take(19).filter(u8::is_ascii_digit);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
