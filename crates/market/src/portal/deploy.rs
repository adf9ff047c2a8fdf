//! Deploying acquired modules: names, values of placeholders, routes between modules, what it is for.

mod form;
mod kept;

pub(super) use kept::{delete, file, page as kept};

use super::deploying::sign_in;
use super::layout::{self, Head};
use super::posted::Fields;
use super::session::foreign_form;
use super::{Failed, Language};
use crate::access::Actor;
use crate::acquisitions::{ModuleState, MyModule};
use crate::deployments::{DeploymentWanted, KeptDeployment, ModuleWanted, Part, names};
use crate::error::{Error, Kind};
use crate::http::{Who, is_same_origin};
use crate::market::Market;
use crate::text::Text;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use offer::deployment::values::{Asked, asked};
use offer::deployment::{Form, LineError, MODULES_MAX, parse_lines};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    OriginalUri(uri): OriginalUri,
    Query(fields): Query<Fields>,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&uri.to_string());
    }
    let done = async {
        let earlier = match fields.first("from") {
            Some(id) => Some(market.kept_deployment(&actor, id).await?),
            None => None,
        };
        let modules = chosen(&market, &actor, &fields, earlier.as_ref()).await?;
        load(&market, &actor, &modules, earlier.as_ref()).await
    };
    match done.await {
        // Nothing was chosen.
        Ok(None) => Redirect::to("/modules").into_response(),
        Ok(Some(loaded)) => show(&text, &loaded, &fields, &Faults::default()).into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}

pub(super) async fn deploy(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_same_origin(&market, &headers) {
        let error = foreign_form(&text);
        return Failed(text, error).into_response();
    }
    if actor == Actor::Anonymous {
        return sign_in("/modules");
    }
    let fields = match Fields::of_urlencoded(&body) {
        Ok(fields) => fields,
        Err(error) => return Failed(text, error).into_response(),
    };
    let loaded = match load(&market, &actor, &named(&fields), None).await {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return Redirect::to("/modules").into_response(),
        Err(error) => return Failed(text, error).into_response(),
    };
    let mut faults = Faults::default();
    let wanted = loaded.wanted(&fields, &mut faults);
    if faults.lines.is_empty() && faults.error.is_none() {
        match market.keep_deployment(&actor, loaded.subscription, &wanted).await {
            Ok(kept) => return Redirect::to(&format!("/deployments/{}", kept.id)).into_response(),
            Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => faults.error = Some(error),
            Err(error) => return Failed(text, error).into_response(),
        }
    }
    (StatusCode::UNPROCESSABLE_ENTITY, show(&text, &loaded, &fields, &faults)).into_response()
}

/// The acquisitions that are named, each once.
fn named(fields: &Fields) -> Vec<String> {
    let mut seen = BTreeSet::new();
    fields.all("module").filter(|id| seen.insert(*id)).map(str::to_owned).collect()
}

/// The acquisitions that the address names, or those of an earlier deployment.
async fn chosen(
    market: &Market,
    actor: &Actor,
    fields: &Fields,
    earlier: Option<&KeptDeployment>,
) -> Result<Vec<String>, Error> {
    let named = named(fields);
    let Some(earlier) = earlier.filter(|_| named.is_empty()) else { return Ok(named) };
    let mine = market.my_modules(actor, earlier.subscription).await?.modules;
    let of = |module: &crate::deployments::DeployedModule| {
        let own = mine.iter().find(|one| {
            let acquired = &one.acquisition;
            (&acquired.publisher, &acquired.offer, &acquired.plan)
                == (&module.publisher, &module.offer, &module.plan)
        });
        own.map(|one| one.acquisition.id.clone())
    };
    Ok(earlier.modules.iter().filter_map(of).collect())
}

/// What was wrong with what was sent.
#[derive(Default)]
pub(super) struct Faults {
    pub error: Option<Error>,
    pub lines: Vec<LineError>,
}

impl Faults {
    /// The findings at a place.
    pub fn at(&self, pointer: &str) -> Vec<&offer::finding::Finding> {
        let findings = self.error.iter().flat_map(|error| &error.findings);
        findings.filter(|finding| finding.pointer == pointer).collect()
    }

    /// The findings that stand beside no field.
    pub fn elsewhere(&self) -> Vec<&offer::finding::Finding> {
        let findings = self.error.iter().flat_map(|error| &error.findings);
        let has_field = |pointer: &str| {
            pointer.starts_with("/routes") || pointer.contains("/values/") || pointer.ends_with("/name")
        };
        findings.filter(|finding| !has_field(&finding.pointer)).collect()
    }
}

/// A module of the form.
pub(super) struct Chosen {
    pub mine: MyModule,
    pub part: Part,
    pub name: String,
    pub asked: Vec<Asked>,
}

/// Everything that the form shows.
pub(super) struct Loaded {
    pub subscription: Uuid,
    pub modules: Vec<Chosen>,
    pub earlier: Option<DeploymentWanted>,
}

async fn load(
    market: &Market,
    actor: &Actor,
    ids: &[String],
    earlier: Option<&KeptDeployment>,
) -> Result<Option<Loaded>, Error> {
    let mut mine: Vec<MyModule> = Vec::new();
    if ids.len() > MODULES_MAX {
        return Err(Error::invalid(
            format!("{} modules are chosen; a deployment has 1 to {MODULES_MAX}", ids.len()),
            "choose the modules of one device",
        ));
    }
    for id in ids {
        let module = market.my_module_of(actor, id).await?;
        if let ModuleState::Withdrawn(reason) = &module.state {
            return Err(Error::conflict(reason.clone(), "what was deployed before is still under its link"));
        }
        mine.push(module);
    }
    let Some(first) = mine.first() else { return Ok(None) };
    let subscription = first.acquisition.subscription;
    if mine.iter().any(|module| module.acquisition.subscription != subscription) {
        return Err(Error::invalid(
            "the chosen modules are of several subscriptions",
            "choose modules of one subscription",
        ));
    }
    let wanted = |module: &MyModule| {
        Ok(ModuleWanted {
            publisher: module.acquisition.publisher.parse().map_err(Error::internal)?,
            offer: module.acquisition.offer.parse().map_err(Error::internal)?,
            plan: module.acquisition.plan.parse().map_err(Error::internal)?,
            name: None,
            values: BTreeMap::new(),
        })
    };
    let wanted = DeploymentWanted {
        form: Form::Azure,
        follow: false,
        preview: false,
        modules: mine.iter().map(wanted).collect::<Result<_, Error>>()?,
        routes: Vec::new(),
    };
    let parts = market.parts(&Actor::Customer(subscription), &wanted).await?;
    let names = names(&parts);
    let modules = mine.into_iter().zip(parts).zip(names);
    let modules = modules.map(|((mine, part), name)| {
        let asked = asked(&part.plan);
        Chosen { mine, part, name, asked }
    });
    let earlier = earlier.map(KeptDeployment::again).transpose()?;
    Ok(Some(Loaded { subscription, modules: modules.collect(), earlier }))
}

impl Loaded {
    /// What the fields ask for. Faults in routes are told by their lines.
    fn wanted(&self, fields: &Fields, faults: &mut Faults) -> DeploymentWanted {
        let routes = parse_lines(fields.get("routes")).unwrap_or_else(|lines| {
            faults.lines = lines;
            Vec::new()
        });
        let form = match fields.get("form") {
            "" => Form::Azure,
            id => Form::of_id(id).unwrap_or_else(|| {
                let message = format!("there is no form of deployment {id:.40?}");
                faults.error = Some(Error::invalid(message, "choose one of those on the page"));
                Form::Azure
            }),
        };
        let module = |(index, chosen): (usize, &Chosen)| {
            let name = fields.get(&format!("name.{index}")).trim();
            let value = |asked: &Asked| {
                let given = fields.get(&format!("value.{index}.{}", asked.name));
                // Browsers end lines with CR LF.
                let given = given.replace("\r\n", "\n");
                (!given.is_empty()).then(|| (asked.name.clone(), given))
            };
            ModuleWanted {
                name: (!name.is_empty()).then(|| name.to_owned()),
                values: chosen.asked.iter().filter_map(value).collect(),
                ..chosen.part.module.clone()
            }
        };
        DeploymentWanted {
            form,
            follow: fields.get("images") == "follow",
            preview: false,
            modules: self.modules.iter().enumerate().map(module).collect(),
            routes,
        }
    }
}

fn head() -> Head {
    Head { unlisted: true, ..Head::default() }
}

fn show(text: &Text, loaded: &Loaded, fields: &Fields, faults: &Faults) -> axum::response::Html<String> {
    let content = form::page(text, loaded, fields, faults);
    layout::page_with(text, &form::title(text, loaded), &head(), &content)
}
