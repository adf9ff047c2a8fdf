//! `publish`, `status`, `watch`, `go-live`, `cancel`, `history`: one submission from the publisher's side.

use super::target::Target;
use crate::client::{Client, Payload};
use crate::directory;
use crate::output::{Failure, Output};
use crate::watch;
use axum::http::Method;
use clap::Args;
use market::submissions::{Action, Level, StepView, Submission, SubmissionSummary};
use market::text::Text;
use offer::submission::{StepStatus, SubmissionState};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Most messages of a rejected step that `status` shows; the report and `--json` have all.
const REASONS_MAX: usize = 20;

/// `edgemarket publish`
#[derive(Debug, Args)]
pub struct Publish {
    /// The offer's directory, with its offer.yaml
    dir: PathBuf,
    /// Stay until the submission waits for sign-off, is live, failed or was canceled
    #[arg(long)]
    wait: bool,
    /// E-mail address to notify; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    notify: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// `edgemarket status`, `watch`, `go-live`, `cancel`
#[derive(Debug, Args)]
pub struct OneSubmission {
    /// PUBLISHER.OFFER (its newest submission), PUBLISHER.OFFER#NUMBER, or a submission's ID
    submission: String,
    #[command(flatten)]
    target: Target,
}

/// `edgemarket go-live`
#[derive(Debug, Args)]
pub struct GoLive {
    #[command(flatten)]
    which: OneSubmission,
    /// Stay until the offer is live, or failed
    #[arg(long)]
    wait: bool,
}

/// `edgemarket reject`
#[derive(Debug, Args)]
pub struct Reject {
    #[command(flatten)]
    which: OneSubmission,
    /// What the publisher has to correct
    #[arg(long)]
    reason: String,
}

/// `edgemarket history`
#[derive(Debug, Args)]
pub struct History {
    /// PUBLISHER.OFFER
    offer: String,
    #[command(flatten)]
    target: Target,
}

/// Sends the directory as the draft and publishes it.
pub async fn publish(args: &Publish, output: &Output) -> Result<(), Failure> {
    let files = directory::read(&args.dir)?;
    let (publisher, offer, passwords) = identity(&files)?;
    let base = format!("/api/v1/offers/{publisher}/{offer}");
    let tar = directory::to_tar(&files)?;
    let request = serde_json::json!({ "notify": args.notify, "credentials": passwords });
    let work = async |client: &Client| {
        let _: serde_json::Value =
            client.call(Method::PUT, &format!("{base}/draft"), Payload::Tar(tar)).await?;
        let submission: Submission =
            client.call(Method::POST, &format!("{base}/submissions"), Payload::Json(request)).await?;
        let wait = args.wait || client.is_in_process();
        follow(client, output, submission, wait, false).await
    };
    args.target.with(work).await
}

/// Prints the state of a submission.
pub async fn status(args: &OneSubmission, output: &Output) -> Result<(), Failure> {
    let submission = args.target.with(async |client| find(client, &args.submission).await).await?;
    output.value(&submission, |submission| describe(submission, &output.text))
}

/// Draws live progress until the submission is at rest.
pub async fn watch(args: &OneSubmission, output: &Output) -> Result<(), Failure> {
    let work = async |client: &Client| {
        let submission = find(client, &args.submission).await?;
        follow(client, output, submission, true, false).await
    };
    args.target.with(work).await
}

/// The publisher's sign-off.
pub async fn go_live(args: &GoLive, output: &Output) -> Result<(), Failure> {
    let work = async |client: &Client| {
        let submission = find(client, &args.which.submission).await?;
        let path = act_path(client, &submission, "go-live").await?;
        let submission: Submission = client.call(Method::POST, &path, Payload::Empty).await?;
        let wait = args.wait || client.is_in_process();
        follow(client, output, submission, wait, true).await
    };
    args.which.target.with(work).await
}

/// Cancels a submission before step 6.
pub async fn cancel(args: &OneSubmission, output: &Output) -> Result<(), Failure> {
    let work = async |client: &Client| {
        let submission = find(client, &args.submission).await?;
        let path = act_path(client, &submission, "cancel").await?;
        Ok(client.call::<Submission>(Method::POST, &path, Payload::Empty).await?)
    };
    let submission = args.target.with(work).await?;
    output.value(&submission, |submission| describe(submission, &output.text))
}

/// Rejects a submission whose certification waits for a certifier.
pub async fn reject(args: &Reject, output: &Output) -> Result<(), Failure> {
    let work = async |client: &Client| {
        let submission = find(client, &args.which.submission).await?;
        let path = format!("/api/v1/submissions/{}/reject", submission.summary.id);
        let request = Payload::Json(json!({ "reason": args.reason }));
        Ok(client.call::<Submission>(Method::POST, &path, request).await?)
    };
    let submission = args.which.target.with(work).await?;
    output.value(&submission, |submission| describe(submission, &output.text))
}

/// Prints who did what to an offer, oldest first.
pub async fn history(args: &History, output: &Output) -> Result<(), Failure> {
    let (publisher, offer) = split_offer(&args.offer)?;
    let entries: Vec<Action> =
        args.target.get(&format!("/api/v1/offers/{publisher}/{offer}/history")).await?;
    let line = |entry: &Action| {
        let detail = if entry.detail.is_null() { String::new() } else { format!("  {}", entry.detail) };
        format!("{}  {:24}  {}{detail}", entry.at, entry.actor, entry.action)
    };
    output.list(&entries, "nothing was done yet", line)
}

/// Prints a submission that runs; or follows it until it is at rest, and fails when it failed or was canceled. Nobody
/// else would run the steps of a marketplace in this process: there a publication is always followed.
async fn follow(
    client: &Client,
    output: &Output,
    submission: Submission,
    wait: bool,
    past_sign_off: bool,
) -> Result<(), Failure> {
    if !wait {
        return output.value(&submission, |Submission { summary, .. }| {
            let name = format!("{}.{}", summary.publisher, summary.offer);
            format!("submission {} of {name} runs\nfollow it with: edgemarket watch {name}\n", summary.number)
        });
    }
    let last = watch::follow(client, &submission, output, past_sign_off).await?;
    if output.json {
        output.json_line(&last)?;
    } else {
        output.print(&describe(&last, &output.text))?;
    }
    let (number, reason) = (last.summary.number, last.summary.reason.unwrap_or_default());
    match last.summary.state {
        SubmissionState::Failed => Err(Failure::new(
            format!("submission {number} failed: {reason}"),
            "mend what the messages above name, then publish again",
        )),
        SubmissionState::Canceled => {
            Err(Failure::new(format!("submission {number} was canceled: {reason}"), "publish again"))
        }
        _ => Ok(()),
    }
}

/// `publisher.offer` in its two parts.
pub fn split_offer(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('.').filter(|(publisher, offer)| !publisher.is_empty() && !offer.is_empty()).ok_or_else(
        || {
            Failure::usage(
                format!("{text:?} names no offer"),
                "write PUBLISHER.OFFER, for example contoso.telemetry",
            )
        },
    )
}

/// Finds a submission by what a person wrote.
async fn find(client: &Client, text: &str) -> Result<Submission, Failure> {
    if uuid::Uuid::try_parse(text).is_ok() {
        return Ok(client.get(&format!("/api/v1/submissions/{text}")).await?);
    }
    let (name, number) = match text.split_once('#') {
        Some((name, number)) => (name, Some(number)),
        None => (text, None),
    };
    let all = summaries(client, name).await?;
    let found = all.iter().find(|summary| number.is_none_or(|number| summary.number.to_string() == number));
    let found = found.ok_or_else(|| {
        Failure::new(
            format!("{text} has no such submission"),
            format!("publish it first, or see `edgemarket history {name}`"),
        )
    })?;
    Ok(client.get(&format!("/api/v1/submissions/{}", found.id)).await?)
}

async fn summaries(client: &Client, name: &str) -> Result<Vec<SubmissionSummary>, Failure> {
    let (publisher, offer) = split_offer(name)?;
    Ok(client.get(&format!("/api/v1/offers/{publisher}/{offer}/submissions")).await?)
}

/// The path of an action, which is on the newest submission of an offer: an older one is refused here, so that nobody
/// acts on another one than was named.
async fn act_path(client: &Client, submission: &Submission, action: &str) -> Result<String, Failure> {
    let summary = &submission.summary;
    let name = format!("{}.{}", summary.publisher, summary.offer);
    let newest = summaries(client, &name).await?.into_iter().next();
    match newest {
        Some(newest) if newest.id != summary.id => Err(Failure::new(
            format!("submission {} of {name} is not the newest: that is {}", summary.number, newest.number),
            format!("name the offer alone to mean its newest submission: {name}"),
        )),
        _ => Ok(format!("/api/v1/offers/{}/{}/{action}", summary.publisher, summary.offer)),
    }
}

/// The steps as a short table, then what can be done next.
fn describe(submission: &Submission, words: &Text) -> String {
    let summary = &submission.summary;
    let name = format!("{}.{}", summary.publisher, summary.offer);
    let state = words.get(&format!("state-{}", format!("{:?}", summary.state).to_lowercase()));
    let mut text = format!("{name} {}: {state}\n", summary.number);
    let untold = |reason: &&String| {
        !submission.steps.iter().any(|step| why(step, words).contains(words.told(reason).words.as_str()))
    };
    if let Some(reason) = summary.reason.as_ref().filter(untold) {
        text.push_str(&format!("  {}\n", words.told(reason)));
    }
    for (index, step) in submission.steps.iter().enumerate() {
        let (step_name, status) = (watch::step_name(words, step), watch::status(words, step.status));
        let overdue = if step.overdue { format!("  {}", words.get("overdue")) } else { String::new() };
        let percent = step.progress;
        text.push_str(&format!("  {}. {step_name:24} {status:40} {percent:>3} %{overdue}\n", index + 1));
        text.push_str(&why(step, words));
    }
    for image in &submission.images {
        text.push_str(&format!(
            "  {}/{}:{}  {}\n",
            name.replace('.', "/"),
            image.plan,
            image.tag,
            image.digest
        ));
    }
    for region in &submission.regions {
        let message = region.message.as_deref().unwrap_or_default();
        text.push_str(&format!("  region {:20} {} {message}\n", region.name, region.state));
    }
    if summary.state == SubmissionState::WaitingForPublisherReview {
        text.push_str(&format!("{}\n", words.with("next-sign-off", &[("name", &name)])));
    }
    text
}

/// What a step that is blocked waits for, or why one was rejected.
fn why(step: &StepView, words: &Text) -> String {
    let wanted = match step.status {
        StepStatus::Blocked => Level::Warning,
        StepStatus::Rejected | StepStatus::WaitingForApproval => Level::Error,
        _ => return String::new(),
    };
    let messages = step.messages.iter().rev().filter(|message| message.level >= wanted);
    // Of a blocked step only the last reason still holds.
    let most = if step.status == StepStatus::Blocked { 1 } else { REASONS_MAX };
    let mut lines: Vec<String> = Vec::new();
    for message in messages.take(most) {
        let hint = |hint: &String| format!("       {}: {}\n", words.get("hint"), words.told(hint));
        let hint = message.hint.as_ref().map(hint).unwrap_or_default();
        lines.push(format!("     {}\n{hint}", words.told(&message.text)));
    }
    lines.into_iter().rev().collect()
}

/// Who publishes what, and the passwords that the document asks for by name. Whether the offer keeps the rules is judged
/// by the marketplace, under its own policy.
fn identity(
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(String, String, BTreeMap<String, String>), Failure> {
    let identity = offer::reading::identity(files)
        .map_err(|findings| Failure::findings("the offer does not say which one it is", &findings))?;
    let mut passwords = BTreeMap::new();
    for name in identity.password_envs {
        let value = std::env::var(&name).map_err(|_| {
            Failure::new(
                format!("the environment variable {name}, which the offer names as passwordEnv, is not set"),
                format!("set it to the password or token of the image repository: export {name}=…"),
            )
        })?;
        passwords.insert(name, value);
    }
    Ok((identity.publisher.to_string(), identity.offer.to_string(), passwords))
}
