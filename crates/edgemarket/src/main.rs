//! stub

// The demo reads it.
#[allow(dead_code)]
mod sample;

fn main() {}
