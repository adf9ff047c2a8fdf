//! The sample module that `demo` publishes: a static Linux program for the platform of this very binary, compiled
//! from `sample/module` by the build script. It is not an image: the demo packs it into one.

/// The program, an ELF file without an interpreter.
pub const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sample-module"));

#[cfg(test)]
mod tests;
