//! The pages that ask before a submission goes live or is cancelled: what will follow, and one button.

use super::STYLE;
use crate::error::Result;
use crate::http::Who;
use crate::market::Market;
use crate::portal::layout::{self, Head};
use crate::portal::posted::refused;
use crate::portal::{Language, format};
use crate::submissions::Submission;
use crate::text::Text;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::submission::SubmissionState;

pub(in crate::portal) async fn ask_go_live(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    let may =
        |submission: &Submission| submission.summary.state == SubmissionState::WaitingForPublisherReview;
    ask(&text, market.submission(&actor, &id).await, may, go_live_content)
}

pub(in crate::portal) async fn ask_cancel(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    let may = |submission: &Submission| submission.summary.state.may_cancel(super::current(submission));
    ask(&text, market.submission(&actor, &id).await, may, cancel_content)
}

/// The question; where it makes no sense any more, the submission itself.
fn ask(
    text: &Text,
    found: Result<Submission>,
    may: impl Fn(&Submission) -> bool,
    content: impl Fn(&Text, &Submission) -> Markup,
) -> Response {
    match found {
        Ok(submission) if may(&submission) => {
            let about = Head { style: Some(STYLE), unlisted: true, ..Head::default() };
            let title = format!("{}.{}", submission.summary.publisher, submission.summary.offer);
            layout::page_with(text, &title, &about, &content(text, &submission)).into_response()
        }
        Ok(submission) => Redirect::to(&format!("/submissions/{}", submission.summary.id)).into_response(),
        Err(error) => refused(Text::of_locale(text.language()), error),
    }
}

fn go_live_content(text: &Text, submission: &Submission) -> Markup {
    let summary = &submission.summary;
    let name = format!("{}.{}", summary.publisher, summary.offer);
    html! {
        h1 { (text.with("go-live-question", &[("name", &name), ("number", &summary.number.to_string())])) }
        ul {
            li { (text.get("go-live-regions")) }
            li { (text.get("go-live-tags")) }
            li { (text.get("go-live-versions")) }
            li { (text.get("go-live-preview-ends")) }
        }
        h2 { (text.get("images")) }
        div.scroll tabindex="0" role="region" aria-label=(text.get("images")) { table {
            thead { tr {
                th scope="col" { (text.get("plan")) } th scope="col" { (text.get("tag")) } th scope="col" { (text.get("digest")) }
            } }
            tbody { @for image in &submission.images {
                tr { td { (image.plan) } td { (image.tag) } td { code.digest { (image.digest) } } }
            } }
        } }
        p { a href={ "/publish/" (summary.publisher) "/" (summary.offer) "/compare?to=" (summary.id) } { (text.get("compare-with-live")) } }
        (buttons(text, submission, "go-live", &text.get("go-live-now")))
    }
}

fn cancel_content(text: &Text, submission: &Submission) -> Markup {
    let summary = &submission.summary;
    let name = format!("{}.{}", summary.publisher, summary.offer);
    html! {
        h1 { (text.with("cancel-question", &[("name", &name), ("number", &summary.number.to_string())])) }
        p.small { (text.with("submitted-by", &[("who", &summary.submitted_by), ("when", &format::instant(text, summary.created))])) }
        ul {
            li { (text.get("cancel-preview-goes")) }
            li { (text.get("cancel-live-stays")) }
            li { (text.get("cancel-draft-stays")) }
        }
        (buttons(text, submission, "cancel", &text.get("cancel-now")))
    }
}

fn buttons(text: &Text, submission: &Submission, action: &str, label: &str) -> Markup {
    let base = format!("/submissions/{}", submission.summary.id);
    html! {
        div.actions {
            form method="post" action={ (base) "/" (action) } { button.primary { (label) } }
            a.button href=(base) { (text.get("back")) }
        }
    }
}
