//! The page of a kept deployment, its files to save, and deleting it.

use super::head;
use crate::access::Actor;
use crate::deployments::KeptDeployment;
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::portal::accounts::confirmed;
use crate::portal::deploying::sign_in;
use crate::portal::posted::Fields;
use crate::portal::{Failed, Language, format, layout};
use crate::text::Text;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// The page of a kept deployment.
pub(in crate::portal) async fn page(
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
            layout::page_with(&text, &text.get("deployment"), &head(), &shown(&text, &kept, &base))
                .into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

fn shown(text: &Text, kept: &KeptDeployment, base: &str) -> Markup {
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
                ul { @for warning in &kept.generated.warnings {
                    li { (text.told(&warning.message)) p.hint { (text.told(&warning.hint)) } }
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
        div.actions {
            a.button href={ "/deploy?from=" (kept.id) } { (text.get("deploy-again")) }
            (confirmed(&text.get("deployment-delete"), &text.get("deployment-delete-warning"),
                &format!("/deployments/{}/delete", kept.id), &text.get("deployment-delete-now")))
        }
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
pub(in crate::portal) async fn file(
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

pub(in crate::portal) async fn delete(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    _: Fields,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&format!("/deployments/{id}"));
    }
    match market.delete_deployment(&actor, &id).await {
        Ok(()) => Redirect::to("/modules").into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}
