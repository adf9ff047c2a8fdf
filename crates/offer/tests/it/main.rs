//! The tests of `offer` through its public edge, one module each.

mod defaults;
mod deployment;
mod deployment_forms;
mod diff;
mod document;
mod document_limits;
mod document_property;
mod editing;
mod html;
mod identity;
mod module_name;
mod pictures;
mod placeholder;
mod policy;
mod privileges;
mod route;
mod schema;
mod sections;
mod sentences;
mod submission;
mod tags;
mod template;
mod update;
mod yaml;
