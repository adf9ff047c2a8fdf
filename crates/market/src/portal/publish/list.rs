//! The offers of a publisher with where each stands, and a new one.

use super::posted::Sent;
use super::{Desk, files};
use crate::error::{Error, Kind, Result};
use crate::http::offer_of_path;
use crate::overview::Standing;
use crate::portal::format;
use crate::text::Text;
use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::identity::{OfferId, PublisherId};
use offer::submission::SubmissionState;
use std::collections::BTreeMap;

/// What was typed for a new offer, and why it was refused.
#[derive(Default)]
pub(super) struct New {
    pub publisher: String,
    pub offer: String,
    pub name: String,
    /// The field and the reason.
    pub refused: Option<(&'static str, String)>,
    /// Why an archive was refused.
    pub archive: Option<Error>,
}

pub(in crate::portal) async fn page(
    desk: Desk,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    shown(&desk, parameters.get("after").map_or("", String::as_str), &New::default()).await
}

/// The page, behind the offer `after` (publisher.offer).
pub(super) async fn shown(desk: &Desk, after: &str, new: &New) -> Response {
    let text = &desk.text;
    let (standings, more) =
        match desk.market.standings(&desk.actor, after.split_once('.').unwrap_or(("", ""))).await {
            Ok(found) => found,
            Err(error) => return desk.no(&error),
        };
    let next = standings
        .last()
        .filter(|_| more)
        .map(|last| format!("/publish?after={}.{}", last.publisher, last.offer));
    let content = html! {
        h1 { (text.get("publish-offers")) }
        @if standings.is_empty() { p.empty { (text.get("publish-offers-empty")) } }
        @else { (table(text, &standings)) }
        @if let Some(next) = next { p { a href=(next) { (text.get("publish-more")) } } }
        div.new-offer { (new_form(desk, new)) (files::import_form(text, new.archive.as_ref())) }
    };
    desk.page(&text.get("publish-offers"), &content)
}

fn table(text: &Text, standings: &[Standing]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(text.get("publish-offers")) { table.offers {
            thead { tr {
                th scope="col" { (text.get("publish-offer")) }
                th scope="col" { (text.get("publish-live")) }
                th scope="col" { (text.get("publish-in-flight")) }
                th scope="col" { (text.get("publish-draft")) }
            } }
            tbody { @for standing in standings {
                tr {
                    th scope="row" { a href={ "/publish/" (standing.publisher) "/" (standing.offer) "/review" } { (standing.publisher) "." (standing.offer) } }
                    td { @match &standing.live {
                        None => span.quiet { (text.get("publish-not-live")) },
                        Some(version) => a href={ "/offers/" (standing.publisher) "/" (standing.offer) } {
                            @if version.is_empty() { (text.get("publish-live")) } @else { (version) } },
                    } }
                    td { (flight(text, standing)) }
                    td {
                        @if standing.unpublished { span.chip { (text.get("publish-unpublished")) } }
                        @else { span.quiet { (text.get("publish-published")) } }
                        " " span.small { (format::day(text, standing.changed)) }
                    }
                }
            } }
        } }
    }
}

/// Where the newest submission is.
pub(super) fn flight(text: &Text, standing: &Standing) -> Markup {
    let state = text.get(&format!("state-{}", format!("{:?}", standing.state).to_lowercase()));
    let step = standing.step.map(|step| if text.is_french() { step.names().1 } else { step.names().0 });
    html! {
        @match &standing.submission {
            None => span.quiet { (text.get(if standing.live.is_some() { "publish-nothing" } else { "state-neverpublished" })) },
            Some((id, number)) => {
                a href={ "/submissions/" (id) } { (text.get("submission")) " " (number) } " · "
                @if let (Some(step), false) = (step, standing.state == SubmissionState::WaitingForPublisherReview) { (step) }
                @else { (state) }
            }
        }
    }
}

fn new_form(desk: &Desk, new: &New) -> Markup {
    let text = &desk.text;
    let own = desk.actor.publishers();
    let refused =
        |field: &str| new.refused.as_ref().filter(|(at, _)| *at == field).map(|(_, why)| why.as_str());
    let field = |name: &str, value: &str, max: usize, code: bool| {
        html! {
            div.field {
                label for={ "new-" (name) } { (text.get(&format!("publish-new-{name}"))) " " span.needed { (text.get("publish-required")) } }
                p.hint id={ "new-" (name) "-rule" } { (text.get(&format!("publish-new-{name}-rule"))) }
                input class=[code.then_some("code")] id={ "new-" (name) } name=(name) value=(value) data-max=(max) autocomplete="off" spellcheck="false"
                    aria-describedby={ "new-" (name) "-rule new-" (name) "-findings" } aria-invalid=[refused(name).map(|_| "true")];
                p.count { (value.chars().count()) " / " (max) }
                div.findings id={ "new-" (name) "-findings" } { @if let Some(why) = refused(name) { p.finding.bad role="alert" { (why) } } }
            }
        }
    };
    html! {
        section aria-labelledby="new" {
            h2 #new { (text.get("publish-new")) }
            p.hint { (text.get("publish-new-hint")) }
            form method="post" action="/publish" novalidate data-check="/publish/check" {
                @if let [own] = own { input type="hidden" name="publisher" value=(own); }
                @else if own.is_empty() { (field("publisher", &new.publisher, 50, true)) }
                @else {
                    div.field {
                        label for="new-publisher" { (text.get("publish-new-publisher")) }
                        select #new-publisher name="publisher" { @for own in own { option selected[own.as_str() == new.publisher] { (own) } } }
                    }
                }
                (field("offer", &new.offer, 50, true))
                (field("name", &new.name, 50, false))
                button.primary { (text.get("publish-new-button")) }
            }
        }
    }
}

pub(in crate::portal) async fn create(desk: Desk, posted: Sent) -> Response {
    let sent = |name: &str| posted.fields.first(name).unwrap_or_default().trim().to_owned();
    let mut new =
        New { publisher: sent("publisher"), offer: sent("offer"), name: sent("name"), ..New::default() };
    let made = async {
        let refuse = |why: Error| Err(("offer", why));
        // Who may have no offers learns nothing of names.
        crate::access::permit(&desk.actor, crate::access::Operation::HaveOffers)
            .map_err(|why| ("", Error::from(why)))?;
        let publisher: PublisherId = parsed("publisher", &new.publisher)?;
        let offer: OfferId = parsed("offer", &new.offer)?;
        if new.name.is_empty() {
            return Err(("name", Error::invalid(desk.text.get("publish-new-name-missing"), "")));
        }
        match desk.market.new_draft(&desk.actor, (&publisher, &offer), &new.name).await {
            Ok(_) => Ok((publisher, offer)),
            Err(error) if error.kind == Kind::Stale => refuse(Error::conflict(
                desk.text.with("publish-new-taken", &[("offer", &format!("{publisher}.{offer}"))]),
                "",
            )),
            Err(error) => Err((if error.kind == Kind::NotFound { "publisher" } else { "" }, error)),
        }
    };
    match made.await {
        Ok((publisher, offer)) => {
            Redirect::to(&format!("/publish/{publisher}/{offer}/settings")).into_response()
        }
        Err(("" | "publisher", error))
            if desk.actor.publishers().len() == 1 || error.kind != Kind::Invalid =>
        {
            desk.no(&error)
        }
        Err((field, error)) => {
            let status = crate::http::status_of(error.kind).0;
            new.refused = Some((field, desk.text.told(&error.message).words));
            (status, shown(&desk, "", &new).await).into_response()
        }
    }
}

fn parsed<T: std::str::FromStr<Err = offer::identity::IdError>>(
    field: &'static str,
    value: &str,
) -> std::result::Result<T, (&'static str, Error)> {
    value.parse().map_err(|error| {
        let shown: String = value.chars().take(60).collect();
        (field, Error::invalid(format!("{shown:?} {error}"), "use lower-case letters a-z, digits and dashes"))
    })
}

/// Whether an offer ID can be used, for the script: what is wrong with it, or an empty text.
pub(in crate::portal) async fn check(
    desk: Desk,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let asked = |name: &str| parameters.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let judged = async {
        crate::access::permit(&desk.actor, crate::access::Operation::HaveOffers)?;
        let (publisher, offer) = (asked("publisher"), asked("offer"));
        if let Err((_, error)) = parsed::<OfferId>("offer", &offer) {
            return Ok(desk.text.told(&error.message).words);
        }
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        Result::Ok(match desk.market.is_free(&desk.actor, (&publisher, &offer)).await? {
            true => String::new(),
            false => desk.text.with("publish-new-taken", &[("offer", &format!("{publisher}.{offer}"))]),
        })
    };
    match judged.await {
        Ok(problem) => (StatusCode::OK, Json(serde_json::json!({ "problem": problem }))).into_response(),
        Err(error) => desk.no(&error),
    }
}
