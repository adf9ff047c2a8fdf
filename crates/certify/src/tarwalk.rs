//! Walks the entries of a tar stream, once, in constant memory: ustar, old tar, GNU (long names, base-256 numbers,
//! sparse files) and PAX (path, linkpath, size, sparse 1.0). Nothing is unpacked. It knows neither layers nor
//! whiteouts: names come out as they are written.
//!
//! It is our own, and not the `tar` crate's, because every broken form must be told from the others, with the entry
//! it was found at, and because the entries' data is handed out without a copy into a reader of its own.

use std::io::{self, Read};

/// Largest extension header (GNU long name or link, PAX records) in bytes. A path has at most 4,096 on Linux; PAX
/// records may carry extended attributes, of at most 64 KiB each.
pub const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// Longest name or link target in bytes: the longest path of Linux (`PATH_MAX`), and as much again.
pub const NAME_BYTES_MAX: usize = 8192;

/// Size of a tar block.
const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    File,
    HardLink,
    SymLink,
    Directory,
    CharDevice,
    BlockDevice,
    Fifo,
    /// Another type flag, whose data is skipped.
    Other(u8),
}

/// One entry's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, raw.
    pub name: Vec<u8>,
    /// Target of a link, raw.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, setuid, setgid and sticky included.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes that follow in the stream.
    pub size: u64,
    /// Size of a sparse file with its holes.
    pub sparse_size: Option<u64>,
}

/// Why the walk ended before the archive's end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The stream below failed.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The stream ends inside an entry.
    #[error("the tar stream is cut short: it ends at byte {0}, inside an entry")]
    CutShort(u64),
    /// No tar header where one should be.
    #[error("no tar header at byte {offset}: {cause}")]
    Header {
        /// Where, in the uncompressed stream.
        offset: u64,
        /// Why.
        cause: &'static str,
    },
}

/// What follows the last entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trailer {
    /// Bytes after the end mark.
    pub bytes: u64,
    /// Whether some of them are not zero.
    pub garbage: bool,
}

/// The walk over a stream.
pub struct Walker<R> {
    input: R,
    offset: u64,
    data_left: u64,
    padding: u64,
}

impl<R: Read> Walker<R> {
    /// Starts at the beginning of an archive.
    pub fn new(input: R) -> Walker<R> {
        Walker { input, offset: 0, data_left: 0, padding: 0 }
    }

    /// The next entry, or `None` at the end. What was not read of the last entry's data is skipped.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, WalkError> {
        let mut extension = Extension::default();
        loop {
            self.skip_data()?;
            let start = self.offset;
            let mut block = [0_u8; BLOCK];
            match self.read_block(&mut block)? {
                0 => return Ok(None),
                BLOCK => {}
                _ => return Err(WalkError::CutShort(self.offset)),
            }
            if block.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let header = Header(&block);
            header.check().map_err(|cause| WalkError::Header { offset: start, cause })?;
            let size = header
                .number(124, 12)
                .ok_or(WalkError::Header { offset: start, cause: "its size field is no number" })?;
            self.begin_data(size);
            match block[156] {
                b'L' => extension.name = Some(text(&self.read_extension(start)?).to_vec()),
                b'K' => extension.link = Some(text(&self.read_extension(start)?).to_vec()),
                b'x' => {
                    let records = self.read_extension(start)?;
                    extension.add_pax(&records);
                }
                // Global records state defaults (times, commit ids); none of them is a path that layers use.
                b'g' => {}
                _ => return self.entry(&header, extension, size).map(Some),
            }
        }
    }

    /// Bytes of the current entry that are still to be read.
    pub fn data_left(&self) -> u64 {
        self.data_left
    }

    /// Offset in the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends the entry's next bytes, at most `count`, to `out`.
    pub fn read_data(&mut self, count: u64, out: &mut Vec<u8>) -> Result<(), WalkError> {
        let wanted = count.min(self.data_left);
        let got = (&mut self.input).take(wanted).read_to_end(out)? as u64;
        self.offset += got;
        self.data_left -= got;
        if got < wanted { Err(WalkError::CutShort(self.offset)) } else { Ok(()) }
    }

    /// The current entry's data as a reader. The stream's end inside it is an error of kind `UnexpectedEof`.
    pub fn data(&mut self) -> Data<'_, R> {
        Data(self)
    }

    /// Reads what follows the end mark.
    pub fn trailer(&mut self) -> Result<Trailer, WalkError> {
        let mut trailer = Trailer::default();
        let mut buffer = [0_u8; 8192];
        loop {
            let count = self.read_some(&mut buffer)?;
            if count == 0 {
                return Ok(trailer);
            }
            self.offset += count as u64;
            trailer.bytes += count as u64;
            trailer.garbage |= buffer[..count].iter().any(|&byte| byte != 0);
        }
    }

    /// The stream below.
    pub fn into_inner(self) -> R {
        self.input
    }

    fn begin_data(&mut self, size: u64) {
        self.data_left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn entry(&mut self, header: &Header<'_>, extension: Extension, size: u64) -> Result<Entry, WalkError> {
        let offset = self.offset;
        let wrong = |cause| WalkError::Header { offset, cause };
        // As Go's `archive/tar` reads it, for that is what unpacks images: GNU's long name wins over PAX.
        let name = extension.name.or(extension.path).unwrap_or_else(|| header.name());
        let kind = header.kind(&name);
        let mut entry = Entry {
            name,
            link: extension.link.or(extension.linkpath).unwrap_or_else(|| text(&header.0[157..257]).to_vec()),
            kind,
            mode: u32::try_from(header.number(100, 8).unwrap_or(0) & 0o7777).unwrap_or(0),
            uid: header.number(108, 8).unwrap_or(0),
            gid: header.number(116, 8).unwrap_or(0),
            size: extension.size.unwrap_or(size),
            sparse_size: extension.sparse_size,
        };
        if entry.name.len() > NAME_BYTES_MAX || entry.link.len() > NAME_BYTES_MAX {
            return Err(wrong("a name or link is longer than 8,192 bytes"));
        }
        // The size of a link, directory or device names no data, whatever it says.
        if matches!(header.0[156], b'1'..=b'6') {
            entry.size = 0;
        }
        self.begin_data(entry.size);
        if header.0[156] == b'S' {
            entry.sparse_size = header.number(483, 12).or(Some(0));
            self.skip_sparse_map(header.0[482] != 0)?;
        }
        Ok(entry)
    }

    /// GNU's old sparse format continues its map in blocks before the data; they do not count as data.
    fn skip_sparse_map(&mut self, mut more: bool) -> Result<(), WalkError> {
        let mut block = [0_u8; BLOCK];
        while more {
            if self.read_block(&mut block)? != BLOCK {
                return Err(WalkError::CutShort(self.offset));
            }
            more = block[504] != 0;
        }
        Ok(())
    }

    fn read_extension(&mut self, offset: u64) -> Result<Vec<u8>, WalkError> {
        if self.data_left > EXTENSION_BYTES_MAX {
            return Err(WalkError::Header { offset, cause: "an extension header is larger than 1 MiB" });
        }
        let mut bytes = Vec::new();
        self.read_data(EXTENSION_BYTES_MAX, &mut bytes)?;
        Ok(bytes)
    }

    fn skip_data(&mut self) -> Result<(), WalkError> {
        let wanted = self.data_left.saturating_add(self.padding);
        if wanted == 0 {
            return Ok(());
        }
        let got = io::copy(&mut (&mut self.input).take(wanted), &mut io::sink())?;
        self.offset += got;
        // Some writers leave out the padding after the very last entry.
        let complete = got >= self.data_left;
        (self.data_left, self.padding) = (0, 0);
        if complete { Ok(()) } else { Err(WalkError::CutShort(self.offset)) }
    }

    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<usize, WalkError> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.read_some(&mut block[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// Reader of one entry's data.
pub struct Data<'a, R>(&'a mut Walker<R>);

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.0.data_left).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let count = self.0.read_some(&mut buffer[..room])?;
        self.0.offset += count as u64;
        self.0.data_left -= count as u64;
        match count {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, WalkError::CutShort(self.0.offset))),
            count => Ok(count),
        }
    }
}

/// What extension headers said of the next entry.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    linkpath: Option<Vec<u8>>,
    size: Option<u64>,
    sparse_size: Option<u64>,
}

impl Extension {
    /// Records are `LENGTH KEY=VALUE\n`, the length counting itself. What does not parse ends the list.
    fn add_pax(&mut self, mut records: &[u8]) {
        while let Some((key, value, rest)) = pax_record(records) {
            let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"GNU.sparse.name" => self.path = Some(value.to_vec()),
                b"linkpath" => self.linkpath = Some(value.to_vec()),
                b"size" => self.size = number(),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse_size = number(),
                _ => {}
            }
            records = rest;
        }
    }
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let body = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], &records[length..]))
}

struct Header<'a>(&'a [u8; BLOCK]);

impl Header<'_> {
    fn check(&self) -> Result<(), &'static str> {
        let stated = self.number(148, 8).ok_or("its checksum field is no number")?;
        let sum = |widen: fn(u8) -> i64| -> i64 {
            let bytes = self.0.iter().enumerate();
            bytes.map(|(at, &byte)| widen(if (148..156).contains(&at) { b' ' } else { byte })).sum()
        };
        // Old tars summed signed bytes.
        let right = [sum(i64::from), sum(|byte| i64::from(byte.cast_signed()))];
        let stated = i64::try_from(stated).map_err(|_| "its checksum is wrong")?;
        if right.contains(&stated) { Ok(()) } else { Err("its checksum is wrong") }
    }

    fn kind(&self, name: &[u8]) -> Kind {
        match self.0[156] {
            // Old tar marks directories by a final slash only.
            0 if name.last() == Some(&b'/') => Kind::Directory,
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::SymLink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => Kind::Other(other),
        }
    }

    fn name(&self) -> Vec<u8> {
        let name = text(&self.0[0..100]);
        let prefix = if &self.0[257..263] == b"ustar\0" { text(&self.0[345..500]) } else { b"" };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// Octal digits between spaces and NULs, or base-256 with the highest bit set (GNU, star). An empty field is 0.
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let field = &self.0[at..at + length];
        if field[0] & 0x80 != 0 {
            let (low, high) = (&field[length - 8..], &field[..length - 8]);
            let high_is_zero =
                high.iter().enumerate().all(|(i, &byte)| byte == if i == 0 { 0x80 } else { 0 });
            if length > 8 && !high_is_zero {
                return None;
            }
            let value = u64::from_be_bytes(low.try_into().ok()?);
            return Some(if length == 8 { value & !(0x80 << 56) } else { value });
        }
        let digits = text(field).trim_ascii();
        digits.iter().try_fold(0_u64, |value, &digit| match digit {
            b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        })
    }
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    &field[..end]
}
