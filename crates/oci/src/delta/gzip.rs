//! The members of a gzip file (RFC 1952) around their DEFLATE streams. Headers and trailers are kept as they are.

use super::deflate::{self, Run, Tokens};
use super::{Fault, Parts, varint};
use std::io::{BufRead, Write};

/// Marks in the structure: what comes next.
const RAW: u8 = 0;
const STREAM: u8 = 1;

/// Bytes of a member behind its stream: checksum and length.
const TRAILER_BYTES: usize = 8;

/// Most members: some tools write one for each file, whose remembrance costs little.
const MEMBERS_MAX: usize = 1_000_000;

pub(super) fn take_apart(mut bytes: &[u8], parts: &mut Parts) -> Result<(), Fault> {
    let mut run = Run::default();
    for _ in 0..MEMBERS_MAX {
        // What follows the last member, if anything does, is kept as it is.
        let Some(header) = header_bytes(bytes) else { break };
        raw(&bytes[..header], parts);
        bytes = &bytes[header..];
        parts.structure.push(STREAM);
        let stream = deflate::take_apart(bytes, parts, &mut run)?;
        let (trailer, rest) = bytes[stream..].split_at_checked(TRAILER_BYTES).ok_or(Fault::CutShort)?;
        raw(trailer, parts);
        bytes = rest;
    }
    raw(bytes, parts);
    run.flush(&mut parts.content);
    Ok(())
}

fn raw(bytes: &[u8], parts: &mut Parts) {
    if !bytes.is_empty() {
        parts.structure.push(RAW);
        varint::put(&mut parts.structure, bytes.len() as u64);
        parts.structure.extend_from_slice(bytes);
    }
}

/// Length of the header of a member that begins here (RFC 1952 § 2.3).
fn header_bytes(bytes: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _, ..] = *bytes else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += bytes.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (at <= bytes.len()).then_some(at)
}

pub(super) fn put_together(
    mut structure: &[u8],
    content: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let mut tokens = Tokens::new(content);
    while !structure.is_empty() {
        match varint::byte(&mut structure)? {
            RAW => {
                let length = usize::try_from(varint::take(&mut structure)?).map_err(|_| Fault::CutShort)?;
                let (bytes, rest) = structure.split_at_checked(length).ok_or(Fault::CutShort)?;
                out.write_all(bytes)?;
                structure = rest;
            }
            STREAM => deflate::put_together(&mut structure, &mut tokens, out)?,
            _ => return Err(Fault::Broken("the structure holds a mark that means nothing")),
        }
    }
    Ok(())
}
