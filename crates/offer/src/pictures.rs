//! Pictures of an offer: PNG files of exact sizes, decoded fully before they count. Everything is checked from the
//! header before anything is decompressed, and what is decompressed is bounded by what the header promises.

use crate::policy::OfferLimits;
use std::io::{Cursor, Read};

/// Most bytes of a picture file: an uncompressed 1280×720 picture has 3.7 MB.
pub const PICTURE_BYTES_MAX: usize = 4 << 20;
/// Most chunks of a PNG; a still picture of 4 MiB has some hundreds.
const CHUNKS_MAX: usize = 10_000;
/// Memory that the decoder may take besides the picture itself.
const DECODER_BYTES_MAX: usize = 32 << 20;
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length, type and check sum around a chunk's data.
const CHUNK_OVERHEAD: usize = 12;

/// Sizes of the logos and the hero picture in pixels (spec `offer.md`).
pub(crate) const LOGOS: [(&str, (u32, u32)); 5] = [
    ("small", (40, 40)),
    ("medium", (90, 90)),
    ("large", (115, 115)),
    ("wide", (255, 115)),
    ("hero", (815, 290)),
];
/// Size of a video's thumbnail in pixels (spec `offer.md`).
pub(crate) const THUMBNAIL: (u32, u32) = (533, 324);

/// The size in pixels that the picture has which the field at this JSON pointer names; `None` where no picture is named.
pub fn size_of(pointer: &str, limits: &OfferLimits) -> Option<(u32, u32)> {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let is_index = |part: &str| part.parse::<usize>().is_ok();
    match parts[..] {
        ["listing", "logos", name] => {
            LOGOS.into_iter().find(|(known, _)| *known == name).map(|(_, size)| size)
        }
        ["listing", "videos", index, "thumbnail"] if is_index(index) => Some(THUMBNAIL),
        ["plans", plan, "screenshots", index, "file"] if is_index(plan) && is_index(index) => {
            Some(limits.screenshot_pixels)
        }
        _ => None,
    }
}

/// Whether a text is a path of a file in the offer's directory.
pub fn is_path(text: &str) -> bool {
    !text.is_empty() && crate::forms::Form::File.check(text).is_ok()
}

/// Why a file is no acceptable picture. The text completes "logos/small.png …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// More than [`PICTURE_BYTES_MAX`].
    #[error("has {0} bytes, at most {PICTURE_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// Another kind of file, named.
    #[error("is {0}, not a PNG")]
    NotPng(&'static str),
    /// The header names another size than the one that is needed.
    #[error("is {found_width}×{found_height} pixels, exactly {width}×{height} are needed")]
    #[allow(missing_docs, reason = "the names say it")]
    Size { found_width: u32, found_height: u32, width: u32, height: u32 },
    /// An animation.
    #[error("is an animated PNG, a still picture is needed")]
    Animated,
    /// The file ends before the picture does.
    #[error("is truncated: {0}")]
    Truncated(&'static str),
    /// The data decompress to more than the header's size needs.
    #[error("is a decompression bomb: its data are more than the {0} bytes that its header promises")]
    Bomb(usize),
    /// Bytes after the end of the picture.
    #[error("has {0} bytes after the end of the picture")]
    Trailing(usize),
    /// It does not decode.
    #[error("is a damaged PNG: {0}")]
    Damaged(String),
}

impl PictureError {
    /// Stable name of the rule.
    pub fn rule(&self) -> &'static str {
        match self {
            PictureError::TooLarge(_) => "picture-too-large",
            PictureError::NotPng(_) => "picture-not-png",
            PictureError::Size { .. } => "picture-size",
            PictureError::Animated => "picture-animated",
            PictureError::Truncated(_) => "picture-truncated",
            PictureError::Bomb(_) => "picture-bomb",
            PictureError::Trailing(_) => "picture-trailing-data",
            PictureError::Damaged(_) => "picture-damaged",
        }
    }
}

/// Whether `bytes` are a whole PNG of exactly this size in pixels.
pub fn check(bytes: &[u8], (width, height): (u32, u32)) -> Result<(), PictureError> {
    if bytes.len() > PICTURE_BYTES_MAX {
        return Err(PictureError::TooLarge(bytes.len()));
    }
    if !bytes.starts_with(SIGNATURE) {
        return Err(PictureError::NotPng(kind(bytes)));
    }
    let header = Header::read(bytes)?;
    if (header.width, header.height) != (width, height) {
        let (found_width, found_height) = (header.width, header.height);
        return Err(PictureError::Size { found_width, found_height, width, height });
    }
    let data = picture_data(bytes)?;
    let promised = header.raw_bytes();
    let mut inflated = Vec::new();
    let bounded = flate2::read::ZlibDecoder::new(Cursor::new(&data)).take(promised as u64 + 1);
    match { bounded }.read_to_end(&mut inflated) {
        Err(error) => return Err(PictureError::Damaged(error.to_string())),
        Ok(_) if inflated.len() > promised => return Err(PictureError::Bomb(promised)),
        Ok(_) if inflated.len() < promised => {
            return Err(PictureError::Truncated("its data are fewer than its size needs"));
        }
        Ok(_) => {}
    }
    decode(bytes)
}

/// What the first bytes say that a file is.
fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [0xff, 0xd8, 0xff, ..] => "a JPEG",
        [b'G', b'I', b'F', b'8', ..] => "a GIF",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "a WebP",
        [b'B', b'M', ..] => "a BMP",
        [0, 0, 1, 0, ..] => "an ICO",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [0x1f, 0x8b, ..] => "gzip data",
        _ => {
            let start = &bytes[..bytes.len().min(256)];
            if start.windows(4).any(|window| window == b"<svg") {
                "an SVG"
            } else if std::str::from_utf8(start).is_ok() {
                "text"
            } else {
                "another kind of file"
            }
        }
    }
}

struct Header {
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlaced: bool,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Header, PictureError> {
        // Signature, length, type, 13 bytes of header (PNG specification, 11.2.1).
        let Some(chunk) = bytes.get(8..29) else {
            return Err(PictureError::Truncated("it ends in its header"));
        };
        if &chunk[..8] != b"\0\0\0\x0dIHDR" {
            return Err(PictureError::Damaged("the first chunk is no header".into()));
        }
        let word = |at: usize| u32::from_be_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]]);
        Ok(Header {
            width: word(8),
            height: word(12),
            depth: chunk[16],
            colour: chunk[17],
            interlaced: chunk[20] == 1,
        })
    }

    /// Bytes of the filtered rows before compression. The size is known to be a small one here.
    fn raw_bytes(&self) -> usize {
        let channels = match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let bits = usize::from(self.depth) * channels;
        let pass = |width: usize, height: usize| match width {
            0 => 0,
            width => height * (1 + (width * bits).div_ceil(8)),
        };
        let (width, height) = (self.width as usize, self.height as usize);
        if !self.interlaced {
            return pass(width, height);
        }
        // First column, first row, column step, row step of the seven passes (PNG specification, 8.2).
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            .into_iter()
            .map(|(x, y, dx, dy)| {
                pass(width.saturating_sub(x).div_ceil(dx), height.saturating_sub(y).div_ceil(dy))
            })
            .sum()
    }
}

/// The compressed data of all `IDAT` chunks, after a walk to the end of the file.
fn picture_data(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut data = Vec::new();
    let mut at = SIGNATURE.len();
    for _ in 0..CHUNKS_MAX {
        let Some(head) = bytes.get(at..at + 8) else {
            return Err(PictureError::Truncated("it ends between two chunks"));
        };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(body) = at.checked_add(8).and_then(|start| bytes.get(start..start.checked_add(length)?))
        else {
            return Err(PictureError::Truncated("it ends within a chunk"));
        };
        at += CHUNK_OVERHEAD + length;
        match &head[4..8] {
            b"IDAT" => data.extend_from_slice(body),
            b"acTL" => return Err(PictureError::Animated),
            b"IEND" => {
                return match bytes.len().checked_sub(at) {
                    None => Err(PictureError::Truncated("it ends within a chunk")),
                    Some(0) => Ok(data),
                    Some(rest) => Err(PictureError::Trailing(rest)),
                };
            }
            _ => {}
        }
    }
    Err(PictureError::Damaged(format!("it has more than {CHUNKS_MAX} chunks")))
}

fn decode(bytes: &[u8]) -> Result<(), PictureError> {
    let damaged = |error: png::DecodingError| PictureError::Damaged(error.to_string());
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: DECODER_BYTES_MAX });
    // Texts and colour profiles are compressed too and not shown.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = reader.output_buffer_size().filter(|size| *size <= DECODER_BYTES_MAX);
    let size = size.ok_or_else(|| PictureError::Damaged("its rows are too long".into()))?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    reader.finish().map_err(damaged)
}
