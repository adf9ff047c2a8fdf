//! `blobs scrub`: whether what lies in the store is what its name says.

use super::{POLL, hidden_unless_shown};
use crate::client::{Client, Payload};
use crate::commands::target::Target;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use market::runs::RunState;
use market::scrub::Scrub;
use serde_json::json;

const SCRUB: &str = "/api/v1/blobs/scrub";

/// What `blobs scrub` takes.
#[derive(Debug, Args)]
pub struct ScrubArguments {
    /// Move rotten blobs aside, so that they are not served and can be pushed again
    #[arg(long)]
    quarantine: bool,
    /// Only show the scrub that runs, or ran last
    #[arg(long, conflicts_with = "quarantine")]
    status: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs it.
pub(super) async fn scrub(arguments: &ScrubArguments, output: &Output) -> Result<(), Failure> {
    let scrub = arguments.target.with(async |client| run(client, arguments, output).await).await?;
    if scrub.state == RunState::Failed {
        let why = scrub.message.unwrap_or_default();
        return Err(Failure::could_not_run(why, "see to it, then scrub again; the server's log says more"));
    }
    output.value(&scrub, |scrub| describe(scrub, output))?;
    if scrub.rotten > 0 { Err(Failure::said()) } else { Ok(()) }
}

/// Begins a scrub and follows it to its end.
async fn run(client: &Client, arguments: &ScrubArguments, output: &Output) -> Result<Scrub, Failure> {
    if arguments.status {
        return Ok(client.get(SCRUB).await?);
    }
    let request = json!({ "quarantine": arguments.quarantine });
    let mut scrub: Scrub = client.call(Method::POST, SCRUB, Payload::Json(request)).await?;
    let bar = ProgressBar::new(0);
    let template = "{bar:30.green/white.dim} {bytes}/{total_bytes} {msg}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    hidden_unless_shown(&bar, output);
    while scrub.state == RunState::Running {
        tokio::time::sleep(POLL).await;
        scrub = client.get(SCRUB).await?;
        bar.set_length(scrub.bytes);
        bar.set_position(scrub.bytes_checked);
        if scrub.rotten > 0 {
            bar.set_message(output.text.with("scrub-rotten", &[("rotten", &scrub.rotten.to_string())]));
        }
    }
    bar.finish_and_clear();
    Ok(scrub)
}

/// Each rotten blob, then the sums.
fn describe(scrub: &Scrub, output: &Output) -> String {
    let mut text = String::new();
    for rot in &scrub.rot {
        text += &format!("{}  {}\n", rot.digest, rot.detail);
        if rot.set_aside {
            text += &format!("    {}\n", output.text.get("scrub-set-aside"));
        }
        for repository in &rot.repositories {
            text += &format!("    {repository}\n");
        }
    }
    let (checked, bytes) = (scrub.blobs_checked.to_string(), HumanBytes(scrub.bytes_checked).to_string());
    let rotten = scrub.rotten.to_string();
    let values = [("blobs", checked.as_str()), ("bytes", &bytes), ("rotten", &rotten)];
    let key = match (scrub.state, scrub.rotten) {
        (RunState::Running, _) => "scrub-running",
        (_, 0) => "scrub-sound",
        _ => "scrub-rot",
    };
    text += &format!("{}\n", output.text.with(key, &values));
    if scrub.orphans > 0 {
        let (orphans, bytes) = (scrub.orphans.to_string(), HumanBytes(scrub.orphan_bytes).to_string());
        text +=
            &format!("{}\n", output.text.with("scrub-orphans", &[("orphans", &orphans), ("bytes", &bytes)]));
    }
    text
}
