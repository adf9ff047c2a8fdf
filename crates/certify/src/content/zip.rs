//! Zip archives (APPNOTE 6.3.10; jar, wheel, nupkg are zips): members by the central directory, one after the other,
//! without a list of them in memory. Our own, because the `zip` crate keeps a record of some hundred bytes for every
//! member before the first can be read, which a hostile directory turns into hundreds of megabytes.

use super::Scanner;
use super::archive::{Budget, DEPTH_MAX, Metered};
use crate::evidence::FaultKind;
use crate::packages::{self, java};
use crate::zip_header::{COMMENT_BYTES_MAX, END_BYTES, HEADER_BYTES, int16, int32, int64, wide};
use flate2::read::DeflateDecoder;
use std::io::{self, Read};

struct Member<'a> {
    name: &'a [u8],
    method: u16,
    encrypted: bool,
    packed: &'a [u8],
}

impl Scanner<'_> {
    /// Looks into a zip archive.
    pub(super) fn zip(&mut self, path: &str, data: &[u8], budget: &Budget, depth: u32) -> io::Result<()> {
        if depth >= DEPTH_MAX {
            let message = format!("archives nested deeper than {DEPTH_MAX} were not unpacked");
            self.fault(FaultKind::Unscanned, path, message, "unpack it when the image is built");
            return Ok(());
        }
        let mut java = java::is_archive(path).then(java::Archive::default);
        let walked = self.zip_members(path, data, budget, depth, &mut java);
        if let Some(java) = java
            && self.packages.len() < packages::PACKAGES_MAX
        {
            let place = self.place(path);
            self.packages.extend(java.packages(&place));
        }
        walked
    }

    fn zip_members(
        &mut self,
        path: &str,
        data: &[u8],
        budget: &Budget,
        depth: u32,
        java: &mut Option<java::Archive>,
    ) -> io::Result<()> {
        let broken = |cause| io::Error::new(io::ErrorKind::InvalidData, cause);
        let mut directory =
            Directory::find(data).ok_or_else(|| broken("no end of a zip's directory was found"))?;
        while let Some(member) = directory.next_member() {
            budget.add_member()?;
            let member = member.ok_or_else(|| broken("the zip's directory is damaged"))?;
            let own_name = crate::files::printable(member.name);
            let name = format!("{path}!{own_name}");
            let java =
                java.as_mut().filter(|_| java::wants(&own_name)).map(|archive| (archive, &own_name[..]));
            if let Err(error) = self.zip_member(&name, &member, budget, depth, java) {
                if budget.exceeded().is_some() {
                    return Err(error);
                }
                let message = format!("the member of the zip archive cannot be unpacked: {error}");
                self.fault(
                    FaultKind::Unscanned,
                    &name,
                    message,
                    "replace the archive by an intact, unencrypted one",
                );
            }
        }
        Ok(())
    }

    fn zip_member(
        &mut self,
        path: &str,
        member: &Member<'_>,
        budget: &Budget,
        depth: u32,
        java: Option<(&mut java::Archive, &str)>,
    ) -> io::Result<()> {
        if member.name.ends_with(b"/") || member.packed.is_empty() {
            return Ok(());
        }
        if member.encrypted {
            return Err(io::Error::other("it is encrypted"));
        }
        let packed = member.packed;
        let mut reader: Box<dyn Read + '_> = match member.method {
            0 => Box::new(packed),
            8 => Box::new(Metered { inner: DeflateDecoder::new(packed), budget }),
            93 => Box::new(Metered { inner: zstd::stream::read::Decoder::new(packed)?, budget }),
            other => return Err(io::Error::other(format!("compression method {other} is not handled"))),
        };
        let Some((archive, name)) = java else { return self.member(path, &mut reader, budget, depth) };
        let mut head = Vec::new();
        (&mut reader).take(java::MEMBER_BYTES_MAX as u64).read_to_end(&mut head)?;
        archive.member(name, &head);
        self.member(path, &mut head.as_slice().chain(reader), budget, depth)
    }
}

/// The central directory, and where members' offsets count from.
struct Directory<'a> {
    data: &'a [u8],
    rest: &'a [u8],
    members_left: u64,
    /// Bytes before the archive proper (a self-extracting program), which offsets may not count.
    shift: u64,
}

impl<'a> Directory<'a> {
    fn find(data: &'a [u8]) -> Option<Directory<'a>> {
        let from = data.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
        let end = from + memchr::memmem::rfind(&data[from..], b"PK\x05\x06")?;
        let record = data.get(end..end + END_BYTES)?;
        let (mut count, mut size, mut offset) =
            (u64::from(int16(record, 10)), u64::from(int32(record, 12)), u64::from(int32(record, 16)));
        let mut directory_end = end;
        // Zip64: a locator right before the end record points at a wider one.
        if let Some(locator) = end.checked_sub(20).map(|at| &data[at..end])
            && locator.starts_with(b"PK\x06\x07")
        {
            let at = usize::try_from(int64(locator, 8)).ok()?;
            let record =
                data.get(at..at.checked_add(56)?).filter(|record| record.starts_with(b"PK\x06\x06"))?;
            (count, size, offset) = (int64(record, 32), int64(record, 40), int64(record, 48));
            directory_end = at;
        }
        let start = directory_end.checked_sub(usize::try_from(size).ok()?)?;
        let shift = (start as u64).checked_sub(offset)?;
        Some(Directory { data, rest: &data[start..directory_end], members_left: count, shift })
    }

    /// `Some(None)` is a damaged header.
    fn next_member(&mut self) -> Option<Option<Member<'a>>> {
        if self.members_left == 0 {
            return None;
        }
        self.members_left -= 1;
        let member = self.member();
        if member.is_none() {
            self.members_left = 0;
        }
        Some(member)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        let header = self.rest.get(..HEADER_BYTES).filter(|header| header.starts_with(b"PK\x01\x02"))?;
        let (name_length, extra_length) = (usize::from(int16(header, 28)), usize::from(int16(header, 30)));
        let comment_length = usize::from(int16(header, 32));
        let name = self.rest.get(HEADER_BYTES..HEADER_BYTES + name_length)?;
        let extra = self.rest.get(HEADER_BYTES + name_length..HEADER_BYTES + name_length + extra_length)?;
        let next = HEADER_BYTES + name_length + extra_length + comment_length;
        self.rest = self.rest.get(next..)?;
        let (packed_size, offset) = wide(header, extra);
        let at = usize::try_from(offset.checked_add(self.shift)?).ok()?;
        let local =
            self.data.get(at..at.checked_add(30)?).filter(|local| local.starts_with(b"PK\x03\x04"))?;
        let start = at + 30 + usize::from(int16(local, 26)) + usize::from(int16(local, 28));
        let packed = self.data.get(start..start.checked_add(usize::try_from(packed_size).ok()?)?)?;
        Some(Member { name, method: int16(header, 10), encrypted: int16(header, 8) & 1 != 0, packed })
    }
}
