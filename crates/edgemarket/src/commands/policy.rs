//! `policy check` and `policy show`: what an operator's policy file says, and what is in force.

use super::target::config;
use crate::files;
use crate::output::{Failure, Output, finding_lines};
use clap::Subcommand;
use market::clock::Clock;
use offer::finding::{Finding, Severity};
use offer::policy::Policy;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The commands on policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file, its expressions included; exit status 1 when it cannot be used
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the whole policy that is in force, defaults included
    Show {
        /// A policy file [default: the built-in policy]
        #[arg(conflicts_with = "data")]
        file: Option<PathBuf>,
        /// Data directory of a marketplace, whose policy is shown
        #[arg(long, env = "EDGEMARKET_DATA", value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

/// What `policy check --json` prints.
#[derive(Serialize)]
struct Validity<'a> {
    valid: bool,
    findings: &'a [Finding],
}

/// Runs one of them.
pub fn run(command: &PolicyCommand, output: &Output) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check { file } => check(file, output),
        PolicyCommand::Show { file, data } => {
            let policy = match (file, data) {
                (None, Some(data)) => config(data, [])?.policy,
                (file, _) => files::policy(file.as_deref())?,
            };
            output.value(&policy, Policy::to_toml)
        }
    }
}

fn check(file: &Path, output: &Output) -> Result<(), Failure> {
    let (policy, mut findings) = files::checked_policy(file)?;
    if let Some(policy) = &policy {
        findings.extend(certify::policy::expired(policy, Clock::system().now().date()));
    }
    let name = file.display().to_string();
    for finding in &mut findings {
        if let Some(position) = &mut finding.position {
            position.file.clone_from(&name);
        }
    }
    let valid = findings.iter().all(|finding| finding.severity != Severity::Error);
    output.value(&Validity { valid, findings: &findings }, |validity| {
        let lines = validity.findings.iter().filter_map(|finding| serde_json::to_value(finding).ok());
        let mut text: String = lines.map(|finding| finding_lines(&output.text, &finding)).collect();
        if validity.valid {
            text += &format!("{}\n", output.text.with("policy-valid", &[("name", &name)]));
        }
        text
    })?;
    if valid { Ok(()) } else { Err(Failure::said()) }
}
