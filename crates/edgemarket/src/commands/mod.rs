//! The commands, one file each: [`Cli`] says what can be typed, [`run`] leads to the file that does it.

use crate::output::{Failure, Output};
use crate::text::Text;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

mod certify;
mod image;
mod offer;
mod route;

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
    /// Make images
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// Make, check and describe offers
    #[command(subcommand)]
    Offer(offer::OfferCommand),
    /// Check routes
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// Runs a command and turns its end into an exit status.
pub fn run(cli: Cli) -> ExitCode {
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
        Command::Image(command) => image::run(command, output),
        Command::Offer(command) => offer::run(command, output),
        Command::Route(command) => route::run(command, output),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "edgemarket", &mut std::io::stdout());
            Ok(())
        }
    }
}
