//! Marks of packers: what UPX and its like leave in a program's headers, and what every packer leaves: no sections, and
//! a segment that looks like noise. Says what it saw; whether that is bad is the criterion's matter.

use super::Elf;
use memchr::memmem;

/// UPX's magic number (`UPX_MAGIC_LE32`). It stands in `l_info`, right after the program headers, and in the pack header
/// at the file's end.
const UPX: &[u8] = b"UPX!";

/// How far from the beginning of an ELF file the first of them can stand: after the headers of a packed program.
const UPX_HEAD_BYTES: usize = 4 << 10;

/// How far from the end of an ELF file the second can stand: the header has 36 bytes, and padding may follow.
const UPX_TAIL_BYTES: usize = 128;

/// Names of sections that packers of PE files give, and the packer.
const SECTIONS: &[(&[u8], &str)] = &[
    (b"UPX0", "UPX"),
    (b"UPX1", "UPX"),
    (b"UPX!", "UPX"),
    (b".aspack", "ASPack"),
    (b".adata", "ASPack"),
    (b"ASPack", "ASPack"),
    (b".MPRESS1", "MPRESS"),
    (b".MPRESS2", "MPRESS"),
    (b"PEC2", "PECompact"),
    (b"pec1", "PECompact"),
    (b".petite", "Petite"),
    (b".nsp0", "NsPack"),
    (b".nsp1", "NsPack"),
    (b".themida", "Themida"),
    (b"Themida", "Themida"),
    (b".winlice", "WinLicense"),
    (b".vmp0", "VMProtect"),
    (b".vmp1", "VMProtect"),
    (b".enigma1", "Enigma"),
    (b".enigma2", "Enigma"),
];

/// Bytes of a segment whose entropy is measured, and the fewest from which it says something.
const SAMPLE_BYTES: std::ops::Range<usize> = (16 << 10)..(1 << 20);

/// Hundredths of bits per byte from which a segment is noise. Machine code and its data have about 6.5, compressed and
/// encrypted bytes more than 7.9.
const NOISE: u32 = 750;

/// The packer of an ELF program or library, as far as its bytes tell.
pub(super) fn of_elf(elf: &Elf<'_>) -> Option<String> {
    let data = elf.data;
    let head = &data[..data.len().min(UPX_HEAD_BYTES)];
    let tail = &data[data.len().saturating_sub(UPX_TAIL_BYTES)..];
    if memmem::find(head, UPX).is_some() || memmem::find(tail, UPX).is_some() {
        return Some("UPX".to_owned());
    }
    // The linker's section headers are of no use to a loader, and no packer keeps them. A program without them is only
    // strange; with a segment of noise it is packed, whatever became of the packer's mark.
    let sections = elf.int(if elf.wide { 60 } else { 48 }, 2)?;
    let linked = elf.linked();
    if sections != 0 || linked.interpreter || linked.needs_libraries {
        return None;
    }
    let noise = elf.loaded().filter_map(entropy).max().filter(|&entropy| entropy >= NOISE)?;
    Some(format!(
        "an unknown packer (no section headers, and a segment of {}.{:02} bits of entropy per byte)",
        noise / 100,
        noise % 100
    ))
}

/// The packer of a PE program or library by the names of its sections. `coff` is the place of the `PE` signature.
pub(super) fn of_pe(data: &[u8], coff: usize) -> Option<String> {
    let field = |at: usize| {
        let bytes = data.get(coff.checked_add(at)?..)?.get(..2)?;
        Some(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    let (count, optional) = (field(6)?, field(20)?);
    let table = data.get(coff.checked_add(24 + optional)?..)?;
    let names = table.as_chunks::<40>().0.iter().take(count).map(|section| {
        let name = &section[..8];
        &name[..name.iter().position(|&byte| byte == 0).unwrap_or(8)]
    });
    let packer = |name: &[u8]| SECTIONS.iter().find(|(known, _)| *known == name).map(|(_, packer)| *packer);
    names.into_iter().find_map(packer).map(str::to_owned)
}

/// Hundredths of bits per byte; `None` when there are too few bytes to tell.
fn entropy(bytes: &[u8]) -> Option<u32> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES.end)];
    if sample.len() < SAMPLE_BYTES.start {
        return None;
    }
    let mut counts = [0_u32; 256];
    for &byte in sample {
        counts[usize::from(byte)] += 1;
    }
    let all = sample.len() as f64;
    let bits = |count: u32| f64::from(count) / all * (all / f64::from(count)).log2();
    let entropy: f64 = counts.into_iter().filter(|&count| count > 0).map(bits).sum();
    // At most 800, so the cast loses only the fraction.
    Some((entropy * 100.0) as u32)
}

#[cfg(test)]
mod tests {
    use crate::binary::header;

    /// A static program for amd64 with one loaded segment, as UPX lays it out, and without section headers.
    fn elf(sections: u16, after_headers: &[u8], segment: &[u8]) -> Vec<u8> {
        let mut data = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
        data.resize(64 + 56, 0);
        let mut put = |at: usize, bytes: &[u8]| data[at..at + bytes.len()].copy_from_slice(bytes);
        put(16, &2_u16.to_le_bytes());
        put(18, &62_u16.to_le_bytes());
        put(32, &64_u64.to_le_bytes());
        put(54, &56_u16.to_le_bytes());
        put(56, &1_u16.to_le_bytes());
        put(60, &sections.to_le_bytes());
        put(64, &1_u32.to_le_bytes());
        put(64 + 32, &(120 + after_headers.len() as u64 + segment.len() as u64).to_le_bytes());
        data.extend_from_slice(after_headers);
        data.extend_from_slice(segment);
        data
    }

    /// Bytes without any pattern.
    fn noise() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..64 << 10).map(|_| next()).collect()
    }

    fn packer(data: &[u8]) -> Option<String> {
        header(data).expect("it is a program").packer
    }

    #[test]
    fn upx_is_known_by_its_marks() {
        // l_info: checksum, magic, size of the loader, version and format.
        let l_info = b"\x12\x34\x56\x78UPX!\x40\x09\x0d\x16";
        assert_eq!(packer(&elf(0, l_info, &[0; 100])).as_deref(), Some("UPX"));
        let mut tail = noise();
        tail.extend_from_slice(b"UPX!\x0d\x16\x08\x07");
        tail.extend_from_slice(&[7; 28]);
        assert_eq!(packer(&elf(0, b"", &tail)).as_deref(), Some("UPX"));
        // A program that knows of UPX.
        let mut text = vec![b'a'; 8 << 10];
        text.extend_from_slice(UPX_IN_A_TEXT);
        text.resize(16 << 10, b'b');
        assert_eq!(packer(&elf(20, b"", &text)), None);
    }

    const UPX_IN_A_TEXT: &[u8] = b"the mark of UPX is UPX!";

    #[test]
    fn noise_without_sections_is_packed_by_somebody() {
        let found = packer(&elf(0, b"", &noise())).expect("packed");
        assert!(found.starts_with("an unknown packer (no section headers, and a segment of 7.9"), "{found}");
        assert_eq!(packer(&elf(20, b"", &noise())), None, "data may be compressed");
        assert_eq!(packer(&elf(0, b"", &b"mov eax, 1; ".repeat(5_000))), None, "stripped of its sections");
        assert_eq!(packer(&elf(0, b"", &noise()[..1_000])), None, "too little to tell");
    }

    #[test]
    fn packers_of_pe_files_are_known_by_their_sections() {
        let pe = |name: &[u8; 8]| {
            let mut data = vec![0; 0x80];
            data[..2].copy_from_slice(b"MZ");
            data[0x3c] = 0x80;
            data.extend_from_slice(b"PE\0\0\x64\x86\x01\0");
            data.resize(0x80 + 20, 0);
            data.extend_from_slice(&[16, 0, 0x22, 0]);
            data.resize(data.len() + 16, 0);
            data.extend_from_slice(name);
            data.resize(data.len() + 32, 0);
            data
        };
        assert_eq!(packer(&pe(b"UPX0\0\0\0\0")).as_deref(), Some("UPX"));
        assert_eq!(packer(&pe(b".MPRESS1")).as_deref(), Some("MPRESS"));
        assert_eq!(packer(&pe(b".text\0\0\0")), None);
    }
}
