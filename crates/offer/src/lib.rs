//! What a publisher writes, and the rules on it: the offer document, its identity, plans, tags, routes, default
//! settings, listing, pictures, leads and support; the marketplace policy; the states of a submission; and the
//! deployments that are generated from an offer.
//!
//! It is pure: no I/O, no clock, no randomness (checked by `cargo xtask tidy`), so every rule is tested in
//! milliseconds and shared by the command line, the API, the pages and the pipeline. It does not know what an image
//! contains: that is `certify`.

mod build;
pub mod categories;
mod decode;
pub mod defaults;
pub mod deployment;
pub mod diff;
pub mod document;
pub mod edit;
mod fields;
pub mod finding;
pub mod form;
mod forms;
pub mod html;
pub mod identity;
pub mod merge;
pub mod module_name;
pub mod nearest;
pub mod pictures;
pub mod placeholder;
pub mod platform;
pub mod policy;
pub mod reading;
pub mod repository;
pub mod route;
mod rules;
pub mod schema;
pub mod sections;
pub mod sentences;
pub mod submission;
pub mod tags;
pub mod template;
pub mod update;
mod yaml;
pub mod zip;
