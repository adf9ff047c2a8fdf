//! The marketplace through its use cases, against a real database in a fresh directory.

mod access;
mod docker_registry;
mod regions;
mod support;
