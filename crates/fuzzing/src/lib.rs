//! Targets of fuzzing: each is a function over bytes that calls parsers by their public edge and asserts what must hold
//! whatever the bytes are, not only that nothing panics. `fuzz/` runs them under libFuzzer, `tests/` replays the kept
//! inputs in CI. No part of the product, and no library for tests: whatever is asserted of one known input stands in the
//! tests of its own crate.

mod advisories;
mod archives;
mod deltas;
mod edits;
mod files;
mod image;
mod images;
mod input;
mod layers;
mod offers;
mod owner;
mod packages;
mod policies;
mod requests;
mod secrets;
pub mod seeds;
mod signatures;
mod texts;
mod versions;
mod zips;

pub use advisories::advisories;
pub use archives::archives;
pub use deltas::deltas;
pub use edits::edits;
pub use files::files;
pub use images::images;
pub use layers::layers;
pub use offers::offers;
pub use packages::packages;
pub use policies::policies;
pub use requests::requests;
pub use secrets::secrets;
pub use signatures::signatures;
pub use texts::texts;
pub use versions::versions;
pub use zips::zips;

/// A target: it panics when a property does not hold.
pub type Target = fn(&[u8]);

/// All targets, by the name of their directory in `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("advisories", advisories),
    ("archives", archives),
    ("deltas", deltas),
    ("edits", edits),
    ("files", files),
    ("images", images),
    ("layers", layers),
    ("offers", offers),
    ("packages", packages),
    ("policies", policies),
    ("requests", requests),
    ("secrets", secrets),
    ("signatures", signatures),
    ("texts", texts),
    ("versions", versions),
    ("zips", zips),
];
