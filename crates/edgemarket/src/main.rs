//! The program `edgemarket`: one file a command under `commands`, what they print in `output`. Rules and work are in
//! the crates below; a command reads its flags, calls one of them and prints what it says.

mod commands;
mod directory;
mod files;
// More commands use more of it.
#[allow(dead_code)]
mod output;
// The demo reads it.
#[allow(dead_code)]
mod sample;
#[allow(dead_code)]
mod text;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(commands::Cli::parse())
}
