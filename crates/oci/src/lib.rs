//! Container images, from anywhere to anywhere: references, digests, manifests, verified layer streams, the places an
//! image is read from (layout directory, archives, registry) and written to. It knows nothing of offers.

pub mod client;
pub mod delta;
pub mod digest;
pub mod layer;
pub mod manifest;
pub mod pack;
pub mod reference;
pub mod source;
pub mod trust;
pub mod writer;

mod error;
pub use error::Error;
