//! The marketplace through its use cases, against a real database in a fresh directory.

mod access;
mod catching_up;
mod crash;
mod docker_registry;
mod interruption;
mod leads;
mod publication;
mod regions;
mod support;
