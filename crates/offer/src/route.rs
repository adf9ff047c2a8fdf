//! Routes between modules and to the cloud (spec `offer.md`, *Route syntax*). The reference is what the device's Edge
//! Hub accepts: its tokens, its grammar and the types that its compiler of conditions demands. This module does not
//! evaluate a route on messages.

pub mod ast;
mod display;
mod functions;
mod lexer;
mod modules;
mod parser;
mod types;

pub use ast::{Binary, Endpoint, Expr, ExprKind, Item, Source, Unary};
pub use functions::Function;
pub use modules::{ModuleError, check_modules};

/// Longest route in bytes that is looked at at all. An offer's routes stay under 512 characters by policy; this guards
/// the parser where it is called with anything else.
pub const ROUTE_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of a condition. No route under 512 characters reaches it; deeper ones would exhaust the stack.
pub const DEPTH_MAX: u32 = 256;

/// A route that Edge Hub accepts once its placeholders are replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Where messages come from.
    pub source: Source,
    /// Which of them are taken; all when absent.
    pub condition: Option<Expr>,
    /// Where they go.
    pub sink: Endpoint,
    /// What Edge Hub accepts, but hardly as it was meant.
    pub warnings: Vec<RouteWarning>,
}

/// Why a text is no route. Only the first fault is reported, as Edge Hub does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct RouteError {
    /// Column in characters, from 1; one past the end when the text ends too early.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What may stand there; empty when the fault is not one of syntax.
    pub expected: Vec<String>,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Something that Edge Hub accepts, but hardly as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteWarning {
    /// Column in characters, from 1.
    pub column: usize,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl Route {
    /// Reads a route. Placeholders `<UPPER_CASE>` may stand in the source's path, in strings, and where a condition has
    /// an operand.
    ///
    /// # Errors
    /// The first fault, with its column.
    pub fn parse(text: &str) -> Result<Route, RouteError> {
        Route::read(text, true)
    }

    /// Reads a route as the device does: with its placeholders replaced, so that none may be left.
    ///
    /// # Errors
    /// The first fault, with its column.
    pub fn parse_final(text: &str) -> Result<Route, RouteError> {
        Route::read(text, false)
    }

    fn read(text: &str, placeholders: bool) -> Result<Route, RouteError> {
        if text.len() > ROUTE_BYTES_MAX {
            return Err(RouteError {
                column: 1,
                found: String::new(),
                expected: Vec::new(),
                message: format!("the route has {} bytes, at most {ROUTE_BYTES_MAX} are read", text.len()),
                hint: "write a shorter route".to_owned(),
            });
        }
        let mut route = parser::parse(text, placeholders)?;
        if let Some(condition) = &route.condition {
            types::check(condition, &mut route.warnings)?;
        }
        Ok(route)
    }
}

impl std::str::FromStr for Route {
    type Err = RouteError;
    fn from_str(text: &str) -> Result<Self, RouteError> {
        Route::parse(text)
    }
}
