//! `review list`: submissions whose certification failed and waits for a certifier. What he then does is `waiver add` or
//! `reject`.

use super::target::Target;
use crate::output::{Failure, Output};
use clap::Subcommand;
use market::waivers::Review;

/// `edgemarket review`
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List the submissions that wait for a certifier, those that wait longest first
    List {
        /// Only of this publisher, or of this offer: PUBLISHER[.OFFER]
        #[arg(long, value_name = "OFFER")]
        offer: Option<String>,
        #[command(flatten)]
        target: Target,
    },
}

/// Runs it.
pub async fn run(command: &ReviewCommand, output: &Output) -> Result<(), Failure> {
    let ReviewCommand::List { offer, target } = command;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(offer.iter().map(|offer| ("of", offer)));
    let all: Vec<Review> = target.get(&format!("/api/v1/reviews?{}", query.finish())).await?;
    output.list(&all, &output.text.get("review-empty"), |review| describe(review, output))
}

fn describe(review: &Review, output: &Output) -> String {
    let summary = &review.summary;
    let name = format!("{}.{}", summary.publisher, summary.offer);
    let since = output.text.with("review-since", &[("since", &review.waiting_since.to_string())]);
    let mut text = format!("{name}#{}  {since}\n", summary.number);
    for failed in &review.failed {
        let count = failed.findings.to_string();
        let values = [("plan", &*failed.plan), ("criterion", &*failed.criterion), ("count", &*count)];
        text += &format!("  {}\n", output.text.with("review-findings", &values));
    }
    text + "  " + &output.text.with("review-next", &[("name", &name)])
}
