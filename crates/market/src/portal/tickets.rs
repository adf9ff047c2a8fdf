//! Support tickets: the form at a step, a ticket with what was written in it, and the list of all that an actor may see.

use super::layout::{self, Head};
use super::posted::{Fields, refused};
use super::submission::STYLE;
use super::{Language, format};
use crate::error::{Error, Kind, Result};
use crate::http::Who;
use crate::market::Market;
use crate::text::Text;
use crate::tickets::{NewMessage, NewTicket, TEXT_CHARS_MAX, Ticket, TicketState, TicketSummary};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::submission::Step;
use std::collections::BTreeMap;

/// The form for a new ticket. Parameter: `step`.
pub(super) async fn ask(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    match market.submission(&actor, &id).await {
        Ok(submission) => {
            let step = parameters.get("step").and_then(|step| Step::from_id(step));
            let name = format!(
                "{}.{} {}",
                submission.summary.publisher, submission.summary.offer, submission.summary.number
            );
            let form = Form {
                submission: &id,
                name: &name,
                step,
                key: market.ids.next().to_string(),
                typed: "",
                error: None,
            };
            shown(&text, &text.get("ticket-new"), &form.content(&text))
        }
        Err(error) => refused(text, error),
    }
}

pub(super) async fn open(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    posted: Fields,
) -> Response {
    let step = Step::from_id(posted.get("step"));
    let opened = async {
        let step =
            step.ok_or_else(|| Error::invalid(text.get("ticket-no-step"), text.get("ticket-no-step-hint")))?;
        let new = NewTicket { step, text: posted.get("text").to_owned(), key: posted.key() };
        market.open_ticket(&actor, &id, &new).await
    };
    match opened.await {
        Ok(ticket) => Redirect::to(&format!("/tickets/{}", ticket.summary.id)).into_response(),
        // What was typed is not lost.
        Err(error) if error.kind == Kind::Invalid => {
            let form = Form {
                submission: &id,
                name: "",
                step,
                key: market.ids.next().to_string(),
                typed: posted.get("text"),
                error: Some(&error),
            };
            let page = shown(&text, &text.get("ticket-new"), &form.content(&text));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
        Err(error) => refused(text, error),
    }
}

/// All tickets that the actor may see. Parameter: `state`.
pub(super) async fn list(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let state = parameters.get("state").and_then(|state| TicketState::from_name(state));
    match market.tickets(&actor, state).await {
        Ok(tickets) => {
            let content = html! {
                h1 { (text.get("tickets")) }
                nav.sort aria-label=(text.get("tickets-state")) {
                    a href="/tickets" aria-current=[state.is_none().then_some("page")] { (text.get("tickets-all")) }
                    @for one in TicketState::ALL {
                        a href={ "/tickets?state=" (one.name()) } aria-current=[(state == Some(one)).then_some("page")] {
                            (text.get(&format!("tickets-{}", one.name())))
                        }
                    }
                }
                @if tickets.is_empty() { p.empty { (text.get("tickets-empty")) } } @else { (table(&text, &tickets)) }
            };
            shown(&text, &text.get("tickets"), &content)
        }
        Err(error) => refused(text, error),
    }
}

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    match market.ticket(&actor, &id).await {
        Ok(ticket) => {
            let content = content(&text, &ticket, &market.ids.next().to_string(), "", None);
            shown(&text, &text.get("ticket"), &content)
        }
        Err(error) => refused(text, error),
    }
}

pub(super) async fn answer(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    posted: Fields,
) -> Response {
    let new = NewMessage { text: posted.get("text").to_owned(), key: posted.key() };
    match market.answer_ticket(&actor, &id, &new).await {
        Ok(ticket) => Redirect::to(&format!("/tickets/{}", ticket.summary.id)).into_response(),
        Err(error) if error.kind == Kind::Invalid => match market.ticket(&actor, &id).await {
            Ok(ticket) => {
                let content =
                    content(&text, &ticket, &market.ids.next().to_string(), posted.get("text"), Some(&error));
                let page = shown(&text, &text.get("ticket"), &content);
                (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
            }
            Err(error) => refused(text, error),
        },
        Err(error) => refused(text, error),
    }
}

pub(super) async fn close(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    _: Fields,
) -> Response {
    let closed: Result<Ticket> = market.close_ticket(&actor, &id).await;
    match closed {
        Ok(ticket) => Redirect::to(&format!("/tickets/{}", ticket.summary.id)).into_response(),
        Err(error) => refused(text, error),
    }
}

/// The tickets of a submission, on its page.
pub(super) fn of_submission(text: &Text, tickets: &[TicketSummary]) -> Markup {
    html! {
        @if !tickets.is_empty() {
            h2 { (text.get("tickets")) }
            ul.links { @for ticket in tickets {
                li {
                    a href={ "/tickets/" (ticket.id) } { (step_name(text, ticket.step)) }
                    " · " (state(text, ticket.state)) " · " (format::instant(text, ticket.changed))
                    @if ticket.automatic { " · " (text.get("ticket-automatic")) }
                }
            } }
        }
    }
}

struct Form<'a> {
    submission: &'a str,
    /// Empty when the form comes again.
    name: &'a str,
    step: Option<Step>,
    key: String,
    typed: &'a str,
    error: Option<&'a Error>,
}

impl Form<'_> {
    fn content(&self, text: &Text) -> Markup {
        html! {
            h1 { (text.get("ticket-new")) }
            p { a href={ "/submissions/" (self.submission) } { (text.get("submission")) " " (self.name) } }
            p { (text.get("ticket-lead")) }
            (problem(text, self.error))
            form method="post" action={ "/submissions/" (self.submission) "/tickets" } {
                input type="hidden" name="key" value=(self.key);
                label for="step" { (text.get("ticket-step")) }
                select #step name="step" required {
                    @for step in Step::ALL {
                        option value=(step.id()) selected[self.step == Some(step)] { (step_name(text, step)) }
                    }
                }
                (field(text, self.typed, self.error))
                div.actions {
                    button.primary { (text.get("ticket-send")) }
                    a.button href={ "/submissions/" (self.submission) } { (text.get("back")) }
                }
            }
        }
    }
}

fn problem(text: &Text, error: Option<&Error>) -> Markup {
    html! {
        @if let Some(error) = error {
            div #problem role="alert" {
                p.bad { (text.told(&error.message)) }
                p.hint { (text.get("hint-label")) " " (text.told(&error.hint)) }
            }
        }
    }
}

fn field(text: &Text, typed: &str, error: Option<&Error>) -> Markup {
    html! {
        label for="text" { (text.get("ticket-text")) }
        p.hint #text-rule { (text.with("ticket-text-rule", &[("limit", &TEXT_CHARS_MAX.to_string())])) }
        textarea #text name="text" rows="8" maxlength=(TEXT_CHARS_MAX) required dir="auto"
            aria-describedby=(if error.is_some() { "text-rule problem" } else { "text-rule" })
            aria-invalid=[error.map(|_| "true")] { "\n" (typed) }
    }
}

fn content(text: &Text, ticket: &Ticket, key: &str, typed: &str, error: Option<&Error>) -> Markup {
    let summary = &ticket.summary;
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/tickets" { (text.get("tickets")) } }
            li { a href={ "/submissions/" (summary.submission) } { (summary.publisher) "." (summary.offer) } }
            li { (step_name(text, summary.step)) }
        } }
        h1 { (text.with("ticket-title", &[("step", &step_name(text, summary.step)), ("name", &format!("{}.{}", summary.publisher, summary.offer))])) }
        p { strong { (state(text, summary.state)) }
            @if summary.automatic { " · " (text.get("ticket-automatic")) } }
        ol.talk { @for message in &ticket.messages {
            li {
                p.small { strong { (message.author) } " · " (format::instant(text, message.at)) }
                p.written dir="auto" { (message.text) }
            }
        } }
        @if summary.state != TicketState::Closed {
            (problem(text, error))
            form method="post" action={ "/tickets/" (summary.id) "/messages" } {
                input type="hidden" name="key" value=(key);
                (field(text, typed, error))
                button.primary { (text.get("ticket-answer")) }
            }
            form method="post" action={ "/tickets/" (summary.id) "/close" } {
                button { (text.get("ticket-close")) }
            }
        } @else {
            p.hint { (text.get("ticket-closed-hint")) }
        }
    }
}

fn table(text: &Text, tickets: &[TicketSummary]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(text.get("tickets")) { table {
            thead { tr {
                th scope="col" { (text.get("offer")) } th scope="col" { (text.get("ticket-step")) }
                th scope="col" { (text.get("ticket-state")) } th scope="col" { (text.get("ticket-by")) }
                th scope="col" { (text.get("ticket-changed")) }
            } }
            tbody { @for ticket in tickets { tr {
                th scope="row" { a href={ "/tickets/" (ticket.id) } { (ticket.publisher) "." (ticket.offer) } }
                td { (step_name(text, ticket.step)) }
                td { (state(text, ticket.state)) }
                td { (ticket.opened_by) }
                td { (format::instant(text, ticket.changed)) }
            } } }
        } }
    }
}

fn state(text: &Text, state: TicketState) -> String {
    text.get(&format!("ticket-state-{}", state.name()))
}

fn step_name(text: &Text, step: Step) -> String {
    let (english, french) = step.names();
    if text.is_french() { french } else { english }.to_owned()
}

fn shown(text: &Text, title: &str, content: &Markup) -> Response {
    let about = Head { style: Some(STYLE), unlisted: true, ..Head::default() };
    layout::page_with(text, title, &about, content).into_response()
}
