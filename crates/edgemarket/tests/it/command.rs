//! Runs the binary and puts what it did into one text for snapshots.

use std::path::Path;
use std::process::{Command, Output};

/// The binary with a clean environment, so that neither locale nor colours nor caches of the machine matter.
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgemarket"));
    command.current_dir(directory).env_clear().env("HOME", directory).env("LC_ALL", "C.UTF-8");
    command.env("EDGEMARKET_SANDBOX", "off");
    command
}

/// Runs it in the directory; status, standard output and standard error as one text, without the directory's path.
pub fn run(directory: &Path, arguments: &[&str]) -> String {
    told(directory, &command(directory).args(arguments).output().expect("the binary runs"))
}

/// What a finished run said.
pub fn told(directory: &Path, output: &Output) -> String {
    let status = output.status.code().map_or("killed".to_owned(), |code| code.to_string());
    let mut text = format!("status: {status}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let part = String::from_utf8_lossy(bytes);
        if !part.is_empty() {
            text += &format!("----- {name}\n{part}");
        }
    }
    let real = directory.canonicalize().expect("the directory exists");
    text.replace(&*real.to_string_lossy(), "[DIR]").replace(&*directory.to_string_lossy(), "[DIR]")
}

/// An empty directory that goes away with the test.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
