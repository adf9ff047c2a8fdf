//! Everything that crate `oci` promises, through its public edge.

mod build;
mod layer;
mod layout;
