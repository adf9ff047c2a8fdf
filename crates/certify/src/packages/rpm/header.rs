//! RPM's package header: an index of tagged entries and the bytes that they point at, all big-endian (RPM file format,
//! *Header Structure*). In a database it stands without its magic.

/// Tags that are read (RPM tags, `rpmtag.h`).
pub(super) mod tag {
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const LICENSE: u32 = 1014;
    pub const ARCH: u32 = 1022;
    pub const OLD_FILE_NAMES: u32 = 1027;
    pub const SOURCERPM: u32 = 1044;
    pub const DIRECTORY_INDEXES: u32 = 1116;
    pub const BASE_NAMES: u32 = 1117;
    pub const DIRECTORY_NAMES: u32 = 1118;
}

/// Size of one index entry: tag, type, offset, count.
const ENTRY_BYTES: usize = 16;

/// Longest text that is read of one tag; licences of large packages have some hundred characters.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A header whose index lies within its bytes.
pub(super) struct Header<'a> {
    entries: &'a [[u8; ENTRY_BYTES]],
    data: &'a [u8],
}

struct Entry<'a> {
    kind: u32,
    count: usize,
    data: &'a [u8],
}

impl<'a> Header<'a> {
    pub fn read(blob: &'a [u8]) -> Option<Header<'a>> {
        let count = usize::try_from(int(blob, 0)?).ok()?;
        let bytes = usize::try_from(int(blob, 4)?).ok()?;
        let index = blob.get(8..8_usize.checked_add(count.checked_mul(ENTRY_BYTES)?)?)?;
        let data = blob.get(8 + index.len()..)?.get(..bytes)?;
        Some(Header { entries: index.as_chunks::<ENTRY_BYTES>().0, data })
    }

    /// A text, or the first of a list.
    pub fn text(&self, tag: u32) -> Option<String> {
        let entry = self.entry(tag).filter(|entry| matches!(entry.kind, 6 | 8 | 9))?;
        let text = entry.texts().next().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// A 32-bit number.
    pub fn number(&self, tag: u32) -> Option<u32> {
        self.entry(tag).filter(|entry| entry.kind == 4)?.number(0)
    }

    /// Every path that the package owns, without a leading `/`. Paths are stored as directory and name.
    pub fn files(&self, tell: &mut dyn FnMut(&str)) {
        for path in self.entry(tag::OLD_FILE_NAMES).iter().flat_map(Entry::texts) {
            tell(String::from_utf8_lossy(path).trim_start_matches('/'));
        }
        let (Some(names), Some(directories), Some(indexes)) = (
            self.entry(tag::BASE_NAMES),
            self.entry(tag::DIRECTORY_NAMES),
            self.entry(tag::DIRECTORY_INDEXES),
        ) else {
            return;
        };
        let directories: Vec<&[u8]> = directories.texts().collect();
        let mut path = Vec::new();
        for (index, name) in names.texts().enumerate() {
            let directory = indexes.number(index).and_then(|at| directories.get(usize::try_from(at).ok()?));
            let Some(directory) = directory else { return };
            // A name alone has at most 255 bytes; a header of one endless directory must not be copied for each file.
            if directory.len() + name.len() <= 4096 {
                path.clear();
                path.extend_from_slice(directory);
                path.extend_from_slice(name);
                tell(String::from_utf8_lossy(&path).trim_start_matches('/'));
            }
        }
    }

    fn entry(&self, tag: u32) -> Option<Entry<'a>> {
        let entry = self.entries.iter().find(|entry| int(&entry[..], 0) == Some(tag))?;
        let offset = usize::try_from(int(entry, 8)?).ok()?;
        let count = usize::try_from(int(entry, 12)?).ok()?;
        Some(Entry { kind: int(entry, 4)?, count, data: self.data.get(offset..)? })
    }
}

impl<'a> Entry<'a> {
    /// Texts end with a zero byte each. What lacks it ends the list.
    fn texts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.data;
        let mut left = if matches!(self.kind, 6 | 8 | 9) { self.count } else { 0 };
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let end = memchr::memchr(0, rest)?;
            let text = &rest[..end];
            rest = &rest[end + 1..];
            Some(text)
        })
    }

    fn number(&self, index: usize) -> Option<u32> {
        if index >= self.count { None } else { int(self.data, index.checked_mul(4)?) }
    }
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
