//! The tests of `offer` through its public edge, one module each.

mod defaults;
mod deployment;
mod module_name;
mod placeholder;
mod privileges;
mod route;
mod submission;
mod tags;
