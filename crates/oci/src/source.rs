//! Where an image is read from. The calls block, because their caller is the certification pass, which is work for
//! the CPU; a source over the network brings its own runtime handle. The kinds: layout directory, OCI archive, Docker
//! archive, registry repository, and (in `market`) the marketplace's own blobs.

use crate::{Error, manifest::Descriptor};
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
}

/// Most tags that are read from one repository; one with more is refused, not truncated.
pub const TAGS_MAX: usize = 10_000;
