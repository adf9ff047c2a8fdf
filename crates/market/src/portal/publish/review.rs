//! Review and publish: how far each section is, everything that the rules say with a link to the field, and the button.

use super::posted::Sent;
use super::tabs::{self, Tab, Whole, badge};
use super::told::finding_item;
use super::{Desk, list, plans};
use crate::error::{Error, Kind, Result};
use crate::http::offer_of_path;
use crate::offers::{Draft, IfMatch};
use crate::submissions::{NOTIFY_MAX, Publish};
use crate::text::Text;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::finding::{Finding, Severity};
use offer::reading;
use offer::sections::Section;
use offer::submission::SubmissionState;

/// What was typed before it was refused, and why.
pub(super) struct Refused {
    notify: String,
    error: Error,
}

pub(super) async fn content(desk: &Desk, whole: &Whole, refused: Option<&Refused>) -> Result<Markup> {
    let text = &desk.text;
    let key = (&whole.draft.publisher, &whole.draft.offer);
    let standing = desk.market.standing(&desk.actor, key).await?;
    let stored = desk.market.stored_credentials(&desk.actor, key).await?;
    let path = format!("/publish/{}/{}", key.0, key.1);
    let in_flight = !standing.state.is_final()
        && !matches!(
            standing.state,
            SubmissionState::NeverPublished | SubmissionState::WaitingForPublisherReview
        );
    let count = |severity| {
        whole.findings.iter().filter(|(_, finding)| finding.severity == severity).count().to_string()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    Ok(html! {
        dl.facts-list {
            dt { (text.get("publish-live")) } dd {
                @match &standing.live { None => (text.get("publish-not-live")), Some(version) => (version) } }
            dt { (text.get("publish-in-flight")) } dd { (list::flight(text, &standing)) }
            dt { (text.get("publish-draft")) } dd { (text.get(if standing.unpublished { "publish-unpublished" } else { "publish-published" })) }
        }
        h2 { (text.get("publish-sections")) }
        table.sections { tbody { @for (section, state) in &whole.states {
            @let name = match section {
                Section::Plan(index) => plans::title(text, &whole.values, &format!("/plans/{index}/")),
                section => Tab::Of(*section).name(text),
            };
            tr {
                th scope="row" { a href={ (path) "/" (Tab::Of(*section).path()) } { (name) } }
                td { (badge(text, *state)) " " (text.get(&format!("publish-state-{}", state.id()))) }
            }
        } } }
        h2 { (text.get("publish-findings")) }
        @if whole.findings.is_empty() { p.good { (text.get("publish-findings-none")) } }
        @else {
            p { (text.with("publish-findings-count", &[("errors", &errors), ("warnings", &warnings)])) }
            ul.all-findings { @for (at, finding) in &whole.findings { li { (finding_item(text, finding)) (place(text, &whole.draft, at, finding)) } } }
        }
        h2 { (text.get("publish-now")) }
        @if let Some(refused) = refused { (refusal(desk, refused)) }
        @if in_flight { p.banner { (text.get("publish-in-flight-hint")) } }
        @else if whole.has_errors() { p.banner { (text.get("publish-errors-hint")) } }
        @else {
            @if standing.state == SubmissionState::WaitingForPublisherReview { p.banner { (text.get("publish-supersedes")) } }
            (form(desk, whole, &stored, refused.map_or("", |refused| &refused.notify)))
        }
    })
}

fn form(desk: &Desk, whole: &Whole, stored: &[String], notify: &str) -> Markup {
    let text = &desk.text;
    let variables =
        reading::identity(&whole.draft.files).map(|identity| identity.password_envs).unwrap_or_default();
    html! {
        form method="post" action={ "/publish/" (whole.draft.publisher) "/" (whole.draft.offer) "/review" } data-once {
            input type="hidden" name="etag" value=(whole.draft.etag);
            div.field {
                label for="notify" { (text.get("publish-notify")) }
                p.hint #notify-rule { (text.with("publish-notify-rule", &[("max", &NOTIFY_MAX.to_string())])) }
                textarea #notify name="notify" rows="2" aria-describedby="notify-rule" { "\n" (notify) }
            }
            @for variable in &variables {
                div.field {
                    label for={ "credential-" (variable) } { (text.with("publish-credential", &[("name", variable)])) }
                    p.hint id={ "credential-" (variable) "-rule" } {
                        (text.get(if stored.contains(variable) { "publish-credential-stored" } else { "publish-credential-missing" })) }
                    input type="password" id={ "credential-" (variable) } name={ "credential:" (variable) } autocomplete="off"
                        aria-describedby={ "credential-" (variable) "-rule" };
                }
            }
            button.primary { (text.get("publish-button")) }
            p.hint { (text.get("publish-button-hint")) }
        }
    }
}

fn refusal(desk: &Desk, refused: &Refused) -> Markup {
    html! {
        div.banner role="alert" { (desk.text.told(&refused.error.message)) ". " (desk.text.told(&refused.error.hint)) "."
            @for finding in &refused.error.findings { (finding_item(&desk.text, finding)) } }
    }
}

/// A link to the field that a finding is about.
fn place(text: &Text, draft: &Draft, at: &str, finding: &Finding) -> Markup {
    let position = finding.position.as_ref().map(ToString::to_string);
    html! { p.small {
        @if let Some((tab, address)) = tabs::field_of((draft.publisher.as_str(), draft.offer.as_str()), at) { a href=(address) { (text.get("publish-to-field")) } " · " (tab.name(text)) }
        @if let Some(position) = position { " · " code { (position) } }
    } }
}

pub(super) async fn publish(desk: &Desk, (publisher, offer): (&str, &str), posted: &Sent) -> Response {
    let notify = posted.fields.first("notify").unwrap_or_default().to_owned();
    let addresses =
        notify.split([',', ';', '\n', '\r', ' ']).map(str::trim).filter(|address| !address.is_empty());
    let mut request = Publish { notify: addresses.map(str::to_owned).collect(), ..Publish::default() };
    for name in posted.below("credential:") {
        let value = posted.fields.first(&format!("credential:{name}")).unwrap_or_default();
        if !value.is_empty() {
            request.credentials.insert(name.to_owned(), value.to_owned());
        }
    }
    let etag =
        posted.fields.first("etag").and_then(|etag| etag.parse().ok()).map_or(IfMatch::Any, IfMatch::Etag);
    let (publisher, offer) = match offer_of_path(&(publisher, offer)) {
        Ok(key) => key,
        Err(error) => return desk.no(&error),
    };
    let key = (&publisher, &offer);
    let error = match desk.market.publish(&desk.actor, key, &request, etag).await {
        Ok(submission) => {
            return Redirect::to(&format!("/submissions/{}", submission.summary.id)).into_response();
        }
        Err(error) => error,
    };
    if matches!(
        error.kind,
        Kind::Unauthenticated | Kind::NotFound | Kind::Denied | Kind::Internal | Kind::Setup
    ) {
        return desk.no(&error);
    }
    // A second click on the button: what the first one began is what both wanted.
    if error.kind == Kind::Conflict
        && let Ok(newest) = desk.market.status(&desk.actor, key).await
        && desk.market.standing(&desk.actor, key).await.is_ok_and(|standing| !standing.unpublished)
    {
        return Redirect::to(&format!("/submissions/{}", newest.summary.id)).into_response();
    }
    let status = crate::http::status_of(error.kind).0;
    refused(desk, key, Refused { notify, error }, status).await
}

/// The page again, with what was typed.
async fn refused(
    desk: &Desk,
    key: (&offer::identity::PublisherId, &offer::identity::OfferId),
    refused: Refused,
    status: StatusCode,
) -> Response {
    let shown = async {
        let draft = desk.market.draft(&desk.actor, key).await?;
        let whole = Whole::of(&desk.market, draft)
            .map_err(|finding| Error::conflict(finding.message, finding.hint))?;
        let content = content(desk, &whole, Some(&refused)).await?;
        Ok::<_, Error>((whole, content))
    };
    match shown.await {
        Ok((whole, content)) => {
            let page = html! { (tabs::head(&desk.text, &whole, Tab::Review)) (content) };
            (status, desk.page(&desk.text.get("publish-tab-review"), &page)).into_response()
        }
        Err(error) => desk.no(&error),
    }
}
