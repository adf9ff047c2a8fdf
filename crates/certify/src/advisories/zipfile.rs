//! The members of a zip file (APPNOTE 6.3.10), one after the other as its central directory lists them, without unpacking
//! to disk and without the file or a list of its members in memory. For archives of vulnerability records: stored and
//! deflated members only. Archives inside images are read from memory by `content::zip`.

use super::error::Error;
use crate::zip_header::{COMMENT_BYTES_MAX, END_BYTES, HEADER_BYTES, int16, int32, int64, wide};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Unpacked bytes for one byte of the archive, over all members. JSON gets 5 to 20 times smaller; members that lie over
/// each other, or a bomb, reach more than a thousand.
const RATIO_MAX: u64 = 200;
/// Unpacked bytes that any archive may have.
const FREE_BYTES: u64 = 64 << 20;

/// An open archive.
pub struct ZipFile {
    name: String,
    file: File,
    size: u64,
    directory: BufReader<Positioned>,
    members_left: u64,
    /// Bytes before the archive proper, which offsets do not count.
    shift: u64,
    unpacked_left: u64,
}

/// One member.
pub struct Member {
    /// Its name, `\xNN` for bytes that are not UTF-8.
    pub name: String,
    /// Its bytes, or why it cannot be used.
    pub content: Result<Vec<u8>, String>,
}

/// Reads a part of a file from a position of its own.
struct Positioned {
    file: File,
    at: u64,
    end: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let part = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..part], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl ZipFile {
    /// Finds the directory.
    ///
    /// # Errors
    /// The file cannot be read, or has no directory at its end.
    pub fn open(path: &Path) -> Result<ZipFile, Error> {
        let name = path.display().to_string();
        let io = Error::io(format!("reading {name}"));
        let truncated = || {
            Error::new(
                format!("{name} is no whole zip file: the directory at its end is missing"),
                "fetch it again",
            )
        };
        let file = File::open(path).map_err(&io)?;
        let size = file.metadata().map_err(&io)?.len();
        let tail_at = size.saturating_sub((END_BYTES + 20 + COMMENT_BYTES_MAX) as u64);
        let mut tail = vec![0; usize::try_from(size - tail_at).unwrap_or(0)];
        file.read_exact_at(&mut tail, tail_at).map_err(&io)?;
        let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(truncated)?;
        let record = tail.get(end..end + END_BYTES).ok_or_else(truncated)?;
        let (mut count, mut length, mut offset) =
            (u64::from(int16(record, 10)), u64::from(int32(record, 12)), u64::from(int32(record, 16)));
        let mut directory_end = tail_at + end as u64;
        // Zip64: a locator right before the end record points at a wider one.
        if let Some(locator) = end.checked_sub(20).map(|at| &tail[at..end])
            && locator.starts_with(b"PK\x06\x07")
        {
            let at = int64(locator, 8);
            let mut record = [0; 56];
            file.read_exact_at(&mut record, at).map_err(|_| truncated())?;
            if !record.starts_with(b"PK\x06\x06") {
                return Err(truncated());
            }
            (count, length, offset) = (int64(&record, 32), int64(&record, 40), int64(&record, 48));
            directory_end = at;
        }
        let start = directory_end.checked_sub(length).ok_or_else(truncated)?;
        let shift = start.checked_sub(offset).ok_or_else(truncated)?;
        let positioned = Positioned { file: file.try_clone().map_err(&io)?, at: start, end: directory_end };
        Ok(ZipFile {
            name,
            file,
            size,
            directory: BufReader::with_capacity(64 << 10, positioned),
            members_left: count,
            shift,
            unpacked_left: size.saturating_mul(RATIO_MAX).saturating_add(FREE_BYTES),
        })
    }

    /// Bytes of the archive, and how many of its directory's members are still to come.
    pub fn size(&self) -> (u64, u64) {
        (self.size, self.members_left)
    }

    /// The next member whose name is wanted; at most `bytes_max` bytes of each are unpacked.
    ///
    /// # Errors
    /// The directory is damaged, or the archive is a bomb; the rest cannot be read.
    pub fn next(&mut self, bytes_max: usize, wanted: impl Fn(&str) -> bool) -> Result<Option<Member>, Error> {
        let damaged = |name: &str| {
            Error::new(format!("the directory of the zip file {name} is damaged"), "fetch it again")
        };
        while self.members_left > 0 {
            self.members_left -= 1;
            let mut header = [0; HEADER_BYTES];
            self.directory.read_exact(&mut header).map_err(|_| damaged(&self.name))?;
            if !header.starts_with(b"PK\x01\x02") {
                return Err(damaged(&self.name));
            }
            let mut variable = |at: usize| {
                let mut bytes = vec![0; usize::from(int16(&header, at))];
                self.directory.read_exact(&mut bytes).map(|()| bytes).map_err(|_| damaged(&self.name))
            };
            let (name, extra) = (variable(28)?, variable(30)?);
            variable(32)?;
            let name = crate::files::printable(&name);
            if name.ends_with('/') || !wanted(&name) {
                continue;
            }
            let content = self.content(&header, &extra, bytes_max);
            if let Ok(bytes) = &content {
                let left = self.unpacked_left.checked_sub(bytes.len() as u64);
                self.unpacked_left = left.ok_or_else(|| self.bomb())?;
            } else {
                // What was unpacked in vain is paid for as well.
                self.unpacked_left = self.unpacked_left.saturating_sub(bytes_max as u64 / 16);
                if self.unpacked_left == 0 {
                    return Err(self.bomb());
                }
            }
            return Ok(Some(Member { name, content }));
        }
        Ok(None)
    }

    fn bomb(&self) -> Error {
        Error::new(
            format!("{} unpacks to more than {RATIO_MAX} times its size", self.name),
            "this is not what databases of vulnerabilities publish; check where it comes from",
        )
    }

    fn content(&self, header: &[u8], extra: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
        if int16(header, 8) & 1 != 0 {
            return Err("it is encrypted".to_owned());
        }
        let (packed, offset) = wide(header, extra);
        let broken = |_| "it is not inside the archive".to_owned();
        let at = offset.saturating_add(self.shift);
        let mut local = [0; 30];
        self.file.read_exact_at(&mut local, at).map_err(broken)?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err("its header is damaged".to_owned());
        }
        let start = at + 30 + u64::from(int16(&local, 26)) + u64::from(int16(&local, 28));
        let file = self.file.try_clone().map_err(|cause| cause.to_string())?;
        let packed = Positioned { file, at: start, end: start.saturating_add(packed) };
        let mut bytes = Vec::new();
        let limit = bytes_max as u64 + 1;
        let read = match int16(header, 10) {
            0 => packed.take(limit).read_to_end(&mut bytes),
            8 => DeflateDecoder::new(packed).take(limit).read_to_end(&mut bytes),
            other => return Err(format!("compression method {other} is not handled")),
        };
        read.map_err(|cause| format!("it cannot be unpacked: {cause}"))?;
        if bytes.len() > bytes_max {
            return Err(format!("it has more than {bytes_max} bytes"));
        }
        let mut sum = flate2::Crc::new();
        sum.update(&bytes);
        if sum.sum() != int32(header, 16) {
            return Err("its checksum is wrong".to_owned());
        }
        Ok(bytes)
    }
}
