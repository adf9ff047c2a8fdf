//! Bits in DEFLATE's order (RFC 1951 § 3.1.1: the least significant bit of a byte first), read and written.

use super::Fault;

/// Reads bits from a slice.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    next: usize,
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, next: 0, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.next) else { return };
            self.held |= u64::from(byte) << self.count;
            self.count += 8;
            self.next += 1;
        }
    }

    /// The next bits without taking them; what lies beyond the end reads as zero.
    pub(super) fn peek(&mut self, count: u32) -> u32 {
        if self.count < count {
            self.fill();
        }
        (self.held & ((1 << count) - 1)) as u32
    }

    /// Takes bits that were looked at, up to 32.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Fault> {
        let value = self.peek(count);
        if self.count < count {
            return Err(Fault::CutShort);
        }
        self.held >>= count;
        self.count -= count;
        Ok(value)
    }

    /// How many bits were taken so far.
    pub(super) fn position(&self) -> u64 {
        self.next as u64 * 8 - u64::from(self.count)
    }

    /// Bits left in the byte that was begun.
    pub(super) fn to_byte(&self) -> u32 {
        self.count % 8
    }

    /// Whole bytes, after an end of a byte.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let start = self.next - (self.count / 8) as usize;
        let taken = self.bytes.get(start..start + count).ok_or(Fault::CutShort)?;
        self.next = start + count;
        (self.held, self.count) = (0, 0);
        Ok(taken)
    }
}

/// Writes bits to a buffer, which its owner empties between blocks.
#[derive(Default)]
pub(super) struct BitWriter {
    pub(super) out: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Writes up to 32 bits.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.held |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Bits left in the byte that was begun.
    pub(super) fn to_byte(&self) -> u32 {
        (8 - self.count) % 8
    }
}
