//! The plans of an offer: the list, a new one, removing one, and what stands below a plan's fields.

use super::Desk;
use super::posted::Sent;
use super::tabs::{Whole, badge};
use crate::editing;
use crate::error::Error;
use crate::http::offer_of_path;
use crate::text::Text;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::form::Field;
use offer::module_name::default_module_name;
use offer::placeholder;
use offer::sections::Section;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn list(desk: &Desk, whole: &Whole) -> Markup {
    let text = &desk.text;
    let count = editing::plans(&whole.values);
    let max = desk.market.config().policy.offer.plans;
    let path = format!("/publish/{}/{}/plans", whole.draft.publisher, whole.draft.offer);
    let of = |index: usize, name: &str| {
        let value = whole.values.pointer(&format!("/plans/{index}/{name}"));
        value.map(|value| offer::form::shown(&offer::form::Control::Flag, value)).unwrap_or_default()
    };
    html! {
        p.hint { (text.with("publish-about-plans", &[("max", &max.to_string())])) }
        div.findings { @for (at, finding) in &whole.findings { @if at == "/plans" { (super::told::finding_item(text, finding)) } } }
        @if count == 0 { p.empty { (text.get("publish-plans-empty")) } }
        ul.plan-list { @for index in 0..count {
            li {
                h2 { a href={ (path) "/" (index) } { (title(text, &whole.values, &format!("/plans/{index}/"))) } " " (badge(text, whole.state(Section::Plan(index)))) }
                p.small { code { (of(index, "id")) } " · " code { (of(index, "repository/name")) } }
                p { (of(index, "summary")) }
            }
        } }
        @if count < max {
            form.new-plan method="post" action=(path) novalidate {
                h2 { (text.get("publish-plan-new")) }
                div.field {
                    label for="new-plan" { (text.get("field-plan-id")) }
                    p.hint #new-plan-rule { (text.get("rule-plan-id")) }
                    input #new-plan.code name="id" data-max="50" autocomplete="off" spellcheck="false" aria-describedby="new-plan-rule";
                    p.count { "0 / 50" }
                }
                @if count > 0 {
                    div.field {
                        label for="new-plan-copy" { (text.get("publish-plan-copy")) }
                        select #new-plan-copy name="copy" {
                            option value="" { (text.get("publish-plan-empty")) }
                            @for index in 0..count { option value=(index) { (title(text, &whole.values, &format!("/plans/{index}/"))) } }
                        }
                    }
                }
                button { (text.get("publish-plan-add")) }
            }
        }
    }
}

/// A plan's title, else its ID, else its number; `pointer` is any below the plan.
pub(super) fn title(text: &Text, values: &Value, pointer: &str) -> String {
    let index = pointer.split('/').nth(2).unwrap_or_default();
    let of = |name: &str| values.pointer(&format!("/plans/{index}/{name}")).and_then(Value::as_str);
    let named = of("title").or(of("id")).filter(|name| !name.trim().is_empty());
    let number = index.parse::<usize>().map_or(0, |index| index + 1);
    match named {
        Some(name) => name.chars().take(100).collect(),
        None => text.with("publish-plan-number", &[("number", &number.to_string())]),
    }
}

/// Under which name the module is known, and what the customer will be asked for.
pub(super) fn placeholders(text: &Text, values: &Value, fields: &[(String, Field)]) -> Markup {
    let mut names = BTreeSet::new();
    for (pointer, field) in fields {
        if matches!(field.name, "routes" | "twin" | "environment" | "createOptions")
            && let Some(value) = values.pointer(pointer)
        {
            names.extend(placeholder::names_in_json(value));
        }
    }
    let title = fields.iter().find(|(_, field)| field.name == "title");
    let title = title.and_then(|(pointer, _)| values.pointer(pointer)?.as_str()).unwrap_or_default();
    html! {
        div.aside #asked {
            @if let Ok(module) = default_module_name(title) { p { (text.get("publish-module-name")) " " code { (module) } } }
            @if names.is_empty() { p { (text.get("publish-placeholders-none")) } }
            @else {
                p { (text.get("publish-placeholders")) }
                ul { @for name in names { li { code { "<" (name) ">" } } } }
            }
        }
    }
}

/// Below the fields of a plan: its tags in the registry, and removing it.
pub(super) fn below(text: &Text, whole: &Whole, index: usize) -> Markup {
    let path = format!("/publish/{}/{}/plans/{index}", whole.draft.publisher, whole.draft.offer);
    html! {
        @if index < editing::plans(&whole.values) {
            p.actions { a href={ (path) "/tags" } data-look { (text.get("publish-look")) } a.bad href={ (path) "/remove" } { (text.get("publish-plan-remove")) } }
        }
    }
}

pub(super) async fn add(desk: &Desk, (publisher, offer): (&str, &str), posted: &Sent) -> Response {
    let added = async {
        let (publisher, offer) = offer_of_path(&(publisher, offer))?;
        let id = posted.fields.first("id").unwrap_or_default().trim();
        let copy = posted.fields.first("copy").and_then(|index| index.parse().ok());
        let index = desk.market.add_plan(&desk.actor, (&publisher, &offer), id, copy).await?;
        Ok(format!("/publish/{publisher}/{offer}/plans/{index}"))
    };
    match added.await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(error) => desk.no(&error),
    }
}

/// The question before a plan is removed.
pub(in crate::portal) async fn remove_page(
    desk: Desk,
    Path((publisher, offer, index)): Path<(String, String, usize)>,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        let draft = desk.market.draft(&desk.actor, (&publisher, &offer)).await?;
        let values =
            editing::shown(&draft.files).map_err(|finding| Error::conflict(finding.message, finding.hint))?;
        if index >= editing::plans(&values) {
            return Err(Error::not_found("this plan"));
        }
        Ok((format!("/publish/{publisher}/{offer}/plans"), values))
    };
    let (path, values) = match found.await {
        Ok(found) => found,
        Err(error) => return desk.no(&error),
    };
    let text = &desk.text;
    let title = title(text, &values, &format!("/plans/{index}/"));
    let id = values.pointer(&format!("/plans/{index}/id")).and_then(Value::as_str).unwrap_or_default();
    let content = html! {
        h1 { (text.with("publish-plan-remove-title", &[("plan", &title)])) }
        p { (text.get("publish-plan-remove-hint")) }
        form method="post" action={ (path) "/" (index) "/remove" } {
            input type="hidden" name="id" value=(id);
            button.danger { (text.get("publish-plan-remove")) } " " a href={ (path) "/" (index) } { (text.get("publish-back")) }
        }
    };
    desk.page(&text.get("publish-plan-remove"), &content)
}

pub(in crate::portal) async fn remove(
    desk: Desk,
    Path((publisher, offer, index)): Path<(String, String, usize)>,
    posted: Sent,
) -> Response {
    let removed = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        let id = posted.fields.first("id").unwrap_or_default();
        desk.market.remove_plan(&desk.actor, (&publisher, &offer), index, id).await?;
        Ok(format!("/publish/{publisher}/{offer}/plans"))
    };
    match removed.await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(error) => desk.no(&error),
    }
}

/// What the plan's repository holds now.
pub(in crate::portal) async fn look(
    desk: Desk,
    Path((publisher, offer, index)): Path<(String, String, usize)>,
) -> Response {
    let looked = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        let looked = desk.market.look(&desk.actor, (&publisher, &offer), index).await?;
        Ok((format!("/publish/{publisher}/{offer}/plans/{index}"), looked))
    };
    let (path, looked) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return desk.no(&error),
    };
    let text = &desk.text;
    let content = html! {
        h1 { (text.get("publish-look-title")) }
        p { code { (looked.repository) } }
        div #tags {
            @if let Some((problem, hint)) = &looked.problem { p.finding.bad { (text.told(problem)) ". " (text.told(hint)) "." } }
            @if !looked.tags.is_empty() { div.scroll tabindex="0" role="region" aria-label=(text.get("publish-look-title")) { table {
                thead { tr {
                    th scope="col" { (text.get("tag")) } th scope="col" { (text.get("publish-look-digest")) }
                    th scope="col" { (text.get("publish-look-platforms")) } th scope="col" { (text.get("publish-look-change")) }
                } }
                tbody { @for tag in &looked.tags { tr {
                    th scope="row" { code { (tag.tag) } @if !tag.listed { " " span.chip { (text.get("publish-look-unlisted")) } } }
                    td { @match &tag.digest { Some(digest) => code title=(digest) { (digest.chars().take(19).collect::<String>()) "…" }, None => span.bad { (text.get("publish-look-missing")) } } }
                    td { (tag.platforms.join(", ")) }
                    td { (text.get(&format!("publish-look-{}", tag.change.id()))) }
                } } }
            } } }
        }
        p { a href=(path) { (text.get("publish-back")) } }
    };
    desk.page(&text.get("publish-look-title"), &content)
}
