//! What a marketplace states about an image, and whether all of it is there: [`statement`] makes and reads the
//! predicates, [`verify`] follows the chain from an image's digest over its signature, bills of materials and
//! certification to a key that somebody trusts. Envelopes, bundles and keys are [`oci::trust`]'s; nothing is signed here.

pub mod export;
pub mod statement;
mod verify;

pub use verify::{Chain, Demands, Ignored, Link, LinkState, Verification, verify};
