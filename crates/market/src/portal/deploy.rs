//! Deploying acquired modules: the form (names, values of placeholders, routes between modules, what it is for), and the
//! page of a kept deployment with its files.

mod form;

use super::deploying::sign_in;
use super::layout::{self, Head};
use super::posted::Fields;
use super::session::foreign_form;
use super::{Failed, Language, format};
use crate::access::Actor;
use crate::acquisitions::{ModuleState, MyModule};
use crate::deployments::{DeploymentWanted, KeptDeployment, ModuleWanted, Part, names};
use crate::error::{Error, Kind};
use crate::http::{Who, is_same_origin};
use crate::market::Market;
use crate::text::Text;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
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

/// The page of a kept deployment.
pub(super) async fn kept(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&format!("/deployments/{id}"));
    }
    match market.kept_deployment(&actor, &id).await {
        Ok(kept) => {
            let base = market.config().public_url().trim_end_matches('/').to_owned();
            layout::page_with(&text, &text.get("deployment"), &head(), &kept_page(&text, &kept, &base))
                .into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

fn kept_page(text: &Text, kept: &KeptDeployment, base: &str) -> Markup {
    let form = &kept.generated.form;
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/modules" { (text.get("my-modules")) } } li { (text.get("deployment")) }
        } }
        h1 { (text.get(&format!("form-{form}"))) }
        p.facts {
            span.chip { time datetime=(kept.created.date()) { (format::day(text, kept.created)) } }
            span.chip.quiet { (text.get(if kept.follows { "deploy-follow" } else { "deploy-pin" })) }
        }
        table.modules-of {
            thead { tr {
                th scope="col" { (text.get("module-name")) } th scope="col" { (text.get("plan")) }
                th scope="col" { (text.get("version")) } th scope="col" { (text.get("digest")) }
            } }
            tbody { @for module in &kept.modules { tr {
                td { code { (module.name) } }
                td { a href={ "/offers/" (module.publisher) "/" (module.offer) } { (module.publisher) "." (module.offer) "/" (module.plan) } }
                td { (module.version) }
                td { code.digest { (module.digest) } }
            } } }
        }
        @if !kept.generated.warnings.is_empty() {
            section.warnings aria-labelledby="warnings" {
                h2 #warnings { (text.get("deploy-warnings")) }
                ul lang="en" { @for warning in &kept.generated.warnings {
                    li { (warning.message) p.hint { (warning.hint) } }
                } }
            }
        }
        @for (at, file) in kept.generated.files.iter().enumerate() {
            section.file aria-labelledby={ "file-" (at) } {
                div.row-head {
                    h2 id={ "file-" (at) } { code { (file.name) } }
                    a.button.primary href={ "/deployments/" (kept.id) "/files/" (file.name) } download=(file.name) { (text.get("download")) " " span.unseen { (file.name) } }
                }
                pre.copy.file tabindex="0" role="group" aria-labelledby={ "file-" (at) } { (file.content) }
            }
        }
        p { (text.get(&format!("form-{form}-apply"))) }
        pre.copy { (apply(form, &kept.generated)) }
        p.small { (text.get("deploy-link")) }
        pre.copy { (base) "/deployments/" (kept.id) }
        p { a.button href={ "/deploy?from=" (kept.id) } { (text.get("deploy-again")) } }
    }
}

/// The command that applies a deployment.
fn apply(form: &str, generated: &crate::deployments::Generated) -> String {
    let names: Vec<&str> = generated.files.iter().map(|file| file.name.as_str()).collect();
    let first = names.first().copied().unwrap_or_default();
    match form {
        "azure" => format!("az iot edge set-modules --hub-name HUB --device-id DEVICE --content {first}"),
        "azure-layered" => format!(
            "az iot edge deployment create --hub-name HUB --deployment-id ID --layered --content {first} --target-condition CONDITION --priority 10"
        ),
        "compose" => format!("docker compose --file {first} up --detach"),
        "kubernetes" => format!("kubectl apply --filename {first}"),
        "greengrass" => names
            .iter()
            .map(|name| format!("aws greengrassv2 create-component-version --inline-recipe fileb://{name}"))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => "oras push REGISTRY/APPLICATION:VERSION margo.yaml".to_owned(),
    }
}

/// A file of a kept deployment, to save.
pub(super) async fn file(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&format!("/deployments/{id}"));
    }
    let found = market.kept_deployment(&actor, &id).await.and_then(|kept| {
        let file = kept.generated.files.into_iter().find(|file| file.name == name);
        file.ok_or_else(|| Error::not_found(format!("the file {name:.60} of this deployment")))
    });
    match found {
        Ok(file) => {
            let mut response = file.content.into_response();
            let headers = response.headers_mut();
            // Names are made of identifiers and tags, which a header takes.
            let disposition = format!("attachment; filename=\"{}\"", file.name);
            for (name, value) in
                [(header::CONTENT_TYPE, file.media_type), (header::CONTENT_DISPOSITION, disposition)]
            {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(name, value);
                }
            }
            response
        }
        Err(error) => Failed(text, error).into_response(),
    }
}
