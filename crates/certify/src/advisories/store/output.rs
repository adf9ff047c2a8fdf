//! The new file while it is written, section by section: index and fan-out of each, copies of those that stay, and at the
//! end directory, header and renaming. What is in the sections is the writer's matter.

use super::*;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use tempfile::NamedTempFile;

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Keys in a bucket, on average: 16 take 512 bytes, which is one page to read.
const BUCKET_KEYS: u32 = 16;

/// Most bits of a fan-out table: with 2^22 buckets 64 million keys have 16 a bucket.
pub(super) const FANOUT_BITS_MAX: u8 = 22;

/// The new file.
pub(super) struct Output {
    file: BufWriter<NamedTempFile>,
    at: u64,
    start: u64,
    sum: flate2::Crc,
    sections: Vec<Section>,
    path: PathBuf,
}

impl Output {
    pub(super) fn new(target: &Path) -> Result<Output, Error> {
        let what = || format!("writing beside {}", target.display());
        let file = NamedTempFile::new_in(directory_of(target)).map_err(Error::io(what()))?;
        let mut output = Output {
            file: BufWriter::with_capacity(COPY_BYTES, file),
            at: 0,
            start: 0,
            sum: flate2::Crc::new(),
            sections: Vec::new(),
            path: target.to_owned(),
        };
        output.write(&[0; HEADER_BYTES])?;
        Ok(output)
    }

    pub(super) fn begin(&mut self) {
        (self.start, self.sum) = (self.at, flate2::Crc::new());
    }

    /// Writes at the end; returns the offset from the section's start.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let at = self.at - self.start;
        self.file.write_all(bytes).map_err(Error::io(format!("writing {}", self.path.display())))?;
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
        Ok(at)
    }

    /// Index and fan-out of the section that was begun.
    pub(super) fn end(&mut self, source: &Source, entries: &[u8]) -> Result<(), Error> {
        let keys = u32::try_from(entries.len() / ENTRY_BYTES).unwrap_or(u32::MAX);
        let buckets = (keys / BUCKET_KEYS).max(1).next_power_of_two();
        let bits = (buckets.ilog2() as u8).min(FANOUT_BITS_MAX);
        let mut fanout = Vec::new();
        let mut rest = entries;
        let mut first = 0u32;
        for number in 0..1usize << bits {
            let of_bucket = |entry: &&[u8]| {
                let mut key = Key::default();
                key.copy_from_slice(&entry[..16]);
                bucket(&key, bits) == number
            };
            let count = rest.chunks_exact(ENTRY_BYTES).take_while(of_bucket).count();
            let (here, after) = rest.split_at(count * ENTRY_BYTES);
            fanout.extend(first.to_le_bytes());
            fanout.extend(checksum(here).to_le_bytes());
            (rest, first) = (after, first + count as u32);
        }
        fanout.extend(first.to_le_bytes());
        fanout.extend([0; 4]);
        let index_at = self.write(entries)?;
        let fanout_at = self.write(&fanout)?;
        self.sections.push(Section {
            source: source.clone(),
            start: self.start,
            length: self.at - self.start,
            sum: self.sum.sum(),
            keys,
            fanout_bits: bits,
            index_at,
            fanout_at,
        });
        Ok(())
    }

    /// Copies a section as it is, and checks it on the way.
    pub(super) fn copy(&mut self, old: &Advisories, section: &Section) -> Result<(), Error> {
        self.begin();
        let mut buffer = vec![0; COPY_BYTES];
        let mut done = 0;
        while done < section.length {
            let part = usize::try_from(section.length - done).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            old.read_into(&mut buffer[..part], section.start + done)?;
            self.write(&buffer[..part])?;
            done += part as u64;
        }
        if self.sum.sum() != section.sum {
            let name = &section.source.name;
            return Err(damaged(&old.path, &format!("the data of {name} has another checksum")));
        }
        self.sections.push(Section { start: self.start, ..section.clone() });
        Ok(())
    }

    pub(super) fn finish(mut self, target: &Path) -> Result<(), Error> {
        let what = || format!("writing {}", target.display());
        self.sections.sort_by(|a, b| a.source.cmp(&b.source));
        let directory = encode(&self.sections)?;
        if directory.len() > DIRECTORY_BYTES_MAX {
            return Err(too_many("the file's directory can list: its names of ecosystems take over 16 MiB"));
        }
        let at = self.at;
        self.write(&directory)?;
        let mut header = MAGIC.to_vec();
        header.extend(FORMAT_VERSION.to_le_bytes());
        header.extend(at.to_le_bytes());
        header.extend((directory.len() as u32).to_le_bytes());
        header.extend(checksum(&directory).to_le_bytes());
        let mut file = self.file.into_inner().map_err(|cause| Error::io(what())(cause.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::io(what()))?;
        file.write_all(&header).map_err(Error::io(what()))?;
        file.as_file().sync_all().map_err(Error::io(what()))?;
        file.persist(target).map_err(|cause| Error::io(what())(cause.error))?;
        // So that the renaming, too, outlives a loss of power.
        let directory = File::open(directory_of(target)).map_err(Error::io(what()))?;
        directory.sync_all().map_err(Error::io(what()))
    }
}

pub(super) fn directory_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn encode(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(value)
        .map_err(|cause| Error::new(format!("a record cannot be stored: {cause}"), "please report this"))
}

pub(super) fn too_many(what: &str) -> Error {
    Error::new(
        format!("the import has more than {what}"),
        "import one ecosystem after the other; each keeps its place",
    )
}
