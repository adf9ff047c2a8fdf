//! The running marketplace: records, the pipeline that takes an offer from draft to live, and the use cases that every
//! face (API, pages, command line) calls. Use cases are methods of [`Market`]; faces hold no rules. It serves nothing
//! by itself.

pub mod access;
pub mod accounts;
pub mod acquisitions;
pub mod api;
pub mod bundles;
pub mod catalogue;
pub mod clock;
pub mod collection;
pub mod comparison;
pub mod config;
pub mod deployments;
pub mod downloads;
pub mod editing;
pub mod error;
pub mod exports;
pub mod imports;
pub mod insights;
pub mod leads;
pub mod links;
pub mod lock;
pub mod look;
pub mod offers;
pub mod overview;

pub mod publishers;
pub mod recertification;
pub mod regions;
pub mod runs;
pub mod scrub;
pub mod search;
pub mod selling;
pub mod submissions;
pub mod subscriptions;
pub mod tasks;
pub mod text;
pub mod tickets;
pub mod tokens;
pub mod trust;
pub mod waivers;

mod breakdown;
mod egress;
mod headers;
mod http;
mod market;
mod pipeline;
pub mod portal;
mod problem;
mod registry_owner;
mod secrets;
mod stage;
mod store;

pub use access::Actor;
pub use config::Config;
pub use error::{Error, Kind, Result};
pub use http::PeerAddress;
pub use market::{Event, Faults, Market};
pub use registry_owner::RegistryOwner;

/// Everything that the marketplace serves: API, pages, and the registry under `/v2/`.
pub fn router(market: Market) -> axum::Router {
    let registry = ::registry::router(RegistryOwner::new(market.clone()), market.blobs().clone());
    let all = api::router(market.clone()).merge(portal::router(market.clone())).merge(registry);
    all.layer(axum::middleware::from_fn_with_state(market, headers::around))
}
