//! `recertify start`, `list`, `show`, `cancel`, `report`: campaigns that judge again what is live.

use super::submission::split_offer;
use super::target::Target;
use crate::client::{Client, Payload};
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget};
use market::recertification::{Campaign, CampaignState, NewCampaign, Recertification};
use market::submissions::{Document, Submission, SubmissionSummary};
use std::io::IsTerminal;
use std::time::Duration;

/// How often a campaign is looked at while it runs.
const POLL: Duration = Duration::from_millis(200);

/// `edgemarket recertify`
#[derive(Debug, Subcommand)]
pub enum RecertifyCommand {
    /// Judge what is live again: by the policy, rules and vulnerability data of today, from stored evidence
    Start(Start),
    /// List the campaigns, newest first
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Show a campaign: what it says of each offer
    Show(One),
    /// Cancel a campaign that runs; what was judged stays
    Cancel(One),
    /// Print the newest report of the recertification of an offer
    Report(Report),
}

/// What `recertify start` takes.
#[derive(Debug, Args)]
pub struct Start {
    /// Only this publisher, or this offer: PUBLISHER[.OFFER]; may be given several times [default: all that is live]
    #[arg(long = "offer", value_name = "OFFER")]
    offers: Vec<String>,
    /// The day (UTC) from which on an offer that fails is hidden, for example 2027-03-31
    #[arg(long, value_name = "DAY", conflicts_with = "grace")]
    by: Option<String>,
    /// Days until then, for example 14d [default: the policy's grace-days]
    #[arg(long, value_name = "DAYS", value_parser = days)]
    grace: Option<u16>,
    /// Tell which offers would fail, and do nothing to them
    #[arg(long)]
    dry_run: bool,
    /// What changed; publishers read it
    #[arg(long)]
    reason: Option<String>,
    /// Stay until the campaign has ended
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    target: Target,
}

/// `recertify show`, `cancel`
#[derive(Debug, Args)]
pub struct One {
    /// The campaign's ID, as `recertify list` shows it
    id: String,
    #[command(flatten)]
    target: Target,
}

/// What `recertify report` takes.
#[derive(Debug, Args)]
pub struct Report {
    /// PUBLISHER.OFFER[/PLAN]
    offer: String,
    /// Of this campaign, which may be a dry run [default: the last one that judged the offer; operators only]
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// In which form
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,
    #[command(flatten)]
    target: Target,
}

/// Forms of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Json,
    Html,
    Sarif,
    Junit,
}

/// Runs one of them.
pub async fn run(command: &RecertifyCommand, output: &Output) -> Result<(), Failure> {
    match command {
        RecertifyCommand::Start(start) => {
            let campaign = start.target.with(async |client| begin(client, start, output).await).await?;
            output.value(&campaign, |campaign| describe(campaign, output))
        }
        RecertifyCommand::List { target } => {
            let all: Vec<Campaign> = target.get("/api/v1/recertifications").await?;
            output.list(&all, &output.text.get("recertify-empty"), |campaign| line(campaign, output))
        }
        RecertifyCommand::Show(One { id, target }) => {
            let campaign: Campaign = target.get(&path(id)).await?;
            output.value(&campaign, |campaign| describe(campaign, output))
        }
        RecertifyCommand::Cancel(One { id, target }) => {
            let path = format!("{}/cancel", path(id));
            let campaign: Campaign = target.call(Method::POST, &path, Payload::Empty).await?;
            output.value(&campaign, |campaign| describe(campaign, output))
        }
        RecertifyCommand::Report(report) => {
            let bytes = report.target.with(async |client| read(client, report).await).await?;
            output.print(&String::from_utf8_lossy(&bytes))
        }
    }
}

/// Starts a campaign, and follows it where nobody else would run it.
async fn begin(client: &Client, start: &Start, output: &Output) -> Result<Campaign, Failure> {
    let request = serde_json::to_value(NewCampaign {
        scope: start.offers.clone(),
        by: start.by.clone(),
        grace_days: start.grace,
        dry_run: start.dry_run,
        reason: start.reason.clone(),
    })
    .map_err(|cause| {
        Failure::could_not_run(format!("the request cannot be written: {cause}"), "please report this")
    })?;
    let mut campaign: Campaign =
        client.call(Method::POST, "/api/v1/recertifications", Payload::Json(request)).await?;
    let bar = ProgressBar::new(0);
    if output.quiet || output.json || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    while (start.wait || client.is_in_process()) && campaign.state == CampaignState::Running {
        tokio::time::sleep(POLL).await;
        campaign = client.get(&path(&campaign.id)).await?;
        bar.set_length(campaign.offers.len() as u64);
        bar.set_position(
            campaign.offers.len() as u64 - campaign.counts.waiting.min(bar.length().unwrap_or(0)),
        );
    }
    bar.finish_and_clear();
    Ok(campaign)
}

/// The report of the campaign that is named, or of the last one that judged the offer.
async fn read(client: &Client, report: &Report) -> Result<Vec<u8>, Failure> {
    let (name, plan) = match report.offer.split_once('/') {
        Some((name, plan)) => (name, Some(plan)),
        None => (report.offer.as_str(), None),
    };
    let (publisher, offer) = split_offer(name)?;
    let (base, reports) = match &report.campaign {
        Some(id) => {
            let campaign: Campaign = client.get(&path(id)).await?;
            let of_offer = |found: &Recertification| found.publisher == publisher && found.offer == offer;
            let found = campaign.offers.into_iter().find(of_offer);
            (path(id), found.map(|found| found.reports).unwrap_or_default())
        }
        None => {
            let all: Vec<SubmissionSummary> =
                client.get(&format!("/api/v1/offers/{publisher}/{offer}/submissions")).await?;
            let (mut base, mut reports) = (String::new(), Vec::new());
            for summary in all {
                base = format!("/api/v1/submissions/{}", summary.id);
                let submission: Submission = client.get(&base).await?;
                let judged = |found: &Recertification| !found.reports.is_empty();
                let last = submission.recertifications.into_iter().rfind(judged);
                reports = last.map(|found| found.reports).unwrap_or_default();
                if !reports.is_empty() {
                    break;
                }
            }
            (base, reports)
        }
    };
    let wanted = |document: &&Document| plan.is_none_or(|plan| document.plan == plan);
    let found = reports.iter().find(wanted).ok_or_else(|| {
        Failure::new(
            format!("there is no report of a recertification of {}", report.offer),
            "an operator starts one with: edgemarket recertify start",
        )
    })?;
    let form = match report.format {
        Form::Json => "json",
        Form::Html => "html",
        Form::Sarif => "sarif",
        Form::Junit => "junit",
    };
    let path = format!("{base}/documents/{}?format={form}", found.digest);
    Ok(client.bytes(Method::GET, &path, Payload::Empty).await?)
}

fn path(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/api/v1/recertifications/{id}")
}

/// `14` and `14d`.
fn days(text: &str) -> Result<u16, String> {
    text.trim_end_matches('d').parse().map_err(|_| "write a number of days, for example 14d".to_owned())
}

fn line(campaign: &Campaign, output: &Output) -> String {
    let counts = &campaign.counts;
    let numbers = [
        ("passed", counts.passed),
        ("failed", counts.failed),
        ("errored", counts.errored),
        ("waiting", counts.waiting),
        ("canceled", counts.canceled),
    ]
    .map(|(name, count)| (name, count.to_string()));
    let values = numbers.each_ref().map(|(name, count)| (*name, count.as_str()));
    let state = output.text.get(&format!("recertify-{}", format!("{:?}", campaign.state).to_lowercase()));
    format!(
        "{}  {}  {state}: {}  ({})",
        campaign.id,
        campaign.created,
        output.text.with("recertify-counts", &values),
        campaign.reason
    )
}

/// The campaign, then each offer of which there is something to say.
fn describe(campaign: &Campaign, output: &Output) -> String {
    let mut text = format!("{}\n", line(campaign, output));
    let after = match campaign.dry_run {
        true => output.text.get("recertify-dry"),
        false => output.text.with("recertify-date", &[("day", &campaign.hide_on.to_string())]),
    };
    text += &format!("{after}\n");
    if campaign.offers.is_empty() {
        text += &format!("{}\n", output.text.get("recertify-nothing"));
    }
    for offer in &campaign.offers {
        let state = output.text.get(&format!("recertified-{}", format!("{:?}", offer.state).to_lowercase()));
        text += &format!("  {}.{}  {state}\n", offer.publisher, offer.offer);
        if let Some(message) = &offer.message {
            text += &format!("    {message}\n");
        }
        if let Some(day) = &offer.hide_on {
            let key = if offer.hidden { "recertified-hidden" } else { "recertified-until" };
            text += &format!("    {}\n", output.text.with(key, &[("day", &day.to_string())]));
        }
    }
    text
}
