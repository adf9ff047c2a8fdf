//! The tests of `offer` through its public edge, one module each.

mod module_name;
mod placeholder;
mod route;
mod submission;
mod tags;
