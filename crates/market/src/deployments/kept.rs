//! Deployments that are kept under a permanent link, for the subscription that they were made for. What was generated never
//! changes, until it is deleted; the values that it was made with are sealed with it.

use super::{DeploymentWanted, Generated, ModuleWanted, generated, names};
use crate::access::{Actor, Operation};
use crate::acquisitions::{may_use, parse_subscription};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::deployments::{self, DeploymentRow, ModuleRow};
use crate::store::{acquisitions, history};
use offer::deployment::{File, Form};
use offer::document::NameValue;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most deployments that a subscription keeps: one a day for 13 years. Each has some kilobytes, and at most some hundred.
pub const DEPLOYMENTS_MAX: i64 = 5_000;
/// Largest deployment in bytes, with its values: the twin of Azure's agent takes 32 KB, and twenty modules fit into this.
const SEALED_BYTES_MAX: usize = 1 << 20;

/// A kept deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct KeptDeployment {
    pub id: String,
    pub subscription: Uuid,
    pub created: Instant,
    /// Images follow `latest`.
    pub follows: bool,
    pub modules: Vec<DeployedModule>,
    #[serde(flatten)]
    pub generated: Generated,
    /// What it was asked with: for a newer one like it.
    #[serde(skip)]
    pub(crate) asked: Asked,
}

/// A module of a kept deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct DeployedModule {
    /// Its name on the device.
    pub name: String,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    pub submission: String,
    pub version: String,
    pub digest: String,
}

/// Values of each module, and added routes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub values: Vec<BTreeMap<String, String>>,
    pub routes: Vec<(String, String)>,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    asked: Asked,
    generated: Generated,
}

impl From<ModuleRow> for DeployedModule {
    fn from(row: ModuleRow) -> DeployedModule {
        DeployedModule {
            name: row.module,
            publisher: row.publisher,
            offer: row.offer,
            plan: row.plan,
            submission: row.submission,
            version: row.version,
            digest: row.digest,
        }
    }
}

impl Market {
    /// Generates a deployment of plans that the subscription acquired, and keeps it.
    pub async fn keep_deployment(
        &self,
        actor: &Actor,
        subscription: Uuid,
        wanted: &DeploymentWanted,
    ) -> Result<KeptDeployment> {
        may_use(actor, subscription)?;
        if wanted.preview {
            return Err(Error::invalid(
                "a deployment of a preview is not kept",
                "leave the subscription out to generate it, or wait until it is live",
            ));
        }
        // As the subscription sees it: an operator, who sees everything, makes no deployment that its owner cannot use.
        let parts = self.parts(&Actor::Customer(subscription), wanted).await?;
        let id = self.ids.next().to_string();
        let base = self.config.public_url();
        let package_url = format!("{}/api/v1/deployments/{id}/package", base.trim_end_matches('/'));
        let made = generated(&parts, wanted, &package_url)?;
        let rows: Vec<ModuleRow> = parts
            .iter()
            .zip(names(&parts))
            .zip(0..)
            .map(|((part, module), position)| ModuleRow {
                deployment: id.clone(),
                position,
                module,
                publisher: part.module.publisher.to_string(),
                offer: part.module.offer.to_string(),
                plan: part.module.plan.to_string(),
                submission: part.submission.clone(),
                version: part.image.tag.clone(),
                digest: part.image.digest.clone(),
            })
            .collect();
        let asked = Asked {
            values: wanted.modules.iter().map(|module| module.values.clone()).collect(),
            routes: wanted.routes.iter().map(|route| (route.name.clone(), route.value.clone())).collect(),
        };
        let sealed = Sealed { asked: asked.clone(), generated: made.clone() };
        let text = serde_json::to_string(&sealed).map_err(Error::internal)?;
        if text.len() > SEALED_BYTES_MAX {
            return Err(Error::invalid(
                format!("the deployment has {} bytes, at most {SEALED_BYTES_MAX} are kept", text.len()),
                "make several deployments, or give shorter values",
            ));
        }
        let row = DeploymentRow {
            sealed: self.vault.seal(&owner(&id), &text)?,
            subscription: subscription.to_string(),
            form: wanted.form.id().to_owned(),
            follows: i64::from(wanted.follow),
            actor: actor.to_string(),
            created_ms: self.now().0,
            id,
        };
        self.store_deployment(actor, &row, &rows).await?;
        Ok(KeptDeployment {
            id: row.id,
            subscription,
            created: Instant(row.created_ms),
            follows: wanted.follow,
            modules: rows.into_iter().map(DeployedModule::from).collect(),
            generated: made,
            asked,
        })
    }

    async fn store_deployment(
        &self,
        actor: &Actor,
        row: &DeploymentRow,
        modules: &[ModuleRow],
    ) -> Result<()> {
        let mut tx = self.store.write().await?;
        for module in modules {
            let plan = (module.publisher.as_str(), module.offer.as_str(), module.plan.as_str());
            if acquisitions::in_force(&mut tx, &row.subscription, plan).await?.is_none() {
                return Err(Error::conflict(
                    format!("the subscription has not acquired {}.{}/{}", plan.0, plan.1, plan.2),
                    "acquire it first: its terms are to be accepted",
                ));
            }
        }
        if deployments::count(&mut tx, &row.subscription).await? >= DEPLOYMENTS_MAX {
            return Err(Error::conflict(
                format!("the subscription keeps {DEPLOYMENTS_MAX} deployments, and no more are allowed"),
                "use one that is there, or generate this one without keeping it (over the API, without a subscription)",
            ));
        }
        deployments::insert(&mut tx, row, modules).await?;
        let detail = json!({ "deployment": row.id, "subscription": row.subscription, "form": row.form });
        for module in modules {
            let offer = Some((module.publisher.as_str(), module.offer.as_str()));
            let entry =
                self.history_row(actor, offer, Some(&module.submission), "deployment-made", detail.clone());
            history::insert(&mut tx, &entry).await?;
        }
        tx.commit().await
    }

    /// A kept deployment, for its subscription and operators.
    pub async fn kept_deployment(&self, actor: &Actor, id: &str) -> Result<KeptDeployment> {
        let (row, modules) = self.deployment_row(id).await?;
        let subscription = owner_of(actor, &row)?;
        let sealed = self.unsealed(&row)?;
        Ok(KeptDeployment {
            id: row.id,
            subscription,
            created: Instant(row.created_ms),
            follows: row.follows == 1,
            modules: modules.into_iter().map(DeployedModule::from).collect(),
            generated: sealed.generated,
            asked: sealed.asked,
        })
    }

    /// Deletes a kept deployment, for its subscription and operators. Its link and its package lead nowhere from then on, what it
    /// alone pinned goes with a garbage collection, and devices keep running what was applied.
    pub async fn delete_deployment(&self, actor: &Actor, id: &str) -> Result<()> {
        let mut tx = self.store.write().await?;
        let row = deployments::get(&mut tx, id).await?.ok_or_else(|| missing(id))?;
        owner_of(actor, &row)?;
        let modules = deployments::modules(&mut tx, id).await?;
        deployments::delete(&mut tx, id).await?;
        let detail = json!({ "deployment": row.id, "subscription": row.subscription, "form": row.form });
        for module in &modules {
            let offer = Some((module.publisher.as_str(), module.offer.as_str()));
            let submission = Some(module.submission.as_str());
            let entry = self.history_row(actor, offer, submission, "deployment-deleted", detail.clone());
            history::insert(&mut tx, &entry).await?;
        }
        tx.commit().await
    }

    /// The Compose package (tar, gzip) that the application description of a kept deployment leads to. Devices fetch it by
    /// the link alone: it has variables where the values would be.
    pub async fn deployment_package(&self, actor: &Actor, id: &str) -> Result<Vec<u8>> {
        crate::access::permit(actor, Operation::Browse)?;
        let (row, _) = self.deployment_row(id).await?;
        if row.form != Form::Margo.id() {
            return Err(missing(id));
        }
        let files = self.unsealed(&row)?.generated.files;
        packed(&files.into_iter().find(|file| file.name == "compose.yaml").ok_or_else(|| missing(id))?)
    }

    async fn deployment_row(&self, id: &str) -> Result<(DeploymentRow, Vec<ModuleRow>)> {
        let mut c = self.store.read().await?;
        let row = deployments::get(&mut c, id).await?.ok_or_else(|| missing(id))?;
        let modules = deployments::modules(&mut c, id).await?;
        Ok((row, modules))
    }

    fn unsealed(&self, row: &DeploymentRow) -> Result<Sealed> {
        let text = self.vault.open_sealed(&owner(&row.id), &row.sealed)?;
        serde_json::from_str(&text).map_err(Error::internal)
    }
}

impl KeptDeployment {
    /// What would make it again, of what is live now.
    pub fn again(&self) -> Result<DeploymentWanted> {
        let form = Form::of_id(&self.generated.form).ok_or_else(|| Error::internal("an unknown form"))?;
        let module = |(module, values): (&DeployedModule, &BTreeMap<String, String>)| {
            Ok(ModuleWanted {
                publisher: module.publisher.parse().map_err(Error::internal)?,
                offer: module.offer.parse().map_err(Error::internal)?,
                plan: module.plan.parse().map_err(Error::internal)?,
                name: Some(module.name.clone()),
                values: values.clone(),
            })
        };
        let modules = self.modules.iter().zip(&self.asked.values).map(module).collect::<Result<_>>()?;
        let route = |(name, value): &(String, String)| NameValue { name: name.clone(), value: value.clone() };
        Ok(DeploymentWanted {
            form,
            follow: self.follows,
            preview: false,
            modules,
            routes: self.asked.routes.iter().map(route).collect(),
        })
    }
}

/// The subscription of a deployment; whoever may not use it is told that there is no such deployment.
fn owner_of(actor: &Actor, row: &DeploymentRow) -> Result<Uuid> {
    let subscription = parse_subscription(&row.subscription)?;
    may_use(actor, subscription).map_err(|error| match error.kind {
        crate::Kind::NotFound => missing(&row.id),
        _ => error,
    })?;
    Ok(subscription)
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("the deployment {id:.60}"))
}

/// The file alone in an archive; the same bytes each time.
fn packed(file: &File) -> Result<Vec<u8>> {
    let failed = Error::io("packing a deployment");
    let compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut archive = tar::Builder::new(compressed);
    let mut header = tar::Header::new_gnu();
    header.set_size(file.content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    let appended = archive.append_data(&mut header, &file.name, file.content.as_bytes());
    appended.and_then(|()| archive.into_inner()?.finish()).map_err(failed)
}

/// What the sealed text of a deployment is bound to.
fn owner(id: &str) -> String {
    format!("deployment {id}")
}
