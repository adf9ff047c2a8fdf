//! A DEFLATE stream (RFC 1951) taken apart into what it says (literals and matches, as the compressor chose them) and
//! how that was written down (blocks and their codes), and put together again, bit for bit. It keeps no window and
//! knows no checksum: the text itself is never made.

use super::bits::{BitReader, BitWriter};
use super::huffman::{Code, DISTANCES, Decoder, LITERALS, Lengths, codes};
use super::varint;
use super::{Fault, PARTS_BYTES_MAX, Parts};
use std::io::{self, Read, Write};

/// Symbol that ends a block.
const END: u16 = 256;

/// Shortest length and additional bits of the symbols from 257 on (RFC 1951 § 3.2.5).
#[rustfmt::skip]
const LENGTHS: [(u16, u8); 29] = [
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2), (23, 2),
    (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5), (195, 5),
    (227, 5), (258, 0),
];

/// Shortest distance and additional bits of each symbol.
#[rustfmt::skip]
const DISTANCE: [(u16, u8); 30] = [
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5), (97, 5),
    (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10), (3073, 10), (4097, 11),
    (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13),
];

/// Symbols between two looks at how much was made of them: a match takes two bits and becomes four bytes, so that a stream
/// of any size could fill the memory.
const SYMBOLS_UNCHECKED: u64 = 1 << 16;

/// Kinds of blocks (§ 3.2.3), as both the stream and the structure state them.
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// Takes the stream at the start of `bytes` apart. Returns how many bytes it has.
///
/// Content: for each match the number of literals before it, these, the match's length less 3 (one byte) and its
/// distance less 1 (two bytes). Structure: for each block its kind, number of literals and matches, and its header as it
/// was written.
pub(super) fn take_apart(bytes: &[u8], parts: &mut Parts, run: &mut Run) -> Result<usize, Fault> {
    let mut bits = BitReader::new(bytes);
    loop {
        let last = bits.take(1)?;
        let kind = bits.take(2)?;
        parts.structure.push((kind << 1 | last) as u8);
        match kind {
            STORED => {
                let padding = bits.take(bits.to_byte())?;
                let length = bits.take(16)?;
                if bits.take(16)? != !length & 0xffff {
                    return Err(Fault::Broken("a stored block's length and its complement differ"));
                }
                parts.structure.push(padding as u8);
                varint::put(&mut parts.structure, u64::from(length));
                run.literals(bits.bytes(length as usize)?);
            }
            FIXED => block(&mut bits, &Lengths::fixed(), parts, run)?,
            DYNAMIC => {
                let start = bits.position();
                let lengths = Lengths::read(&mut bits)?;
                copy_bits(bytes, start, bits.position(), &mut parts.structure);
                block(&mut bits, &lengths, parts, run)?;
            }
            _ => return Err(Fault::Broken("a block is of the kind that does not exist")),
        }
        run.check_size(parts)?;
        if last == 1 {
            let padding = bits.take(bits.to_byte())?;
            parts.structure.push(padding as u8);
            return Ok((bits.position() / 8) as usize);
        }
    }
}

/// Literals since the last match: matches go on over blocks and streams.
#[derive(Default)]
pub(super) struct Run(Vec<u8>);

impl Run {
    fn literals(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Together with what was made before.
    fn check_size(&self, parts: &Parts) -> Result<(), Fault> {
        let found = parts.bytes() + self.0.len() as u64;
        if found > PARTS_BYTES_MAX { Err(Fault::TooLarge { found }) } else { Ok(()) }
    }

    /// Ends the run by a match, or the content by none.
    pub(super) fn flush(&mut self, content: &mut Vec<u8>) {
        varint::put(content, self.0.len() as u64);
        content.append(&mut self.0);
    }
}

fn block(bits: &mut BitReader<'_>, lengths: &Lengths, parts: &mut Parts, run: &mut Run) -> Result<(), Fault> {
    let literals = Decoder::new(&lengths.literals)?;
    let distances = Decoder::new(&lengths.distances)?;
    let mut tokens = 0_u64;
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol == END {
            varint::put(&mut parts.structure, tokens);
            return Ok(());
        }
        tokens += 1;
        if tokens.is_multiple_of(SYMBOLS_UNCHECKED) {
            run.check_size(parts)?;
        }
        if let Ok(literal) = u8::try_from(symbol) {
            run.0.push(literal);
            continue;
        }
        let (base, more) =
            *LENGTHS.get(usize::from(symbol - 257)).ok_or(Fault::Broken("a length has no meaning"))?;
        let length = base + bits.take(u32::from(more))? as u16;
        if length == 258 && more > 0 {
            return Err(Fault::Unusual("a match of 258 bytes is written in the longer of two ways"));
        }
        let symbol = usize::from(distances.symbol(bits)?);
        let (base, more) = *DISTANCE.get(symbol).ok_or(Fault::Broken("a distance has no meaning"))?;
        let distance = base - 1 + bits.take(u32::from(more))? as u16;
        run.flush(&mut parts.content);
        parts.content.push((length - 3) as u8);
        parts.content.extend(distance.to_le_bytes());
    }
}

/// Copies bits as they are, their number before them.
fn copy_bits(bytes: &[u8], start: u64, end: u64, out: &mut Vec<u8>) {
    varint::put(out, end - start);
    let mut at = start;
    while at < end {
        let (place, shift) = ((at / 8) as usize, (at % 8) as u32);
        let low = u32::from(bytes[place]) >> shift;
        let high = bytes.get(place + 1).map_or(0, |&byte| u32::from(byte) << (8 - shift));
        let count = (end - at).min(8) as u32;
        out.push(((low | high) & ((1 << count) - 1)) as u8);
        at += u64::from(count);
    }
}

/// Reads content again, literal by literal and match by match.
pub(super) struct Tokens<R> {
    content: R,
    literals: u64,
    /// The number of literals before the next match was read.
    begun: bool,
}

enum Token {
    Literal(u8),
    Match { length: u16, distance: u16 },
}

impl<R: Read> Tokens<R> {
    pub(super) fn new(content: R) -> Tokens<R> {
        Tokens { content, literals: 0, begun: false }
    }

    fn next(&mut self) -> io::Result<Token> {
        if !self.begun {
            self.literals = varint::take(&mut self.content)?;
            self.begun = true;
        }
        if self.literals > 0 {
            self.literals -= 1;
            let mut byte = [0];
            self.content.read_exact(&mut byte)?;
            return Ok(Token::Literal(byte[0]));
        }
        self.begun = false;
        let mut bytes = [0; 3];
        self.content.read_exact(&mut bytes)?;
        let distance = u16::from_le_bytes([bytes[1], bytes[2]]);
        if distance >= 1 << 15 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a distance is beyond the window"));
        }
        Ok(Token::Match { length: u16::from(bytes[0]) + 3, distance: distance + 1 })
    }
}

/// Writes a stream that [`take_apart`] took apart.
pub(super) fn put_together(
    structure: &mut &[u8],
    tokens: &mut Tokens<impl Read>,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let mut bits = BitWriter::default();
    loop {
        let head = varint::byte(structure)?;
        let (last, kind) = (u32::from(head & 1), u32::from(head >> 1));
        bits.put(last, 1);
        bits.put(kind & 3, 2);
        match kind {
            STORED => {
                let padding = varint::byte(structure)?;
                let to_byte = bits.to_byte();
                bits.put(u32::from(padding) & ((1 << to_byte) - 1), to_byte);
                let length = varint::take(&mut *structure)?.min(0xffff) as u32;
                bits.put(length, 16);
                bits.put(!length & 0xffff, 16);
                for _ in 0..length {
                    match tokens.next()? {
                        Token::Literal(byte) => bits.out.push(byte),
                        Token::Match { .. } => return Err(Fault::Broken("a stored block holds a match")),
                    }
                }
            }
            FIXED => write_block(&mut bits, &Lengths::fixed(), structure, tokens, out)?,
            DYNAMIC => {
                let header = header_bits(structure, &mut bits)?;
                let lengths = Lengths::read(&mut BitReader::new(header))?;
                write_block(&mut bits, &lengths, structure, tokens, out)?;
            }
            _ => return Err(Fault::Broken("a block is of the kind that does not exist")),
        }
        if last == 1 {
            let padding = varint::byte(structure)?;
            let to_byte = bits.to_byte();
            bits.put(u32::from(padding) & ((1 << to_byte) - 1), to_byte);
        }
        out.write_all(&bits.out)?;
        bits.out.clear();
        if last == 1 {
            return Ok(());
        }
    }
}

/// Writes a header's bits, and returns them.
fn header_bits<'a>(structure: &mut &'a [u8], bits: &mut BitWriter) -> Result<&'a [u8], Fault> {
    let count = varint::take(&mut *structure)?;
    let bytes = usize::try_from(count.div_ceil(8)).map_err(|_| Fault::CutShort)?;
    let (header, rest) = structure.split_at_checked(bytes).ok_or(Fault::CutShort)?;
    *structure = rest;
    for (index, &byte) in header.iter().enumerate() {
        let here = (count - index as u64 * 8).min(8) as u32;
        bits.put(u32::from(byte) & ((1 << here) - 1), here);
    }
    Ok(header)
}

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

fn write_block(
    bits: &mut BitWriter,
    lengths: &Lengths,
    structure: &mut &[u8],
    tokens: &mut Tokens<impl Read>,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let literals = codes(&lengths.literals)?;
    let distances = codes(&lengths.distances)?;
    debug_assert!(literals.len() == LITERALS && distances.len() == DISTANCES);
    let count = varint::take(&mut *structure)?;
    for _ in 0..count {
        match tokens.next()? {
            Token::Literal(byte) => put_code(bits, literals[usize::from(byte)])?,
            Token::Match { length, distance } => {
                let symbol = LENGTHS.partition_point(|&(base, _)| base <= length) - 1;
                put_code(bits, literals[257 + symbol])?;
                bits.put(u32::from(length - LENGTHS[symbol].0), u32::from(LENGTHS[symbol].1));
                let symbol = DISTANCE.partition_point(|&(base, _)| base <= distance) - 1;
                put_code(bits, distances[symbol])?;
                bits.put(u32::from(distance - DISTANCE[symbol].0), u32::from(DISTANCE[symbol].1));
            }
        }
        if bits.out.len() >= BUFFER_BYTES {
            out.write_all(&bits.out)?;
            bits.out.clear();
        }
    }
    put_code(bits, literals[usize::from(END)])
}

fn put_code(bits: &mut BitWriter, code: Code) -> Result<(), Fault> {
    if code.length == 0 {
        return Err(Fault::Broken("a block has no code for what it holds"));
    }
    bits.put(u32::from(code.bits), u32::from(code.length));
    Ok(())
}
