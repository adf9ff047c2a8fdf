//! `deployment`: the manifest that a device's fleet manager applies, for a live plan or a preview.

use super::submission::split_offer;
use super::target::Target;
use crate::output::{Failure, Output};
use clap::Args;

/// `edgemarket deployment`
#[derive(Debug, Args)]
pub struct Deployment {
    /// PUBLISHER.OFFER/PLAN
    plan: String,
    /// Value of a placeholder; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// A layered deployment rather than a full one
    #[arg(long)]
    layered: bool,
    /// Of the submission that waits for sign-off rather than of what is live
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints the manifest as JSON on standard output.
pub async fn deployment(args: &Deployment, output: &Output) -> Result<(), Failure> {
    let (name, plan) = args.plan.split_once('/').ok_or_else(|| {
        Failure::usage(
            format!("{:?} names no plan", args.plan),
            "write PUBLISHER.OFFER/PLAN, for example contoso.telemetry/standard",
        )
    })?;
    let (publisher, offer) = split_offer(name)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for value in &args.values {
        let (name, value) = value
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set {value:?} has no `=`"), "write --set NAME=VALUE"))?;
        query.append_pair(&format!("set.{name}"), value);
    }
    if args.layered {
        query.append_pair("layered", "true");
    }
    if args.preview {
        query.append_pair("preview", "true");
    }
    let path = format!("/api/v1/catalogue/{publisher}/{offer}/{plan}/deployment?{}", query.finish());
    let manifest: serde_json::Value = args.target.get(&path).await?;
    output.json(&manifest)
}
