//! What a command prints: results on standard output as text or JSON, everything else on standard error; and how it
//! ends. An error is its fact, then a `hint:` with the way out.

use crate::client::ClientError;
use market::text::Text;
use offer::finding::Finding;
use serde::Serialize;
use std::process::ExitCode;

/// Exit status of a command that ran and says no: not valid, failed, refused.
pub const STATUS_NO: u8 = 1;

/// Exit status of a command that could not run: wrong flags, unreadable input, no answer.
pub const STATUS_COULD_NOT_RUN: u8 = 2;

/// How a command prints.
#[derive(Debug)]
pub struct Output {
    /// Results as JSON rather than as text.
    pub json: bool,
    /// No progress and no remarks.
    pub quiet: bool,
    /// The sentences of the command line in the user's language.
    pub text: Text,
}

impl Output {
    /// Prints a result: the value itself with `--json`, else the text made of it.
    pub fn value<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json { self.json(value) } else { self.print(&text(value)) }
    }

    /// Prints rows, or a remark on standard error when there are none.
    pub fn list<T: Serialize>(
        &self,
        rows: &[T],
        empty: &str,
        line: impl Fn(&T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(&rows);
        }
        if rows.is_empty() {
            self.remark(empty);
        }
        rows.iter().try_for_each(|row| self.print(&format!("{}\n", line(row))))
    }

    /// Prints a value as JSON whatever the flags say.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|cause| Failure::could_not_run(format!("JSON output: {cause}"), "please report this"))?;
        self.print(&format!("{text}\n"))
    }

    /// Prints text as it is. A reader that went away (`| head`) is no error.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        use std::io::{ErrorKind, Write};
        let mut out = anstream::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(Failure::could_not_run(
                format!("standard output cannot be written: {cause}"),
                "check the disk or pipe that it leads to",
            )),
            _ => Ok(()),
        }
    }

    /// Says something on the side, unless `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            anstream::eprintln!("{text}");
        }
    }

    /// One line of JSON, for values that follow each other.
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|cause| Failure::could_not_run(format!("JSON output: {cause}"), "please report this"))?;
        self.print(&format!("{text}\n"))
    }

    /// Prints why a command ended without success, and returns its exit status.
    pub fn fail(&self, failure: &Failure) -> ExitCode {
        if failure.message.is_empty() && failure.findings.is_empty() {
            return ExitCode::from(failure.status);
        }
        if self.json {
            let value = serde_json::json!({
                "error": failure.message, "hint": failure.hint, "findings": failure.findings,
            });
            anstream::eprintln!("{value}");
            return ExitCode::from(failure.status);
        }
        if !failure.message.is_empty() {
            anstream::eprintln!(
                "\x1b[1;31m{}\x1b[0m: {}",
                self.text.get("error"),
                self.text.told(&failure.message)
            );
        }
        for finding in &failure.findings {
            anstream::eprint!("{}", finding_lines(&self.text, finding));
        }
        if let Some(hint) = &failure.hint {
            anstream::eprintln!("\x1b[1;36m{}\x1b[0m: {}", self.text.get("hint"), self.text.told(hint));
        }
        ExitCode::from(failure.status)
    }
}

/// A finding as an editor and a person read it: `offer.yaml:37:12: error[rule]: fact`, then the hint. Editors know the
/// severity's English name.
pub fn finding_lines(language: &Text, finding: &serde_json::Value) -> String {
    let text = |key: &str| finding.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let place = match finding.get("position") {
        Some(position) => {
            let number =
                |key: &str| position.get(key).and_then(serde_json::Value::as_u64).unwrap_or_default();
            let file = position.get("file").and_then(serde_json::Value::as_str).unwrap_or_default();
            format!("{file}:{}:{}", number("line"), number("column"))
        }
        None if text("pointer").is_empty() => "offer".to_owned(),
        None => text("pointer").to_owned(),
    };
    format!(
        "{place}: {}[{}]: {}\n    {}: {}\n",
        text("severity"),
        text("rule"),
        language.told(text("message")),
        language.get("hint"),
        language.told(text("hint"))
    )
}

/// Why a command ends without success.
#[derive(Debug)]
pub struct Failure {
    /// The fact; empty when the output said everything.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// What is wrong with an offer, as JSON values of [`Finding`].
    pub findings: Vec<serde_json::Value>,
    /// Exit status.
    pub status: u8,
}

impl Failure {
    /// The command ran and the answer is no.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: Some(hint.into()), findings: Vec::new(), status: STATUS_NO }
    }

    /// The command could not run.
    pub fn could_not_run(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { status: STATUS_COULD_NOT_RUN, ..Failure::new(message, hint) }
    }

    /// The command was called wrongly.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::could_not_run(message, hint)
    }

    /// An offer is refused by rule.
    pub fn findings(message: impl Into<String>, findings: &[Finding]) -> Failure {
        let findings = findings.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect();
        Failure { message: message.into(), hint: None, findings, status: STATUS_NO }
    }

    /// The output said everything; only the exit status is left.
    pub fn said() -> Failure {
        Failure { message: String::new(), hint: None, findings: Vec::new(), status: STATUS_NO }
    }
}

impl From<oci::Error> for Failure {
    fn from(cause: oci::Error) -> Failure {
        Failure::could_not_run(cause.to_string(), cause.hint())
    }
}

impl From<ClientError> for Failure {
    fn from(cause: ClientError) -> Failure {
        let status = if cause.status.is_some() { STATUS_NO } else { STATUS_COULD_NOT_RUN };
        Failure { message: cause.message, hint: cause.hint, findings: cause.findings, status }
    }
}

impl From<market::Error> for Failure {
    fn from(cause: market::Error) -> Failure {
        Failure::could_not_run(cause.message, cause.hint)
    }
}
