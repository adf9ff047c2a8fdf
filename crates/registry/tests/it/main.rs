//! The blob store through its public face, and the server over a real TCP port.

mod blobs;
