//! The types of a condition, as Edge Hub's compiler demands them: it refuses `3 + '4'` when the route is loaded, so
//! it is refused here. Message and system properties are strings; what a body path holds is known only on the device.

use super::ast::{Binary, Expr, ExprKind, Unary};
use super::functions::{Function, Takes};
use super::{RouteError, RouteWarning};
use std::fmt;

/// The type of a part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Number,
    String,
    Null,
    Undefined,
    /// A value in the message's body, known on the device only.
    Body,
    /// A placeholder's value, known to the customer only.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "a truth value",
            Type::Number => "a number",
            Type::String => "a string",
            Type::Null => "null",
            Type::Undefined => "undefined",
            Type::Body => "a value of the body",
            Type::Any => "a placeholder",
        })
    }
}

impl Type {
    /// Whether Edge Hub's compiler takes `given` where `self` is wanted.
    fn takes(self, given: Type) -> bool {
        let body_holds = |other| matches!(other, Type::Null | Type::Number | Type::String | Type::Bool);
        self == given
            || self == Type::Any
            || given == Type::Any
            || (given == Type::Body && body_holds(self))
            || (self == Type::Body && body_holds(given))
    }
}

/// Refuses a condition that Edge Hub's compiler refuses, and adds warnings on what it takes otherwise than it looks.
pub(super) fn check(condition: &Expr, warnings: &mut Vec<RouteWarning>) -> Result<(), RouteError> {
    type_of(condition, warnings).map(|_| ())
}

fn type_of(expr: &Expr, warnings: &mut Vec<RouteWarning>) -> Result<Type, RouteError> {
    Ok(match &expr.kind {
        ExprKind::Bool(_) => Type::Bool,
        ExprKind::Null => Type::Null,
        ExprKind::Undefined => Type::Undefined,
        ExprKind::Number(text) => number(expr.column, text, warnings),
        ExprKind::String(_) => Type::String,
        ExprKind::Placeholder(_) => Type::Any,
        ExprKind::Property(name) => {
            property(expr.column, name, warnings);
            Type::String
        }
        ExprKind::System { path, .. } => system(expr.column, path, warnings)?,
        ExprKind::Call { function, arguments, text } => {
            return call(expr.column, function, arguments, text, warnings);
        }
        ExprKind::Unary(operator, operand) => {
            let given = type_of(operand, warnings)?;
            match operator {
                Unary::Negate if given == Type::Body => {
                    return Err(RouteError {
                        hint: "write 0 - in front of it instead".to_owned(),
                        ..operand_error(expr.column, "-", "a number", &[given])
                    });
                }
                Unary::Negate if Type::Number.takes(given) => Type::Number,
                Unary::Not if given == Type::Null || Type::Bool.takes(given) => Type::Bool,
                Unary::Negate => return Err(operand_error(expr.column, "-", "a number", &[given])),
                Unary::Not => return Err(operand_error(expr.column, "NOT", "a truth value", &[given])),
            }
        }
        ExprKind::Binary(operator, left, right) => {
            let left = type_of(left, warnings)?;
            let right = type_of(right, warnings)?;
            return binary(expr.column, *operator, left, right);
        }
    })
}

fn binary(column: usize, operator: Binary, left: Type, right: Type) -> Result<Type, RouteError> {
    let refused = |wanted: &str| Err(operand_error(column, operator.symbol(), wanted, &[left, right]));
    let both = |wanted: Type| wanted.takes(left) && wanted.takes(right);
    let of_body = left == Type::Body || right == Type::Body;
    match operator {
        Binary::Modulo if of_body => refused("two numbers that do not come from the body"),
        Binary::Multiply | Binary::Divide | Binary::Modulo | Binary::Add | Binary::Subtract => {
            match both(Type::Number) {
                true if of_body => Ok(Type::Body),
                true => Ok(Type::Number),
                false => refused("two numbers"),
            }
        }
        Binary::Concat if both(Type::String) => Ok(Type::String),
        Binary::Concat => refused("two strings"),
        Binary::And | Binary::Or => {
            logical(operator, left, right).map_or_else(|| refused("two truth values"), Ok)
        }
        _ if !left.takes(right) => refused("two values of one type"),
        Binary::Coalesce if of_body => Ok(Type::Body),
        Binary::Coalesce if left == Type::Undefined || left == Type::Any => Ok(right),
        Binary::Coalesce => Ok(left),
        _ => Ok(Type::Bool),
    }
}

/// `AND` and `OR`. Edge Hub does not treat both sides alike: a value of the body may stand on the right only when
/// another stands on the left.
fn logical(operator: Binary, left: Type, right: Type) -> Option<Type> {
    use Type::{Any, Body, Bool, Null, Undefined};
    match (left, right) {
        (Any, _) | (_, Any) => Some(Bool),
        (Body, Null) => (operator == Binary::Or).then_some(Bool),
        (Body, _) => Some(Bool),
        (Bool | Undefined, Bool | Undefined) => Some(Bool),
        (Null, Null) => Some(Null),
        (Null, Bool) | (Bool, Null) => Some(if operator == Binary::And { Null } else { Bool }),
        _ => None,
    }
}

fn call(
    column: usize,
    function: &'static Function,
    arguments: &[Expr],
    text: &str,
    warnings: &mut Vec<RouteWarning>,
) -> Result<Type, RouteError> {
    if function.takes == Takes::TwinPath {
        twin_path(column, text, warnings)?;
        return Ok(function.returns);
    }
    let mut given = Vec::with_capacity(arguments.len());
    for argument in arguments {
        given.push(type_of(argument, warnings)?);
    }
    let fits = match function.takes {
        Takes::Any | Takes::TwinPath => true,
        Takes::TwoOrMore(wanted) => given.iter().all(|given| wanted.takes(*given)),
        Takes::OneOf(forms) => forms.iter().any(|form| {
            form.len() == given.len() && form.iter().zip(&given).all(|(wanted, given)| wanted.takes(*given))
        }),
    };
    if fits {
        return Ok(function.returns);
    }
    let wanted = match function.takes {
        Takes::TwoOrMore(wanted) => format!("{wanted} in each argument"),
        Takes::OneOf(forms) => {
            let forms: Vec<String> =
                forms.iter().filter(|form| form.len() == given.len()).map(|form| names(form)).collect();
            forms.join(" or ")
        }
        Takes::Any | Takes::TwinPath => String::new(),
    };
    Err(RouteError {
        column,
        found: names(&given),
        expected: vec![wanted.clone()],
        message: format!("the function {} takes {wanted}, not {}", function.name, names(&given)),
        hint: type_hint(&given),
    })
}

fn operand_error(column: usize, operator: &str, wanted: &str, given: &[Type]) -> RouteError {
    RouteError {
        column,
        found: names(given),
        expected: vec![wanted.to_owned()],
        message: format!("the operator {operator} takes {wanted}, not {}", names(given)),
        hint: type_hint(given),
    }
}

fn type_hint(given: &[Type]) -> String {
    if given.contains(&Type::String) {
        "message and system properties are strings; turn one into a number with as_number(…)".to_owned()
    } else if given.contains(&Type::Body) {
        "compare the value of the body first, for example $body.ready = true".to_owned()
    } else {
        "compare, or convert, so that the types fit".to_owned()
    }
}

fn names(types: &[Type]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Edge Hub takes a number that it cannot read for `undefined`.
fn number(column: usize, text: &str, warnings: &mut Vec<RouteWarning>) -> Type {
    let readable = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // Hexadecimal numbers are read as 64 bits.
        Some(hex) => hex.trim_start_matches('0').len() <= 16,
        None => text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit() || c == '.'),
    };
    if readable {
        return Type::Number;
    }
    warnings.push(RouteWarning {
        column,
        message: format!("Edge Hub takes {text} for a number that it cannot read, so it is undefined"),
        hint: "write another number, or give the property another name".to_owned(),
    });
    Type::Undefined
}

fn property(column: usize, name: &str, warnings: &mut Vec<RouteWarning>) {
    let literal =
        ["true", "false", "null", "undefined"].into_iter().find(|word| word.eq_ignore_ascii_case(name));
    let (message, hint) = if let Some(literal) = literal {
        (
            format!("Edge Hub takes {name} for the name of a message property"),
            format!("write {literal} in lower case"),
        )
    } else if name.contains(['+', '*', '%', '|', '!', '\'', '&', '^']) || name.starts_with('-') {
        (
            format!("Edge Hub takes all of {name} for the name of one message property"),
            "put white space around operators".to_owned(),
        )
    } else {
        return;
    };
    warnings.push(RouteWarning { column, message, hint });
}

const BODY: &str = "$body.";

fn system(column: usize, path: &str, warnings: &mut Vec<RouteWarning>) -> Result<Type, RouteError> {
    if path.get(..BODY.len()).is_some_and(|start| start.eq_ignore_ascii_case(BODY)) {
        json_path(column + BODY.len(), &path[BODY.len()..], warnings)?;
        return Ok(Type::Body);
    }
    if !path.contains(['[', ']']) {
        return Ok(Type::String);
    }
    warnings.push(RouteWarning {
        column,
        message: format!("{path} is no body path, and no system property has brackets, so it is undefined"),
        hint: "a body path begins with $body.".to_owned(),
    });
    Ok(Type::Undefined)
}

fn twin_path(column: usize, path: &str, warnings: &mut Vec<RouteWarning>) -> Result<(), RouteError> {
    const PREFIXES: [&str; 3] = ["properties.reported.", "properties.desired.", "tags."];
    let known = PREFIXES
        .iter()
        .any(|prefix| path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
    if !known {
        return Err(RouteError {
            column,
            found: path.to_owned(),
            expected: PREFIXES.map(str::to_owned).to_vec(),
            message: format!("twin_change_includes takes the path of a twin's property, not {path:?}"),
            hint: format!("begin the path with {}", PREFIXES.join(" or ")),
        });
    }
    json_path(column, path, warnings)?;
    warnings.push(RouteWarning {
        column,
        message: "Edge Hub 1.5 and earlier do not offer twin_change_includes, and refuse the route"
            .to_owned(),
        hint: "use $body paths on /twinChangeNotifications instead".to_owned(),
    });
    Ok(())
}

/// A path into the body: names, each with an optional index, with dots between. `column` is where `path` begins.
fn json_path(column: usize, path: &str, warnings: &mut Vec<RouteWarning>) -> Result<(), RouteError> {
    let mut at = 0;
    let refused = |at: usize, wanted: &str| {
        let rest = &path[at..];
        let found = rest.chars().next().map_or("the end of the path".to_owned(), |c| format!("`{c}`"));
        RouteError {
            column: column + path[..at].chars().count(),
            message: format!("expected {wanted}, found {found}"),
            found,
            expected: vec![wanted.to_owned()],
            hint: "a path is made of names with dots between, each with an optional [index]".to_owned(),
        }
    };
    loop {
        let length = path[at..].find(['.', '[', ']']).unwrap_or(path.len() - at);
        let name = &path[at..at + length];
        if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refused(at, "a name that is not all digits"));
        }
        at += length;
        if path[at..].starts_with('[') {
            let digits = path[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            let end = at + 1 + digits;
            if digits == 0 || !path[end..].starts_with(']') {
                return Err(refused(if digits == 0 { at + 1 } else { end }, "an index such as [0]"));
            }
            at = end + 1;
        }
        match path[at..].chars().next() {
            None => return Ok(()),
            Some('.') => at += 1,
            Some(_) => {
                warnings.push(RouteWarning {
                    column: column + path[..at].chars().count(),
                    message: format!("Edge Hub does not check the rest of the path, {:?}", &path[at..]),
                    hint: "put a dot before the next name".to_owned(),
                });
                return Ok(());
            }
        }
    }
}
