//! The parser's errors, warnings and hints: what stands where, what may stand there, and the likely way out.

use super::super::functions::Arity;
use super::super::lexer::{Kind, Token};
use super::super::{DEPTH_MAX, RouteError, RouteWarning};
use super::Parser;

impl<'a> Parser<'a> {
    pub(super) fn check_depth(&self, depth: u32, column: usize) -> Result<(), RouteError> {
        if depth <= DEPTH_MAX {
            return Ok(());
        }
        Err(RouteError {
            column,
            found: String::new(),
            expected: Vec::new(),
            message: format!("the condition is nested deeper than {DEPTH_MAX} levels"),
            hint: "write a simpler condition, or split the route in two".to_owned(),
        })
    }

    /// Refuses a string without an end, at the place where it goes wrong.
    pub(super) fn whole_string(&self) -> Result<(), RouteError> {
        if self.token.kind != Kind::UnterminatedString {
            return Ok(());
        }
        let escape = self.text[self.token.end..].starts_with('\\');
        let shown: String = self.text[self.token.end..].chars().take(2).collect();
        Err(if escape {
            RouteError {
                column: self.column(self.token.end),
                found: shown.clone(),
                expected: ["\\\\", "\\'", "\\\"", "\\uXXXX"].map(str::to_owned).to_vec(),
                message: format!("{shown} is no escape in a string"),
                hint: "the escapes are \\\\, \\', \\\" and \\uXXXX; write a backslash twice".to_owned(),
            }
        } else {
            RouteError {
                column: self.column(self.token.start),
                found: self.shown(self.token),
                expected: vec!["a string with its closing quote".to_owned()],
                message: "the string that begins here has no closing quote".to_owned(),
                hint: "close the string with the quote that it begins with".to_owned(),
            }
        })
    }

    pub(super) fn shown(&self, token: Token) -> String {
        const SHOWN_MAX: usize = 40;
        if token.kind == Kind::End {
            return "the end".to_owned();
        }
        let text = &self.text[token.start..token.end];
        if text.chars().count() <= SHOWN_MAX {
            return format!("`{text}`");
        }
        format!("`{}…`", text.chars().take(SHOWN_MAX).collect::<String>())
    }

    pub(super) fn warn(&mut self, column: usize, message: String, hint: impl Into<String>) {
        self.warnings.push(RouteWarning { column, message, hint: hint.into() });
    }

    pub(super) fn error(&self, expected: &[&str], hint: impl Into<String>) -> RouteError {
        let found = self.shown(self.token);
        let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        RouteError {
            column: self.column(self.token.start),
            message: format!("expected {}, found {found}", one_of(&expected)),
            found,
            expected,
            hint: hint.into(),
        }
    }

    pub(super) fn operand_hint(&self) -> String {
        match (self.token.kind, self.text[..self.token.start].trim_end().chars().next_back()) {
            (Kind::Equal, Some('=')) => "write a single = to compare".to_owned(),
            (Kind::Path, _) => {
                "square brackets may only stand in a body path, as in $body.readings[0]".to_owned()
            }
            _ => "complete the condition".to_owned(),
        }
    }

    pub(super) fn operator_hint(&self) -> String {
        match &self.text[self.token.start..self.token.end] {
            "&&" | "&" => "write AND".to_owned(),
            "|" => "write OR".to_owned(),
            "==" => "write a single = to compare".to_owned(),
            ")" => "remove the parenthesis, or open it before".to_owned(),
            "" => "a route ends with INTO and a sink".to_owned(),
            _ => "put an operator between two values, and white space around operators".to_owned(),
        }
    }

    /// The trap that a path such as `/messages/*` falls into when `*/` stands anywhere behind it: Edge Hub sees a
    /// comment between the two, and drops it silently. Its column and what it hides.
    pub(super) fn hidden(&self) -> Option<(usize, &'a str)> {
        let at = self.text[..self.token.start].find("/*")?;
        let comment = &self.text[at..self.lexer.comment_end(at)?];
        let glued = !self.text[..at].ends_with([' ', '\t', '\r', '\n']);
        (glued || comment[2..].contains("/*")).then(|| (self.column(at), comment))
    }

    pub(super) fn source_hint(&self, otherwise: &str) -> String {
        match self.hidden() {
            Some((column, _)) => format!(
                "Edge Hub takes the text from column {column} to the next */ for a comment; write / * there, or remove */"
            ),
            None => otherwise.to_owned(),
        }
    }
}

pub(super) fn arity_error(column: usize, name: &str, arity: Arity, given: usize) -> RouteError {
    RouteError {
        column,
        found: format!("{given} arguments"),
        expected: vec![arity.to_string()],
        message: format!("the function {name} takes {arity}, not {given}"),
        hint: format!("give {name} {arity}"),
    }
}

fn one_of(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
