//! Deployments of one module, ready to apply, generated from a plan: one submodule for each target. It neither asks a
//! registry for the digest nor sends the result anywhere.

pub mod azure_iot_edge;

use crate::document::Plan;
use crate::finding::Finding;
use crate::module_name::{check_module_name, default_module_name};
use crate::placeholder;
use std::collections::{BTreeMap, BTreeSet};

/// What to deploy.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The plan, with its default settings.
    pub plan: &'a Plan,
    /// The image as the device pulls it, pinned: `host/publisher/offer/plan@sha256:…`.
    pub image: &'a str,
    /// The tag that the digest stands for, shown to people.
    pub tag: &'a str,
    /// What the module is called on the device; [`default_module_name`] unless the customer chose another. Routes that
    /// name the default name follow it.
    pub module_name: &'a str,
    /// Values of placeholders, by name.
    pub values: &'a BTreeMap<String, String>,
    /// For an image that is not public.
    pub credentials: Option<&'a Credentials>,
}

/// How the device signs in to the registry.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Credentials {
    /// Host, with port if it is not the default one.
    pub address: String,
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({} at {})", self.username, self.address)
    }
}

/// The names of the placeholders in the plan's default settings, which a customer must give values for.
pub fn placeholders(plan: &Plan) -> BTreeSet<String> {
    let texts =
        plan.routes.iter().chain(&plan.environment).flat_map(|entry| placeholder::names(&entry.value));
    let twin = plan.twin.iter().flat_map(|property| placeholder::names_in_json(&property.value));
    let options = plan.create_options.iter().flat_map(|(key, value)| {
        placeholder::names(key).into_iter().chain(placeholder::names_in_json(value))
    });
    texts.chain(twin).chain(options).collect()
}

/// What every target demands of a request: values for all placeholders, a module name, an image by digest.
fn check_request(request: &Request<'_>) -> Vec<Finding> {
    let mut findings = placeholder::check_values(&placeholders(request.plan), request.values);
    if let Err(error) = check_module_name(request.module_name) {
        findings.push(Finding::error("module-name", "", error.to_string(), error.hint()));
    }
    if !request.image.contains("@sha256:") {
        findings.push(Finding::error(
            "image-pinned",
            "",
            format!("the image {:?} is not pinned by digest", request.image),
            "name it as repository@sha256:…",
        ));
    }
    findings
}

/// The name by which the plan's own routes name the module.
fn own_name(plan: &Plan) -> String {
    default_module_name(&plan.title).unwrap_or_default()
}
