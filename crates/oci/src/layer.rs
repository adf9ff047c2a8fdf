//! A layer's uncompressed bytes, verified while they are read: digest and size of what came in, diff ID of what went
//! out, and never more of either than was announced or allowed. One pass, one thread, constant memory. It does not
//! know tar: walking the entries is the reader's business.
//!
//! Both hashes run in the reading thread on buffers that are still in the cache: a hashing thread of its own cost
//! more CPU than it gave (design, § 4).

use crate::digest::{Digest, Hasher};
use crate::manifest::{Descriptor, media_type};
use crate::{Error, layer::verified::Verified};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, Read};

mod verified;

/// Size of each of the two buffers of a reader. Both must stay in the second-level cache between the steps.
const BUFFER_BYTES: usize = 128 << 10;

/// Largest zstd window, as a power of two: 64 MiB, so that two layers at once stay far below 200 MB. RFC 8878 asks
/// decoders for 8 MiB; `zstd -21` needs 64 MiB; only `--ultra -22` and `--long=27` need more.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;

/// How far a layer may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerLimits {
    /// Most uncompressed bytes. (The compressed size is limited by the descriptor.)
    pub uncompressed_bytes_max: u64,
}

/// What a wholly read and verified layer turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSummary {
    /// Bytes as stored; equals the descriptor's size.
    pub compressed_bytes: u64,
    /// Bytes of the tar stream.
    pub uncompressed_bytes: u64,
    /// Digest of the tar stream; equals the stated diff ID where one was given.
    pub diff_id: Digest,
}

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// A plain tar stream.
    None,
    /// One or more gzip members (RFC 1952).
    Gzip,
    /// One or more zstd frames (RFC 8878).
    Zstd,
}

impl Compression {
    /// How a layer of this media type is stored. Foreign (non-distributable) layers and unknown media types are
    /// [`Error::Unsupported`].
    pub fn of(layer: &Descriptor) -> Result<Compression, Error> {
        match layer.media_type.as_str() {
            media_type::OCI_LAYER | media_type::DOCKER_LAYER => Ok(Compression::None),
            media_type::OCI_LAYER_GZIP | media_type::DOCKER_LAYER_GZIP => Ok(Compression::Gzip),
            media_type::OCI_LAYER_ZSTD | media_type::DOCKER_LAYER_ZSTD => Ok(Compression::Zstd),
            other if other.contains(".nondistributable.") || other.contains(".foreign.") => {
                Err(Error::Unsupported(format!(
                    "foreign layer {} (media type {other}: its content is not in the repository, so nobody could \
                     check or copy it)",
                    layer.digest
                )))
            }
            other => {
                let shown: String = other.chars().take(200).collect();
                Err(Error::Unsupported(format!("media type {shown:?} of layer {}", layer.digest)))
            }
        }
    }
}

/// Streaming reader of a layer's uncompressed bytes. Reading to the end is not enough: only [`LayerReader::finish`]
/// says that the layer is what its descriptor and the image config state.
///
/// An error seen through `Read` or `BufRead` is final: every later read repeats its text, and the typed error waits
/// in [`LayerReader::take_error`] and [`LayerReader::finish`].
pub struct LayerReader {
    descriptor: Descriptor,
    diff_id: Option<Digest>,
    limits: LayerLimits,
    decoder: Decoder,
    /// Hash over the uncompressed bytes, by the algorithm of the stated diff ID; `None` for plain layers, where it would
    /// equal the digest.
    hasher: Option<Hasher>,
    out: Box<[u8]>,
    start: usize,
    end: usize,
    uncompressed_bytes: u64,
    at_end: bool,
    failure: Option<Failure>,
}

struct Failure {
    text: String,
    error: Option<Error>,
}

enum Decoder {
    Plain(Box<Verified>),
    Gzip(Box<MultiGzDecoder<Verified>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Verified>>),
}

impl LayerReader {
    /// Starts reading. `raw` are the stored bytes; `diff_id` the stated digest of the uncompressed ones, where known.
    pub fn open(
        raw: Box<dyn Read + Send>,
        descriptor: &Descriptor,
        diff_id: Option<Digest>,
        limits: LayerLimits,
    ) -> Result<LayerReader, Error> {
        let compression = Compression::of(descriptor)?;
        let raw = Verified::new(raw, descriptor, BUFFER_BYTES);
        let decoder = match compression {
            Compression::None => Decoder::Plain(Box::new(raw)),
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(raw))),
            Compression::Zstd => {
                let what = || format!("starting the zstd decoder for layer {}", descriptor.digest);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(Error::io(what()))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(Error::io(what()))?;
                Decoder::Zstd(Box::new(decoder))
            }
        };
        Ok(LayerReader {
            descriptor: descriptor.clone(),
            diff_id,
            limits,
            decoder,
            hasher: hasher(compression, descriptor.digest, diff_id),
            out: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            uncompressed_bytes: 0,
            at_end: false,
            failure: None,
        })
    }

    /// Reads what is left and says whether the layer is what was stated: size, digest and diff ID agree, the
    /// compressed stream is complete and nothing follows it.
    pub fn finish(mut self) -> Result<LayerSummary, Error> {
        self.start = self.end;
        while self.failure.is_none() && !self.at_end {
            // A failure lands in `self.failure`.
            let _ = self.refill();
            self.start = self.end;
        }
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        if let Some(failure) = self.failure {
            return Err(Error::Malformed { what: self.descriptor.digest.to_string(), cause: failure.text });
        }
        let compressed_bytes = self.descriptor.size;
        let digest = self.decoder.raw().close()?;
        let diff_id = self.hasher.map_or(digest, Hasher::finish);
        match self.diff_id {
            Some(expected) if expected != diff_id => {
                let (expected, found) = (Box::new(expected), Box::new(diff_id));
                Err(Error::DiffIdMismatch { layer: self.descriptor.digest, expected, found })
            }
            _ => Ok(LayerSummary { compressed_bytes, uncompressed_bytes: self.uncompressed_bytes, diff_id }),
        }
    }

    /// The error behind a failed read, once.
    pub fn take_error(&mut self) -> Option<Error> {
        self.failure.as_mut().and_then(|failure| failure.error.take())
    }

    /// Uncompressed bytes so far.
    pub fn uncompressed_bytes(&self) -> u64 {
        self.uncompressed_bytes
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.out);
        let result = self.decode(&mut out);
        self.out = out;
        self.start = 0;
        self.end = 0;
        self.end = result?;
        Ok(())
    }

    /// The next uncompressed bytes straight into `out`, hashed and counted. 0 means the end.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(io::Error::other(failure.text.clone()));
        }
        if self.at_end || out.is_empty() {
            return Ok(0);
        }
        match self.decoder.read(out) {
            Ok(count) => {
                self.uncompressed_bytes += count as u64;
                if self.uncompressed_bytes > self.limits.uncompressed_bytes_max {
                    return Err(self.fail(Error::Limit {
                        what: format!("uncompressed content of layer {}", self.descriptor.digest),
                        limit: format!("{} bytes", self.limits.uncompressed_bytes_max),
                    }));
                }
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(&out[..count]);
                }
                self.at_end = count == 0;
                Ok(count)
            }
            Err(error) => {
                let error = self.diagnose(error);
                Err(self.fail(error))
            }
        }
    }

    /// Why the decoder failed: an error of the raw stream, wrong content, or content that is what was stated but
    /// malformed. To tell the last two apart, the rest of the raw bytes (bounded by the descriptor's size) is read.
    fn diagnose(&mut self, error: io::Error) -> Error {
        let what = format!("layer {}", self.descriptor.digest);
        let cause = match (&self.decoder, error.kind()) {
            (Decoder::Gzip(gzip), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput)
                if gzip.header().is_none() =>
            {
                // Between two members: what follows is no gzip header.
                match self.uncompressed_bytes {
                    0 => "the media type says gzip, but the content is none",
                    _ => "bytes that are no gzip member follow the compressed stream",
                }
                .to_owned()
            }
            (_, io::ErrorKind::UnexpectedEof) => "the compressed stream is cut short".to_owned(),
            (Decoder::Zstd(_), _) if error.to_string().contains("Unknown frame descriptor") => {
                match self.uncompressed_bytes {
                    0 => "the media type says zstd, but the content is none",
                    _ => "bytes that are no zstd frame follow the compressed stream",
                }
                .to_owned()
            }
            (Decoder::Zstd(_), _) if error.to_string().contains("too much memory") => {
                format!("its zstd window is larger than {} MiB", (1_u64 << ZSTD_WINDOW_LOG_MAX) >> 20)
            }
            _ => error.to_string(),
        };
        let raw = self.decoder.raw();
        if let Some(error) = raw.take_failure() {
            return error;
        }
        match raw.drain().and_then(|()| raw.close()) {
            Ok(_) => Error::Malformed { what, cause },
            Err(error) => error,
        }
    }

    fn fail(&mut self, error: Error) -> io::Error {
        let text = error.to_string();
        self.failure = Some(Failure { text: text.clone(), error: Some(error) });
        io::Error::other(text)
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            if buffer.len() >= BUFFER_BYTES / 2 {
                return self.decode(buffer);
            }
            self.refill()?;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.out[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

impl BufRead for LayerReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.refill()?;
        }
        Ok(&self.out[self.start..self.end])
    }
    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}

impl Decoder {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Plain(reader) => reader.read(out),
            Decoder::Gzip(reader) => reader.read(out),
            Decoder::Zstd(reader) => reader.read(out),
        }
    }
    fn raw(&mut self) -> &mut Verified {
        match self {
            Decoder::Plain(reader) => reader,
            Decoder::Gzip(reader) => reader.get_mut(),
            Decoder::Zstd(reader) => reader.get_mut(),
        }
    }
}

/// For the uncompressed bytes, by the algorithm of the stated diff ID; `None` where it would repeat the digest.
fn hasher(compression: Compression, digest: Digest, diff_id: Option<Digest>) -> Option<Hasher> {
    let hasher = diff_id.map_or_else(|| Hasher::Sha256(Sha256::new()), |diff_id| diff_id.hasher());
    let same = std::mem::discriminant(&hasher) == std::mem::discriminant(&digest.hasher());
    (compression != Compression::None || !same).then_some(hasher)
}
