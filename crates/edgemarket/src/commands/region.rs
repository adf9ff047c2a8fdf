//! `region`: places that devices pull from, how content may go there, and what they lack.

use super::admin::encoded;
use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use market::regions::{RegionChange, RegionDetail, RegionLimits, RegionState, RegionView};
use serde_json::json;

/// What a region is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RegionKind {
    /// Another Edgemarket
    Instance,
    /// Any OCI registry
    Registry,
}

/// `edgemarket region`
#[derive(Debug, Subcommand)]
pub enum RegionCommand {
    /// Add a place that devices pull from
    Add {
        /// Its name, for example europe-west
        name: String,
        /// http(s)://host[:port][/prefix]
        url: String,
        /// What it is
        #[arg(long, value_enum, default_value = "instance")]
        kind: RegionKind,
        /// User name, for a registry
        #[arg(long)]
        username: Option<String>,
        /// Environment variable that holds the password, or the region token of an instance
        #[arg(long, value_name = "NAME")]
        password_env: Option<String>,
        /// Step 5 does not wait for it; it catches up later
        #[arg(long)]
        optional: bool,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        target: Target,
    },
    /// List the regions, and what is missing there
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Show a region: its limits, what it lacks and since when
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Change a region; what goes there goes on by the new limits
    Set {
        /// Its name
        name: String,
        /// Step 5 waits for it, from the next publication on
        #[arg(long, conflicts_with = "optional")]
        required: bool,
        /// Step 5 does not wait for it
        #[arg(long)]
        optional: bool,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        target: Target,
    },
    /// Send nothing there until `resume`
    Pause {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Go on after `pause`
    Resume {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Try at once what waits after failures, also what was given up
    Retry {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Forget a region; what it holds stays there, and `region add` undoes it
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

/// How content may go to a region.
#[derive(Debug, Clone, Args)]
pub struct LimitFlags {
    /// Blobs that are sent at once [default: 3]
    #[arg(long, value_name = "NUMBER")]
    transfers: Option<u32>,
    /// Most bytes per second of all transfers together, as 2M or 512K (1024 each); none lifts the cap
    #[arg(long, value_name = "BYTES")]
    bandwidth: Option<String>,
    /// When content may go there, as 'Mon-Fri 22:00-06:00'; may be repeated, replaces earlier windows
    #[arg(long, value_name = "WINDOW")]
    window: Vec<String>,
    /// Content may go there always
    #[arg(long, conflicts_with = "window")]
    no_windows: bool,
    /// Distance of the windows' clock from UTC, as +02:00 [default: +00:00]
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    utc_offset: Option<String>,
}

impl LimitFlags {
    /// These limits, with what the flags say put over them.
    fn over(&self, mut limits: RegionLimits) -> Result<RegionLimits, Failure> {
        if let Some(transfers) = self.transfers {
            limits.transfers = transfers;
        }
        if let Some(text) = &self.bandwidth {
            limits.bytes_per_second = bandwidth(text)?;
        }
        if self.no_windows || !self.window.is_empty() {
            limits.windows.clone_from(&self.window);
        }
        if let Some(offset) = &self.utc_offset {
            limits.utc_offset.clone_from(offset);
        }
        Ok(limits)
    }

    fn is_empty(&self) -> bool {
        self.transfers.is_none()
            && self.bandwidth.is_none()
            && self.window.is_empty()
            && !self.no_windows
            && self.utc_offset.is_none()
    }
}

/// Bytes per second of a text such as `2M`; `none` for no cap.
fn bandwidth(text: &str) -> Result<Option<u64>, Failure> {
    if text == "none" {
        return Ok(None);
    }
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let found = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    found.map(Some).ok_or_else(|| {
        Failure::usage(format!("{text:?} is no bandwidth"), "write bytes per second, as 2M or 512K, or none")
    })
}

/// Runs `edgemarket region`.
pub async fn region(command: &RegionCommand, output: &Output) -> Result<(), Failure> {
    match command {
        RegionCommand::Add { name, url, kind, username, password_env, optional, limits, target } => {
            let password = match password_env {
                Some(variable) => Some(std::env::var(variable).map_err(|_| {
                    Failure::new(
                        format!("the environment variable {variable} is not set"),
                        format!("set it to the region's password or token: export {variable}=…"),
                    )
                })?),
                None => None,
            };
            let kind = match kind {
                RegionKind::Instance => "instance",
                RegionKind::Registry => "registry",
            };
            let request = json!({
                "name": name, "kind": kind, "url": url, "required": !optional, "username": username, "password": password,
                "limits": limits.over(RegionLimits::default())?,
            });
            let made: RegionView =
                target.call(Method::POST, "/api/v1/regions", Payload::Json(request)).await?;
            output.value(&made, |made| format!("{}\n", made.name))
        }
        RegionCommand::List { target } => {
            let all: Vec<RegionView> = target.get("/api/v1/regions").await?;
            output.list(&all, "no region yet; add one with: edgemarket region add NAME URL", line)
        }
        RegionCommand::Show { name, target } => {
            let found: RegionDetail = target.get(&path(name)).await?;
            output.value(&found, detail)
        }
        RegionCommand::Set { name, required, optional, limits, target } => {
            let required = (*required || *optional).then_some(*required);
            set(name, required, limits, target, output).await
        }
        RegionCommand::Pause { name, target } => pause(name, true, target, output).await,
        RegionCommand::Resume { name, target } => pause(name, false, target, output).await,
        RegionCommand::Retry { name, target } => {
            let path = format!("{}/retry", path(name));
            let tried: serde_json::Value = target.call(Method::POST, &path, Payload::Empty).await?;
            output.value(&tried, |tried| format!("{} tasks are tried now\n", tried["tasks"]))
        }
        RegionCommand::Remove { name, target } => {
            let path = path(name);
            let was = target
                .with(async |client| {
                    let was: RegionDetail = client.call(Method::GET, &path, Payload::Empty).await?;
                    client.bytes(Method::DELETE, &path, Payload::Empty).await?;
                    Ok(was.view)
                })
                .await?;
            output.remark(&format!(
                "what {name} holds stays there and is updated no more; undo with: edgemarket region add {name} {} --kind {}",
                was.url, was.kind
            ));
            output.value(&json!({ "removed": name }), |_| format!("{name}\n"))
        }
    }
}

/// Changes what is given; limits that are not given stay.
async fn set(
    name: &str,
    required: Option<bool>,
    limits: &LimitFlags,
    target: &Target,
    output: &Output,
) -> Result<(), Failure> {
    if required.is_none() && limits.is_empty() {
        return Err(Failure::usage(
            "nothing to change is given",
            "see `edgemarket region set --help` for what can be changed",
        ));
    }
    let changed = target
        .with(async |client| {
            let now: RegionDetail = client.call(Method::GET, &path(name), Payload::Empty).await?;
            let limits = match now.view.status {
                Some(status) if !limits.is_empty() => Some(limits.over(status.limits)?),
                _ => None,
            };
            let change = json!(RegionChange { required, limits, paused: None });
            Ok(client.call::<RegionDetail>(Method::PATCH, &path(name), Payload::Json(change)).await?)
        })
        .await?;
    output.value(&changed, detail)
}

async fn pause(name: &str, paused: bool, target: &Target, output: &Output) -> Result<(), Failure> {
    let change = json!(RegionChange { paused: Some(paused), ..RegionChange::default() });
    let changed: RegionDetail = target.call(Method::PATCH, &path(name), Payload::Json(change)).await?;
    output.value(&changed, detail)
}

fn path(name: &str) -> String {
    format!("/api/v1/regions/{}", encoded(name))
}

/// A region in a list: what it is, and what is missing there.
fn line(region: &RegionView) -> String {
    let kind = if region.required { "required" } else { "optional" };
    let mut text = format!("{:20} {:9} {kind}  {}", region.name, region.kind, region.url);
    if let Some(status) = &region.status {
        text.push_str(&format!("  {}", state(status.state)));
        let missing = &status.missing;
        if missing.submissions > 0 {
            let bytes = indicatif::BinaryBytes(missing.bytes);
            text.push_str(&format!(", {} submissions ({bytes}) missing", missing.submissions));
        }
    }
    text
}

fn state(state: RegionState) -> &'static str {
    match state {
        RegionState::UpToDate => "up to date",
        RegionState::Transferring => "transferring",
        RegionState::Waiting => "waiting",
        RegionState::OutsideWindow => "outside its window",
        RegionState::Behind => "behind",
        RegionState::Paused => "paused",
    }
}

/// Everything about a region.
fn detail(region: &RegionDetail) -> String {
    let mut text = format!("{}\n", line(&region.view));
    let Some(status) = &region.view.status else { return text };
    let mut row = |name: &str, value: String| text.push_str(&format!("  {name:12} {value}\n"));
    let limits = &status.limits;
    let rate = limits.bytes_per_second.map(|rate| format!("at most {}/s", indicatif::BinaryBytes(rate)));
    row(
        "transfers",
        format!("{} at once, {}", limits.transfers, rate.as_deref().unwrap_or("no bandwidth cap")),
    );
    let windows = match limits.windows.is_empty() {
        true => "always".to_owned(),
        false => format!("{} (UTC{})", limits.windows.join("; "), limits.utc_offset),
    };
    row("windows", windows);
    row("holds", format!("{} submissions", status.held_submissions));
    row("sent", indicatif::BinaryBytes(status.sent_bytes).to_string());
    let missing = &status.missing;
    let since = missing.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let bytes = indicatif::BinaryBytes(missing.bytes);
    row(
        "missing",
        format!("{} submissions, {} digests, {bytes}{since}", missing.submissions, missing.digests),
    );
    for (name, instant) in
        [("paused", status.paused), ("opens", status.window_opens), ("next attempt", status.next_attempt)]
    {
        if let Some(instant) = instant {
            row(name, instant.to_string());
        }
    }
    for found in &region.submissions {
        let message = found.message.as_deref().unwrap_or_default();
        let name = format!("{}.{}", found.publisher, found.offer);
        text.push_str(&format!(
            "  {name} #{} {} since {} {message}\n",
            found.number, found.state, found.since
        ));
    }
    text
}
