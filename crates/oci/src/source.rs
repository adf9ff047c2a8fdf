//! Where an image is read from. The calls block, because their caller is the certification pass, which is work for
//! the CPU; a source over the network brings its own runtime handle. The kinds: layout directory, OCI archive, Docker
//! archive, registry repository, and (in `market`) the marketplace's own blobs.

use crate::{Error, digest::Digest, manifest::Descriptor};
use std::io::Read;

/// One repository of images: a set of tags and the content behind them.
pub trait Source: Send + Sync {
    /// For people: `oci:./image`, `docker://registry.example.com/acme/telemetry`.
    fn describe(&self) -> String;

    /// All tags, sorted. At most [`TAGS_MAX`].
    fn tags(&self) -> Result<Vec<String>, Error>;

    /// What a tag or digest (`sha256:…`) points at. `None` means: the reference's own tag or digest, else `latest`,
    /// else the only image there.
    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error>;

    /// The bytes of a manifest, index or config, verified against the descriptor; at most
    /// [`MANIFEST_BYTES_MAX`](crate::manifest::MANIFEST_BYTES_MAX).
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error>;

    /// The raw bytes of a blob, not verified: layers are verified while they are read, by `layer::LayerReader`.
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error>;

    /// As [`blob`](Source::blob), without the bytes before `offset`: for whoever has those from a transfer that broke off.
    fn blob_from(&self, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        let mut raw = self.blob(descriptor)?;
        std::io::copy(&mut raw.by_ref().take(offset), &mut std::io::sink())
            .map_err(|error| Error::from_io(format!("reading {}", descriptor.digest), error))?;
        Ok(raw)
    }

    /// The manifests whose subject is this digest (OCI distribution spec 1.1, *Listing Referrers*), as they are listed:
    /// what the list says of them is to be verified. A kind of place that cannot hold any has none.
    fn referrers(&self, _subject: Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(Vec::new())
    }
}

/// Most tags that are read from one repository; one with more is refused, not truncated.
pub const TAGS_MAX: usize = 10_000;

pub(crate) mod archive;
mod delta;
pub mod docker_archive;
pub mod layout;
mod open;
pub mod registry;
mod tree;

pub use delta::{DeltaSource, Rebuilding};
pub use open::{OpenOptions, open};
pub use tree::{Referring, manifests_below, referrers_below};

/// Reads a small file wholly; more than `bytes_max` is an error.
pub(crate) fn read_bounded(raw: impl Read, what: &str, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    raw.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::from_io(format!("reading {what}"), error))?;
    match bytes.len() as u64 > bytes_max {
        true => Err(Error::Limit { what: what.to_owned(), limit: format!("{bytes_max} bytes") }),
        false => Ok(bytes),
    }
}

/// Do size and digest agree with the descriptor?
pub(crate) fn check_bytes(what: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() as u64 != descriptor.size {
        let (expected, found) = (descriptor.size, bytes.len() as u64);
        return Err(Error::SizeMismatch { what: what.to_owned(), expected, found });
    }
    let (expected, found) = (descriptor.digest, descriptor.digest.again(bytes));
    match expected == found {
        true => Ok(()),
        false => Err(Error::DigestMismatch { what: what.to_owned(), expected, found: Box::new(found) }),
    }
}
