//! What the pages of one offer have in common for those who manage it, and the smaller ones: its history, what of it is
//! sold, and the question before its draft is deleted.

use super::layout::{self, Head};
use super::posted::{Fields, refused};
use super::submission::STYLE;
use super::{Language, format};
use crate::access::Actor;
use crate::error::{Error, Result};
use crate::http::{Who, offer_of_path};
use crate::market::Market;
use crate::offers::IfMatch;
use crate::selling::{Part, Selling};
use crate::submissions::Action;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use serde_json::Value;
use std::collections::BTreeMap;

/// Actions on one page of the history.
const ACTIONS: usize = 50;
/// Longest detail of an action that is shown, in characters.
const DETAIL_CHARS_MAX: usize = 300;

/// The pages of an offer beside its form, by the last part of their address.
pub(super) const PAGES: [&str; 4] = ["history", "compare", "insights", "selling"];

type Names = Path<(String, String)>;

/// A page of an offer under its name and the ways to its other pages; `here` is the last part of its address.
pub(super) fn page(text: &Text, (publisher, offer): (&str, &str), here: &str, content: &Markup) -> Response {
    let title = text.get(&format!("manage-{here}"));
    let whole = html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/publish" { (text.get("publish-offers")) } }
            li { a href={ "/publish/" (publisher) "/" (offer) } { (publisher) "." (offer) } }
        } }
        h1 { (title) " · " (publisher) "." (offer) }
        nav.tabs aria-label=(text.get("manage-pages")) {
            @for one in PAGES {
                a href={ "/publish/" (publisher) "/" (offer) "/" (one) } aria-current=[(one == here).then_some("page")] {
                    (text.get(&format!("manage-{one}")))
                }
            }
        }
        (content)
    };
    let about = Head { style: Some(STYLE), unlisted: true, wide: true, ..Head::default() };
    let title = format!("{title} · {publisher}.{offer}");
    layout::page_with(text, &title, &about, &whole).into_response()
}

/// Who did what to an offer, newest first. Parameter: `before`, the id that the last page ended with.
pub(super) async fn history(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let before = parameters.get("before").map(String::as_str);
    let found = async {
        let (publisher, offer) = offer_of_path(&names)?;
        // One more than is shown says whether there is a next page.
        let mut actions = market.history_before(&actor, (&publisher, &offer), before, ACTIONS + 1).await?;
        if actions.is_empty() && before.is_none() {
            market.draft_etag(&actor, (&publisher, &offer)).await?;
        }
        let more = actions.len() > ACTIONS;
        actions.truncate(ACTIONS);
        Ok((actions, more))
    };
    match found.await {
        Ok((actions, more)) => {
            let content = html! {
                @if actions.is_empty() { p.empty { (text.get("history-empty")) } } @else { (table(&text, &actions)) }
                @if more || before.is_some() {
                    nav.pages aria-label=(text.get("pages")) {
                        @if before.is_some() { a.button href={ "/publish/" (names.0) "/" (names.1) "/history" } { (text.get("history-newest")) } }
                        @if more && let Some(last) = actions.last() {
                            a.button rel="next" href={ "/publish/" (names.0) "/" (names.1) "/history?before=" (last.id) } { (text.get("history-older")) }
                        }
                    }
                }
            };
            page(&text, (&names.0, &names.1), "history", &content)
        }
        Err(error) => refused(text, error),
    }
}

fn table(text: &Text, actions: &[Action]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(text.get("manage-history")) { table {
            thead { tr {
                th scope="col" { (text.get("history-when")) } th scope="col" { (text.get("history-who")) }
                th scope="col" { (text.get("history-what")) } th scope="col" { (text.get("history-detail")) }
            } }
            tbody { @for action in actions { tr {
                td { time datetime=(action.at) { (format::instant(text, action.at)) } }
                td { (action.actor) }
                td {
                    (text.find(&format!("action-{}", action.action)).unwrap_or_else(|| action.action.clone()))
                    @if let Some(submission) = &action.submission {
                        " · " a href={ "/submissions/" (submission) } { (text.get("submission")) }
                    }
                }
                td.small dir="auto" { (detail(&action.detail)) }
            } } }
        } }
    }
}

/// The detail of an action as a line: names and values, long ones cut.
fn detail(detail: &Value) -> String {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts: Vec<String> = match detail {
        Value::Object(members) => {
            members.iter().map(|(name, member)| format!("{name}: {}", value(member))).collect()
        }
        Value::Null => Vec::new(),
        other => vec![value(other)],
    };
    parts.join(" · ").chars().take(DETAIL_CHARS_MAX).collect()
}

/// What of the offer is sold, with a button for each part.
pub(super) async fn selling(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
) -> Response {
    match found(&market, &actor, &names).await {
        Ok(selling) => {
            let content = html! {
                p { (text.get("selling-lead")) }
                table {
                    thead { tr { th scope="col" { (text.get("selling-part")) } th scope="col" { (text.get("ticket-state")) } th scope="col" { (text.get("selling-change")) } } }
                    tbody {
                        (row(&text, &selling, "", &text.get("selling-whole"), selling.stopped))
                        @for plan in &selling.plans { (row(&text, &selling, &plan.plan, &plan.title, plan.stopped)) }
                    }
                }
                h2 { (text.get("draft")) }
                p { (text.get("delete-draft-lead")) }
                p { a.button.danger href={ "/publish/" (names.0) "/" (names.1) "/delete-draft" } { (text.get("delete-draft")) "…" } }
            };
            page(&text, (&names.0, &names.1), "selling", &content)
        }
        // What was never live is not sold; its draft can still be deleted.
        Err(error) if error.kind == crate::Kind::Conflict => {
            let content = html! {
                p.empty { (text.get("selling-none")) }
                p { a.button.danger href={ "/publish/" (names.0) "/" (names.1) "/delete-draft" } { (text.get("delete-draft")) "…" } }
            };
            page(&text, (&names.0, &names.1), "selling", &content)
        }
        Err(error) => refused(text, error),
    }
}

fn row(
    text: &Text,
    selling: &Selling,
    plan: &str,
    name: &str,
    stopped: Option<crate::clock::Instant>,
) -> Markup {
    let base = format!("/publish/{}/{}/selling", selling.publisher, selling.offer);
    html! {
        tr {
            th scope="row" { (name) @if !plan.is_empty() { " " code { (plan) } } }
            td {
                @match stopped {
                    Some(since) => span.bad { (text.with("selling-stopped", &[("since", &format::instant(text, since))])) },
                    None => span.good { (text.get("selling-sold")) },
                }
            }
            td {
                @if stopped.is_some() {
                    form method="post" action={ (base) "/restore" } {
                        input type="hidden" name="plan" value=(plan);
                        button aria-label={ (text.get("selling-restore")) ": " (name) } { (text.get("selling-restore")) }
                    }
                } @else {
                    a.button.danger href={ (base) "/stop?plan=" (plan) } aria-label={ (text.get("selling-stop")) ": " (name) } { (text.get("selling-stop")) "…" }
                }
            }
        }
    }
}

/// Asks before the sale stops. Parameter: `plan`; empty for the offer as a whole.
pub(super) async fn ask_stop(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let plan = parameters.get("plan").map_or("", String::as_str);
    let found = found(&market, &actor, &names).await.and_then(|selling| {
        let known = plan.is_empty() || selling.plans.iter().any(|one| one.plan == plan);
        if known { Ok(()) } else { Err(Error::not_found(format!("the live plan {plan:.60}"))) }
    });
    match found {
        Ok(()) => {
            let base = format!("/publish/{}/{}/selling", names.0, names.1);
            let name = if plan.is_empty() { format!("{}.{}", names.0, names.1) } else { plan.to_owned() };
            let content = html! {
                h2 { (text.with("stop-question", &[("name", &name)])) }
                ul {
                    li { (text.get("stop-hides")) }
                    li { (text.get("stop-refuses")) }
                    li { (text.get("stop-devices")) }
                    li { (text.get("stop-back")) }
                }
                div.actions {
                    form method="post" action={ (base) "/stop" } {
                        input type="hidden" name="plan" value=(plan);
                        button.danger { (text.get("stop-now")) }
                    }
                    a.button href=(base) { (text.get("back")) }
                }
            };
            page(&text, (&names.0, &names.1), "selling", &content)
        }
        Err(error) => refused(text, error),
    }
}

pub(super) async fn stop(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    posted: Fields,
) -> Response {
    let done = async {
        let (publisher, offer) = offer_of_path(&names)?;
        market.stop_selling(&actor, (&publisher, &offer), &part(&posted)).await
    };
    sold(text, &names, done.await)
}

pub(super) async fn restore(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    posted: Fields,
) -> Response {
    let done = async {
        let (publisher, offer) = offer_of_path(&names)?;
        market.restore(&actor, (&publisher, &offer), &part(&posted)).await
    };
    sold(text, &names, done.await)
}

fn part(posted: &Fields) -> Part {
    Part { plan: Some(posted.get("plan").to_owned()).filter(|plan| !plan.is_empty()) }
}

fn sold(text: Text, names: &(String, String), result: Result<Selling>) -> Response {
    match result {
        Ok(_) => Redirect::to(&format!("/publish/{}/{}/selling", names.0, names.1)).into_response(),
        Err(error) => refused(text, error),
    }
}

async fn found(market: &Market, actor: &Actor, names: &(String, String)) -> Result<Selling> {
    let (publisher, offer) = offer_of_path(names)?;
    market.selling(actor, (&publisher, &offer)).await
}

/// Asks before the draft is deleted.
pub(super) async fn ask_delete(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&names)?;
        market.draft_etag(&actor, (&publisher, &offer)).await
    };
    match found.await {
        Ok((etag, is_live)) => {
            let name = format!("{}.{}", names.0, names.1);
            let content = html! {
                h2 { (text.with("delete-question", &[("name", &name)])) }
                p { (text.get(if is_live { "delete-becomes-live" } else { "delete-whole" })) }
                p { (text.get("delete-submissions-stay")) }
                div.actions {
                    form method="post" action={ "/publish/" (names.0) "/" (names.1) "/delete-draft" } {
                        input type="hidden" name="etag" value=(etag);
                        button.danger { (text.get("delete-now")) }
                    }
                    a.button href={ "/publish/" (names.0) "/" (names.1) "/selling" } { (text.get("back")) }
                }
            };
            page(&text, (&names.0, &names.1), "selling", &content)
        }
        Err(error) => refused(text, error),
    }
}

/// Deletes the draft, if it is still the one that was asked about.
pub(super) async fn delete(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    posted: Fields,
) -> Response {
    let done = async {
        let (publisher, offer) = offer_of_path(&names)?;
        let etag = posted.get("etag").parse().map_err(|_| {
            Error::new(crate::Kind::Stale, text.get("delete-no-etag"), text.get("delete-no-etag-hint"))
        })?;
        market.delete_draft(&actor, (&publisher, &offer), IfMatch::Etag(etag)).await
    };
    match done.await {
        Ok(()) => Redirect::to("/publish").into_response(),
        Err(error) => refused(text, error),
    }
}
