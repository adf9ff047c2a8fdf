//! Files that the user names on the command line, read within limits.

use crate::output::Failure;
use offer::finding::{Finding, Severity};
use offer::policy::{POLICY_BYTES_MAX, Policy};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a regular file of at most `bytes_max` bytes; a larger one is refused before it is read, a pipe or device is
/// not opened at all.
pub fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |cause: std::io::Error| {
        Failure::could_not_run(
            format!("{} cannot be read: {cause}", path.display()),
            "check that the path is right and that you may read it",
        )
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::could_not_run(
            format!("{} is not a regular file", path.display()),
            "give the path of a file",
        ));
    }
    if metadata.len() > bytes_max as u64 {
        return Err(too_large(path, metadata.len(), bytes_max));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() > bytes_max {
        true => Err(too_large(path, bytes.len() as u64, bytes_max)),
        false => Ok(bytes),
    }
}

fn too_large(path: &Path, found: u64, bytes_max: usize) -> Failure {
    Failure::could_not_run(
        format!("{} has {found} bytes, at most {bytes_max} are read", path.display()),
        "check that this is the right file, or make it smaller",
    )
}

/// Reads a file of UTF-8 text.
pub fn read_text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, bytes_max)?).map_err(|cause| {
        Failure::could_not_run(
            format!("{} is not UTF-8 text: {}", path.display(), cause.utf8_error()),
            "save the file as UTF-8",
        )
    })
}

/// The policy of this file, or the default one. A policy by which nothing could be judged is refused.
pub fn policy(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let (policy, findings) = checked_policy(path)?;
    match (policy, findings.into_iter().find(|finding| finding.severity == Severity::Error)) {
        (Some(policy), None) => Ok(policy),
        (_, Some(finding)) => {
            let place = match &finding.position {
                Some(position) => format!("{}:{}:{}", path.display(), position.line, position.column),
                None => path.display().to_string(),
            };
            Err(Failure::could_not_run(format!("{place}: {}", finding.message), finding.hint))
        }
        (None, None) => Err(Failure::could_not_run(
            format!("{} cannot be read as a policy", path.display()),
            "run edgemarket policy check",
        )),
    }
}

/// The policy of this file, unless it cannot be read, and everything that is to be said of it.
pub fn checked_policy(path: &Path) -> Result<(Option<Policy>, Vec<Finding>), Failure> {
    let text = read_text(path, POLICY_BYTES_MAX)?;
    Ok(match Policy::from_toml(&text) {
        Ok(policy) => {
            let findings = certify::policy::check(&policy, Some(&text));
            (Some(policy), findings)
        }
        Err(finding) => (None, vec![*finding]),
    })
}
