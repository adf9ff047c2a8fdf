//! `blobs scrub` and `blobs collect`: the upkeep of the store of images.

use crate::output::{Failure, Output};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::io::IsTerminal;
use std::time::Duration;

mod collect;
mod scrub;

/// How often long work is looked at while it runs.
const POLL: Duration = Duration::from_millis(200);

/// `edgemarket blobs`
#[derive(Debug, Subcommand)]
pub enum BlobsCommand {
    /// Read every blob again and compare it with its digest: exit status 0 sound, 1 rot was found, 2 could not run
    Scrub(scrub::ScrubArguments),
    /// Collect garbage: remove what no offer, submission, kept version or upload has needed for the grace period
    Collect(collect::CollectArguments),
}

/// Runs one of them.
pub async fn blobs(command: &BlobsCommand, output: &Output) -> Result<(), Failure> {
    match command {
        BlobsCommand::Scrub(arguments) => scrub::scrub(arguments, output).await,
        BlobsCommand::Collect(arguments) => collect::collect(arguments, output).await,
    }
}

/// Progress is for people who look.
fn hidden_unless_shown(bar: &ProgressBar, output: &Output) {
    if output.quiet || output.json || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}
