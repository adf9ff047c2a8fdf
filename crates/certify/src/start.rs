//! Where an image's start command leads, as a runtime finds it: the entrypoint's first word, else the command's, along
//! `PATH` or from the working directory, through links, in the merged file system. Runs nothing.

use crate::evidence::StartCommand;
use crate::layer::PathKind;
use crate::merge::Merged;
use oci::manifest::ImageConfig;

/// What runtimes use when the config sets no `PATH` (moby `oci/defaults`).
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Most directories of `PATH` that are looked at.
const PATH_DIRECTORIES_MAX: usize = 100;

/// Finds the start command.
pub fn command(config: &ImageConfig, merged: &Merged<'_>) -> StartCommand {
    let run = &config.config;
    let words = [&run.entrypoint, &run.cmd];
    let program = words.into_iter().flatten().flatten().next().filter(|word| !word.is_empty());
    let Some(program) = program else { return StartCommand::Missing };
    if config.os == "windows" {
        return windows(program, merged);
    }
    let working_dir = run.working_dir.as_deref().unwrap_or("/");
    if program.contains('/') {
        return judge(program, merged, std::slice::from_ref(program), working_dir);
    }
    let path = run.env.iter().flatten().find_map(|variable| variable.strip_prefix("PATH="));
    let directories = path.unwrap_or(PATH_DEFAULT).split(':').take(PATH_DIRECTORIES_MAX);
    let candidates: Vec<String> = directories.map(|directory| format!("{directory}/{program}")).collect();
    judge(program, merged, &candidates, working_dir)
}

fn judge(program: &str, merged: &Merged<'_>, candidates: &[String], working_dir: &str) -> StartCommand {
    let mut not_executable = None;
    for candidate in candidates {
        if let Some(found) = merged.resolve(working_dir, candidate) {
            match found.kind {
                PathKind::File if found.mode & 0o111 != 0 => return StartCommand::Found(found.path),
                _ => not_executable = not_executable.or(Some(found.path)),
            }
        }
    }
    match not_executable {
        Some(path) => StartCommand::NotExecutable(path),
        None => StartCommand::NotFound(program.to_owned()),
    }
}

/// Windows layers keep the file system under `Files/`. Their names do not depend on case and the suffix may be left
/// out, so only an absolute path is looked up, as it is written; other names are taken on trust.
fn windows(program: &str, merged: &Merged<'_>) -> StartCommand {
    let path = program.replace('\\', "/");
    let Some(path) = path.strip_prefix("C:/").or_else(|| path.strip_prefix("c:/")) else {
        return StartCommand::Found(program.to_owned());
    };
    match merged.resolve("", &format!("Files/{path}")) {
        Some(found) if found.kind == PathKind::File => StartCommand::Found(found.path),
        Some(found) => StartCommand::NotExecutable(found.path),
        None => StartCommand::NotFound(program.to_owned()),
    }
}
