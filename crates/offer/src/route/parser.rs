//! The grammar of a route: from tokens to a [`Route`], with the first fault's column. Operators are parsed by
//! precedence climbing with a bounded depth.

mod faults;

use super::ast::{Binary, Endpoint, Expr, ExprKind, Item, Source, Unary};
use super::functions;
use super::lexer::{Kind, Lexer, Token};
use super::{Route, RouteError, RouteWarning, modules};
use crate::placeholder;
use faults::arity_error;

const CLOUD: &str = "$upstream";
const MODULE: &str = "BrokeredEndpoint";
const OPERAND: &str = "a value, a property, a function or (";
const OPERATOR: &str = "an operator";

/// Reads a route, in which `placeholders` may stand or not; the types of its condition are not looked at.
pub(super) fn parse(text: &str, placeholders: bool) -> Result<Route, RouteError> {
    let lexer = Lexer::new(text);
    let token = lexer.token(0);
    let mut parser = Parser { text, placeholders, lexer, token, warnings: Vec::new() };
    let route = parser.route()?;
    Ok(Route { warnings: parser.warnings, ..route })
}

struct Parser<'a> {
    text: &'a str,
    placeholders: bool,
    lexer: Lexer<'a>,
    /// The next token.
    token: Token,
    warnings: Vec<RouteWarning>,
}

impl<'a> Parser<'a> {
    fn route(&mut self) -> Result<Route, RouteError> {
        if self.token.kind == Kind::Select {
            self.advance();
            self.expect(Kind::Star, "*", "write SELECT * FROM …, or begin with FROM")?;
            self.expect(Kind::From, "FROM", "write SELECT * FROM …, or begin with FROM")?;
        } else {
            if self.token.kind != Kind::From {
                return Err(self
                    .error(&["FROM", "SELECT"], "a route is FROM <source> [WHERE <condition>] INTO <sink>"));
            }
            self.advance();
        }
        let source = self.source()?;
        let mut condition = None;
        if self.token.kind == Kind::Where {
            self.advance();
            condition = Some(self.expression(0, 1)?);
            if self.token.kind != Kind::Into {
                return Err(self.error(&[OPERATOR, "INTO"], self.operator_hint()));
            }
        } else if self.token.kind != Kind::Into {
            let hint = self.source_hint("after the source follows WHERE and a condition, or INTO and a sink");
            return Err(self.error(&["/", "WHERE", "INTO"], hint));
        }
        self.advance();
        let sink = self.sink()?;
        if self.token.kind != Kind::End {
            let column = self.column(self.token.start);
            self.warn(
                column,
                format!("Edge Hub ignores {} and all that follows", self.shown(self.token)),
                "remove what follows the sink",
            );
        }
        Ok(Route { source, condition, sink, warnings: Vec::new() })
    }

    fn source(&mut self) -> Result<Source, RouteError> {
        const HINT: &str =
            "a source is a path, for example /messages/* or /messages/modules/<NAME>/outputs/*";
        if self.token.kind != Kind::Slash {
            return Err(self.error(&["/"], self.source_hint(HINT)));
        }
        let mut source = Source { column: self.column(self.token.start), items: Vec::new() };
        while self.token.kind == Kind::Slash {
            self.advance();
            source.items.push(self.item()?);
        }
        if let Some((column, comment)) = self.hidden() {
            self.warn(
                column,
                format!("Edge Hub takes {comment:?} for a comment, and reads only the path {source}"),
                "write / * at the end of the path, or remove the */ behind it",
            );
        } else if let Some((message, hint)) = modules::path_warning(&source) {
            self.warn(source.column, message, hint);
        }
        Ok(source)
    }

    /// An item of a source's path. A name with placeholders in it is one, whatever token it would be without them.
    fn item(&mut self) -> Result<Item, RouteError> {
        let start = self.token.start;
        let column = self.column(start);
        let mut end = start;
        let mut replaced = false;
        while let Some(c) = self.text[end..].chars().next() {
            if let Some(name) = self.placeholder(end) {
                replaced = true;
                end += name.len() + 2;
            } else if super::lexer::is_name(c) {
                end += c.len_utf8();
            } else {
                break;
            }
        }
        if !replaced {
            end = self.token.end;
            if !matches!(self.token.kind, Kind::Name | Kind::Star) {
                let hint = match self.token.kind {
                    Kind::End => "an item of a path is a name or *",
                    Kind::Integer | Kind::Hex | Kind::Real => {
                        "Edge Hub takes this for a number; an item of a path is a name or *"
                    }
                    Kind::Path => "Edge Hub takes no square brackets here; an item of a path is a name or *",
                    _ if self.text[start..end].starts_with(|c: char| c.is_ascii_alphabetic()) => {
                        "Edge Hub reserves this word, in any case; choose another name for the module or output"
                    }
                    _ => "an item of a path is a name or *",
                };
                return Err(self.error(&["a name", "*"], hint));
            }
        }
        self.token = self.lexer.token(end);
        Ok(Item { column, text: self.text[start..end].to_owned() })
    }

    fn sink(&mut self) -> Result<Endpoint, RouteError> {
        const HINT: &str = "a sink is $upstream or BrokeredEndpoint(\"/modules/<NAME>/inputs/<INPUT>\")";
        let token = self.token;
        let word = &self.text[token.start..token.end];
        match token.kind {
            Kind::System if word.eq_ignore_ascii_case(CLOUD) => {
                self.advance();
                Ok(Endpoint::Upstream)
            }
            Kind::Name if word.eq_ignore_ascii_case(MODULE) => {
                self.advance();
                self.expect(Kind::OpenParen, "(", HINT)?;
                let string = self.token;
                self.whole_string()?;
                self.expect(Kind::String, "a string", HINT)?;
                let endpoint = self.endpoint(string)?;
                self.expect(Kind::CloseParen, ")", HINT)?;
                Ok(endpoint)
            }
            _ if word.eq_ignore_ascii_case("upstream") => {
                Err(self.error(&[CLOUD, MODULE], "write $upstream"))
            }
            _ => Err(self.error(&[CLOUD, MODULE], HINT)),
        }
    }

    /// What Edge Hub reads from the string of a `BrokeredEndpoint`: four parts between slashes, of which it looks at the
    /// second and the fourth.
    fn endpoint(&mut self, string: Token) -> Result<Endpoint, RouteError> {
        const HINT: &str = "write /modules/<NAME>/inputs/<INPUT>";
        let path = &self.text[string.start + 1..string.end - 1];
        let column = self.column(string.start);
        let trimmed = path.trim();
        let trimmed = trimmed.strip_prefix('/').unwrap_or(trimmed);
        let parts: Vec<&str> = trimmed.strip_suffix('/').unwrap_or(trimmed).split('/').collect();
        let [modules, module, inputs, input] = parts[..] else {
            return Err(RouteError {
                column,
                found: self.shown(string),
                expected: vec!["\"/modules/{module}/inputs/{input}\"".to_owned()],
                message: format!(
                    "the endpoint {} has {} parts between slashes, not 4",
                    self.shown(string),
                    if trimmed.is_empty() { 0 } else { parts.len() }
                ),
                hint: HINT.to_owned(),
            });
        };
        if modules != "modules" || inputs != "inputs" {
            self.warn(
                column,
                format!("Edge Hub reads the module {module:?} and the input {input:?} from {path:?}"),
                HINT,
            );
        } else if module.is_empty() || input.is_empty() {
            self.warn(
                column,
                format!("the module or the input in {path:?} is empty; no message arrives"),
                HINT,
            );
        }
        Ok(Endpoint::Module {
            column,
            path: path.to_owned(),
            quote: if self.text[string.start..].starts_with('"') { '"' } else { '\'' },
            module: module.to_owned(),
            input: input.to_owned(),
        })
    }

    fn expression(&mut self, tightness: u8, level: u32) -> Result<Expr, RouteError> {
        let mut left = self.operand(level)?;
        while let Some(operator) = binary(self.token.kind).filter(|op| op.precedence() >= tightness) {
            let column = self.column(self.token.start);
            self.advance();
            let right = self.expression(operator.precedence() + 1, level + 1)?;
            let depth = left.depth.max(right.depth) + 1;
            left = Expr { column, depth, kind: ExprKind::Binary(operator, Box::new(left), Box::new(right)) };
            self.check_depth(depth.max(level), column)?;
        }
        Ok(left)
    }

    fn operand(&mut self, level: u32) -> Result<Expr, RouteError> {
        let token = self.token;
        let column = self.column(token.start);
        self.check_depth(level, column)?;
        let text = &self.text[token.start..token.end];
        let kind = match token.kind {
            Kind::True | Kind::False => ExprKind::Bool(token.kind == Kind::True),
            Kind::Null => ExprKind::Null,
            Kind::Undefined => ExprKind::Undefined,
            Kind::Integer | Kind::Hex | Kind::Real => ExprKind::Number(text.to_owned()),
            Kind::String => ExprKind::String(text.to_owned()),
            Kind::System => ExprKind::System { path: text.to_owned(), braces: false },
            Kind::Name if self.lexer.token(token.end).kind == Kind::OpenParen => return self.call(level),
            Kind::Name => ExprKind::Property(text.to_owned()),
            Kind::OpenBrace => return self.braces(column),
            Kind::OpenParen => return self.group(level),
            Kind::Minus | Kind::Not => {
                self.advance();
                let operand = self.operand(level + 1)?;
                let operator = if token.kind == Kind::Minus { Unary::Negate } else { Unary::Not };
                let depth = operand.depth + 1;
                return Ok(Expr { column, depth, kind: ExprKind::Unary(operator, Box::new(operand)) });
            }
            Kind::Less if self.placeholder(token.start).is_some() => {
                let name = self.placeholder(token.start).unwrap_or_default();
                self.token = self.lexer.token(token.start + name.len() + 2);
                return Ok(Expr { column, depth: 1, kind: ExprKind::Placeholder(name.to_owned()) });
            }
            _ => {
                self.whole_string()?;
                return Err(self.error(&[OPERAND], self.operand_hint()));
            }
        };
        self.advance();
        Ok(Expr { column, depth: 1, kind })
    }

    fn group(&mut self, level: u32) -> Result<Expr, RouteError> {
        let opened = self.column(self.token.start);
        self.advance();
        let inner = self.expression(0, level + 1)?;
        if self.token.kind != Kind::CloseParen {
            let hint = format!("close the parenthesis that opens at column {opened}");
            return Err(self.error(&[OPERATOR, ")"], hint));
        }
        self.advance();
        Ok(inner)
    }

    fn braces(&mut self, column: usize) -> Result<Expr, RouteError> {
        const HINT: &str = "braces hold one system property or body path, for example {$body.temperature}";
        self.advance();
        let path = self.text[self.token.start..self.token.end].to_owned();
        self.expect(Kind::System, "a system property or body path after $", HINT)?;
        self.expect(Kind::CloseBrace, "}", HINT)?;
        Ok(Expr { column, depth: 1, kind: ExprKind::System { path, braces: true } })
    }

    fn call(&mut self, level: u32) -> Result<Expr, RouteError> {
        let name = &self.text[self.token.start..self.token.end];
        let column = self.column(self.token.start);
        let Some(function) = functions::by_name(name) else {
            return Err(RouteError {
                column,
                found: format!("{name:?}"),
                expected: vec!["a function".to_owned()],
                message: format!("there is no function {name}"),
                hint: functions::hint(name),
            });
        };
        self.advance();
        let mut opened = self.token;
        self.advance();
        let mut arguments = Vec::new();
        let inside = self.token.start;
        if self.token.kind != Kind::CloseParen {
            loop {
                arguments.push(self.expression(0, level + 1)?);
                match self.token.kind {
                    Kind::Comma => self.advance(),
                    Kind::CloseParen => break,
                    _ => {
                        let opened = self.column(opened.start);
                        let hint = format!("close the parenthesis that opens at column {opened}");
                        return Err(self.error(&[OPERATOR, ",", ")"], hint));
                    }
                }
            }
        }
        let closed = self.token;
        self.advance();
        let mut text = String::new();
        opened.end = inside;
        while opened.end < closed.start {
            opened = self.lexer.token(opened.end);
            text.push_str(&self.text[opened.start..opened.end.min(closed.start)]);
        }
        if let Err(arity) = function.check_arity(arguments.len()) {
            return Err(arity_error(column, function.name, arity, arguments.len()));
        }
        let depth = arguments.iter().map(|argument| argument.depth).max().unwrap_or(0) + 1;
        Ok(Expr { column, depth, kind: ExprKind::Call { function, arguments, text } })
    }

    fn placeholder(&self, at: usize) -> Option<&'a str> {
        placeholder::name_at(&self.text[at..]).filter(|_| self.placeholders)
    }

    fn advance(&mut self) {
        self.token = self.lexer.token(self.token.end);
    }

    fn expect(&mut self, kind: Kind, name: &str, hint: &str) -> Result<(), RouteError> {
        if self.token.kind != kind {
            self.whole_string()?;
            return Err(self.error(&[name], hint));
        }
        self.advance();
        Ok(())
    }

    fn column(&self, offset: usize) -> usize {
        self.text[..offset].chars().count() + 1
    }
}

fn binary(kind: Kind) -> Option<Binary> {
    Some(match kind {
        Kind::Star => Binary::Multiply,
        Kind::Slash => Binary::Divide,
        Kind::Percent => Binary::Modulo,
        Kind::Plus => Binary::Add,
        Kind::Minus => Binary::Subtract,
        Kind::Concat => Binary::Concat,
        Kind::Less => Binary::Less,
        Kind::LessOrEqual => Binary::LessOrEqual,
        Kind::Greater => Binary::Greater,
        Kind::GreaterOrEqual => Binary::GreaterOrEqual,
        Kind::Equal => Binary::Equal,
        Kind::NotEqual => Binary::NotEqual,
        Kind::And => Binary::And,
        Kind::Or => Binary::Or,
        Kind::Coalesce => Binary::Coalesce,
        _ => return None,
    })
}
