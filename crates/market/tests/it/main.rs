//! The marketplace through its use cases and through HTTP, against a real database in a fresh directory.

mod access;
mod api;
mod catching_up;
mod collection;
mod crash;
mod docker_registry;
mod forms;
mod http;
mod interruption;
mod leads;
mod links;
mod pages;
mod publication;
mod recertification;
mod region_faults;
mod region_gate;
mod region_limits;
mod regions;
mod registry;
mod roles;
mod scanners;
mod scrub;
mod storefront;
mod support;
mod trust;
mod waivers;
