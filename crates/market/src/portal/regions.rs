//! The operator's page of regions: how each stands, and what it lacks.

use super::{Failed, Language};
use super::{format, layout};
use crate::error::Kind;
use crate::http::Who;
use crate::market::Market;
use crate::regions::{RegionDetail, RegionState, RegionStatus};
use crate::text::Text;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Response {
    match market.region_details(&actor).await {
        Ok(all) => layout::page(&text, &text.get("regions"), &regions(&text, &all)).into_response(),
        Err(error) if error.kind == Kind::Unauthenticated => Redirect::to("/sign-in").into_response(),
        Err(error) => Failed(text, error).into_response(),
    }
}

fn regions(text: &Text, all: &[RegionDetail]) -> Markup {
    html! {
        h1 { (text.get("regions")) }
        @if all.is_empty() {
            p.empty { (text.get("regions-empty")) }
            pre { "edgemarket region add NAME URL" }
        }
        @for region in all {
            section {
                h2 { (region.view.name) }
                p.small { (region.view.url) " · " (text.get(if region.view.required { "region-required" } else { "region-optional" })) }
                @if let Some(status) = &region.view.status { (standing(text, status)) }
                @if !region.submissions.is_empty() { (lacking(text, region)) }
            }
        }
    }
}

fn standing(text: &Text, status: &RegionStatus) -> Markup {
    let (class, key) = match status.state {
        RegionState::UpToDate => ("good", "region-up-to-date"),
        RegionState::Transferring => ("doubtful", "region-transferring"),
        RegionState::Waiting => ("doubtful", "region-waiting"),
        RegionState::OutsideWindow => ("doubtful", "region-outside-window"),
        RegionState::Behind => ("bad", "region-behind"),
        RegionState::Paused => ("doubtful", "region-paused"),
    };
    let missing = &status.missing;
    let (submissions, size) = (missing.submissions.to_string(), format::bytes(text, missing.bytes));
    html! {
        p class=(class) { (text.get(key)) }
        @if missing.submissions > 0 {
            p {
                @if missing.uncounted > 0 {
                    (text.with("region-uncounted", &[("submissions", &submissions)]))
                } @else {
                    (text.with("region-missing", &[("submissions", &submissions), ("size", &size)]))
                }
                @if let Some(since) = missing.since { " (" (text.with("region-since", &[("since", &since.to_string())])) ")" }
            }
        }
        @if let Some(opens) = status.window_opens { p { (text.with("region-opens", &[("opens", &opens.to_string())])) } }
        @if let Some(message) = &status.message { p.bad { (message) } }
    }
}

fn lacking(text: &Text, region: &RegionDetail) -> Markup {
    html! {
        ul { @for found in &region.submissions {
            li {
                a href={ "/submissions/" (found.id) } { (found.publisher) "." (found.offer) " " (found.number) }
                " · " (text.with("region-since", &[("since", &found.since.to_string())]))
                @if let Some(message) = &found.message { " · " (message) }
            }
        } }
    }
}
