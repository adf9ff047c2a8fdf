//! The normal form of a route: one line, key words in capitals, one space between tokens, only needed parentheses. It
//! means to Edge Hub what the text that was read means.

use super::Route;
use super::ast::{Binary, Endpoint, Expr, ExprKind, Source};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Route {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = String::new();
        if let Some(condition) = &self.condition {
            write!(rest, " WHERE {condition}")?;
        }
        write!(rest, " INTO {}", self.sink)?;
        f.write_str("FROM ")?;
        write_source(f, &self.source, &rest)?;
        f.write_str(&rest)
    }
}

/// A space goes between `/` and `*` where `*/` stands somewhere behind them: Edge Hub would see a comment.
fn write_source(f: &mut Formatter<'_>, source: &Source, rest: &str) -> fmt::Result {
    for (index, item) in source.items.iter().enumerate() {
        f.write_char('/')?;
        if let Some(after) = item.text.strip_prefix('*') {
            let mut behind = after.to_owned();
            for item in &source.items[index + 1..] {
                behind.push('/');
                behind.push_str(&item.text);
            }
            if (behind + rest).contains("*/") {
                f.write_char(' ')?;
            }
        }
        f.write_str(&item.text)?;
    }
    Ok(())
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_source(f, self, "")
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Upstream => f.write_str("$upstream"),
            Endpoint::Module { path, quote, .. } => write!(f, "BrokeredEndpoint({quote}{path}{quote})"),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Null => f.write_str("null"),
            ExprKind::Undefined => f.write_str("undefined"),
            ExprKind::Number(text) | ExprKind::String(text) | ExprKind::Property(text) => f.write_str(text),
            ExprKind::System { path, braces: false } => f.write_str(path),
            ExprKind::System { path, braces: true } => write!(f, "{{{path}}}"),
            ExprKind::Placeholder(name) => write!(f, "<{name}>"),
            ExprKind::Call { function, arguments, .. } => {
                write!(f, "{}(", function.name)?;
                for (index, argument) in arguments.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    argument.fmt(f)?;
                }
                f.write_char(')')
            }
            ExprKind::Unary(operator, operand) => {
                write!(f, "{} ", operator.symbol())?;
                let grouped = matches!(operand.kind, ExprKind::Binary(..));
                write_operand(f, operand, grouped)
            }
            ExprKind::Binary(operator, left, right) => {
                write_operand(f, left, looser(left, operator.precedence()))?;
                write!(f, " {} ", operator.symbol())?;
                write_operand(f, right, looser(right, operator.precedence() + 1))
            }
        }
    }
}

fn looser(expr: &Expr, precedence: u8) -> bool {
    matches!(&expr.kind, ExprKind::Binary(operator, ..) if Binary::precedence(*operator) < precedence)
}

fn write_operand(f: &mut Formatter<'_>, operand: &Expr, grouped: bool) -> fmt::Result {
    if grouped { write!(f, "({operand})") } else { operand.fmt(f) }
}
