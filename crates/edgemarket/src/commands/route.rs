//! `route check 'ROUTE'`: whether the device's Edge Hub accepts a route, and where it stumbles.

use crate::output::{Failure, Output};
use clap::Subcommand;
use market::text::Text;
use offer::route::{Route, RouteError, RouteWarning};
use serde::Serialize;

/// The commands on routes.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Check a route's syntax; exit status 1 when it is not valid
    Check {
        /// The route, for example 'FROM /messages/* INTO $upstream'
        route: String,
    },
}

/// What is said about a place in the route.
#[derive(Serialize)]
struct Remark {
    column: usize,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<String>,
    hint: String,
}

/// What `route check --json` prints.
#[derive(Serialize)]
struct Validity {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Remark>,
    warnings: Vec<Remark>,
}

/// Runs one of them.
pub fn run(command: &RouteCommand, output: &Output) -> Result<(), Failure> {
    let RouteCommand::Check { route } = command;
    let validity = match Route::parse(route) {
        Ok(parsed) => Validity {
            valid: true,
            error: None,
            warnings: parsed.warnings.into_iter().map(Remark::from).collect(),
        },
        Err(error) => Validity { valid: false, error: Some(error.into()), warnings: Vec::new() },
    };
    output.value(&validity, |validity| {
        let remarks = validity.error.iter().chain(&validity.warnings);
        let sentence = if validity.valid { "route-valid" } else { "route-invalid" };
        remarks.map(|remark| pointed(route, remark, &output.text)).collect::<String>()
            + &output.text.get(sentence)
            + "\n"
    })?;
    if validity.valid { Ok(()) } else { Err(Failure::said()) }
}

/// The line of the route that the column is in, and under it a caret and what is wrong.
fn pointed(route: &str, remark: &Remark, text: &Text) -> String {
    let mut column = remark.column.max(1);
    let mut line = "";
    for part in route.split('\n') {
        line = part;
        let width = part.chars().count() + 1;
        if column <= width {
            break;
        }
        column -= width;
    }
    column = column.min(line.chars().count() + 1);
    let shown: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let caret = " ".repeat(column - 1);
    let fact = text.told(&format!("column {}: {}", remark.column, remark.message));
    format!("{shown}\n{caret}^\n{fact}\n{}: {}\n", text.get("hint"), text.told(&remark.hint))
}

impl From<RouteError> for Remark {
    fn from(error: RouteError) -> Remark {
        Remark { column: error.column, message: error.message, expected: error.expected, hint: error.hint }
    }
}

impl From<RouteWarning> for Remark {
    fn from(warning: RouteWarning) -> Remark {
        Remark { column: warning.column, message: warning.message, expected: Vec::new(), hint: warning.hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_column() {
        let english = Text::of_locale("en");
        let remark = |column| Remark { column, message: "m".into(), expected: Vec::new(), hint: "h".into() };
        assert!(pointed("FROM x\nINTO y", &remark(8), &english).starts_with("INTO y\n^\n"));
        assert!(pointed("FROM", &remark(5), &english).starts_with("FROM\n    ^\n"));
        assert!(pointed("", &remark(1), &english).starts_with("\n^\n"));
        assert!(pointed("a\n", &remark(3), &english).starts_with("\n^\n"));
    }
}
