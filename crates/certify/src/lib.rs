//! Certification: one streaming pass over each layer gathers evidence, the layers' evidence is merged into the image's,
//! and pure criteria judge it together with offer and policy (spec `certification.md`). Works without a marketplace.

pub mod criteria;
pub mod evidence;
pub mod judge;
pub mod report;
pub mod sbom;
