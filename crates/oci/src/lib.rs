//! Container images, from anywhere to anywhere: references, digests, manifests, verified layer streams, the places an
//! image is read from (layout directory, archives, registry) and written to. It knows nothing of offers.

pub mod digest;
pub mod layer;
pub mod manifest;
pub mod source;

mod error;
pub use error::Error;
