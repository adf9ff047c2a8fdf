//! Deployments of a live plan, or of one that waits for sign-off: the manifest that a fleet manager applies, with the
//! image pinned by digest and every placeholder replaced.

use crate::access::Actor;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use offer::deployment::Request;
use offer::deployment::azure_iot_edge::{self, Form};
use offer::identity::{OfferId, PlanId, PublisherId};
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
        let version = tags::greatest_version(&document.tags).map(|version| version.to_string());
        let tag = version.unwrap_or_else(|| "latest".to_owned());
        let image = view.tags.iter().find(|image| image.tag == tag).ok_or_else(missing)?;
        let module_name = offer::module_name::default_module_name(&document.title)
            .map_err(|cause| Error::conflict(cause.to_string(), cause.hint()))?;
        let request = Request {
            plan: document,
            image: &format!("{}@{}", view.image, image.digest),
            tag: &tag,
            module_name: &module_name,
            values,
            credentials: None,
        };
        let form = if wanted.layered { Form::Layered } else { Form::Full };
        azure_iot_edge::generate(&request, form).map_err(|findings| {
            let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
            let hint = findings.first().map(|finding| finding.hint.clone()).unwrap_or_default();
            Error { findings, ..Error::new(Kind::Invalid, first, hint) }
        })
    }
}
