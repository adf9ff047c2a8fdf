//! "My modules": what a subscription acquired and deployed, whether something newer is live, and what changed since.

use super::{Acquisition, TermsVersion, acquisition, may_use, parse_subscription};
use crate::access::Actor;
use crate::catalogue::{Component, OfferPage, PlanPage};
use crate::clock::Instant;
use crate::deployments::DeployedModule;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::acquisitions::{self, AcquisitionRow};
use crate::store::deployments::ModuleRow;
use crate::store::{deployments, submissions};
use offer::deployment::placeholders;
use offer::document::Plan;
use offer::tags::{self, VersionTag};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Acquisitions that are listed, newest first.
const LISTED_MAX: i64 = 500;
/// Deployments that are listed, newest first.
const DEPLOYMENTS_LISTED_MAX: i64 = 50;

/// What a subscription has.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct MyModules {
    pub subscription: Uuid,
    pub modules: Vec<MyModule>,
    /// Removed, and not acquired again.
    pub removed: Vec<Acquisition>,
    pub deployments: Vec<MyDeployment>,
}

/// An acquired module.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct MyModule {
    pub acquisition: Acquisition,
    /// Of the offer's listing, as it is live.
    pub title: String,
    pub plan_title: String,
    pub state: ModuleState,
    /// The newest deployment that has it.
    pub deployed: Option<DeployedModule>,
    pub deployment: Option<String>,
    pub update: Option<Update>,
    /// Other terms are in force than those that were accepted.
    pub terms_changed: bool,
}

/// Whether a module is still offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "reason")]
pub enum ModuleState {
    /// It can be deployed; the version that is live.
    Live(String),
    /// It is offered no more, and why.
    Withdrawn(String),
}

/// A newer submission than the one that was deployed (or acquired, before anything was deployed).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Update {
    pub from: String,
    pub to: String,
    /// Versions that came after the deployed one, newest first.
    pub versions: Vec<String>,
    /// Tags that point at something else, and tags that are new.
    pub tags: Vec<String>,
    /// Placeholders that were not asked for before.
    pub new_placeholders: Vec<String>,
    /// Routes, twin, environment or createOptions differ.
    pub settings_changed: bool,
}

/// A kept deployment in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct MyDeployment {
    pub id: String,
    pub form: String,
    pub created: Instant,
    pub modules: Vec<DeployedModule>,
}

/// A package that differs between two versions of a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Change {
    pub kind: String,
    pub name: String,
    /// Empty for what was added.
    pub before: String,
    /// Empty for what was removed.
    pub after: String,
}

impl Market {
    /// What a subscription acquired and deployed, newest first.
    pub async fn my_modules(&self, actor: &Actor, subscription: Uuid) -> Result<MyModules> {
        may_use(actor, subscription)?;
        let id = subscription.to_string();
        let mut c = self.store.read().await?;
        let rows = acquisitions::of_subscription(&mut c, &id, LISTED_MAX).await?;
        let listed = deployments::of_subscription(&mut c, &id, DEPLOYMENTS_LISTED_MAX).await?;
        let mut kept = Vec::with_capacity(listed.len());
        for (id, form, _, created_ms) in listed {
            let modules = deployments::modules(&mut c, &id).await?;
            let modules = modules.into_iter().map(DeployedModule::from).collect();
            kept.push(MyDeployment { id, form, created: Instant(created_ms), modules });
        }
        drop(c);
        let key = |row: &AcquisitionRow| (row.publisher.clone(), row.offer.clone(), row.plan.clone());
        let mut seen: BTreeSet<_> = rows.iter().filter(|row| row.removed_ms.is_none()).map(key).collect();
        let mut found =
            MyModules { subscription, modules: Vec::new(), removed: Vec::new(), deployments: kept };
        for row in rows {
            match row.removed_ms {
                None => found.modules.push(self.my_module(subscription, row).await?),
                // Of several that were removed the newest can be brought back.
                Some(_) if seen.insert(key(&row)) => found.removed.push(acquisition(row)?),
                Some(_) => {}
            }
        }
        Ok(found)
    }

    /// One module of a subscription of the actor's, by its acquisition.
    pub async fn my_module_of(&self, actor: &Actor, id: &str) -> Result<MyModule> {
        let missing = || Error::not_found(format!("the acquisition {id:.60}"));
        let row = acquisitions::get(&mut *self.store.read().await?, id).await?.ok_or_else(missing)?;
        let subscription = parse_subscription(&row.subscription)?;
        may_use(actor, subscription).map_err(|error| match error.kind {
            Kind::NotFound => missing(),
            _ => error,
        })?;
        self.my_module(subscription, row).await
    }

    /// Packages that were added, removed or changed between what is deployed and what is live, by platform.
    pub async fn package_changes(&self, module: &MyModule) -> Result<BTreeMap<String, Vec<Change>>> {
        let acquired = &module.acquisition;
        let base = module.deployed.as_ref().map_or(&acquired.submission, |deployed| &deployed.submission);
        let (Some(before), Some(after)) = (self.page_of(base).await?, self.live_of(acquired).await?.ok())
        else {
            return Ok(BTreeMap::new());
        };
        let plan = |page: &OfferPage| page.plans.iter().find(|plan| plan.id == acquired.plan).cloned();
        let (Some(old), Some(new)) = (plan(&before), plan(&after)) else { return Ok(BTreeMap::new()) };
        let mut changes = BTreeMap::new();
        for platform in new.sboms.iter().filter_map(|sbom| sbom.platform.clone()) {
            if !old.sboms.iter().any(|sbom| sbom.platform.as_ref() == Some(&platform)) {
                continue;
            }
            let was = self.packages(&before, &old, &platform).await?;
            let is = self.packages(&after, &new, &platform).await?;
            changes.insert(platform, differences(&was, &is));
        }
        Ok(changes)
    }

    async fn page_of(&self, submission: &str) -> Result<Option<OfferPage>> {
        let row = submissions::get(&mut *self.store.read().await?, submission).await?;
        match row {
            Some(row) => Ok(self.page(row, false).await.ok()),
            None => Ok(None),
        }
    }

    /// The live page as the subscription sees it. The inner error says why there is none.
    async fn live_of(&self, acquired: &Acquisition) -> Result<Result<OfferPage>> {
        let publisher = acquired.publisher.parse().map_err(Error::internal)?;
        let offer = acquired.offer.parse().map_err(Error::internal)?;
        match self.live_page(&Actor::Customer(acquired.subscription), (&publisher, &offer)).await {
            Err(error) if error.kind != Kind::NotFound => Err(error),
            found => Ok(found),
        }
    }

    async fn my_module(&self, subscription: Uuid, row: AcquisitionRow) -> Result<MyModule> {
        let key = (row.publisher.as_str(), row.offer.as_str(), row.plan.as_str());
        let mut c = self.store.read().await?;
        let newest = deployments::of_plan(&mut c, &subscription.to_string(), key, 1).await?;
        drop(c);
        let newest = newest.into_iter().next();
        let acquired = acquisition(row)?;
        let page = self.live_of(&acquired).await?;
        let page = page.and_then(|page| {
            let offered = page.document.plans.iter().any(|plan| plan.id.as_str() == acquired.plan);
            offered.then_some(page).ok_or_else(|| {
                Error::not_found(format!(
                    "the plan {} of {}.{}",
                    acquired.plan, acquired.publisher, acquired.offer
                ))
            })
        });
        let mut module = MyModule {
            title: format!("{}.{}", acquired.publisher, acquired.offer),
            plan_title: acquired.plan.clone(),
            state: ModuleState::Withdrawn(String::new()),
            deployment: newest.as_ref().map(|row| row.deployment.clone()),
            deployed: newest.clone().map(DeployedModule::from),
            update: None,
            terms_changed: false,
            acquisition: acquired,
        };
        match page {
            Err(why) => module.state = ModuleState::Withdrawn(why.message),
            Ok(page) => self.put_in_live(&mut module, &page, newest.as_ref()).await?,
        }
        Ok(module)
    }

    /// Puts in what is live, and what changed.
    async fn put_in_live(
        &self,
        module: &mut MyModule,
        page: &OfferPage,
        newest: Option<&ModuleRow>,
    ) -> Result<()> {
        let acquired = &module.acquisition;
        let own = |page: &OfferPage| {
            let plan = page.document.plans.iter().find(|plan| plan.id.as_str() == acquired.plan)?;
            let view = page.plans.iter().find(|view| view.id == acquired.plan)?;
            Some((plan.clone(), view.clone()))
        };
        let Some((plan, view)) = own(page) else { return Ok(()) };
        module.title.clone_from(&page.document.listing.title);
        module.plan_title.clone_from(&plan.title);
        let terms = TermsVersion::of(&page.document.listing.terms, &self.config.standard_contract);
        module.terms_changed = terms.digest != acquired.terms_digest;
        let to = tags::greatest_version(&plan.tags).map_or_else(String::new, |version| version.to_string());
        module.state = ModuleState::Live(to.clone());
        let base = newest.map_or(&acquired.submission, |row| &row.submission);
        if *base == page.submission {
            return Ok(());
        }
        let from = newest.map_or(&acquired.version, |row| &row.version).clone();
        let before = self.page_of(base).await?.as_ref().and_then(own);
        let update = update(from, to, before, (&plan, &view));
        // A submission that changed the listing alone is nothing to deploy.
        if update.from != update.to || !update.tags.is_empty() || update.settings_changed {
            module.update = Some(update);
        }
        Ok(())
    }
}

fn update(from: String, to: String, before: Option<(Plan, PlanPage)>, after: (&Plan, &PlanPage)) -> Update {
    let (plan, view) = after;
    let known: BTreeMap<&str, &str> = before
        .iter()
        .flat_map(|(_, view)| view.tags.iter().map(|tag| (tag.tag.as_str(), tag.digest.as_str())))
        .collect();
    let moved = view.tags.iter().filter(|tag| known.get(tag.tag.as_str()) != Some(&tag.digest.as_str()));
    let base: Option<VersionTag> = from.parse().ok();
    let mut versions: Vec<VersionTag> = view
        .tags
        .iter()
        .filter_map(|tag| tag.tag.parse().ok())
        .filter(|version| base.is_none_or(|base| *version > base))
        .collect();
    versions.sort();
    versions.reverse();
    let asked_before = before.as_ref().map(|(plan, _)| placeholders(plan)).unwrap_or_default();
    let settings = |plan: &Plan| {
        (plan.routes.clone(), plan.twin.clone(), plan.environment.clone(), plan.create_options.clone())
    };
    Update {
        from,
        to,
        versions: versions.into_iter().map(|version| version.to_string()).collect(),
        tags: moved.map(|tag| tag.tag.clone()).collect(),
        new_placeholders: placeholders(plan).difference(&asked_before).cloned().collect(),
        settings_changed: before.as_ref().is_some_and(|(old, _)| settings(old) != settings(plan)),
    }
}

fn differences(was: &[Component], is: &[Component]) -> Vec<Change> {
    let by_name = |components: &[Component]| {
        let mut names: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for one in components {
            names.entry((one.kind.clone(), one.name.clone())).or_default().insert(one.version.clone());
        }
        names
    };
    let (was, is) = (by_name(was), by_name(is));
    let all: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let joined = |versions: Option<&BTreeSet<String>>| {
        versions.map(|set| set.iter().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    all.into_iter()
        .filter(|name| was.get(*name) != is.get(*name))
        .map(|name| Change {
            kind: name.0.clone(),
            name: name.1.clone(),
            before: joined(was.get(name)),
            after: joined(is.get(name)),
        })
        .collect()
}
