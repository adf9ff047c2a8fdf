//! `blobs collect`: removes what nothing needs.

use super::{POLL, hidden_unless_shown};
use crate::client::{Client, Payload};
use crate::commands::target::Target;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Args;
use indicatif::{HumanBytes, ProgressBar};
use market::collection::{Amounts, Collection};
use market::runs::RunState;
use serde_json::json;

const COLLECT: &str = "/api/v1/blobs/collect";

/// What `blobs collect` takes.
#[derive(Debug, Args)]
pub struct CollectArguments {
    /// Tell what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Only show the collection that runs, or ran last
    #[arg(long, conflicts_with = "dry_run")]
    status: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs it.
pub(super) async fn collect(arguments: &CollectArguments, output: &Output) -> Result<(), Failure> {
    let found = arguments.target.with(async |client| run(client, arguments, output).await).await?;
    if found.state == RunState::Failed {
        let why = found.message.unwrap_or_default();
        let hint = "what was collected before is collected; see to it, then collect again";
        return Err(Failure::could_not_run(why, hint));
    }
    output.value(&found, |found| describe(found, output))
}

/// Begins a collection and follows it to its end.
async fn run(client: &Client, arguments: &CollectArguments, output: &Output) -> Result<Collection, Failure> {
    if arguments.status {
        return Ok(client.get(COLLECT).await?);
    }
    let request = json!({ "dryRun": arguments.dry_run });
    let mut found: Collection = client.call(Method::POST, COLLECT, Payload::Json(request)).await?;
    let bar = ProgressBar::new_spinner();
    hidden_unless_shown(&bar, output);
    while found.state == RunState::Running {
        tokio::time::sleep(POLL).await;
        found = client.get(COLLECT).await?;
        bar.set_message(line("collect-running", &found.freed, output));
        bar.tick();
    }
    bar.finish_and_clear();
    Ok(found)
}

fn describe(found: &Collection, output: &Output) -> String {
    let key = match (found.state, found.dry_run) {
        (RunState::Running, _) => "collect-running",
        (_, true) => "collect-would",
        (_, false) => "collect-freed",
    };
    let mut text = format!("{}\n", line(key, &found.freed, output));
    if found.waiting != Amounts::default() {
        text += &format!("{}\n", line("collect-waiting", &found.waiting, output));
    }
    for left in &found.left_out {
        let values = [("repository", left.repository.as_str()), ("reason", &left.reason)];
        text += &format!("{}\n", output.text.with("collect-left-out", &values));
    }
    text
}

fn line(key: &str, amounts: &Amounts, output: &Output) -> String {
    let bytes = HumanBytes(amounts.bytes).to_string();
    let [tags, manifests, blobs, contents] =
        [amounts.tags, amounts.manifests, amounts.blobs, amounts.contents].map(|count| count.to_string());
    let values = [
        ("tags", tags.as_str()),
        ("manifests", &manifests),
        ("blobs", &blobs),
        ("contents", &contents),
        ("bytes", &bytes),
    ];
    output.text.with(key, &values)
}
