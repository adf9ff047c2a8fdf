//! Certification: one streaming pass over each layer gathers evidence, the layers' evidence is merged into the image's,
//! and pure criteria judge it together with offer and policy (spec `certification.md`). Works without a marketplace.

pub mod advisories;
pub mod binary;
pub mod cache;
pub mod clamd;
mod content;
pub mod criteria;
pub mod custom;
pub mod engine;
pub mod evidence;
pub mod files;
pub mod gather;
mod gowatch;
pub mod judge;
pub mod layer;
pub mod licences;
pub mod links;
pub mod merge;
mod owners;
pub mod packages;
mod pass;
pub mod policy;
mod product_info;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod sbom;
mod secrets;
pub mod sentences;
pub mod standards;
mod start;
pub mod tarwalk;
pub mod trust;
mod waivers;
mod zip_header;

pub use engine::{Certification, Progress, Request, Sbom, bills_of_materials, certify};
