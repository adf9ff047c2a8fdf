//! The built-in functions of conditions: names, numbers and types of arguments, results.

use super::types::Type;
use std::fmt;

/// A built-in function of conditions.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name in lower case.
    pub name: &'static str,
    /// The types that it takes.
    pub(super) takes: Takes,
    /// The type of its result.
    pub(super) returns: Type,
}

/// The arguments that a function takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// One of these lists of types.
    OneOf(&'static [&'static [Type]]),
    /// Two or more of one type.
    TwoOrMore(Type),
    /// One argument of any type.
    Any,
    /// The path of a twin's property, which is not evaluated.
    TwinPath,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    Exactly(usize),
    Between(usize, usize),
    AtLeast(usize),
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arity::Exactly(1) => f.write_str("1 argument"),
            Arity::Exactly(n) => write!(f, "{n} arguments"),
            Arity::Between(least, most) => write!(f, "{least} or {most} arguments"),
            Arity::AtLeast(least) => write!(f, "at least {least} arguments"),
        }
    }
}

impl Function {
    /// Whether the function takes this number of arguments; if not, which it takes.
    pub(super) fn check_arity(&self, given: usize) -> Result<(), Arity> {
        let arity = match self.takes {
            Takes::OneOf([only]) => Arity::Exactly(only.len()),
            Takes::OneOf(forms) => {
                let lengths = || forms.iter().map(|form| form.len());
                match (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0)) {
                    (least, most) if least == most => Arity::Exactly(least),
                    (least, most) => Arity::Between(least, most),
                }
            }
            Takes::TwoOrMore(_) => Arity::AtLeast(2),
            Takes::Any | Takes::TwinPath => Arity::Exactly(1),
        };
        let fits = match arity {
            Arity::Exactly(n) => given == n,
            Arity::Between(least, most) => (least..=most).contains(&given),
            Arity::AtLeast(least) => given >= least,
        };
        if fits { Ok(()) } else { Err(arity) }
    }
}

const NUMBER: &[Type] = &[Type::Number];
const STRING: &[Type] = &[Type::String];
const TWO_STRINGS: &[Type] = &[Type::String, Type::String];

/// Every function, by name.
static FUNCTIONS: [Function; 24] = [
    one_of("abs", &[NUMBER], Type::Number),
    one_of("as_number", &[STRING, NUMBER], Type::Number),
    one_of("ceiling", &[NUMBER], Type::Number),
    Function { name: "concat", takes: Takes::TwoOrMore(Type::String), returns: Type::String },
    one_of("contains", &[TWO_STRINGS], Type::Bool),
    one_of("ends_with", &[TWO_STRINGS], Type::Bool),
    one_of("exp", &[NUMBER], Type::Number),
    one_of("floor", &[NUMBER], Type::Number),
    one_of("index_of", &[TWO_STRINGS], Type::Number),
    any("is_bool"),
    any("is_defined"),
    any("is_null"),
    any("is_number"),
    any("is_string"),
    one_of("length", &[STRING], Type::Number),
    one_of("lower", &[STRING], Type::String),
    one_of("power", &[&[Type::Number, Type::Number]], Type::Number),
    one_of("sign", &[NUMBER], Type::Number),
    one_of("sqrt", &[NUMBER], Type::Number),
    one_of("square", &[NUMBER], Type::Number),
    one_of("starts_with", &[TWO_STRINGS], Type::Bool),
    one_of(
        "substring",
        &[&[Type::String, Type::Number], &[Type::String, Type::Number, Type::Number]],
        Type::String,
    ),
    Function { name: "twin_change_includes", takes: Takes::TwinPath, returns: Type::Bool },
    one_of("upper", &[STRING], Type::String),
];

const fn one_of(name: &'static str, forms: &'static [&'static [Type]], returns: Type) -> Function {
    Function { name, takes: Takes::OneOf(forms), returns }
}

const fn any(name: &'static str) -> Function {
    Function { name, takes: Takes::Any, returns: Type::Bool }
}

/// The function with this name in any case.
pub(super) fn by_name(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// The way out after a wrong function's name.
pub(super) fn hint(name: &str) -> String {
    /// Least similarity (Jaro–Winkler, 0 to 1) at which a function is suggested.
    const SIMILARITY_MIN: f64 = 0.75;
    let names = FUNCTIONS.iter().map(|function| function.name);
    match crate::nearest::nearest(name, names.clone(), SIMILARITY_MIN) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the functions are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
