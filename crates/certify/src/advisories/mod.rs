//! Vulnerability data (spec `certification.md`, *Vulnerability data*): records in the OSV format and the lists beside
//! them are imported from files, kept compactly, and matched with the packages of an image. Not the criteria that judge
//! by it, and nothing that fetches.

pub mod ecosystem;
mod error;
pub mod import;
pub mod lists;
pub mod matching;
pub mod osv;
pub mod ranges;
pub mod severity;
pub mod store;
pub mod versions;
pub mod vex;
mod zipfile;

pub use error::Error;
pub use matching::{Vulnerabilities, gather};
pub use store::Advisories;

/// Name of the file of vulnerability data, in the user's data directory and in a marketplace's.
pub const FILE_NAME: &str = "advisories.db";
