//! Tests of certification through its public edge.

mod fixture;
mod gather_bad;
mod gather_image;
mod gather_parsers;
