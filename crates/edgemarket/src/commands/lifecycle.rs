//! `compare`, `stop-selling`, `restore`, `delete-draft`: what a publisher does with an offer beside publishing it.

use super::submission::split_offer;
use super::target::Target;
use crate::client::{Client, Payload};
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Args;
use market::comparison::Comparison;
use market::selling::Selling;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `edgemarket compare`
#[derive(Debug, Args)]
pub struct Compare {
    /// PUBLISHER.OFFER
    offer: String,
    /// The earlier version: live, draft, or a submission's ID
    #[arg(long, value_name = "VERSION", default_value = "live")]
    from: String,
    /// The later version
    #[arg(long, value_name = "VERSION", default_value = "draft")]
    to: String,
    #[command(flatten)]
    target: Target,
}

/// `edgemarket stop-selling`, `restore`
#[derive(Debug, Args)]
pub struct Sell {
    /// PUBLISHER.OFFER
    offer: String,
    /// One plan instead of the whole offer
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// `edgemarket delete-draft`
#[derive(Debug, Args)]
pub struct DeleteDraft {
    /// PUBLISHER.OFFER
    offer: String,
    /// Only if it is the offer that is meant: without it nothing is deleted
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints what differs between two versions.
pub async fn compare(args: &Compare, output: &Output) -> Result<(), Failure> {
    let (publisher, offer) = split_offer(&args.offer)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("from", &args.from).append_pair("to", &args.to);
    let path = format!("/api/v1/offers/{publisher}/{offer}/compare?{}", query.finish());
    let comparison: Comparison = args.target.get(&path).await?;
    output.value(&comparison, describe)
}

/// Stops selling.
pub async fn stop_selling(args: &Sell, output: &Output) -> Result<(), Failure> {
    sell(args, output, "stop-selling").await
}

/// Sells again.
pub async fn restore(args: &Sell, output: &Output) -> Result<(), Failure> {
    sell(args, output, "restore").await
}

async fn sell(args: &Sell, output: &Output, action: &str) -> Result<(), Failure> {
    let (publisher, offer) = split_offer(&args.offer)?;
    let path = format!("/api/v1/offers/{publisher}/{offer}/{action}");
    let work = async |client: &Client| {
        let part = Payload::Json(json!({ "plan": args.plan }));
        Ok(client.call::<Selling>(Method::POST, &path, part).await?)
    };
    let selling = args.target.with(work).await?;
    output.value(&selling, |selling| {
        let words = |stopped: Option<market::clock::Instant>| match stopped {
            Some(since) => format!("not sold since {since}"),
            None => "sold".to_owned(),
        };
        let mut text = format!("{}.{}: {}\n", selling.publisher, selling.offer, words(selling.stopped));
        for plan in &selling.plans {
            let _ = writeln!(text, "  {}: {}", plan.plan, words(plan.stopped));
        }
        text
    })
}

/// Deletes a draft: of an offer that was never live the offer goes.
pub async fn delete_draft(args: &DeleteDraft, output: &Output) -> Result<(), Failure> {
    let (publisher, offer) = split_offer(&args.offer)?;
    if !args.yes {
        return Err(Failure::usage(
            format!("the draft of {publisher}.{offer} was not deleted: it cannot be brought back"),
            "say --yes when you are sure",
        ));
    }
    let path = format!("/api/v1/offers/{publisher}/{offer}/draft");
    args.target.with(async |client| Ok(client.bytes(Method::DELETE, &path, Payload::Empty).await?)).await?;
    output.remark(&format!("the draft of {publisher}.{offer} is deleted"));
    Ok(())
}

/// One line for each thing that differs.
fn describe(found: &Comparison) -> String {
    let words = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let size = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    let mut lines = String::new();
    for change in &found.fields {
        let _ = writeln!(lines, "{}: {} -> {}", change.pointer, words(&change.before), words(&change.after));
    }
    for change in &found.pictures {
        let _ = writeln!(lines, "picture {}", change.file);
    }
    for change in &found.tags {
        let (before, after) = (text(&change.before), text(&change.after));
        let _ = writeln!(lines, "tag {}:{}: {before} -> {after}", change.plan, change.tag);
    }
    for change in &found.sizes {
        let (before, after) = (size(change.before), size(change.after));
        let _ = writeln!(lines, "size {} {}: {before} -> {after} bytes", change.plan, change.platform);
    }
    for of in &found.packages {
        for change in &of.changes {
            let (before, after) = (change.before.join(", "), change.after.join(", "));
            let _ = writeln!(
                lines,
                "package {} {} {} {}: {before} -> {after}",
                of.plan, of.platform, change.kind, change.name
            );
        }
    }
    for of in &found.findings {
        for (word, findings) in [("new", &of.changes.new), ("fixed", &of.changes.fixed)] {
            for one in findings {
                let _ = writeln!(lines, "{word} {} {}: {}", of.plan, one.criterion, one.finding.message);
            }
        }
    }
    if lines.is_empty() { "nothing differs\n".to_owned() } else { lines }
}
