//! Deployments of live plans, or of one that waits for sign-off: what a fleet manager applies, in each of the forms, with
//! images pinned by digest (or following `latest`) and every placeholder replaced. [`kept`] keeps them.

mod kept;

pub use kept::{DEPLOYMENTS_MAX, DeployedModule, KeptDeployment};

use crate::access::Actor;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::submissions::{SubmissionRow, TagRow};
use offer::deployment::{self, Deployment, Form, MODULES_MAX, NOT_CARRIED, Request, Wanted};
use offer::document::{NameValue, Plan};
use offer::finding::Finding;
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::tags;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A module that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ModuleWanted {
    pub publisher: PublisherId,
    pub offer: OfferId,
    pub plan: PlanId,
    /// What it is called on the device; the default module name when it is absent.
    pub name: Option<String>,
    /// Values of placeholders.
    pub values: BTreeMap<String, String>,
}

/// A deployment that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentWanted {
    /// What it is for.
    pub form: Form,
    /// Images follow `latest` rather than stay at a digest.
    pub follow: bool,
    /// Of what waits for sign-off rather than of what is live.
    pub preview: bool,
    /// The modules, in their order.
    pub modules: Vec<ModuleWanted>,
    /// Routes beside those of the plans.
    pub routes: Vec<NameValue>,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    /// Name of the [`Form`].
    pub form: String,
    /// What is applied.
    pub files: Vec<deployment::File>,
    /// What could not be carried over, and what was renamed.
    pub warnings: Vec<Warning>,
}

/// Advice on a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Finding")]
pub struct Warning {
    pub rule: String,
    pub message: String,
    pub hint: String,
    pub pointer: String,
}

impl From<Finding> for Warning {
    fn from(finding: Finding) -> Warning {
        let Finding { rule, message, hint, pointer, .. } = finding;
        Warning { rule, message, hint, pointer }
    }
}

/// A module of a deployment, as it was found.
pub(crate) struct Part {
    pub module: ModuleWanted,
    pub submission: String,
    pub image: PinnedImage,
    pub plan: Plan,
}

impl Market {
    /// Generates a deployment without keeping it. Missing and unknown values are refused by name.
    pub async fn deployment(&self, actor: &Actor, wanted: &DeploymentWanted) -> Result<Generated> {
        let parts = self.parts(actor, wanted).await?;
        let package = format!("{}/", self.config.public_url().trim_end_matches('/'));
        generated(&parts, wanted, &package)
    }

    /// The plans of the modules, and their images.
    pub(crate) async fn parts(&self, actor: &Actor, wanted: &DeploymentWanted) -> Result<Vec<Part>> {
        if wanted.modules.is_empty() || wanted.modules.len() > MODULES_MAX {
            return Err(Error::invalid(
                format!(
                    "{} modules are asked for; a deployment has 1 to {MODULES_MAX}",
                    wanted.modules.len()
                ),
                "choose the modules of one device",
            ));
        }
        let mut parts = Vec::with_capacity(wanted.modules.len());
        for module in &wanted.modules {
            let offer = (&module.publisher, &module.offer);
            let page = match wanted.preview {
                true => self.preview_page(actor, offer).await?,
                // Hidden plans are reachable by deployment.
                false => self.live_page(actor, offer).await?,
            };
            let missing = || Error::not_found(format!("the plan {} of {}.{}", module.plan, offer.0, offer.1));
            let plan =
                page.document.plans.iter().find(|plan| plan.id == module.plan).ok_or_else(missing)?.clone();
            let view = page.plans.iter().find(|view| view.id == plan.id.as_str()).ok_or_else(missing)?;
            let digest_of =
                |tag: &str| view.tags.iter().find(|image| image.tag == tag).map(|image| &*image.digest);
            let image = pin(&view.image, &plan, digest_of).ok_or_else(missing)?;
            parts.push(Part { module: module.clone(), submission: page.submission, image, plan });
        }
        Ok(parts)
    }
}

/// The deployment of these parts. Names that nobody chose are made different.
pub(crate) fn generated(parts: &[Part], wanted: &DeploymentWanted, package_url: &str) -> Result<Generated> {
    let names = names(parts);
    let images: Vec<String> = parts
        .iter()
        .map(|part| match wanted.follow {
            true => format!("{}:latest", part.image.repository),
            false => part.image.name(),
        })
        .collect();
    let modules: Vec<Request<'_>> = parts
        .iter()
        .zip(names.iter().zip(&images))
        .map(|(part, (name, image))| Request {
            publisher: &part.module.publisher,
            offer: &part.module.offer,
            plan: &part.plan,
            image,
            tag: &part.image.tag,
            follows: wanted.follow,
            module_name: name,
            values: &part.module.values,
            credentials: None,
        })
        .collect();
    let asked = Wanted { modules: &modules, routes: &wanted.routes, package_url };
    let made = deployment::generate(&asked, wanted.form).map_err(refused)?;
    let Deployment { files, mut warnings } = made;
    for (index, (part, name)) in parts.iter().zip(&names).enumerate() {
        if !part.plan.private_audience.is_empty() {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                format!("/modules/{index}"),
                format!("the image of {name} is only for the plan's audience"),
                "sign the device in to the registry with a token of your subscription",
            ));
        }
    }
    let warnings = warnings.into_iter().map(Warning::from).collect();
    Ok(Generated { form: wanted.form.id().to_owned(), files, warnings })
}

/// The names of the modules on the device: as they were chosen, else the plans' own, made different.
pub(crate) fn names(parts: &[Part]) -> Vec<String> {
    let plans: Vec<&Plan> = parts.iter().map(|part| &part.plan).collect();
    let own = deployment::module_names(&plans);
    let chosen = |(part, own): (&Part, String)| part.module.name.clone().unwrap_or(own);
    parts.iter().zip(own).map(chosen).collect()
}

fn refused(findings: Vec<Finding>) -> Error {
    let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
    let hint = findings.first().map(|finding| finding.hint.clone()).unwrap_or_default();
    Error { findings, ..Error::new(Kind::Invalid, first, hint) }
}

/// An image to deploy: pinned, with the tag that the digest stands for.
pub(crate) struct PinnedImage {
    pub repository: String,
    pub digest: String,
    pub tag: String,
}

impl PinnedImage {
    /// `host/publisher/offer/plan@sha256:…`
    pub fn name(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// The image of a submission's plan in the public scope, where step 6 will put it; `None` without its tag.
pub(crate) fn public_image(
    market: &Market,
    row: &SubmissionRow,
    plan: &Plan,
    tags: &[TagRow],
) -> Option<PinnedImage> {
    let name = format!("{}/{}/{}/{}", market.config.registry_host(), row.publisher, row.offer, plan.id);
    let own = |tag: &str| tags.iter().find(|row| row.plan == plan.id.as_str() && row.tag == tag);
    pin(&name, plan, |tag| own(tag).map(|row| &*row.digest))
}

/// Proves that every form of deployment of a plan can be generated, with these values.
pub(crate) fn prove(
    row: &SubmissionRow,
    plan: &Plan,
    image: &PinnedImage,
    values: &BTreeMap<String, String>,
    form: Form,
) -> Result<(), Vec<Finding>> {
    let bad = |error: String| vec![Finding::error("identity", "", error, "correct the name")];
    let publisher = row.publisher.parse().map_err(|_| bad(row.publisher.clone()))?;
    let offer = row.offer.parse().map_err(|_| bad(row.offer.clone()))?;
    let names = deployment::module_names(&[plan]);
    let image_name = image.name();
    let modules = [Request {
        publisher: &publisher,
        offer: &offer,
        plan,
        image: &image_name,
        tag: &image.tag,
        follows: false,
        module_name: names.first().map_or("", String::as_str),
        values,
        credentials: None,
    }];
    deployment::generate(&Wanted { modules: &modules, routes: &[], package_url: "" }, form).map(drop)
}

/// The digest behind the greatest version.
fn pin<'a>(name: &str, plan: &Plan, digest_of: impl Fn(&str) -> Option<&'a str>) -> Option<PinnedImage> {
    let version = tags::greatest_version(&plan.tags).map(|version| version.to_string());
    let tag = version.unwrap_or_else(|| "latest".to_owned());
    let digest = digest_of(&tag)?.to_owned();
    Some(PinnedImage { repository: name.to_owned(), digest, tag })
}
