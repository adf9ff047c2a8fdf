//! The blob store through its public face, and the server over a real TCP port.

mod access;
mod blobs;
mod memory;
mod pull;
mod push;
mod skopeo;
mod support;
