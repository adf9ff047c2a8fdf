//! `acquire`: a plan for a subscription, under terms that are accepted by their version.

use super::deployment::split_plan;
use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Args;
use market::acquisitions::{Acquisition, TermsKind, TermsVersion};
use serde_json::json;

/// `edgemarket acquire`
#[derive(Debug, Args)]
pub struct Acquire {
    /// PUBLISHER.OFFER/PLAN
    plan: String,
    /// The subscription that it is for
    #[arg(long, value_name = "ID")]
    subscription: uuid::Uuid,
    /// Version of the terms that you read and accept; without it, they are shown
    #[arg(long, value_name = "DIGEST")]
    accept_terms: Option<String>,
    /// E-mail address that the publisher may write to
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Acquires, or shows the terms.
pub async fn acquire(args: &Acquire, output: &Output) -> Result<(), Failure> {
    let (publisher, offer, plan) = split_plan(&args.plan)?;
    let base = format!("/api/v1/catalogue/{publisher}/{offer}/{plan}");
    let Some(accepted) = &args.accept_terms else {
        let terms: TermsVersion = args.target.get(&format!("{base}/terms")).await?;
        output.value(&terms, |terms| match terms.kind {
            TermsKind::StandardContract => {
                let what = output.text.get("acquire-standard-contract");
                format!("{what}\n\n{}\n", offer::html::text(&terms.text))
            }
            TermsKind::Html => format!("{}\n", offer::html::text(&terms.text)),
            TermsKind::Url => format!("{}\n", terms.text),
        })?;
        return Err(Failure::new(
            "the terms of use were not accepted",
            format!("read them, then repeat the command with --accept-terms {}", terms.digest),
        ));
    };
    let body = json!({
        "subscription": args.subscription,
        "acceptedTerms": accepted,
        "contact": { "email": args.email.clone().unwrap_or_default() },
    });
    let acquired: Acquisition =
        args.target.call(Method::POST, &format!("{base}/acquire"), Payload::Json(body)).await?;
    output.value(&acquired, |acquired| {
        let values = [("plan", args.plan.as_str()), ("version", &acquired.version), ("id", &acquired.id)];
        format!("{}\n", output.text.with("acquired", &values))
    })
}
