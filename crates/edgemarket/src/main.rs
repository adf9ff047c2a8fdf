//! The program `edgemarket`: one file a command under `commands`, what they print in `output`. Rules and work are in
//! the crates below; a command reads its flags, calls one of them and prints what it says.

mod client;
mod commands;
mod directory;
mod files;
mod interrupt;
mod output;
mod registry_access;
mod running;
mod sample;
mod serving;
mod starting;
mod transfer;
mod watch;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(commands::Cli::parse())
}
