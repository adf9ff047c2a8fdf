//! Deployments of a live plan, or of one that waits for sign-off: the manifest that a fleet manager applies, with the
//! image pinned by digest and every placeholder replaced.

use crate::access::Actor;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::submissions::{SubmissionRow, TagRow};
use offer::deployment::Request;
use offer::deployment::azure_iot_edge::{self, Form};
use offer::document::Plan;
use offer::finding::Finding;
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::module_name::default_module_name;
use offer::tags;
use serde_json::Value;
use std::collections::BTreeMap;

/// What kind of deployment is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// A layered deployment rather than a full one.
    pub layered: bool,
    /// Of what waits for sign-off rather than of what is live.
    pub preview: bool,
}

impl Market {
    /// Generates the Azure IoT Edge deployment of a plan. `values` are the placeholders' values; a missing or unknown
    /// one is refused by name.
    pub async fn deployment(
        &self,
        actor: &Actor,
        offer: (&PublisherId, &OfferId),
        plan: &PlanId,
        values: &BTreeMap<String, String>,
        wanted: Wanted,
    ) -> Result<Value> {
        let page = match wanted.preview {
            true => self.preview_page(actor, offer).await?,
            // Hidden plans are reachable by deployment.
            false => self.live_page(actor, offer).await?,
        };
        let missing = || Error::not_found(format!("the plan {plan} of {}.{}", offer.0, offer.1));
        let document =
            page.document.plans.iter().find(|candidate| candidate.id == *plan).ok_or_else(missing)?;
        let view = page.plans.iter().find(|view| view.id == plan.as_str()).ok_or_else(missing)?;
        let digest_of =
            |tag: &str| view.tags.iter().find(|image| image.tag == tag).map(|image| &*image.digest);
        let image = pin(&view.image, document, digest_of).ok_or_else(missing)?;
        let form = if wanted.layered { Form::Layered } else { Form::Full };
        generate(document, &image, values, form).map_err(|findings| {
            let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
            let hint = findings.first().map(|finding| finding.hint.clone()).unwrap_or_default();
            Error { findings, ..Error::new(Kind::Invalid, first, hint) }
        })
    }
}

/// An image to deploy: pinned, with the tag that the digest stands for.
pub(crate) struct PinnedImage {
    name: String,
    tag: String,
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

/// Generates one deployment.
pub(crate) fn generate(
    plan: &Plan,
    image: &PinnedImage,
    values: &BTreeMap<String, String>,
    form: Form,
) -> Result<Value, Vec<Finding>> {
    let module_name = default_module_name(&plan.title)
        .map_err(|error| vec![Finding::error("module-name", "", error.to_string(), error.hint())])?;
    let request = Request {
        plan,
        image: &image.name,
        tag: &image.tag,
        module_name: &module_name,
        values,
        credentials: None,
    };
    azure_iot_edge::generate(&request, form)
}

/// The digest behind the greatest version.
fn pin<'a>(name: &str, plan: &Plan, digest_of: impl Fn(&str) -> Option<&'a str>) -> Option<PinnedImage> {
    let version = tags::greatest_version(&plan.tags).map(|version| version.to_string());
    let tag = version.unwrap_or_else(|| "latest".to_owned());
    let digest = digest_of(&tag)?;
    Some(PinnedImage { name: format!("{name}@{digest}"), tag })
}
