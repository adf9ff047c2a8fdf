//! "My modules": what the reader's subscriptions acquired, what is newer, what changed, and what was deployed.

use super::deploying::sign_in;
use super::layout::{self, Head};
use super::session::foreign_form;
use super::{Failed, Language, format};
use crate::access::Actor;
use crate::acquisitions::{Acquisition, Change, ModuleState, MyDeployment, MyModule, MyModules, Update};
use crate::error::Error;
use crate::http::{Who, is_same_origin};
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Changed packages that are listed of each platform.
const CHANGES_MAX: usize = 300;

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in("/modules");
    }
    let found = async {
        let mut all = Vec::new();
        for own in market.own_subscriptions(&actor).await? {
            all.push((own.owner, market.my_modules(&actor, own.id).await?));
        }
        Ok::<_, Error>(all)
    };
    match found.await {
        Ok(all) => {
            let about = Head { unlisted: true, wide: true, ..Head::default() };
            layout::page_with(&text, &text.get("my-modules"), &about, &whole(&text, &all)).into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

fn whole(text: &Text, all: &[(String, MyModules)]) -> Markup {
    html! {
        h1 { (text.get("my-modules")) }
        @if all.is_empty() {
            div.empty { p { (text.get("acquire-no-subscription")) } p.hint { (text.get("acquire-no-subscription-hint")) } }
        }
        @for (owner, mine) in all {
            section.subscription aria-labelledby={ "of-" (mine.subscription) } {
                h2 id={ "of-" (mine.subscription) } { (owner) " " code.quiet { (mine.subscription) } }
                @if mine.modules.is_empty() {
                    div.empty { p { (text.get("modules-empty")) }
                        p { a.button href="/category/internet-of-things?subcategories=iot-edge-modules" { (text.get("modules-empty-find")) } } }
                } @else { (modules(text, mine)) }
                (removed(text, &mine.removed))
                (deployments(text, &mine.deployments))
            }
        }
    }
}

/// The modules, to be chosen from for one deployment; removing one is a form of its own beside.
fn modules(text: &Text, mine: &MyModules) -> Markup {
    let form = format!("combine-{}", mine.subscription);
    html! {
        form id=(form) method="get" action="/deploy" {}
        ul.mine { @for module in &mine.modules { li { (one(text, module, &form)) } } }
        p { button.primary form=(form) { (text.get("modules-combine")) } " " span.hint { (text.get("modules-combine-help")) } }
    }
}

fn one(text: &Text, module: &MyModule, form: &str) -> Markup {
    let acquired = &module.acquisition;
    let is_live = matches!(module.state, ModuleState::Live(_));
    let offer = format!("/offers/{}/{}", acquired.publisher, acquired.offer);
    html! {
        div.pick {
            @if is_live {
                input type="checkbox" form=(form) name="module" value=(acquired.id) id={ "pick-" (acquired.id) };
                label for={ "pick-" (acquired.id) } { span.unseen { (text.with("modules-pick", &[("title", &module.title)])) } }
            }
        }
        div.what {
            h3 {
                @if is_live { a href=(offer) { (module.title) } } @else { (module.title) }
                @if module.plan_title != module.title { " " span.quiet { (module.plan_title) } }
            }
            p.small {
                (text.with("modules-acquired", &[("day", &format::day(text, acquired.acquired)), ("version", &acquired.version)]))
                @if let Some(deployed) = &module.deployed {
                    " · " (text.with("modules-deployed", &[("version", &deployed.version)]))
                }
            }
            @match &module.state {
                ModuleState::Withdrawn(reason) => p.banner { (text.get("modules-withdrawn")) " " span lang="en" { (reason) } },
                ModuleState::Live(version) => @if let Some(update) = &module.update { (news(text, module, update)) }
                    @else { p.small.good { (text.with("modules-current", &[("version", version)])) } },
            }
            @if module.terms_changed { p.small.doubtful { (text.get("modules-terms-changed")) } }
        }
        div.actions {
            @if is_live {
                a.button href={ "/deploy?module=" (acquired.id) } { (text.get("deploy")) " " span.unseen { (module.title) } }
            }
            form method="post" action={ "/modules/" (acquired.id) "/remove" } {
                button { (text.get("modules-remove")) " " span.unseen { (module.title) } }
            }
        }
    }
}

fn news(text: &Text, module: &MyModule, update: &Update) -> Markup {
    let from = match &module.deployment {
        Some(deployment) => format!("/deploy?module={}&from={deployment}", module.acquisition.id),
        None => format!("/deploy?module={}", module.acquisition.id),
    };
    html! {
        div.update {
            p { strong { (text.with("modules-update", &[("from", &update.from), ("to", &update.to)])) } }
            p.actions {
                a.button.primary href=(from) { (text.get("modules-deploy-update")) " " span.unseen { (module.title) } } " "
                a.button href={ "/modules/" (module.acquisition.id) } { (text.get("modules-what-changed")) " " span.unseen { (module.title) } }
            }
        }
    }
}

fn removed(text: &Text, removed: &[Acquisition]) -> Markup {
    html! {
        @if !removed.is_empty() {
            details.removed open {
                summary { (text.get("modules-removed")) }
                ul.plain { @for acquired in removed { li {
                    form.inline method="post" action={ "/modules/" (acquired.id) "/restore" } {
                        code { (acquired.publisher) "." (acquired.offer) "/" (acquired.plan) } " "
                        button { (text.get("modules-restore")) " " span.unseen { (acquired.offer) } }
                    }
                } } }
            }
        }
    }
}

fn deployments(text: &Text, kept: &[MyDeployment]) -> Markup {
    html! {
        @if !kept.is_empty() {
            h3 { (text.get("deployments")) }
            ul.plain.kept { @for deployment in kept { li {
                a href={ "/deployments/" (deployment.id) } { (text.get(&format!("form-{}", deployment.form))) } " · "
                time datetime=(deployment.created.date()) { (format::day(text, deployment.created)) } " · "
                @for (at, module) in deployment.modules.iter().enumerate() {
                    @if at > 0 { ", " }
                    (module.name) " " (module.version)
                }
            } } }
        }
    }
}

/// What changed since the deployed version.
pub(super) async fn changes(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&format!("/modules/{id}"));
    }
    let found = async {
        let module = market.my_module_of(&actor, &id).await?;
        let packages = market.package_changes(&module).await?;
        Ok::<_, Error>((module, packages))
    };
    match found.await {
        Ok((module, packages)) => {
            let about = Head { unlisted: true, ..Head::default() };
            let content = changed(&text, &module, &packages);
            layout::page_with(&text, &module.title, &about, &content).into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

fn changed(text: &Text, module: &MyModule, packages: &BTreeMap<String, Vec<Change>>) -> Markup {
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/modules" { (text.get("my-modules")) } } li { (module.title) }
        } }
        h1 { (module.title) @if module.plan_title != module.title { " " span.quiet { (module.plan_title) } } }
        @match &module.update {
            None => p { (text.get("changes-none")) },
            Some(update) => {
                (news(text, module, update))
                h2 { (text.get("modules-what-changed")) }
                dl.changes {
                    @if !update.versions.is_empty() { dt { (text.get("versions")) } dd { (update.versions.join(", ")) } }
                    @if !update.tags.is_empty() { dt { (text.get("changes-tags")) } dd { (update.tags.join(", ")) } }
                    @if update.settings_changed { dt { (text.get("settings")) } dd { (text.get("changes-settings")) } }
                    @if !update.new_placeholders.is_empty() {
                        dt { (text.get("changes-values")) } dd { @for name in &update.new_placeholders { code { (name) } " " } }
                    }
                }
                @for (platform, list) in packages { (package_table(text, platform, list)) }
            }
        }
    }
}

fn package_table(text: &Text, platform: &str, list: &[Change]) -> Markup {
    html! {
        h3 { (text.with("changes-packages", &[("platform", platform)])) " " span.count { (list.len()) } }
        @if list.is_empty() { p.small { (text.get("changes-packages-none")) } }
        @else {
            div.scroll tabindex="0" role="group" aria-label=(text.with("changes-packages", &[("platform", platform)])) { table {
                thead { tr {
                    th scope="col" { (text.get("package")) } th scope="col" { (text.get("ecosystem")) }
                    th scope="col" { (text.get("changes-before")) } th scope="col" { (text.get("changes-after")) }
                } }
                tbody { @for change in list.iter().take(CHANGES_MAX) { tr {
                    td { (change.name) } td { (change.kind) } td { (change.before) } td { (change.after) }
                } } }
            } }
        }
    }
}

pub(super) async fn remove(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    change(&market, &actor, text, &id, &headers, true).await
}

pub(super) async fn restore(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    change(&market, &actor, text, &id, &headers, false).await
}

async fn change(
    market: &Market,
    actor: &Actor,
    text: Text,
    id: &str,
    headers: &HeaderMap,
    remove: bool,
) -> Response {
    if !is_same_origin(market, headers) {
        let error = foreign_form(&text);
        return Failed(text, error).into_response();
    }
    if *actor == Actor::Anonymous {
        return sign_in("/modules");
    }
    let done = match remove {
        true => market.remove_acquisition(actor, id).await,
        false => market.restore_acquisition(actor, id).await,
    };
    match done {
        Ok(_) => Redirect::to("/modules").into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}
