//! `offer new`, `offer validate`, `offer schema`: what a publisher needs before there is a marketplace.

use crate::output::{Failure, Output, finding_lines};
use crate::{directory, files};
use clap::{Args, Subcommand};
use offer::finding::{Finding, Severity};
use offer::template::{NewOffer, new_offer};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The commands on an offer's directory.
#[derive(Debug, Subcommand)]
pub enum OfferCommand {
    /// Make the directory of a new offer: a complete example to edit
    New(New),
    /// Check an offer's directory by every rule; exit status 1 when it is not valid
    Validate {
        /// Directory with offer.yaml
        dir: PathBuf,
        /// Marketplace policy with the limits
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Print the JSON Schema of offer.yaml
    Schema {
        /// Marketplace policy with the limits
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
}

/// What `offer new` fills in.
#[derive(Debug, Args)]
pub struct New {
    /// Directory to make; an existing one must be empty
    dir: PathBuf,
    /// Publisher ID
    #[arg(long, value_name = "ID")]
    publisher: Option<String>,
    /// Offer ID
    #[arg(long, value_name = "ID")]
    offer: Option<String>,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// Image repository, host[:port]/path
    #[arg(long)]
    repository: Option<String>,
    /// Subscription that sees the preview
    #[arg(long, value_name = "GUID")]
    preview_subscription: Option<String>,
}

/// Runs one of them.
pub fn run(command: &OfferCommand, output: &Output) -> Result<(), Failure> {
    match command {
        OfferCommand::New(new) => make(new, output),
        OfferCommand::Validate { dir, policy } => validate(dir, policy.as_deref(), output),
        OfferCommand::Schema { policy } => {
            output.json(&offer::schema::json_schema(&files::policy(policy.as_deref())?))
        }
    }
}

fn make(new: &New, output: &Output) -> Result<(), Failure> {
    let usual = NewOffer::default();
    let values = NewOffer {
        publisher: new.publisher.clone().unwrap_or(usual.publisher),
        offer: new.offer.clone().unwrap_or(usual.offer),
        name: new.name.clone().unwrap_or(usual.name),
        repository: new.repository.clone().unwrap_or(usual.repository),
        preview_subscription: new.preview_subscription.clone().unwrap_or(usual.preview_subscription),
        plan: usual.plan,
        tags: usual.tags,
    };
    directory::write(&new.dir, &new_offer(&values))?;
    let dir = new.dir.display().to_string();
    output.remark(&output.text.with("offer-made", &[("dir", &dir)]));
    output.remark(&output.text.with("offer-made-next", &[("dir", &dir)]));
    Ok(())
}

/// What `offer validate --json` prints.
#[derive(Serialize)]
struct Validity<'a> {
    valid: bool,
    findings: &'a [Finding],
}

fn validate(dir: &Path, policy: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let reading = offer::document::read(&directory::read(dir)?, &files::policy(policy)?);
    let valid = reading.offer.is_some();
    let name = match &reading.offer {
        Some(offer) => format!("{}.{}", offer.publisher, offer.id),
        None => dir.display().to_string(),
    };
    output.value(&Validity { valid, findings: &reading.findings }, |validity| {
        let mut text = lines(output, validity.findings);
        let errors = validity.findings.iter().filter(|f| f.severity == Severity::Error).count();
        let warnings = (validity.findings.len() - errors).to_string();
        if validity.valid {
            text += &format!("{}\n", output.text.with("offer-valid", &[("name", &name)]));
        }
        if !validity.findings.is_empty() {
            let counts = [("errors", errors.to_string()), ("warnings", warnings)];
            let counts = counts.each_ref().map(|(name, count)| (*name, count.as_str()));
            text += &format!("{}\n", output.text.with("offer-findings", &counts));
        }
        text
    })?;
    if valid { Ok(()) } else { Err(Failure::said()) }
}

fn lines(output: &Output, findings: &[Finding]) -> String {
    findings
        .iter()
        .filter_map(|finding| serde_json::to_value(finding).ok())
        .map(|f| finding_lines(&output.text, &f))
        .collect()
}
