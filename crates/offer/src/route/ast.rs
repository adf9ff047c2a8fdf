//! The parts of a parsed route.

use super::functions::Function;

/// The path after `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Column of its first slash in characters, from 1.
    pub column: usize,
    /// Its items, at least one.
    pub items: Vec<Item>,
}

/// An item of a source's path: a name, `*`, or a name with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Column in characters, from 1.
    pub column: usize,
    /// As written.
    pub text: String,
}

/// What stands after `INTO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `$upstream`: the cloud.
    Upstream,
    /// `BrokeredEndpoint("/modules/{module}/inputs/{input}")`.
    Module {
        /// Column of the string in characters, from 1.
        column: usize,
        /// The string between its quotes, as written.
        path: String,
        /// The quote that it is written with.
        quote: char,
        /// The module that Edge Hub reads from it.
        module: String,
        /// The input that Edge Hub reads from it.
        input: String,
    },
}

/// A condition or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Column where it begins, or of its operator, in characters, from 1.
    pub column: usize,
    /// Levels of nesting below it, itself included.
    pub(super) depth: u32,
    /// What it is.
    pub kind: ExprKind,
}

/// What an [`Expr`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `undefined`.
    Undefined,
    /// An integer, hexadecimal or real literal, as written. Edge Hub takes one that is out of range for `undefined`.
    Number(String),
    /// A string literal with its quotes, as written.
    String(String),
    /// A message property by name.
    Property(String),
    /// A system property or body path, as written with its `$`.
    System {
        /// As written, with `$`.
        path: String,
        /// Whether it stands in braces, which means that no message property takes precedence.
        braces: bool,
    },
    /// A placeholder, without its angle brackets.
    Placeholder(String),
    /// A call of a built-in function.
    Call {
        /// Which.
        function: &'static Function,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// What stands between the parentheses, without white space and comments: the one argument of
        /// `twin_change_includes`, which Edge Hub does not evaluate.
        text: String,
    },
    /// An operator before its operand.
    Unary(Unary, Box<Expr>),
    /// An operator between two operands.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// Operators with one operand. Both bind tighter than every [`Binary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unary {
    Negate,
    Not,
}

/// Operators with two operands; all associate to the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Binary {
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    Concat,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Coalesce,
}

impl Unary {
    /// As it is written in normal form.
    pub fn symbol(self) -> &'static str {
        match self {
            Unary::Negate => "-",
            Unary::Not => "NOT",
        }
    }
}

impl Binary {
    /// As it is written in normal form.
    pub fn symbol(self) -> &'static str {
        match self {
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Modulo => "%",
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Concat => "||",
            Binary::Less => "<",
            Binary::LessOrEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterOrEqual => ">=",
            Binary::Equal => "=",
            Binary::NotEqual => "!=",
            Binary::And => "AND",
            Binary::Or => "OR",
            Binary::Coalesce => "??",
        }
    }

    /// How tight it binds; greater is tighter.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Binary::Multiply | Binary::Divide | Binary::Modulo => 7,
            Binary::Add | Binary::Subtract | Binary::Concat => 6,
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => 5,
            Binary::Equal | Binary::NotEqual => 4,
            Binary::And => 3,
            Binary::Or => 2,
            Binary::Coalesce => 1,
        }
    }
}
