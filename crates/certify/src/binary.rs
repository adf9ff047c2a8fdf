//! Headers of ELF and PE files: machine, ARM variant, how it is linked; and the marks of Go and Rust that name a
//! program's modules. Reads slices, trusts no offset in them, and disassembles nothing.

use crate::evidence::Machine;

mod packer;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format and machine.
    pub machine: Machine,
    /// No interpreter, and no library that it needs.
    pub static_linked: bool,
    /// A program, not a library.
    pub executable: bool,
    /// A core dump (ELF only).
    pub core_dump: bool,
    /// The packer that made it unreadable, with what was seen of it; as far as the given bytes tell.
    pub packer: Option<String>,
}

/// Reads the header at the start of `data`; `None` when it is no ELF or PE program, library or core dump. Object
/// files and kernel modules are `None` too: no loader of the image's platform runs them.
pub fn header(data: &[u8]) -> Option<Header> {
    match data {
        [0x7f, b'E', b'L', b'F', ..] => Elf::new(data)?.header(),
        [b'M', b'Z', ..] => pe(data),
        _ => None,
    }
}

/// Most program and section headers that are looked at; linkers write some dozens.
const HEADERS_MAX: u64 = 4096;

/// Most entries of a dynamic section that are looked at.
const DYNAMIC_MAX: u64 = 4096;

struct Elf<'a> {
    data: &'a [u8],
    wide: bool,
    big: bool,
}

impl<'a> Elf<'a> {
    fn new(data: &'a [u8]) -> Option<Elf<'a>> {
        let wide = match data.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let big = match data.get(5)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        Some(Elf { data, wide, big })
    }

    fn header(&self) -> Option<Header> {
        let (kind, machine) = (self.int(16, 2)?, self.int(18, 2)?);
        let core_dump = kind == 4;
        if !matches!(kind, 2..=4) {
            return None;
        }
        let linked = self.linked();
        let executable = kind == 2 || (kind == 3 && (linked.interpreter || linked.pie));
        Some(Header {
            machine: Machine {
                os: "linux".to_owned(),
                architecture: self.architecture(machine),
                variant: (machine == 40).then(|| self.arm_variant()).flatten(),
            },
            static_linked: executable && !linked.interpreter && !linked.needs_libraries,
            executable,
            core_dump,
            packer: if core_dump { None } else { packer::of_elf(self) },
        })
    }

    fn architecture(&self, machine: u64) -> String {
        match (machine, self.wide, self.big) {
            (3, ..) => "386",
            (62, ..) => "amd64",
            (40, ..) => "arm",
            (183, ..) => "arm64",
            (243, true, _) => "riscv64",
            (258, ..) => "loong64",
            (8, false, true) => "mips",
            (8, false, false) => "mipsle",
            (8, true, true) => "mips64",
            (8, true, false) => "mips64le",
            (20, ..) => "ppc",
            (21, _, true) => "ppc64",
            (21, _, false) => "ppc64le",
            (22, true, _) => "s390x",
            _ => return format!("unknown-{machine}"),
        }
        .to_owned()
    }

    fn linked(&self) -> Linked {
        let mut linked = Linked::default();
        for (at, kind) in self.program_headers() {
            match kind {
                3 => linked.interpreter = true,
                2 => self.dynamic(at, &mut linked),
                _ => {}
            }
        }
        linked
    }

    /// Place and type of each program header.
    fn program_headers(&self) -> impl Iterator<Item = (u64, u64)> {
        let (offset, size, count) = if self.wide {
            (self.int(32, 8), self.int(54, 2), self.int(56, 2))
        } else {
            (self.int(28, 4), self.int(42, 2), self.int(44, 2))
        };
        let (offset, size) = (offset.unwrap_or(0), size.unwrap_or(0));
        let places =
            (0..count.unwrap_or(0).min(HEADERS_MAX)).map(move |index| offset.checked_add(index * size));
        places.map_while(|at| Some((at?, self.int(at?, 4)?)))
    }

    /// The bytes of the segments that are loaded, as far as they are in the given bytes.
    fn loaded(&self) -> impl Iterator<Item = &'a [u8]> {
        let (word, offset_at, size_at) = if self.wide { (8, 8, 32) } else { (4, 4, 16) };
        let number = move |at: u64| usize::try_from(self.int(at, word)?).ok();
        self.program_headers().filter(|(_, kind)| *kind == 1).filter_map(move |(at, _)| {
            let start = number(at.checked_add(offset_at)?)?;
            let segment = self.data.get(start..)?;
            let size = number(at.checked_add(size_at)?)?;
            Some(&segment[..segment.len().min(size)])
        })
    }

    fn dynamic(&self, program_header: u64, linked: &mut Linked) {
        let word = if self.wide { 8 } else { 4 };
        let (offset_at, size_at) = if self.wide { (8, 32) } else { (4, 16) };
        let (Some(offset), Some(size)) = (
            program_header.checked_add(offset_at).and_then(|at| self.int(at, word)),
            program_header.checked_add(size_at).and_then(|at| self.int(at, word)),
        ) else {
            return;
        };
        for index in 0..(size / (2 * word)).min(DYNAMIC_MAX) {
            let Some(at) = offset.checked_add(index * 2 * word) else { return };
            match (self.int(at, word), at.checked_add(word).and_then(|at| self.int(at, word))) {
                (Some(0) | None, _) => return,
                (Some(1), _) => linked.needs_libraries = true,
                // DT_FLAGS_1 with DF_1_PIE.
                (Some(0x6fff_fffb), Some(flags)) if flags & 0x0800_0000 != 0 => linked.pie = true,
                _ => {}
            }
        }
    }

    /// `Tag_CPU_arch` of the build attributes (Addenda to, and errata in, the ABI for the Arm architecture).
    fn arm_variant(&self) -> Option<String> {
        let (offset, size, count) = (self.int(32, 4)?, self.int(46, 2)?, self.int(48, 2)?);
        for index in 0..count.min(HEADERS_MAX) {
            let at = offset.checked_add(index * size)?;
            if self.int(at.checked_add(4)?, 4)? == 0x7000_0003 {
                let start = usize::try_from(self.int(at.checked_add(16)?, 4)?).ok()?;
                let length = usize::try_from(self.int(at.checked_add(20)?, 4)?).ok()?;
                let variant = match cpu_arch(self.data.get(start..start.checked_add(length)?)?)? {
                    0..=5 => "v5",
                    6..=9 => "v6",
                    10 | 13 => "v7",
                    14.. => "v8",
                    _ => return None,
                };
                return Some(variant.to_owned());
            }
        }
        None
    }

    fn int(&self, at: u64, bytes: u64) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let field = self.data.get(at..at.checked_add(usize::try_from(bytes).ok()?)?)?;
        let fold = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        Some(if self.big { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
    }
}

#[derive(Default)]
struct Linked {
    interpreter: bool,
    needs_libraries: bool,
    pie: bool,
}

/// Walks `A`, section length, `aeabi`, then the file's attributes up to `Tag_CPU_arch` (6).
fn cpu_arch(section: &[u8]) -> Option<u64> {
    let rest = section.strip_prefix(b"A")?.get(4..)?.strip_prefix(b"aeabi\0")?;
    let mut attributes = rest.strip_prefix(&[1])?.get(4..)?;
    loop {
        let tag = uleb(&mut attributes)?;
        match tag {
            6 => return uleb(&mut attributes),
            // Tag_CPU_raw_name and Tag_CPU_name are texts; the others before 6 do not exist.
            4 | 5 => {
                let end = memchr::memchr(0, attributes)?;
                attributes = &attributes[end + 1..];
            }
            _ => return None,
        }
    }
}

fn uleb(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn pe(data: &[u8]) -> Option<Header> {
    let at = u32::from_le_bytes(data.get(0x3c..0x40)?.try_into().ok()?) as usize;
    let coff = data.get(at..at.checked_add(24)?)?.strip_prefix(b"PE\0\0")?;
    let field = |at: usize| u16::from_le_bytes([coff[at], coff[at + 1]]);
    let architecture = match field(0) {
        0x14c => "386".to_owned(),
        0x8664 => "amd64".to_owned(),
        0xaa64 => "arm64".to_owned(),
        0x1c0 | 0x1c4 => "arm".to_owned(),
        other => format!("unknown-{other}"),
    };
    let characteristics = field(18);
    Some(Header {
        machine: Machine { os: "windows".to_owned(), architecture, variant: None },
        static_linked: false,
        executable: characteristics & 0x2000 == 0,
        core_dump: false,
        packer: packer::of_pe(data, at),
    })
}
