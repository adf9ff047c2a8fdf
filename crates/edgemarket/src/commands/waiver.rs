//! `waiver add`, `list`, `remove`: findings that a certifier of a marketplace accepts, with a reason and an end.

use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::{Args, Subcommand};
use market::waivers::{NewWaiver, WaiverView};
use serde_json::json;

/// `edgemarket waiver`
#[derive(Debug, Subcommand)]
pub enum WaiverCommand {
    /// Waive the findings of a criterion; the waived ones stay visible in the report
    Add(Add),
    /// List the waivers, expired ones too
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Take a waiver back
    Remove {
        /// The waiver's ID, as `waiver list` shows it
        id: String,
        #[command(flatten)]
        target: Target,
    },
}

/// What `waiver add` takes.
#[derive(Debug, Args)]
pub struct Add {
    /// Criterion, as the report names it
    criterion: String,
    /// Why it is accepted; the publisher reads it
    #[arg(long)]
    reason: String,
    /// The last day on which it holds, for example 2027-03-31
    #[arg(long, value_name = "DAY")]
    until: String,
    /// For one offer, or one plan of it: PUBLISHER[.OFFER[/PLAN]]
    #[arg(long, value_name = "OFFER")]
    offer: Option<String>,
    /// For one image: its digest
    #[arg(long, value_name = "DIGEST")]
    image: Option<String>,
    /// For one place: a pattern of path, package, tag or pointer, for example 'etc/ssl/*.key' or 'app/**'
    #[arg(long, value_name = "PATTERN")]
    place: Option<String>,
    /// Who answers for it [default: the role of the token]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Runs one of them.
pub async fn run(command: &WaiverCommand, output: &Output) -> Result<(), Failure> {
    match command {
        WaiverCommand::Add(add) => {
            let request = serde_json::to_value(new_waiver(add)).map_err(|cause| {
                Failure::could_not_run(
                    format!("the request cannot be written: {cause}"),
                    "please report this",
                )
            })?;
            let made: WaiverView =
                add.target.call(Method::POST, "/api/v1/waivers", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.id))
        }
        WaiverCommand::List { target } => {
            let all: Vec<WaiverView> = target.get("/api/v1/waivers").await?;
            output.list(&all, "no waiver yet; add one with: edgemarket waiver add CRITERION", line)
        }
        WaiverCommand::Remove { id, target } => {
            let path: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
            target.call_for_nothing(Method::DELETE, &format!("/api/v1/waivers/{path}")).await?;
            output.value(&json!({ "removed": id }), |_| format!("{id}\n"))
        }
    }
}

fn new_waiver(add: &Add) -> NewWaiver {
    let (publisher, rest) = match add.offer.as_deref().map(|text| text.split_once('.').ok_or(text)) {
        None => (None, None),
        Some(Err(publisher)) => (Some(publisher.to_owned()), None),
        Some(Ok((publisher, rest))) => (Some(publisher.to_owned()), Some(rest)),
    };
    let (offer, plan) = match rest.map(|rest| rest.split_once('/').ok_or(rest)) {
        None => (None, None),
        Some(Err(offer)) => (Some(offer.to_owned()), None),
        Some(Ok((offer, plan))) => (Some(offer.to_owned()), Some(plan.to_owned())),
    };
    NewWaiver {
        criterion: add.criterion.clone(),
        image: add.image.clone(),
        publisher,
        offer,
        plan,
        place: add.place.clone(),
        reason: add.reason.clone(),
        until: add.until.clone(),
        by: add.by.clone(),
    }
}

fn line(view: &WaiverView) -> String {
    let waiver = &view.waiver;
    let parts = [&waiver.publisher, &waiver.offer, &waiver.plan].map(|part| part.as_deref().unwrap_or("*"));
    let state = if view.expired { "expired" } else { "until" };
    let place = waiver.place.as_deref().unwrap_or("everywhere");
    let scope = parts.join("/");
    format!(
        "{}  {} {place} in {scope}, {state} {} ({}): {}",
        view.id, waiver.criterion, waiver.until, waiver.by, waiver.reason
    )
}
