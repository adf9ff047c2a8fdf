//! One tab of the form: shown, saved, merged with what others saved meanwhile, and given back to whoever's session ended.

use super::controls::Sheet;
use super::decode;
use super::posted::Sent;
use super::tabs::{self, Tab, Whole};
use super::told::finding_item;
use super::{Desk, plans, review};
use crate::editing::{self, Saved, Typed};
use crate::error::{Error, Kind};
use crate::http::offer_of_path;
use crate::offers::Draft;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::finding::Finding;
use offer::merge::Conflict;
use offer::sections::Section;
use serde_json::Value;
use std::collections::BTreeMap;

/// Hidden field with the values that the form showed.
const BASE: &str = "_base";
/// Hidden field that adds a plan again which is gone.
const AGAIN: &str = "_again";

type Parameters = Query<BTreeMap<String, String>>;

/// What is shown beside the stored values.
#[derive(Default)]
struct Extra<'a> {
    /// Values to show in place of the stored ones, and what they are compared with when they are sent.
    typed: Option<(&'a Value, &'a Value)>,
    conflicts: &'a [Conflict],
    refused: &'a [Finding],
    notice: Option<&'static str>,
    gone: bool,
}

/// An offer's address leads to its first tab.
pub(in crate::portal) async fn first(Path((publisher, offer)): Path<(String, String)>) -> Response {
    match offer_of_path(&(&publisher, &offer)) {
        Ok((publisher, offer)) => {
            Redirect::to(&format!("/publish/{publisher}/{offer}/settings")).into_response()
        }
        Err(_) => Redirect::to("/publish").into_response(),
    }
}

pub(in crate::portal) async fn show(
    desk: Desk,
    Path((publisher, offer, tab)): Path<(String, String, String)>,
    Query(parameters): Parameters,
) -> Response {
    match Tab::of(&tab) {
        Some(tab) => shown(&desk, (&publisher, &offer), tab, &parameters).await,
        None => desk.no(&Error::not_found(format!("the page {tab:.60}"))),
    }
}

pub(in crate::portal) async fn plan(
    desk: Desk,
    Path((publisher, offer, index)): Path<(String, String, usize)>,
    Query(parameters): Parameters,
) -> Response {
    shown(&desk, (&publisher, &offer), Tab::Of(Section::Plan(index)), &parameters).await
}

async fn shown(
    desk: &Desk,
    (publisher, offer): (&str, &str),
    tab: Tab,
    parameters: &BTreeMap<String, String>,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&(publisher, offer))?;
        desk.market.draft(&desk.actor, (&publisher, &offer)).await
    };
    let draft = match found.await {
        Ok(draft) => draft,
        Err(error) => return desk.no(&error),
    };
    let notice = parameters.contains_key("saved").then_some("publish-saved");
    page(desk, draft, tab, Extra { notice, ..Extra::default() }).await
}

/// A tab of a draft, whatever it is.
async fn page(desk: &Desk, draft: Draft, tab: Tab, extra: Extra<'_>) -> Response {
    let whole = match Whole::of(&desk.market, draft) {
        Ok(whole) => whole,
        Err(finding) => return unreadable(desk, &finding),
    };
    if let Tab::Of(Section::Plan(index)) = tab
        && index >= editing::plans(&whole.values)
        && !extra.gone
    {
        return desk.no(&Error::not_found(
            desk.text.with("publish-plan-number", &[("number", &(index + 1).to_string())]),
        ));
    }
    let content = match tab {
        Tab::Plans => plans::list(desk, &whole),
        Tab::Review => match review::content(desk, &whole, None).await {
            Ok(content) => content,
            Err(error) => return desk.no(&error),
        },
        Tab::Of(section) => match section_form(desk, &whole, section, &extra).await {
            Ok(content) => content,
            Err(error) => return desk.no(&error),
        },
    };
    let title = format!("{} · {}", tab.name(&desk.text), whole.title());
    let content = html! {
        (tabs::head(&desk.text, &whole, tab))
        @if let Some(notice) = extra.notice { p.notice role="status" { (desk.text.get(notice)) } }
        (content)
    };
    desk.page(&title, &content)
}

/// A document that no form can show.
fn unreadable(desk: &Desk, finding: &Finding) -> Response {
    let place = finding.position.as_ref().map(ToString::to_string).unwrap_or_default();
    let content = html! {
        h1 { (desk.text.get("publish-unreadable")) }
        p { (desk.text.get("publish-unreadable-hint")) }
        p { code { (place) } }
        (finding_item(&desk.text, finding))
        p { a href="/publish" { (desk.text.get("publish-offers")) } }
    };
    desk.page(&desk.text.get("publish-unreadable"), &content)
}

async fn section_form(
    desk: &Desk,
    whole: &Whole,
    section: Section,
    extra: &Extra<'_>,
) -> Result<Markup, Error> {
    let (text, limits) = (&desk.text, &desk.market.config().policy.offer);
    let Draft { publisher, offer, .. } = &whole.draft;
    let standing = desk.market.standing(&desk.actor, (publisher, offer)).await?;
    let path = format!("/publish/{publisher}/{offer}");
    let count = editing::plans(&whole.values);
    let fields = section.fields(count, limits);
    let stored = editing::slice(&whole.values, &fields);
    let (values, base) = extra.typed.unwrap_or((&stored, &stored));
    let mut findings: Vec<(String, Finding)> =
        extra.refused.iter().map(|f| (f.pointer.clone(), f.clone())).collect();
    if extra.typed.is_none() {
        let own = whole.findings.iter().filter(|(at, _)| Section::of(at) == Some(section));
        findings.extend(own.cloned());
    }
    let is_shown = |at: &str| fields.iter().any(|(own, _)| at.starts_with(own.as_str()));
    let above: Vec<&(String, Finding)> = findings.iter().filter(|(at, _)| !is_shown(at)).collect();
    let sheet = Sheet {
        text,
        limits,
        path: &path,
        values,
        findings: &findings,
        conflicts: extra.conflicts,
        live: standing.live.is_some(),
    };
    let with_files = section == Section::Pictures;
    Ok(html! {
        @if !extra.conflicts.is_empty() {
            div.banner role="alert" { strong { (text.get("publish-conflict")) } " " (text.get("publish-conflict-hint")) }
        }
        @if extra.gone { div.banner role="alert" { (text.get("publish-plan-gone")) } }
        form.sheet method="post" action={ (path) "/" (Tab::Of(section).path()) } novalidate data-autosave
            enctype=[with_files.then_some("multipart/form-data")]
            data-saving=(text.get("publish-saving")) data-saved=(text.get("publish-saved")) data-kept=(text.get("publish-session-ended"))
            data-conflict=(text.get("publish-conflict")) data-failed=(text.get("publish-not-saved"))
            data-show=(text.get("publish-conflict-show")) data-sign-in=(text.get("publish-session-sign-in"))
            data-crop=(text.get("publish-crop")) data-crop-hint=(text.get("publish-crop-hint")) data-crop-zoom=(text.get("publish-crop-zoom"))
            data-crop-use=(text.get("publish-crop-use")) data-crop-cancel=(text.get("publish-crop-cancel")) {
            input type="hidden" name=(BASE) value=(base);
            @if extra.gone { input type="hidden" name=(AGAIN) value="true"; }
            // Enter in a line saves; it must not press the first button that removes something.
            button.unseen tabindex="-1" aria-hidden="true" { (text.get("publish-save")) }
            p.hint { (text.get(&format!("publish-about-{}", about(section)))) }
            @if section == Section::Settings { (identity(desk, whole)) }
            div.findings #above { @for (_, finding) in above { (finding_item(text, finding)) } }
            @for (pointer, field) in &fields {
                @if section == Section::Pictures && pointer.starts_with("/plans/") {
                    h2 { (plans::title(text, &whole.values, pointer)) }
                }
                (sheet.control(pointer, field))
            }
            @if matches!(section, Section::Plan(_)) { (plans::placeholders(text, values, &fields)) }
            div.bar {
                button.primary { (text.get(if extra.gone { "publish-plan-again" } else { "publish-save" })) }
                span.saving role="status" {}
            }
        }
        @if let Section::Plan(index) = section { (plans::below(text, whole, index)) }
        @if section == Section::Settings { (super::files::exchange(desk, whole)) }
    })
}

/// What the settings say without letting it be changed.
fn identity(desk: &Desk, whole: &Whole) -> Markup {
    let text = &desk.text;
    html! {
        dl.facts-list {
            dt { (text.get("publish-publisher")) } dd { code { (whole.draft.publisher) } }
            dt { (text.get("publish-id")) } dd { code { (whole.draft.offer) } }
        }
    }
}

fn about(section: Section) -> &'static str {
    match section {
        Section::Settings => "settings",
        Section::Listing => "listing",
        Section::Pictures => "pictures",
        Section::Plan(_) => "plan",
        Section::Preview => "preview",
        Section::Leads => "leads",
        Section::Support => "support",
    }
}

pub(in crate::portal) async fn save(
    desk: Desk,
    Path((publisher, offer, tab)): Path<(String, String, String)>,
    posted: Sent,
) -> Response {
    match Tab::of(&tab) {
        Some(Tab::Of(section)) => saved(&desk, (&publisher, &offer), section, &posted).await,
        Some(Tab::Plans) => plans::add(&desk, (&publisher, &offer), &posted).await,
        Some(Tab::Review) => review::publish(&desk, (&publisher, &offer), &posted).await,
        None => desk.no(&Error::not_found(format!("the page {tab:.60}"))),
    }
}

pub(in crate::portal) async fn save_plan(
    desk: Desk,
    Path((publisher, offer, index)): Path<(String, String, usize)>,
    posted: Sent,
) -> Response {
    saved(&desk, (&publisher, &offer), Section::Plan(index), &posted).await
}

async fn saved(desk: &Desk, names: (&str, &str), section: Section, posted: &Sent) -> Response {
    let base: Value =
        posted.fields.first(BASE).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let shown = plans_of(posted).min(desk.market.config().policy.offer.plans);
    let fields = section.fields(shown, &desk.market.config().policy.offer);
    let yours = decode::values(&fields, posted, &base);
    let again = posted.fields.first(AGAIN).is_some();
    let result = async {
        let (publisher, offer) = offer_of_path(&names)?;
        // A form that says nothing of what it showed was not made here; what it names is compared with what is stored.
        let base = match &base {
            Value::Null => editing::slice(&unmerged(desk, (&publisher, &offer)).await?, &fields),
            base => base.clone(),
        };
        let yours = if posted.fields.first(BASE).is_some() {
            yours.clone()
        } else {
            decode::values(&fields, posted, &base)
        };
        let pictures = decode::pictures(&fields, posted, &base);
        let typed = Typed { base, yours, pictures, again };
        desk.market.save_section(&desk.actor, (&publisher, &offer), section, typed).await
    };
    match result.await {
        Ok(Saved::Stored { draft, section, refused }) if refused.is_empty() => {
            let tab = Tab::Of(section).path();
            Redirect::to(&format!("/publish/{}/{}/{tab}?saved=yes", draft.publisher, draft.offer))
                .into_response()
        }
        Ok(Saved::Stored { draft, section, refused }) => {
            let extra = Extra { refused: &refused, ..Extra::default() };
            let page = page(desk, *draft, Tab::Of(section), extra).await;
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
        Ok(Saved::Conflict { draft, section, merged, conflicts, gone }) => {
            let theirs = match gone {
                true => base,
                false => theirs_of(desk, &draft, section),
            };
            let extra =
                Extra { typed: Some((&merged, &theirs)), conflicts: &conflicts, gone, ..Extra::default() };
            (StatusCode::PRECONDITION_FAILED, page(desk, *draft, Tab::Of(section), extra).await)
                .into_response()
        }
        Err(error) if error.kind == Kind::Unauthenticated => {
            ended(desk, names, section, (&yours, &base), again)
        }
        Err(error) => desk.no(&error),
    }
}

/// Number of plans that a form of pictures had fields for.
fn plans_of(posted: &Sent) -> usize {
    let removed = posted.fields.first(decode::REMOVE).and_then(|at| at.strip_prefix("/plans/"));
    let indices = posted
        .below("/plans/")
        .chain(removed)
        .filter_map(|rest| rest.split('/').next()?.parse::<usize>().ok());
    indices.max().map_or(0, |last| last.saturating_add(1))
}

async fn unmerged(
    desk: &Desk,
    key: (&offer::identity::PublisherId, &offer::identity::OfferId),
) -> Result<Value, Error> {
    let draft = desk.market.draft(&desk.actor, key).await?;
    Ok(editing::shown(&draft.files).unwrap_or_default())
}

/// What is stored of a section now.
fn theirs_of(desk: &Desk, draft: &Draft, section: Section) -> Value {
    let values = editing::shown(&draft.files).unwrap_or_default();
    editing::slice(&values, &section.fields(editing::plans(&values), &desk.market.config().policy.offer))
}

/// The session ended while somebody typed: everything typed is given back, ready to be sent again. Nothing of the draft is
/// shown, because nobody may see it now.
fn ended(
    desk: &Desk,
    (publisher, offer): (&str, &str),
    section: Section,
    (yours, base): (&Value, &Value),
    again: bool,
) -> Response {
    let (text, limits) = (&desk.text, &desk.market.config().policy.offer);
    let Ok((publisher, offer)) = offer_of_path(&(publisher, offer)) else {
        return Redirect::to("/sign-in").into_response();
    };
    let path = format!("/publish/{publisher}/{offer}");
    let shown = yours.pointer("/plans").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    let sheet =
        Sheet { text, limits, path: &path, values: yours, findings: &[], conflicts: &[], live: false };
    let content = html! {
        h1 { (text.get("publish-session-ended-title")) }
        div.banner role="alert" {
            (text.get("publish-session-ended")) " "
            a href="/sign-in" target="_blank" { (text.get("publish-session-sign-in")) }
        }
        form.sheet method="post" action={ (path) "/" (Tab::Of(section).path()) } novalidate
            enctype=[(section == Section::Pictures).then_some("multipart/form-data")] {
            input type="hidden" name=(BASE) value=(base);
            @if again { input type="hidden" name=(AGAIN) value="true"; }
            @for (pointer, field) in section.fields(shown, limits) { (sheet.control(&pointer, &field)) }
            div.bar { button.primary { (text.get("publish-send-again")) } }
        }
    };
    (StatusCode::UNAUTHORIZED, desk.page(&text.get("publish-session-ended-title"), &content)).into_response()
}
