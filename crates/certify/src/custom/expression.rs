//! An expression: parsed, its names and shape checked, metered (see `budget`), and evaluated. Everything that can be
//! known of it without an image is told when it is compiled.

use super::budget::{Budget, CHARGE, SEARCH, SUM, TICK};
use super::variables::{self, Variables};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, operators};
use cel::parser::PrattParser;
use cel::{Context, Value};
use offer::policy::EXPRESSION_BYTES_MAX;
use std::collections::BTreeSet;

/// Deepest nesting of an expression, meters included. The interpreter recurses, so that this bounds its stack: a test
/// evaluates the deepest ones on half of the stack that a thread of the server has.
const DEPTH_MAX: usize = 64;
/// Deepest nesting of parentheses and the like while it is parsed.
const PARENTHESES_MAX: u16 = 32;
/// Most parts of an expression, macros written out.
const NODES_MAX: usize = 2_000;
/// Most loops (`all`, `exists`, `map`, `filter`, `exists_one`) within or upon each other: two join two lists, three are
/// rarely right.
const LOOPS_MAX: usize = 3;

/// The functions of CEL that there are here; operators and macros aside.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];
/// Names of types, for comparisons with `type(…)`.
const TYPES: &[&str] =
    &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// An expression that can be evaluated.
#[derive(Debug)]
pub struct Program {
    expression: IdedExpr,
    uses: BTreeSet<String>,
}

/// Why an expression cannot be compiled, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// Line in the expression, from 1; 0 when it is about the whole.
    pub line: u32,
    /// Column in the line, from 1.
    pub column: u32,
    /// The fact.
    pub message: String,
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}, column {}: {}", self.column, self.message),
        }
    }
}

/// What an evaluation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Whether the criterion holds.
    Holds(bool),
    /// What was found.
    Found(Vec<String>),
}

/// Compiles an expression.
///
/// # Errors
/// A syntax error, a name that is not known, or a shape beyond the limits.
pub fn compile(text: &str) -> Result<Program, CompileError> {
    let whole = |message: String| CompileError { line: 0, column: 0, message };
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(whole(format!(
            "it has {} bytes, at most {EXPRESSION_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    let parser = PrattParser::new()
        .max_recursion_depth(PARENTHESES_MAX)
        .max_expression_node_count(NODES_MAX)
        .error_reporting_limit(3);
    let mut expression = parser.parse(text).map_err(|errors| match errors.errors.first() {
        Some(error) => CompileError {
            line: u32::try_from(error.pos.0).unwrap_or(0),
            column: u32::try_from(error.pos.1).unwrap_or(0),
            message: error.msg.lines().next().unwrap_or_default().to_owned(),
        },
        None => whole("it cannot be parsed".to_owned()),
    })?;
    let mut meter = Meter { uses: BTreeSet::new(), scope: Vec::new() };
    meter.visit(&mut expression, At { depth: 0, loops: 0 }).map_err(|fault| match fault {
        Fault::Shape(message) => whole(message),
        Fault::Name(name, message) => {
            let (line, column) = place_of(text, &name);
            CompileError { line, column, message }
        }
    })?;
    Ok(Program { expression, uses: meter.uses })
}

impl Program {
    /// Whether it speaks of this variable.
    pub fn uses(&self, variable: &str) -> bool {
        self.uses.contains(variable)
    }

    /// Evaluates.
    pub(super) fn run(&self, variables: &Variables) -> Result<Outcome, String> {
        let budget = Budget::whole();
        let mut context = Context::default();
        Budget::register(&budget, &mut context)?;
        for (name, value) in variables.iter() {
            let added = context.add_variable(*name, value);
            added.map_err(|error| format!("the variable {name} cannot be handed over: {error}"))?;
        }
        let value = Value::resolve(&self.expression, &context);
        if budget.is_used_up() {
            return Err(
                "the evaluation needs more steps or memory than it may use; make the expression simpler"
                    .into(),
            );
        }
        match value.map_err(|error| short(&format!("the evaluation failed: {error}")))? {
            Value::Bool(holds) => Ok(Outcome::Holds(holds)),
            Value::List(items) => {
                let texts = items.iter().map(|item| match item {
                    Value::String(text) => Ok(text.to_string()),
                    other => Err(format!("the list holds {}, but a finding is a string", kind(other))),
                });
                Ok(Outcome::Found(texts.collect::<Result<_, _>>()?))
            }
            other => Err(format!(
                "the expression gives {}, neither true or false nor a list of strings",
                kind(&other)
            )),
        }
    }
}

/// Errors of the interpreter may quote whole values.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    text.chars().take(CHARS_MAX).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        _ => "another kind of value",
    }
}

/// Line and column of a name's first use as a word.
fn place_of(text: &str, name: &str) -> (u32, u32) {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let is_word = |at: &usize| {
        !text[..*at].chars().next_back().is_some_and(part)
            && !text[at + name.len()..].chars().next().is_some_and(part)
    };
    let Some(at) = text.match_indices(name).map(|(at, _)| at).find(is_word) else { return (0, 0) };
    let before = &text[..at];
    let count = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (count(before.matches('\n').count()), count(before[line_start..].chars().count()))
}

enum Fault {
    Shape(String),
    /// A name, and what is wrong with it.
    Name(String, String),
}

/// Where in the expression the walk is.
#[derive(Clone, Copy)]
struct At {
    /// Levels above, those that meters add included.
    depth: usize,
    /// Loops around.
    loops: usize,
}

impl At {
    fn below(self, levels: usize) -> At {
        At { depth: self.depth + levels, ..self }
    }
}

/// Walks an expression once: checks names and shape, and puts the meters in.
struct Meter {
    uses: BTreeSet<String>,
    /// Variables of loops.
    scope: Vec<String>,
}

impl Meter {
    fn visit(&mut self, part: &mut IdedExpr, at: At) -> Result<(), Fault> {
        if at.depth > DEPTH_MAX {
            return Err(Fault::Shape(format!("it is nested deeper than {DEPTH_MAX} levels")));
        }
        match &mut part.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.visit(&mut select.operand, at.below(1)),
            Expr::Call(call) => self.call(call, at),
            Expr::List(list) => {
                list.elements.iter_mut().try_for_each(|element| self.visit(element, at.below(2)))?;
                wrap(part, CHARGE);
                Ok(())
            }
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.visit(&mut entry.key, at.below(2))?;
                        self.visit(&mut entry.value, at.below(2))?;
                    }
                }
                wrap(part, CHARGE);
                Ok(())
            }
            Expr::Struct(made) => {
                let message = format!("there is no message type {:?} here", made.type_name);
                Err(Fault::Name(made.type_name.clone(), message))
            }
            Expr::Comprehension(comprehension) => {
                self.comprehension(comprehension, At { loops: at.loops + 1, ..at.below(1) })
            }
        }
    }

    fn name(&mut self, name: &str) -> Result<(), Fault> {
        if self.scope.iter().any(|known| known == name) {
            return Ok(());
        }
        if variables::ALL.contains(&name) {
            self.uses.insert(name.to_owned());
            return Ok(());
        }
        if TYPES.contains(&name) {
            return Ok(());
        }
        let message = format!("there is no variable `{name}`; there are {}", variables::ALL.join(", "));
        Err(Fault::Name(name.to_owned(), message))
    }

    fn call(&mut self, call: &mut CallExpr, at: At) -> Result<(), Fault> {
        let name = call.func_name.as_str();
        let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with('_');
        if is_word && !FUNCTIONS.contains(&name) {
            let message = format!("there is no function `{name}`; there are {}", FUNCTIONS.join(", "));
            return Err(Fault::Name(name.to_owned(), message));
        }
        let searches = match name {
            operators::IN => 1..call.args.len(),
            operators::EQUALS | operators::NOT_EQUALS => 0..call.args.len(),
            _ => 0..0,
        };
        let inner = at.below(if searches.is_empty() { 1 } else { 2 });
        if let Some(target) = &mut call.target {
            self.visit(target, inner)?;
        }
        call.args.iter_mut().try_for_each(|argument| self.visit(argument, inner))?;
        call.args[searches].iter_mut().for_each(|argument| wrap(argument, SEARCH));
        if call.func_name == operators::ADD {
            call.func_name = SUM.to_owned();
        }
        Ok(())
    }

    /// The interpreter appends in place where it knows the shape of `map` and `filter`; these shapes are kept.
    fn comprehension(&mut self, of: &mut ComprehensionExpr, at: At) -> Result<(), Fault> {
        if at.loops > LOOPS_MAX {
            return Err(Fault::Shape(format!("more than {LOOPS_MAX} loops are within or upon each other")));
        }
        self.visit(&mut of.iter_range, at)?;
        let outer = self.scope.len();
        self.scope.extend([of.iter_var.clone(), of.accu_var.clone()]);
        self.scope.extend(of.iter_var2.clone());
        // The condition, and a step that becomes conditional, are two levels deeper than they were.
        let inner = at.below(2);
        self.visit(&mut of.loop_cond, inner)?;
        let accu = of.accu_var.clone();
        let is_accu = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if *name == accu);
        match &mut of.loop_step.expr {
            Expr::Call(call)
                if call.func_name == operators::CONDITIONAL && call.args.last().is_some_and(is_accu) =>
            {
                self.visit(&mut call.args[0], inner)?;
                self.step(&mut call.args[1], &accu, inner)?;
                conjoin(&mut call.args[0]);
            }
            Expr::Call(call) if appends(call, &accu) => {
                self.step(&mut of.loop_step, &accu, inner)?;
                let step = std::mem::take(&mut of.loop_step);
                let otherwise = IdedExpr { id: step.id, expr: Expr::Ident(accu) };
                of.loop_step = called(operators::CONDITIONAL, step.id, vec![tick(step.id), step, otherwise]);
            }
            _ => {
                self.visit(&mut of.loop_step, inner)?;
                conjoin(&mut of.loop_cond);
            }
        }
        self.visit(&mut of.result, inner)?;
        self.scope.truncate(outer);
        Ok(())
    }

    /// A step that appends charges what it appends, not the list that it appends to.
    fn step(&mut self, step: &mut IdedExpr, accu: &str, at: At) -> Result<(), Fault> {
        if let Expr::Call(call) = &mut step.expr
            && let Some(elements) = appended(call, accu)
        {
            for element in elements {
                self.visit(element, at.below(3))?;
                wrap(element, CHARGE);
            }
            return Ok(());
        }
        self.visit(step, at)
    }
}

/// Whether the call is `accu + […]`.
fn appends(call: &CallExpr, accu: &str) -> bool {
    let is_accu = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if name == accu);
    call.func_name == operators::ADD
        && call.target.is_none()
        && matches!(&call.args[..], [left, right] if is_accu(left) && matches!(right.expr, Expr::List(_)))
}

/// The elements of the list in `accu + […]`.
fn appended<'a>(call: &'a mut CallExpr, accu: &str) -> Option<&'a mut Vec<IdedExpr>> {
    if !appends(call, accu) {
        return None;
    }
    match call.args.last_mut().map(|right| &mut right.expr) {
        Some(Expr::List(list)) => Some(&mut list.elements),
        _ => None,
    }
}

fn called(function: &str, id: u64, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }) }
}

fn tick(id: u64) -> IdedExpr {
    called(TICK, id, Vec::new())
}

fn wrap(at: &mut IdedExpr, function: &str) {
    let inner = std::mem::take(at);
    *at = called(function, inner.id, vec![inner]);
}

/// `condition` becomes `@tick() && condition`.
fn conjoin(condition: &mut IdedExpr) {
    let inner = std::mem::take(condition);
    *condition = called(operators::LOGICAL_AND, inner.id, vec![tick(inner.id), inner]);
}
