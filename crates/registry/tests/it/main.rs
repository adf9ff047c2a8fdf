//! The blob store through its public face, and the server over a real TCP port.

mod access;
mod algorithms;
mod blobs;
mod clients;
mod memory;
mod pull;
mod push;
mod raw;
mod skopeo;
mod storage;
mod support;
