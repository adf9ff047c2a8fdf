//! Canonical Huffman codes from their lengths (RFC 1951 § 3.2.2), to read and to write, and the header of a block that
//! states them (§ 3.2.7).

use super::Fault;
use super::bits::BitReader;

/// Longest code in bits.
const BITS_MAX: u32 = 15;

/// Symbols of literals and lengths; the last two never occur.
pub(super) const LITERALS: usize = 288;
pub(super) const DISTANCES: usize = 32;

/// The order in which a header states the lengths of the codes of lengths.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Lengths of the codes of one block.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) literals: [u8; LITERALS],
    pub(super) distances: [u8; DISTANCES],
}

impl Lengths {
    /// The fixed codes (§ 3.2.6).
    pub(super) fn fixed() -> Lengths {
        let mut literals = [8; LITERALS];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        Lengths { literals, distances: [5; DISTANCES] }
    }

    /// Reads a header from behind the three bits of the block's type.
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Lengths, Fault> {
        let literals = bits.take(5)? as usize + 257;
        let distances = bits.take(5)? as usize + 1;
        let codes = bits.take(4)? as usize + 4;
        if literals > 286 {
            return Err(Fault::Broken("a block has more than 286 literal codes"));
        }
        let mut of_lengths = [0; 19];
        for &place in &ORDER[..codes] {
            of_lengths[place] = bits.take(3)? as u8;
        }
        let decoder = Decoder::new(&of_lengths)?;
        let mut lengths = [0_u8; LITERALS + DISTANCES];
        let mut at = 0;
        while at < literals + distances {
            let (value, times) = match decoder.symbol(bits)? {
                symbol @ 0..=15 => (symbol as u8, 1),
                16 if at == 0 => return Err(Fault::Broken("a block repeats a length before the first")),
                16 => (lengths[at - 1], 3 + bits.take(2)? as usize),
                17 => (0, 3 + bits.take(3)? as usize),
                _ => (0, 11 + bits.take(7)? as usize),
            };
            if at + times > literals + distances {
                return Err(Fault::Broken("a block states too many lengths of codes"));
            }
            lengths[at..at + times].fill(value);
            at += times;
        }
        let mut result = Lengths { literals: [0; LITERALS], distances: [0; DISTANCES] };
        result.literals[..literals].copy_from_slice(&lengths[..literals]);
        result.distances[..distances].copy_from_slice(&lengths[literals..literals + distances]);
        Ok(result)
    }
}

/// Reads symbols.
pub(super) struct Decoder {
    /// By the next `bits` bits: symbol and length; length 0 where no code begins so.
    table: Vec<(u16, u8)>,
    bits: u32,
}

impl Decoder {
    pub(super) fn new(lengths: &[u8]) -> Result<Decoder, Fault> {
        let bits = u32::from(lengths.iter().copied().max().unwrap_or(0)).max(1);
        let mut table = vec![(0, 0); 1 << bits];
        for (symbol, code) in codes(lengths)?.into_iter().enumerate() {
            if code.length > 0 {
                let step = 1 << code.length;
                for place in (code.bits as usize..table.len()).step_by(step) {
                    table[place] = (symbol as u16, code.length);
                }
            }
        }
        Ok(Decoder { table, bits })
    }

    pub(super) fn symbol(&self, bits: &mut BitReader<'_>) -> Result<u16, Fault> {
        let (symbol, length) = self.table[bits.peek(self.bits) as usize];
        if length == 0 {
            return Err(Fault::Broken("a block has a code that stands for nothing"));
        }
        bits.take(u32::from(length))?;
        Ok(symbol)
    }
}

/// A symbol's code, its bits turned round: codes are written from the most significant bit on.
#[derive(Clone, Copy, Default)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) length: u8,
}

/// The codes of all symbols; those of length 0 do not occur. Too few codes are allowed (§ 3.2.7: one distance code), too
/// many are not.
pub(super) fn codes(lengths: &[u8]) -> Result<Vec<Code>, Fault> {
    let mut counts = [0_u32; BITS_MAX as usize + 1];
    for &length in lengths {
        counts[usize::from(length)] += u32::from(length > 0);
    }
    let mut next = [0_u32; BITS_MAX as usize + 1];
    let mut code = 0;
    for bits in 1..=BITS_MAX as usize {
        code = (code + counts[bits - 1]) << 1;
        next[bits] = code;
        if code + counts[bits] > 1 << bits {
            return Err(Fault::Broken("a block has more codes than fit"));
        }
    }
    let mut result = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let mut bits = 0;
        if length > 0 {
            let code = &mut next[usize::from(length)];
            bits = (*code as u16).reverse_bits() >> (16 - length);
            *code += 1;
        }
        result.push(Code { bits, length });
    }
    Ok(result)
}
