//! cpio archives of the `newc` and `crc` forms (Linux, *initramfs buffer format*), as initramfs images and RPM packages
//! hold them, and the way to an RPM's payload (RPM, *Package format*). Names and contents only.

use super::Scanner;
use super::archive::{Budget, Format};
use crate::evidence::FaultKind;
use std::io::{self, Read};

/// Size of a header: magic and 13 numbers of eight hexadecimal digits.
const HEADER_BYTES: usize = 110;

/// Longest name; Linux has no longer path.
const NAME_BYTES_MAX: u32 = 4096;

/// The name that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// Most bytes of one header of an RPM. Packages of 100,000 files have about 30 MB (RPM's own limit is 256 MB).
const RPM_HEADER_BYTES_MAX: u64 = 256 << 20;

/// Size of the lead in front of an RPM's headers.
const LEAD_BYTES: usize = 96;

/// Whether these bytes begin a cpio archive that is looked into.
pub(super) fn is_cpio(head: &[u8]) -> bool {
    head.starts_with(b"070701") || head.starts_with(b"070702")
}

fn broken(cause: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

/// One number of a header, by its place.
fn number(header: &[u8; HEADER_BYTES], place: usize) -> io::Result<u32> {
    let digits = &header[6 + 8 * place..14 + 8 * place];
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| broken("a cpio header holds no number"))
}

/// Skips what aligns the next field on four bytes.
fn align(reader: &mut dyn Read, passed: u64) -> io::Result<()> {
    let mut padding = [0; 4];
    let count = usize::try_from(passed.next_multiple_of(4) - passed).unwrap_or(0);
    reader.read_exact(&mut padding[..count])
}

impl Scanner<'_> {
    pub(super) fn cpio(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        budget: &Budget,
        depth: u32,
    ) -> io::Result<()> {
        loop {
            let mut header = [0; HEADER_BYTES];
            reader.read_exact(&mut header)?;
            if !is_cpio(&header) {
                return Err(broken("a cpio header has no magic"));
            }
            budget.add_member()?;
            let (mode, size, name_size) = (number(&header, 1)?, number(&header, 6)?, number(&header, 11)?);
            if name_size == 0 || name_size > NAME_BYTES_MAX {
                return Err(broken("a cpio name is empty or too long"));
            }
            let mut name = vec![0; usize::try_from(name_size).unwrap_or(0)];
            reader.read_exact(&mut name)?;
            align(reader, HEADER_BYTES as u64 + u64::from(name_size))?;
            let name = name.strip_suffix(b"\0").unwrap_or(&name);
            if name == TRAILER {
                return Ok(());
            }
            let mut data = reader.take(u64::from(size));
            if mode & 0o170_000 == 0o100_000 && size > 0 {
                let name = crate::files::printable(crate::files::trimmed(name));
                self.member(&format!("{path}!{name}"), &mut data, budget, depth)?;
            }
            io::copy(&mut data, &mut io::sink())?;
            if data.limit() > 0 {
                return Err(broken("the cpio archive ends within a member"));
            }
            align(reader, u64::from(size))?;
        }
    }

    /// Lead, signature, header, then the compressed cpio archive, whose members stand right after the package's name.
    pub(super) fn rpm(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        budget: &Budget,
        depth: u32,
    ) -> io::Result<()> {
        reader.read_exact(&mut [0; LEAD_BYTES])?;
        let signature = rpm_header(reader)?;
        let aligned = signature.next_multiple_of(8) - signature;
        reader.read_exact(&mut [0; 8][..usize::try_from(aligned).unwrap_or(0)])?;
        rpm_header(reader)?;
        let mut head = Vec::with_capacity(16);
        reader.take(16).read_to_end(&mut head)?;
        let format = Format::of(&head);
        let mut payload = head.as_slice().chain(reader);
        match format {
            Some(format @ (Format::Gzip | Format::Xz | Format::Zstd | Format::Bzip2 | Format::Cpio)) => {
                self.open(path, format, &mut payload, budget, depth)
            }
            _ => {
                let message = "the RPM's payload was not unpacked: its form is not handled".to_owned();
                self.fault(FaultKind::Unscanned, path, message, "unpack it when the image is built");
                Ok(())
            }
        }
    }
}

/// Skips one header, and says how long it was.
fn rpm_header(reader: &mut dyn Read) -> io::Result<u64> {
    let mut intro = [0; 16];
    reader.read_exact(&mut intro)?;
    if !intro.starts_with(&[0x8e, 0xad, 0xe8, 1]) {
        return Err(broken("the RPM has no header where one must be"));
    }
    let int =
        |at: usize| u64::from(u32::from_be_bytes([intro[at], intro[at + 1], intro[at + 2], intro[at + 3]]));
    let length = int(8) * 16 + int(12);
    if length > RPM_HEADER_BYTES_MAX {
        return Err(broken("the RPM's header is larger than RPM allows"));
    }
    let skipped = io::copy(&mut reader.take(length), &mut io::sink())?;
    if skipped < length { Err(broken("the RPM ends within a header")) } else { Ok(16 + length) }
}
