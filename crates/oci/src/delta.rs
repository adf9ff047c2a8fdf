//! Layer deltas: what a device needs beside the layers that it has, to make the exact bytes of a new layer.
//!
//! A layer is compressed, and one changed byte changes all that follow it; so a delta of compressed bytes saves nothing
//! (measured: chunks and zstd's patch of a gzip layer in which one dependency changed: 100 % and 99 %), and a delta of the
//! tar does not give the same compressed bytes again, since each compressor makes others. Here a gzip layer is taken apart
//! into the literals and matches that its compressor chose, and the blocks and codes by which it wrote them down. Where
//! the text is the same, so are the choices; zstd's patch of both against those of the old layers is small, and whatever
//! compressor wrote the layer, it is put together bit for bit. Nothing here fetches or stores anything.

use std::io::{self, BufReader, Read, Write};

mod artifact;
mod bases;
mod bits;
mod deflate;
mod gzip;
mod huffman;
mod varint;

pub use artifact::{DELTA_TYPE, LayerDelta, offered, referrer};
pub use bases::{Bases, bases};

#[cfg(test)]
mod tests;

/// Most bytes, taken apart, of all old layers and the new one together: they are held in memory to make and to apply a
/// delta, on devices too, which have 512 MB at times. Layers of some 100 MB fit, compressed.
pub const PARTS_BYTES_MAX: u64 = 256 << 20;

/// What is read between two looks at whether somebody wants the work to end.
const PIECE_BYTES: usize = 1 << 20;

/// zstd's level for making: beyond it time doubles and a tenth is saved.
const LEVEL: i32 = 12;

const MAGIC: [u8; 8] = *b"emdelta1";

/// Bytes before the two frames: magic, length of the content, of the structure, and of the first frame.
const HEAD_BYTES: usize = 32;

/// Why there is no delta, or why one cannot be applied.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Fault {
    #[error("it ends too early")]
    CutShort,
    #[error("it is broken: {0}")]
    Broken(&'static str),
    #[error("it is written in an unusual way: {0}")]
    Unusual(&'static str),
    #[error("deltas are made of gzip layers and plain tar layers, not of {0}")]
    Unsupported(String),
    #[error("it has {found} bytes taken apart, more than {PARTS_BYTES_MAX}")]
    TooLarge { found: u64 },
    #[error("it is no delta of this kind")]
    NotADelta,
    #[error("the work was stopped")]
    Stopped,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A layer taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What it says.
    content: Vec<u8>,
    /// How that was written down.
    structure: Vec<u8>,
}

/// How a layer's bytes are wrapped; the first byte of the structure.
const PLAIN: u8 = 0;
const GZIP: u8 = 1;

impl Parts {
    /// Takes a layer apart. `media_type` says whether it is compressed.
    ///
    /// # Errors
    /// It is compressed by another method, in a way that cannot be written again, or too large.
    pub fn of(media_type: &str, bytes: &[u8]) -> Result<Parts, Fault> {
        let mut parts = Parts::default();
        if media_type.ends_with("gzip") {
            parts.structure.push(GZIP);
            gzip::take_apart(bytes, &mut parts)?;
        } else if media_type.ends_with("tar") {
            parts.structure.push(PLAIN);
            parts.content = bytes.to_vec();
        } else {
            return Err(Fault::Unsupported(media_type.to_owned()));
        }
        parts.check_size()?;
        Ok(parts)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> u64 {
        (self.content.len() + self.structure.len()) as u64
    }

    fn check_size(&self) -> Result<(), Fault> {
        if self.bytes() > PARTS_BYTES_MAX { Err(Fault::TooLarge { found: self.bytes() }) } else { Ok(()) }
    }

    /// Whether the layer can be taken apart at all, as far as its type says.
    fn is_supported(media_type: &str) -> bool {
        media_type.ends_with("gzip") || media_type.ends_with("tar")
    }

    /// Appends another layer's, so that both together are what a delta is made against.
    pub fn append(&mut self, other: &Parts) -> Result<(), Fault> {
        self.content.extend_from_slice(&other.content);
        self.structure.extend_from_slice(&other.structure);
        self.check_size()
    }
}

/// Makes the delta from `old` to `new`. `go_on` is asked after each piece, with the bytes of `new` that were dealt with.
///
/// # Errors
/// Both together are too large, or `go_on` says no.
pub fn make(old: &Parts, new: &Parts, go_on: &dyn Fn(u64) -> bool) -> Result<Vec<u8>, Fault> {
    let together = old.bytes() + new.bytes();
    if together > PARTS_BYTES_MAX {
        return Err(Fault::TooLarge { found: together });
    }
    let content = patch(&old.content, &new.content, go_on)?;
    let before = new.content.len() as u64;
    let structure = patch(&old.structure, &new.structure, &|done| go_on(before + done))?;
    let mut delta = MAGIC.to_vec();
    for length in [new.content.len(), new.structure.len(), content.len()] {
        delta.extend((length as u64).to_le_bytes());
    }
    delta.extend(content);
    delta.extend(structure);
    Ok(delta)
}

/// One zstd frame (RFC 8878) that refers to `old` as its prefix.
fn patch(old: &[u8], new: &[u8], go_on: &dyn Fn(u64) -> bool) -> Result<Vec<u8>, Fault> {
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, old)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(window_log(old.len() as u64 + new.len() as u64))?;
    for (number, piece) in new.chunks(PIECE_BYTES).enumerate() {
        encoder.write_all(piece)?;
        if !go_on((number * PIECE_BYTES + piece.len()) as u64) {
            return Err(Fault::Stopped);
        }
    }
    Ok(encoder.finish()?)
}

/// zstd's window must reach back over all that is new, and all that is old.
fn window_log(bytes: u64) -> u32 {
    (u64::BITS - bytes.leading_zeros()).clamp(17, 30)
}

/// Applies a delta: writes the new layer's bytes. Whoever calls checks their digest; up to then they are not to be
/// believed. No more than `bytes_max` are written.
///
/// # Errors
/// It is no delta, it does not fit `old`, or it makes more bytes than may be.
pub fn apply(old: &Parts, delta: &[u8], bytes_max: u64, out: &mut impl Write) -> Result<(), Fault> {
    let (head, frames) = delta.split_at_checked(HEAD_BYTES).ok_or(Fault::NotADelta)?;
    let number =
        |at: usize| head[at..at + 8].iter().rev().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    if head[..8] != MAGIC {
        return Err(Fault::NotADelta);
    }
    let (content_bytes, structure_bytes, first) = (number(8), number(16), number(24));
    let together = old.bytes().saturating_add(content_bytes).saturating_add(structure_bytes);
    if together > PARTS_BYTES_MAX {
        return Err(Fault::TooLarge { found: together });
    }
    let first = usize::try_from(first).map_err(|_| Fault::NotADelta)?;
    let (content, structure) = frames.split_at_checked(first).ok_or(Fault::NotADelta)?;
    let content = unpatch(&old.content, content, content_bytes)?;
    let mut written = Vec::new();
    unpatch(&old.structure, structure, structure_bytes)?.read_to_end(&mut written)?;
    let mut out = Bounded { out, left: bytes_max };
    match written.split_first() {
        Some((&PLAIN, _)) => {
            io::copy(&mut { content }, &mut out)?;
        }
        Some((&GZIP, structure)) => {
            gzip::put_together(structure, BufReader::with_capacity(64 << 10, content), &mut out)?
        }
        _ => return Err(Fault::NotADelta),
    }
    Ok(out.flush()?)
}

fn unpatch<'a>(old: &'a [u8], frame: &'a [u8], bytes: u64) -> io::Result<impl Read + 'a> {
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(frame, old)?.single_frame();
    decoder.window_log_max(window_log(old.len() as u64 + bytes))?;
    Ok(decoder.take(bytes))
}

/// Refuses to write more than a limit.
struct Bounded<'a, W> {
    out: &'a mut W,
    left: u64,
}

impl<W: Write> Write for Bounded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the delta makes more bytes than the layer has",
            ));
        }
        let count = self.out.write(bytes)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
