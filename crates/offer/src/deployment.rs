//! Deployments of one or several modules, ready to apply, generated from plans: one submodule for each target. It neither
//! asks a registry for a digest nor sends the result anywhere.

mod azure_iot_edge;
mod compose;
mod container;
mod greengrass;
mod kubernetes;
mod margo;
mod routes;
pub mod values;
mod yaml;

pub use container::NOT_CARRIED;
pub use routes::{LineError, parse_lines};

use crate::defaults::check_shape;
use crate::document::{NameValue, Plan};
use crate::finding::Finding;
use crate::identity::{OfferId, PublisherId};
use crate::module_name::{check_module_name, default_module_name};
use crate::placeholder;
use std::collections::{BTreeMap, BTreeSet};

/// Most modules in one deployment: a device that runs more is rare, and the twin of Azure's agent holds some 60.
pub const MODULES_MAX: usize = 20;
/// Most routes that a customer adds to those of the plans.
pub const ROUTES_MAX: usize = 50;

/// A module to deploy.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who publishes the plan's offer.
    pub publisher: &'a PublisherId,
    /// The plan's offer.
    pub offer: &'a OfferId,
    /// The plan, with its default settings.
    pub plan: &'a Plan,
    /// The image as the device pulls it: `host/publisher/offer/plan@sha256:…`, or with a tag where it
    /// [`follows`](Request::follows) one.
    pub image: &'a str,
    /// The version tag that the digest stands for, shown to people.
    pub tag: &'a str,
    /// The image is named by a tag that moves, so that the device runs whatever it points at.
    pub follows: bool,
    /// What the module is called on the device; [`default_module_name`] unless the customer chose another. Routes that
    /// name the default name follow it.
    pub module_name: &'a str,
    /// Values of placeholders, by name.
    pub values: &'a BTreeMap<String, String>,
    /// For an image that is not public.
    pub credentials: Option<&'a Credentials>,
}

/// What is deployed together.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// 1 to [`MODULES_MAX`] modules with different names.
    pub modules: &'a [Request<'a>],
    /// Routes between them, beside those of the plans.
    pub routes: &'a [NameValue],
    /// Where Margo fetches the compose package from; other forms have no use for it.
    pub package_url: &'a str,
}

/// What a deployment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Azure IoT Edge: all that a device runs.
    Azure,
    /// Azure IoT Edge: these modules alone, on top of a base deployment.
    AzureLayered,
    /// Docker Compose.
    Compose,
    /// Kubernetes, k3s among them.
    Kubernetes,
    /// AWS IoT Greengrass v2 component recipes.
    Greengrass,
    /// Margo application description with its compose package.
    Margo,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 6] =
        [Form::Azure, Form::AzureLayered, Form::Compose, Form::Kubernetes, Form::Greengrass, Form::Margo];

    /// Stable name, as it is asked for.
    pub fn id(self) -> &'static str {
        match self {
            Form::Azure => "azure",
            Form::AzureLayered => "azure-layered",
            Form::Compose => "compose",
            Form::Kubernetes => "kubernetes",
            Form::Greengrass => "greengrass",
            Form::Margo => "margo",
        }
    }

    /// The form with this name.
    pub fn of_id(id: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.id() == id)
    }
}

/// A file of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Name to save it by, without directories.
    pub name: String,
    /// `application/json` or `application/yaml`.
    pub media_type: String,
    /// The text.
    pub content: String,
}

/// A generated deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What is applied: one file, but one for each module for Greengrass and two for Margo.
    pub files: Vec<File>,
    /// What could not be carried over, and what was renamed.
    pub warnings: Vec<Finding>,
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

/// Generates a deployment. The same request gives the same bytes.
///
/// # Errors
/// All findings at once: missing, unknown and unfit values, names, routes, and whatever the target would refuse.
pub fn generate(wanted: &Wanted<'_>, form: Form) -> Result<Deployment, Vec<Finding>> {
    let findings = check(wanted);
    if form != Form::Azure && form != Form::AzureLayered && !findings.is_empty() {
        return Err(findings);
    }
    match form {
        Form::Azure => azure_iot_edge::deployment(wanted, azure_iot_edge::Form::Full, findings),
        Form::AzureLayered => azure_iot_edge::deployment(wanted, azure_iot_edge::Form::Layered, findings),
        Form::Compose => Ok(compose::deployment(wanted)),
        Form::Kubernetes => kubernetes::deployment(wanted),
        Form::Greengrass => Ok(greengrass::deployment(wanted)),
        Form::Margo => Ok(margo::deployment(wanted)),
    }
}

/// The names of the placeholders in the plan's default settings, which a customer must give values for.
pub fn placeholders(plan: &Plan) -> BTreeSet<String> {
    values::asked(plan).into_iter().map(|asked| asked.name).collect()
}

/// Module names for plans in their order: the default name of each, with a number behind it where it is taken already.
pub fn module_names(plans: &[&Plan]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(plans.len());
    for plan in plans {
        let own = own_name(plan);
        let taken = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let numbered = (2..).map(|number| format!("{own}{number}"));
        let name = std::iter::once(own.clone()).chain(numbered).find(|name| !taken(name));
        names.push(name.unwrap_or(own));
    }
    names
}

/// What every target demands: values for all placeholders, different module names, images by digest.
fn check(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if wanted.modules.is_empty() || wanted.modules.len() > MODULES_MAX {
        findings.push(Finding::error(
            "deployment-modules",
            "/modules",
            format!("{} modules are asked for; a deployment has 1 to {MODULES_MAX}", wanted.modules.len()),
            "choose the modules of one device; make a deployment of its own for another",
        ));
    }
    for (index, request) in wanted.modules.iter().enumerate() {
        let pointer = format!("/modules/{index}");
        findings.extend(check_request(request, &pointer));
        let earlier = &wanted.modules[..index];
        // Kubernetes writes names in small letters, and people confuse names that differ by capitals alone.
        if earlier.iter().any(|other| other.module_name.eq_ignore_ascii_case(request.module_name)) {
            findings.push(Finding::error(
                "module-name",
                format!("{pointer}/name"),
                format!("two modules are called {:?}", request.module_name),
                "give each module a name of its own on the device",
            ));
        }
    }
    findings.extend(routes::check(wanted));
    findings
}

fn check_request(request: &Request<'_>, pointer: &str) -> Vec<Finding> {
    let mut findings = values::check(request.plan, request.values, pointer);
    if let Err(error) = check_module_name(request.module_name) {
        findings.push(Finding::error(
            "module-name",
            format!("{pointer}/name"),
            error.to_string(),
            error.hint(),
        ));
    }
    if !request.follows && !request.image.contains("@sha256:") {
        findings.push(Finding::error(
            "image-pinned",
            pointer,
            format!("the image {:?} is not pinned by digest", request.image),
            "name it as repository@sha256:…, or follow a tag",
        ));
    }
    let options = placeholder::substitute_object(&request.plan.create_options, request.values);
    findings.extend(check_shape(&options, &format!("{pointer}/createOptions")));
    findings
}

/// The name by which the plan's own routes name the module.
fn own_name(plan: &Plan) -> String {
    default_module_name(&plan.title).unwrap_or_default()
}

/// Warnings on what only Azure IoT Edge has: routes and twins; and on what the device must be told by hand.
fn azure_only(wanted: &Wanted<'_>, target: &str) -> Vec<Finding> {
    let mut warnings = Vec::new();
    for (index, request) in wanted.modules.iter().enumerate() {
        let pointer = format!("/modules/{index}");
        let routes = request.plan.routes.iter().map(|route| ("route", "routes", &route.name));
        let twin = request.plan.twin.iter().map(|property| ("twin property", "twin", &property.name));
        for (what, place, name) in routes.chain(twin) {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                format!("{pointer}/{place}/{name}"),
                format!("the {what} {name:?} of {} is not carried over: {target} has no Edge Hub", request.module_name),
                "let the modules speak to each other over the network, by their names, as their publishers describe",
            ));
        }
        if let Some(credentials) = request.credentials {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                &pointer,
                format!("the image of {} is not public", request.module_name),
                format!("sign the device in to {} as {}", credentials.address, credentials.username),
            ));
        }
    }
    for (index, route) in wanted.routes.iter().enumerate() {
        warnings.push(Finding::warning(
            NOT_CARRIED,
            format!("/routes/{index}"),
            format!("the route {:?} is not carried over: {target} has no Edge Hub", route.name),
            "let the modules speak to each other over the network, by their names, as their publishers describe",
        ));
    }
    warnings
}

/// The first lines of a file in YAML: what it is of.
fn heading(modules: &[Request<'_>]) -> String {
    let line = |request: &Request<'_>| {
        format!(
            "# {}: {}.{}/{} {}\n",
            request.module_name, request.publisher, request.offer, request.plan.id, request.tag
        )
    };
    modules.iter().map(line).collect()
}

/// A file in YAML.
fn yaml_file(name: &str, content: String) -> File {
    File { name: name.to_owned(), media_type: "application/yaml".to_owned(), content }
}
