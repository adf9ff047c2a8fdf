//! The directory of an offer as a zip (APPNOTE 6.3.10): written with its members in order and without instants, and read
//! strictly. The readers in `certify` look into whatever a vendor shipped and go on behind what is broken; here anything
//! doubtful refuses the whole archive, because it is to become somebody's draft.

use crate::reading::{DOCUMENT, FILE_BYTES_MAX, FILES_MAX, TOTAL_BYTES_MAX};
use flate2::Compression;
use flate2::bufread::{DeflateDecoder, DeflateEncoder};
use std::collections::BTreeMap;
use std::io::Read as _;

type Files = BTreeMap<String, Vec<u8>>;
type Result<T> = std::result::Result<T, ZipError>;

/// Fixed parts of a local header, of a directory's entry and of the directory's end, in bytes.
const LOCAL_BYTES: usize = 30;
const ENTRY_BYTES: usize = 46;
const END_BYTES: usize = 22;
/// Longest comment at the end (its length has 16 bits).
const COMMENT_BYTES_MAX: usize = 0xffff;
/// Most members: the files, and the directories that some programs list beside them.
const MEMBERS_MAX: usize = FILES_MAX * 2;
/// 1 January 1980, the earliest day of a zip, as MS-DOS writes it.
const DAY: u16 = 0x21;

/// Why an archive was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the zip {0}")]
pub struct ZipError(String);

impl ZipError {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        "pack the offer's directory, with offer.yaml in it, as a plain zip"
    }
}

/// The zip of an offer's directory, its files by path; the same files give the same bytes.
pub fn pack(files: &BTreeMap<String, Vec<u8>>) -> std::result::Result<Vec<u8>, ZipError> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut packed = Vec::new();
        let packing = DeflateEncoder::new(&content[..], Compression::default()).read_to_end(&mut packed);
        packing.map_err(|error| refused(format!("cannot take the file {:?}: {error}", short(name))))?;
        let (method, data) = if packed.len() < content.len() { (8_u16, &packed) } else { (0, content) };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let offset = word(archive.len())?;
        // Version 2.0; names are UTF-8 (bit 11).
        let mut common = Vec::new();
        for half in [20_u16, 1 << 11, method, 0, DAY] {
            common.extend(half.to_le_bytes());
        }
        for number in [crc.sum(), word(data.len())?, word(content.len())?] {
            common.extend(number.to_le_bytes());
        }
        common.extend(half(name.len())?.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(data);
        directory.extend(b"PK\x01\x02");
        // Made by version 2.0 on Unix, so that the mode below counts.
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (word(archive.len())?, half(files.len())?);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(word(directory.len())?.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    Ok(archive)
}

fn word(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| refused("would be larger than 4 GiB".to_owned()))
}

fn half(number: usize) -> Result<u16> {
    u16::try_from(number)
        .map_err(|_| refused("would have a longer name, or more files, than a zip has".to_owned()))
}

/// The files of an offer's directory out of a zip, within the offer's limits. A single directory around everything, as
/// programs make it that pack a folder, is left out.
pub fn unpack(bytes: &[u8]) -> std::result::Result<BTreeMap<String, Vec<u8>>, ZipError> {
    let mut files = Files::new();
    let mut total = 0;
    for member in members(bytes)? {
        if member.name.ends_with('/') || is_litter(&member.name) {
            continue;
        }
        let parts_are_good = !member.name.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !parts_are_good || member.name.contains(|c: char| c == '\\' || c == ':' || c.is_control()) {
            return Err(refused(format!(
                "has the member {:?}, which is no path in a directory",
                short(&member.name)
            )));
        }
        if files.len() >= FILES_MAX {
            return Err(refused(format!("has more than {FILES_MAX} files")));
        }
        let content = content(bytes, &member, TOTAL_BYTES_MAX - total)?;
        total += content.len();
        if files.insert(member.name.clone(), content).is_some() {
            return Err(refused(format!("has the member {:?} twice", short(&member.name))));
        }
    }
    Ok(without_top(files))
}

struct Member {
    name: String,
    method: u16,
    crc: u32,
    packed: usize,
    size: usize,
    offset: usize,
}

/// What some systems put into every archive, and nobody wrote.
fn is_litter(name: &str) -> bool {
    let (directories, last) = name.rsplit_once('/').unwrap_or(("", name));
    matches!(last, ".DS_Store" | "Thumbs.db") || directories.split('/').any(|part| part == "__MACOSX")
}

fn without_top(files: Files) -> Files {
    let top = files.keys().next().and_then(|name| name.split_once('/')).map(|(top, _)| format!("{top}/"));
    match top {
        Some(top)
            if !files.contains_key(DOCUMENT)
                && files.contains_key(&format!("{top}{DOCUMENT}"))
                && files.keys().all(|name| name.starts_with(&top)) =>
        {
            files.into_iter().map(|(name, content)| (name[top.len()..].to_owned(), content)).collect()
        }
        _ => files,
    }
}

/// The members as the directory at the end lists them.
fn members(bytes: &[u8]) -> Result<Vec<Member>> {
    let broken = |what: &str| refused(format!("cannot be read: {what}"));
    let from = bytes.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
    let is_end = |at: &usize| bytes[*at..].starts_with(b"PK\x05\x06");
    let end = (from..bytes.len().saturating_sub(END_BYTES - 1)).rev().find(is_end);
    let end = end.ok_or_else(|| broken("it is no zip, or it ends in the middle"))?;
    let (count, size, start) = (int16(bytes, end + 10), int32(bytes, end + 12), int32(bytes, end + 16));
    let wide = count == Some(0xffff) || start == Some(u32::MAX);
    if wide || int16(bytes, end + 4) != Some(0) {
        return Err(broken("it is larger than an offer, or in several parts"));
    }
    let (count, size, start) = (usize::from(count.unwrap_or(0)), offset(size), offset(start));
    if count > MEMBERS_MAX {
        return Err(refused(format!("has {count} members, at most {FILES_MAX} files are taken")));
    }
    let directory = start.checked_add(size).and_then(|to| bytes.get(start..to)).filter(|_| start <= end);
    let mut rest = directory.ok_or_else(|| broken("its directory lies outside of it"))?;
    let mut members = Vec::with_capacity(count);
    for _ in 0..count {
        let (member, length) = entry(rest).ok_or_else(|| broken("its directory is damaged"))?;
        let member = member?;
        rest = rest.get(length..).ok_or_else(|| broken("its directory is damaged"))?;
        members.push(member);
    }
    Ok(members)
}

/// An entry of the directory and its length.
fn entry(rest: &[u8]) -> Option<(Result<Member>, usize)> {
    if !rest.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name_length = usize::from(int16(rest, 28)?);
    let length = ENTRY_BYTES + name_length + usize::from(int16(rest, 30)?) + usize::from(int16(rest, 32)?);
    let name = rest.get(ENTRY_BYTES..ENTRY_BYTES + name_length)?;
    let Ok(name) = String::from_utf8(name.to_vec()) else {
        return Some((Err(refused("has a file name that is not UTF-8".to_owned())), length));
    };
    let (made_by, mode) = (rest.get(5)?, int32(rest, 38)? >> 16);
    let is_other = *made_by == 3 && !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000);
    if int16(rest, 8)? & 1 != 0 {
        return Some((Err(refused(format!("has the encrypted member {:?}", short(&name)))), length));
    }
    if is_other {
        return Some((
            Err(refused(format!("has the member {:?}, which is a link or a device", short(&name)))),
            length,
        ));
    }
    let member = Member {
        name,
        method: int16(rest, 10)?,
        crc: int32(rest, 16)?,
        packed: offset(int32(rest, 20)),
        size: offset(int32(rest, 24)),
        offset: offset(int32(rest, 42)),
    };
    Some((Ok(member), length))
}

/// A member's bytes; nothing is unpacked beyond what it may have.
fn content(bytes: &[u8], member: &Member, left: usize) -> Result<Vec<u8>> {
    let name = short(&member.name);
    let (size, most) = (member.size, FILE_BYTES_MAX.min(left));
    if size > most {
        return Err(refused(format!(
            "has the member {name:?} of {size} bytes; a file has at most {FILE_BYTES_MAX}, all together {TOTAL_BYTES_MAX}"
        )));
    }
    let broken = |what: &str| refused(format!("has the member {name:?}, which cannot be unpacked: {what}"));
    let header = bytes.get(member.offset..).filter(|header| header.starts_with(b"PK\x03\x04"));
    let header = header.ok_or_else(|| broken("it is not where the directory says"))?;
    let lengths = int16(header, 26).zip(int16(header, 28));
    let (name_length, extra) = lengths.ok_or_else(|| broken("its head is damaged"))?;
    let start = LOCAL_BYTES + usize::from(name_length) + usize::from(extra);
    let packed = start.checked_add(member.packed).and_then(|to| header.get(start..to));
    let packed = packed.ok_or_else(|| broken("it ends outside of the archive"))?;
    let mut content = Vec::new();
    match member.method {
        0 => content.extend_from_slice(packed),
        8 => {
            let unpacked = DeflateDecoder::new(packed).take(size as u64 + 1).read_to_end(&mut content);
            unpacked.map_err(|error| broken(&error.to_string()))?;
        }
        other => {
            return Err(broken(&format!("its compression method {other} is none of stored and deflated")));
        }
    }
    if content.len() != size {
        return Err(broken(&format!("it has not the {size} bytes that the directory says")));
    }
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    if crc.sum() != member.crc {
        return Err(broken("its check sum is another one"));
    }
    Ok(content)
}

fn refused(what: String) -> ZipError {
    ZipError(what)
}

fn short(name: &str) -> String {
    name.chars().take(100).collect()
}

fn int16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn int32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn offset(number: Option<u32>) -> usize {
    number.and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files() -> Files {
        Files::from([
            ("offer.yaml".to_owned(), b"name: a\n".repeat(100)),
            ("logos/small.png".to_owned(), (0..=255).collect()),
            ("empty".to_owned(), Vec::new()),
            ("t\u{e9}xt/\u{1f680}.html".to_owned(), b"<p>".to_vec()),
        ])
    }

    #[test]
    fn what_goes_in_comes_out() {
        let packed = pack(&files()).expect("packed");
        assert_eq!(unpack(&packed).expect("unpacked"), files());
        assert_eq!(pack(&files()).expect("packed"), packed);
        let below =
            files().into_iter().map(|(name, content)| (format!("my offer/{name}"), content)).collect();
        assert_eq!(unpack(&pack(&below).expect("packed")).expect("unpacked"), files());
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for name in ["../a", "a/../../b", "/etc/passwd", "a//b", "./a", "C:\\a", "a\\b", "C:a", "a\nb"] {
            let packed = pack(&Files::from([(name.to_owned(), vec![1])])).expect("packed");
            let error = unpack(&packed).expect_err(name);
            assert!(error.to_string().contains("no path in a directory"), "{name}: {error}");
        }
    }

    /// The archive with a change at each place where this pattern is.
    fn patched(pattern: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
        let mut packed = pack(&files()).expect("packed");
        let places: Vec<usize> =
            (0..packed.len() - 4).filter(|place| packed[*place..].starts_with(pattern)).collect();
        for place in places {
            packed[place + at..place + at + with.len()].copy_from_slice(with);
        }
        packed
    }

    #[test]
    fn lies_and_tricks_are_refused() {
        let entry = b"PK\x01\x02";
        for (packed, expected) in [
            (patched(entry, 8, &[1, 8]), "encrypted"),
            (patched(entry, 38, &(0o120_777_u32 << 16).to_le_bytes()), "a link or a device"),
            (patched(entry, 10, &[12, 0]), "compression method 12"),
            (patched(entry, 16, &[0; 4]), "check sum"),
            (patched(entry, 24, &(u32::MAX).to_le_bytes()), "4294967295 bytes"),
            (patched(entry, 24, &1_u32.to_le_bytes()), "not the 1 bytes"),
            (patched(entry, 42, &7_u32.to_le_bytes()), "not where the directory says"),
            (patched(b"PK\x05\x06", 10, &5000_u16.to_le_bytes()), "5000 members"),
            (patched(b"PK\x05\x06", 16, &0x00ff_ffff_u32.to_le_bytes()), "outside of it"),
        ] {
            let error = unpack(&packed).expect_err(expected);
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
        assert!(unpack(b"no zip").is_err());
        assert!(unpack(b"").is_err());
    }

    #[test]
    fn a_bomb_goes_off_nowhere() {
        let bomb = Files::from([("offer.yaml".to_owned(), vec![0; FILE_BYTES_MAX + 1])]);
        let packed = pack(&bomb).expect("packed");
        assert!(packed.len() < 10_000);
        assert!(unpack(&packed).expect_err("too large").to_string().contains("at most"));
        let many = (0..20).map(|index| (format!("{index}"), vec![0; FILE_BYTES_MAX])).collect();
        assert!(
            unpack(&pack(&many).expect("packed"))
                .expect_err("too large")
                .to_string()
                .contains("all together")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut packed = pack(&files()).expect("packed");
            let place = at.index(packed.len());
            packed[place] = byte;
            let _ = unpack(&packed);
            let _ = unpack(&packed[..cut.index(packed.len())]);
        }
    }
}
