//! The bill of materials of one image: its packages by package URL, in the forms that others read.

pub mod cyclonedx;
pub mod purl;
