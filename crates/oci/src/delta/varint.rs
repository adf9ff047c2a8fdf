//! Numbers of seven bits a byte, the least significant first (LEB128), and single bytes.

use super::Fault;
use std::io::{self, Read};

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take(mut from: impl Read) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(value);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a number is too long"))
}

pub(super) fn byte(from: &mut &[u8]) -> Result<u8, Fault> {
    let (&byte, rest) = from.split_first().ok_or(Fault::CutShort)?;
    *from = rest;
    Ok(byte)
}
