//! A submission's progress: six steps with their messages, what hinders it, and what its publisher can do now. The script
//! replaces the parts that changed with the server's own rendering of them, so that there is one rendering in one
//! language.

mod confirm;
mod report;
mod steps;

pub(super) use confirm::{ask_cancel, ask_go_live};

use super::layout::{self, Head};
use super::posted::{Fields, refused};
use super::{Language, assets, format, tickets};
use crate::access::Actor;
use crate::error::{Error, Result};
use crate::http::Who;
use crate::market::Market;
use crate::recertification::OfferState;
use crate::submissions::{Submission, SubmissionSummary};
use crate::text::Text;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::submission::{Step, SubmissionState};

/// Style sheet of the pages of those who publish.
pub(super) const STYLE: &str = "/assets/publishing.css";

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
) -> Response {
    let found = async {
        let submission = market.submission(&actor, &id).await?;
        let newest = newest(&market, &actor, &submission.summary).await?;
        Ok((submission, newest))
    };
    match found.await {
        Ok((submission, newest)) => {
            let title = format!("{}.{}", submission.summary.publisher, submission.summary.offer);
            let about = Head { style: Some(STYLE), unlisted: true, ..Head::default() };
            let content = progress(&text, &submission, &newest);
            layout::page_with(&text, &title, &about, &content).into_response()
        }
        Err(error) => refused(text, error),
    }
}

/// The newest submission of the same offer.
async fn newest(market: &Market, actor: &Actor, of: &SubmissionSummary) -> Result<SubmissionSummary> {
    let (publisher, offer) = crate::submissions::names(of)?;
    let all = market.submissions(actor, (&publisher, &offer)).await?;
    all.into_iter().next().ok_or_else(|| Error::not_found("the newest submission of this offer"))
}

pub(super) async fn go_live(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    _: Fields,
) -> Response {
    done(text, market.go_live_with(&actor, &id).await)
}

pub(super) async fn cancel(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    _: Fields,
) -> Response {
    done(text, market.cancel_with(&actor, &id).await)
}

/// Publishes the draft as it is now.
pub(super) async fn publish_again(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    _: Fields,
) -> Response {
    done(text, market.publish_after(&actor, &id).await)
}

fn done(text: Text, result: Result<Submission>) -> Response {
    match result {
        Ok(submission) => Redirect::to(&format!("/submissions/{}", submission.summary.id)).into_response(),
        Err(error) => refused(text, error),
    }
}

fn progress(text: &Text, submission: &Submission, newest: &SubmissionSummary) -> Markup {
    let summary = &submission.summary;
    let offer = format!("{}/{}", summary.publisher, summary.offer);
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/" { (text.get("home")) } }
            li { a href={ "/publish/" (offer) "/history" } { (summary.publisher) "." (summary.offer) } }
            li { (text.get("submission")) " " (summary.number) }
        } }
        h1 { (summary.publisher) "." (summary.offer) " · " (text.get("submission")) " " (summary.number) }
        p.small {
            (text.with("submitted-by", &[("who", &summary.submitted_by), ("when", &format::instant(text, summary.created))]))
        }
        div #live data-events={ "/api/v1/submissions/" (summary.id) "/events" } {
            div #state class={ "state " (state_class(summary.state)) } role="status" {
                strong { (state(text, summary.state)) }
                @if let Some(reason) = untold(submission) { p dir="auto" { (reason) } }
                p { (next(text, submission)) }
            }
            div #actions.actions { (actions(text, submission, newest)) }
            div #report { (report::failures(text, submission)) }
            h2 #steps-title { (text.get("steps")) }
            ol #steps.steps { @for step in &submission.steps { (steps::item(text, submission, step)) } }
            div #tickets { (tickets::of_submission(text, &submission.tickets)) }
            div #images { (images(text, submission)) }
            div #regions { (regions(text, submission)) }
            div #recertifications { (recertifications(text, submission)) }
        }
        script src=(assets::at("/assets/progress.js")) defer {}
    }
}

/// Why it was cancelled or failed, unless the report below says so.
fn untold(submission: &Submission) -> Option<&str> {
    let reason = submission.summary.reason.as_deref()?;
    let failures = submission.failures();
    let told = failures.iter().flat_map(|failure| &failure.messages).any(|message| message.text == reason);
    (!told).then_some(reason)
}

/// One sentence: what comes next, and from whom.
fn next(text: &Text, submission: &Submission) -> String {
    text.get(match submission.summary.state {
        SubmissionState::WaitingForPublisherReview => "next-look-at-preview",
        SubmissionState::Failed => "next-mend",
        SubmissionState::Canceled => "next-publish-again",
        SubmissionState::Succeeded => "next-live",
        _ if submission.steps.iter().any(|step| step.overdue) => "next-overdue",
        _ => "next-wait",
    })
}

/// What can be done now; each with a page that asks first, except for what can be taken back.
fn actions(text: &Text, submission: &Submission, newest: &SubmissionSummary) -> Markup {
    let summary = &submission.summary;
    let (base, offer) =
        (format!("/submissions/{}", summary.id), format!("{}/{}", summary.publisher, summary.offer));
    let is_newest = newest.id == summary.id;
    html! {
        @if summary.state == SubmissionState::WaitingForPublisherReview {
            a.button href={ "/offers/" (offer) "?preview=true" } { (text.get("see-preview")) }
            a.button.primary href={ (base) "/go-live" } { (text.get("go-live")) "…" }
        }
        @if summary.state.may_cancel(current(submission)) {
            a.button href={ (base) "/cancel" } { (text.get("cancel-submission")) "…" }
        }
        @if summary.state == SubmissionState::Succeeded {
            a.button href={ "/offers/" (offer) } { (text.get("see-offer")) }
        }
        @if is_newest && matches!(summary.state, SubmissionState::Failed | SubmissionState::Canceled) {
            a.button href={ "/publish/" (offer) "/review" } { (text.get("edit-offer")) }
            form method="post" action={ (base) "/publish" } {
                button.primary { (text.get("publish-again")) }
            }
        }
        @if !is_newest {
            a.button.primary href={ "/submissions/" (newest.id) } {
                (text.with("newest-submission", &[("number", &newest.number.to_string())]))
            }
        }
        a.button href={ "/publish/" (offer) "/compare?to=" (summary.id) } { (text.get("compare")) }
    }
}

/// The step at which it is: the first that is not complete.
fn current(submission: &Submission) -> Step {
    let open = submission.steps.iter().find(|step| step.status != offer::submission::StepStatus::Complete);
    open.map_or(Step::Live, |step| step.id)
}

fn images(text: &Text, submission: &Submission) -> Markup {
    html! {
        @if !submission.images.is_empty() {
            h2 { (text.get("images")) }
            div.scroll tabindex="0" role="region" aria-label=(text.get("images")) { table {
                thead { tr {
                    th scope="col" { (text.get("plan")) } th scope="col" { (text.get("tag")) }
                    th scope="col" { (text.get("digest")) }
                } }
                tbody { @for image in &submission.images {
                    tr { td { (image.plan) } td { (image.tag) } td { code.digest { (image.digest) } } }
                } }
            } }
        }
        @if !submission.documents.is_empty() {
            h2 { (text.get("documents")) }
            ul.links { @for document in &submission.documents {
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

fn regions(text: &Text, submission: &Submission) -> Markup {
    html! {
        @if !submission.regions.is_empty() {
            h2 { (text.get("regions")) }
            ul.links { @for region in &submission.regions {
                li {
                    strong { (region.name) } " · " (text.get(&format!("standing-{}", region.state.to_lowercase())))
                    @if !region.required { " · " (text.get("region-optional")) }
                    @if let Some(message) = &region.message { p.hint { (message) } }
                }
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
                    " · " (format::instant(text, found.changed))
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

/// A state of submissions in words.
pub(super) fn state(text: &Text, state: SubmissionState) -> String {
    text.get(&format!("state-{}", format!("{state:?}").to_lowercase()))
}

fn state_class(state: SubmissionState) -> &'static str {
    match state {
        SubmissionState::Succeeded => "good",
        SubmissionState::Failed => "bad",
        SubmissionState::Canceled | SubmissionState::NeverPublished => "quiet",
        SubmissionState::WaitingForPublisherReview => "doubtful",
        SubmissionState::NotStarted | SubmissionState::Running => "running",
    }
}
