//! The commands, one file each: [`Cli`] says what can be typed, [`run`] leads to the file that does it.

use crate::output::{Failure, Output};
use clap::{CommandFactory, Parser, Subcommand};
use market::text::Text;
use std::process::ExitCode;

mod account;
mod acquire;
mod admin;
mod advisories;
mod blobs;
mod certify;
mod copy;
mod demo;
mod deployment;
#[cfg(test)]
mod documents;
mod export;
mod image;
mod import;
mod inspect;
mod key;
mod lifecycle;
mod offer;
mod policy;
mod pull;
mod recertify;
mod region;
mod review;
mod route;
mod serve;
mod submission;
mod target;
mod verify;
mod waiver;

/// A self-hosted marketplace for IoT Edge modules.
#[derive(Debug, Parser)]
#[command(name = "edgemarket", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Results as JSON
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no remarks
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Language of the sentences: en or fr [default: from the locale]
    #[arg(long, global = true, value_name = "LANG", value_parser = ["en", "fr"])]
    lang: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Certify an image on this machine: exit status 0 passed, 1 failed, 2 could not run
    Certify(certify::Certify),
    /// Import vulnerability data, and show what is there
    #[command(subcommand)]
    Advisories(advisories::AdvisoriesCommand),
    /// Prove that an image is what a marketplace signed: exit status 0 verified, 1 not verified, 2 could not run
    Verify(verify::Verify),
    /// Show what an image is, and what refers to it
    Inspect(inspect::Inspect),
    /// Copy an image between registries, layout directories and archives
    Copy(copy::Copy),
    /// Pull an image from a registry onto this machine, with as few bytes as possible
    Pull(pull::Pull),
    /// Make images
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// Make, check and describe offers
    #[command(subcommand)]
    Offer(offer::OfferCommand),
    /// Check routes
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// Check and show policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Run a marketplace: web, API, registry and workers
    Serve(serve::Serve),
    /// Show one whole publication, from nothing to a stranger's pull
    Demo(demo::Demo),
    /// Publish an offer
    Publish(submission::Publish),
    /// Show the state of a submission
    Status(submission::OneSubmission),
    /// Follow a submission with live progress
    Watch(submission::OneSubmission),
    /// Sign off: let the submission that waits go live
    GoLive(submission::GoLive),
    /// Cancel a submission
    Cancel(submission::OneSubmission),
    /// Reject a submission whose certification waits for a certifier
    Reject(submission::Reject),
    /// Show who did what to an offer
    History(submission::History),
    /// Acquire a plan for a subscription, or show its terms
    Acquire(acquire::Acquire),
    /// Show what differs between two versions of an offer
    Compare(lifecycle::Compare),
    /// Stop selling a live offer, or one of its plans; devices that run it can still pull it
    StopSelling(lifecycle::Sell),
    /// Sell again what was not sold any more
    Restore(lifecycle::Sell),
    /// Delete the draft of an offer
    DeleteDraft(lifecycle::DeleteDraft),
    /// Print a deployment of plans (Azure IoT Edge, Compose, Kubernetes, Greengrass, Margo), or delete a kept one
    Deployment(deployment::Deployment),
    /// Admit and list publishers
    #[command(subcommand)]
    Publisher(admin::PublisherCommand),
    /// Add customers' subscriptions
    #[command(subcommand)]
    Subscription(admin::SubscriptionCommand),
    /// Make accounts and invite people
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Make tokens
    #[command(subcommand)]
    Token(admin::TokenCommand),
    /// Add and list regions
    #[command(subcommand)]
    Region(region::RegionCommand),
    /// Export live offers into one signed file, for a marketplace that no network leads to
    Export(export::Export),
    /// Import what another marketplace exported
    Import(import::Import),
    /// Show and rotate the keys that a marketplace signs by, and those of others that it trusts
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Look after the store of images
    #[command(subcommand)]
    Blobs(blobs::BlobsCommand),
    /// Waive findings of certifications, as a certifier
    #[command(subcommand)]
    Waiver(waiver::WaiverCommand),
    /// List what waits for a certifier
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Judge again what is live, as a certifier
    #[command(subcommand)]
    Recertify(recertify::RecertifyCommand),
    /// Print the JSON Schema of what this program writes
    Schema {
        /// What it is the schema of; that of offer.yaml is printed by `offer schema`
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Print a completion script for a shell
    #[command(visible_alias = "completion")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SchemaOf {
    /// The certification report in JSON
    Report,
}

/// Runs a command and turns its end into an exit status.
pub fn run(cli: Cli) -> ExitCode {
    log_to_stderr();
    let output =
        Output { json: cli.json, quiet: cli.quiet, text: Text::from_environment(cli.lang.as_deref()) };
    match dispatch(&cli.command, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.fail(&failure),
    }
}

fn dispatch(command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Certify(arguments) => certify::run(arguments, output),
        Command::Advisories(command) => advisories::run(command, output),
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Inspect(arguments) => inspect::run(arguments, output),
        Command::Copy(arguments) => copy::run(arguments, output),
        Command::Pull(arguments) => pull::run(arguments, output),
        Command::Image(command) => image::run(command, output),
        Command::Offer(command) => offer::run(command, output),
        Command::Route(command) => route::run(command, output),
        Command::Policy(command) => policy::run(command, output),
        Command::Schema { of: SchemaOf::Report } => output.print(::certify::report::JSON_SCHEMA),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "edgemarket", &mut std::io::stdout());
            Ok(())
        }
        marketplace => {
            let runtime = tokio::runtime::Runtime::new().map_err(|cause| {
                Failure::could_not_run(
                    format!("no threads can be started: {cause}"),
                    "free some memory, then try again",
                )
            })?;
            runtime.block_on(dispatch_marketplace(marketplace, output))
        }
    }
}

/// The commands that speak to a marketplace, or run one.
async fn dispatch_marketplace(command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::serve(arguments, output).await,
        Command::Demo(arguments) => demo::demo(arguments, output).await,
        Command::Publish(arguments) => submission::publish(arguments, output).await,
        Command::Status(arguments) => submission::status(arguments, output).await,
        Command::Watch(arguments) => submission::watch(arguments, output).await,
        Command::GoLive(arguments) => submission::go_live(arguments, output).await,
        Command::Cancel(arguments) => submission::cancel(arguments, output).await,
        Command::Reject(arguments) => submission::reject(arguments, output).await,
        Command::History(arguments) => submission::history(arguments, output).await,
        Command::Acquire(arguments) => acquire::acquire(arguments, output).await,
        Command::Compare(arguments) => lifecycle::compare(arguments, output).await,
        Command::StopSelling(arguments) => lifecycle::stop_selling(arguments, output).await,
        Command::Restore(arguments) => lifecycle::restore(arguments, output).await,
        Command::DeleteDraft(arguments) => lifecycle::delete_draft(arguments, output).await,
        Command::Deployment(arguments) => deployment::deployment(arguments, output).await,
        Command::Publisher(command) => admin::publisher(command, output).await,
        Command::Subscription(command) => admin::subscription(command, output).await,
        Command::Account(command) => account::account(command, output).await,
        Command::Token(command) => admin::token(command, output).await,
        Command::Region(command) => region::region(command, output).await,
        Command::Export(arguments) => export::run(arguments, output).await,
        Command::Import(arguments) => import::run(arguments, output).await,
        Command::Key(command) => key::key(command, output).await,
        Command::Blobs(command) => blobs::blobs(command, output).await,
        Command::Waiver(command) => waiver::run(command, output).await,
        Command::Review(command) => review::run(command, output).await,
        Command::Recertify(command) => recertify::run(command, output).await,
        Command::Certify(_)
        | Command::Advisories(_)
        | Command::Verify(_)
        | Command::Inspect(_)
        | Command::Copy(_)
        | Command::Pull(_)
        | Command::Image(_)
        | Command::Offer(_)
        | Command::Route(_)
        | Command::Policy(_)
        | Command::Schema { .. }
        | Command::Completions { .. } => unreachable!("dispatched without a marketplace"),
    }
}

/// Logs go to standard error; `EDGEMARKET_LOG` chooses how much (`info`, `market=debug`), warnings when it is not set.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EDGEMARKET_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,sqlx=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
