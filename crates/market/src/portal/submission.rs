//! A submission's progress: six steps, their messages, and the two buttons of its publisher. The script replaces the
//! part that changes with the server's own rendering of it, so that there is one rendering in one language.

use super::layout;
use super::session::foreign_form;
use super::{Failed, Language};
use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::http::{Who, is_same_origin};
use crate::market::Market;
use crate::recertification::OfferState;
use crate::submissions::{Level, Message, StepView, Submission};
use crate::text::Text;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::submission::{StepStatus, SubmissionState};

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    match market.submission(&actor, &id).await {
        Ok(submission) => {
            let title = format!("{}.{}", submission.summary.publisher, submission.summary.offer);
            layout::page(&text, &title, &progress(&text, &submission)).into_response()
        }
        Err(error) if error.kind == Kind::Unauthenticated => Redirect::to("/sign-in").into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}

pub(super) async fn go_live(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(market, actor, text, id, headers, true).await
}

pub(super) async fn cancel(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(market, actor, text, id, headers, false).await
}

async fn act(
    market: Market,
    actor: Actor,
    text: Text,
    id: String,
    headers: HeaderMap,
    go_live: bool,
) -> Response {
    if !is_same_origin(&market, &headers) {
        let error = foreign_form(&text);
        return Failed(text, error).into_response();
    }
    let done = async {
        let summary = market.submission(&actor, &id).await?.summary;
        let (publisher, offer) = (summary.publisher.parse(), summary.offer.parse());
        let (Ok(publisher), Ok(offer)) = (publisher, offer) else {
            return Err(Error::internal("a submission with a name that is none"));
        };
        let newest = market.status(&actor, (&publisher, &offer)).await?.summary;
        if newest.id != id {
            return Err(Error::conflict(
                format!(
                    "submission {} is not the newest any more: that is {}",
                    summary.number, newest.number
                ),
                "open the newest submission and look at it first",
            ));
        }
        match go_live {
            true => market.go_live(&actor, (&publisher, &offer)).await,
            false => market.cancel(&actor, (&publisher, &offer)).await,
        }
    };
    match done.await {
        Ok(_) => Redirect::to(&format!("/submissions/{id}")).into_response(),
        Err(error) if error.kind == Kind::Unauthenticated => Redirect::to("/sign-in").into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}

fn progress(text: &Text, submission: &Submission) -> Markup {
    let summary = &submission.summary;
    html! {
        h1 { (summary.publisher) "." (summary.offer) " · " (text.get("submission")) " " (summary.number) }
        div #live data-events={ "/api/v1/submissions/" (summary.id) "/events" } aria-live="polite" {
            p { strong { (state(text, summary.state)) } }
            @if let Some(reason) = &summary.reason { p { (reason) } }
            ol.steps { @for step in &submission.steps { (step_item(text, step)) } }
            @if summary.state == SubmissionState::WaitingForPublisherReview {
                p { a href={ "/offers/" (summary.publisher) "/" (summary.offer) "?preview=true" } { (text.get("see-preview")) } }
                form.inline method="post" action={ "/submissions/" (summary.id) "/go-live" } {
                    button.primary { (text.get("go-live")) }
                }
            }
            @if !summary.state.is_final() {
                form.inline method="post" action={ "/submissions/" (summary.id) "/cancel" } {
                    button { (text.get("cancel")) }
                }
            }
            @if summary.state == SubmissionState::Succeeded {
                p { a href={ "/offers/" (summary.publisher) "/" (summary.offer) } { (text.get("see-offer")) } }
            }
            (images(text, submission))
            (recertifications(text, submission))
        }
        script src="/assets/progress.js" defer {}
    }
}

fn step_item(text: &Text, step: &StepView) -> Markup {
    let name = if text.is_french() { &step.name_fr } else { &step.name };
    html! {
        li class=(step_class(step.status)) {
            div.step {
                strong { (name) }
                span { (status(text, step.status)) @if step.overdue { " · " (text.get("overdue")) } }
                progress max="100" value=(step.progress) aria-label=(name) { (step.progress) " %" }
            }
            @if !step.messages.is_empty() {
                ul.messages { @for message in &step.messages { (message_item(text, message)) } }
            }
        }
    }
}

fn message_item(text: &Text, message: &Message) -> Markup {
    let class = match message.level {
        Level::Info => "quiet",
        Level::Warning => "doubtful",
        Level::Error => "bad",
    };
    html! {
        li {
            span class=(class) { (message.text) }
            @if let Some(hint) = &message.hint { p.hint { (text.get("hint-label")) " " (hint) } }
        }
    }
}

fn images(text: &Text, submission: &Submission) -> Markup {
    html! {
        @if !submission.images.is_empty() {
            h2 { (text.get("images")) }
            table {
                thead { tr {
                    th scope="col" { (text.get("plan")) } th scope="col" { (text.get("tag")) }
                    th scope="col" { (text.get("digest")) }
                } }
                tbody { @for image in &submission.images {
                    tr { td { (image.plan) } td { (image.tag) } td { code { (image.digest) } } }
                } }
            }
        }
        @if !submission.documents.is_empty() {
            h2 { (text.get("documents")) }
            ul { @for document in &submission.documents {
                li { a href={ "/api/v1/submissions/" (submission.summary.id) "/documents/" (document.digest) } {
                    (document.plan) " · " (document.kind) @if let Some(platform) = &document.platform { " · " (platform) }
                }
                @if document.kind == "report" {
                    " " a href={ "/api/v1/submissions/" (submission.summary.id) "/documents/" (document.digest)
                        "?format=html&lang=" (text.language()) } { "HTML" }
                } }
            } }
        }
    }
}

/// What later campaigns said of it, with what its publisher has to mend.
fn recertifications(text: &Text, submission: &Submission) -> Markup {
    html! {
        @if !submission.recertifications.is_empty() {
            h2 { (text.get("recertification")) }
            ul { @for found in &submission.recertifications {
                li {
                    strong class=(recertified_class(found.state)) {
                        (text.get(&format!("recertified-{}", format!("{:?}", found.state).to_lowercase())))
                    }
                    " · " (found.changed)
                    @if let Some(message) = &found.message { " · " (message) }
                    @if let Some(day) = &found.hide_on {
                        @let key = if found.hidden { "recertified-hidden" } else { "recertified-until" };
                        p.hint { (text.with(key, &[("day", &day.to_string())])) }
                    }
                    @for report in &found.reports {
                        " " a href={ "/api/v1/submissions/" (submission.summary.id) "/documents/" (report.digest)
                            "?format=html&lang=" (text.language()) } { (report.plan) " · HTML" }
                    }
                }
            } }
        }
    }
}

fn recertified_class(state: OfferState) -> &'static str {
    match state {
        OfferState::Passed => "good",
        OfferState::Failed | OfferState::Errored => "bad",
        OfferState::Waiting | OfferState::Canceled => "quiet",
    }
}

fn state(text: &Text, state: SubmissionState) -> String {
    text.get(&format!("state-{}", format!("{state:?}").to_lowercase()))
}

fn status(text: &Text, status: StepStatus) -> String {
    text.get(&format!("status-{}", format!("{status:?}").to_lowercase()))
}

fn step_class(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Complete => "done",
        StepStatus::InProgress => "running",
        StepStatus::WaitingForPublisherReview | StepStatus::WaitingForApproval => "waiting",
        StepStatus::Blocked | StepStatus::Rejected => "stopped",
        StepStatus::NotStarted | StepStatus::Canceled => "idle",
    }
}
