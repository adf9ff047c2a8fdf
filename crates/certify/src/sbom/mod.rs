//! The bill of materials of one image: its packages by package URL, in the forms that others read.

mod changes;
pub mod cyclonedx;
pub mod purl;
pub mod spdx_json;

pub use changes::{PackageChange, changes};

/// A form of the bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SbomFormat {
    /// CycloneDX 1.6 JSON.
    CycloneDx,
    /// SPDX 2.3 JSON.
    Spdx,
}

impl SbomFormat {
    /// Both of them.
    pub const ALL: [SbomFormat; 2] = [SbomFormat::CycloneDx, SbomFormat::Spdx];

    /// The name on the command line and in `?format=`.
    pub fn name(self) -> &'static str {
        match self {
            SbomFormat::CycloneDx => "cyclonedx",
            SbomFormat::Spdx => "spdx",
        }
    }

    /// The form of this name.
    pub fn of_name(name: &str) -> Option<SbomFormat> {
        SbomFormat::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Media type, as registered with IANA.
    pub fn media_type(self) -> &'static str {
        match self {
            SbomFormat::CycloneDx => "application/vnd.cyclonedx+json",
            SbomFormat::Spdx => "application/spdx+json",
        }
    }
}
