//! The table of fields as a form needs it: which control a field has, with its limits; what a person typed as values of the
//! document, and the reverse. What is typed is kept however wrong it is: the rules judge it afterwards.

use crate::fields::{self, OFFER, Object, Shape};
use crate::forms::Form;
use crate::policy::OfferLimits;
use serde_json::{Map, Value};

/// A field of the form.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name of the object in the table, such as `listing` or `preview-subscription`.
    pub object: &'static str,
    /// Name of the field in the document.
    pub name: &'static str,
    /// Whether an offer without it is refused.
    pub required: bool,
    /// How it is filled.
    pub control: Control,
}

/// How a field is filled.
#[derive(Debug, Clone)]
pub enum Control {
    /// One line of text of at most so many characters.
    Line {
        /// Most characters.
        max: usize,
        /// What is written in it.
        kind: Line,
    },
    /// Several lines of text.
    Lines {
        /// Most characters.
        max: usize,
    },
    /// Simple HTML.
    Html {
        /// Most characters.
        max: usize,
    },
    /// Yes or no.
    Flag,
    /// One of the values.
    Choice(&'static [&'static str]),
    /// Any number of texts, one a line.
    Texts {
        /// Most texts.
        max: usize,
    },
    /// Some of the marketplace's categories.
    Categories {
        /// Most of them.
        max: usize,
    },
    /// Any number of the same few fields.
    Rows {
        /// The fields of a row.
        fields: Vec<Field>,
        /// Most rows.
        max: usize,
    },
    /// Fields that belong together.
    Group(Vec<Field>),
    /// The first value, or one of the fields of an object.
    ChoiceOr {
        /// The value that stands for itself.
        value: &'static str,
        /// The fields, of which one is filled.
        fields: Vec<Field>,
    },
    /// A JSON value; with `object`, a JSON object.
    Json {
        /// Only an object is taken.
        object: bool,
    },
    /// A file of the offer's directory.
    File,
}

/// What is written in a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Line {
    Plain,
    Url,
    Email,
    Phone,
    Code,
}

/// Deepest nesting of a JSON value that becomes part of the document; deeper ones stay text, which the rules refuse.
const JSON_DEPTH_MAX: usize = 16;

/// The field that a JSON pointer names; an item of a list of single texts has none of its own.
pub fn field(pointer: &str, limits: &OfferLimits) -> Option<Field> {
    let mut object = &OFFER;
    let mut found = None;
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|b| b.is_ascii_digit()) && found.is_some() {
            continue;
        }
        let field = object.fields.iter().find(|field| field.name == part)?;
        found = Some((object, field));
        if let Some(inner) = inner(&field.shape) {
            object = inner;
        }
    }
    found.map(|(object, field)| described(object, field, limits))
}

pub(crate) fn inner(shape: &'static Shape) -> Option<&'static Object> {
    match shape {
        Shape::Object(object) | Shape::ChoiceOr(_, object) => Some(object),
        Shape::List { of, .. } => inner(of),
        _ => None,
    }
}

/// The fields of the object at a pointer, without those that name a file with a text: its text is filled in instead.
pub fn fields(pointer: &str, limits: &OfferLimits) -> Vec<Field> {
    let mut object = &OFFER;
    for part in pointer.split('/').skip(1).filter(|part| !part.bytes().all(|b| b.is_ascii_digit())) {
        match object.fields.iter().find(|field| field.name == part).and_then(|field| inner(&field.shape)) {
            Some(inner) => object = inner,
            None => return Vec::new(),
        }
    }
    all(object, limits)
}

fn all(object: &'static Object, limits: &OfferLimits) -> Vec<Field> {
    let shown = object.fields.iter().filter(|field| !field.name.ends_with("File"));
    shown.map(|field| described(object, field, limits)).collect()
}

fn described(object: &'static Object, field: &'static fields::Field, limits: &OfferLimits) -> Field {
    // Of a group of which one is needed, the form fills the first one.
    let needed = object.exactly_one.iter().any(|group| group[0] == field.name && object.name != "terms");
    Field {
        object: object.name,
        name: field.name,
        required: field.required || needed,
        control: control(&field.shape, limits),
    }
}

fn control(shape: &'static Shape, limits: &OfferLimits) -> Control {
    match shape {
        Shape::Text(form, max) => text(*form, max(limits)),
        Shape::Flag => Control::Flag,
        Shape::Choice { values, .. } => Control::Choice(values),
        Shape::List { of: Shape::Object(object), max, .. } => {
            Control::Rows { fields: all(object, limits), max: max(limits) }
        }
        Shape::List { of: Shape::Text(Form::Category, _), max, .. } => {
            Control::Categories { max: max(limits) }
        }
        Shape::List { max, .. } => Control::Texts { max: max(limits) },
        Shape::Object(object) => Control::Group(all(object, limits)),
        Shape::ChoiceOr(values, object) => {
            Control::ChoiceOr { value: values[0], fields: all(object, limits) }
        }
        Shape::Json => Control::Json { object: false },
        Shape::JsonObject => Control::Json { object: true },
    }
}

fn text(form: Form, max: usize) -> Control {
    let kind = match form {
        Form::File => return Control::File,
        Form::Html => return Control::Html { max },
        Form::Text | Form::LooseText => return Control::Lines { max },
        Form::HttpUrl | Form::HttpsUrl | Form::Video => Line::Url,
        Form::Email => Line::Email,
        Form::Phone => Line::Phone,
        Form::PublisherId | Form::Id | Form::Guid | Form::Repository | Form::EnvironmentName => Line::Code,
        Form::Line | Form::Loose | Form::Name | Form::Category => Line::Plain,
    };
    Control::Line { max, kind }
}

/// A value as the text of its control.
pub fn shown(control: &Control, value: &Value) -> String {
    match (control, value) {
        (_, Value::Null) => String::new(),
        (Control::Json { .. }, Value::String(text)) => {
            // A text that would be read as JSON, and so as something else, is written as a JSON string.
            let is_json =
                serde_json::from_str::<Value>(text).is_ok() && !text.trim_start().starts_with(['{', '[']);
            if is_json || text.is_empty() { value.to_string() } else { text.clone() }
        }
        (Control::Json { .. }, _) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (Control::Texts { .. }, Value::Array(items)) => {
            items.iter().map(|item| shown(&Control::Flag, item)).collect::<Vec<_>>().join("\n")
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// What was typed into a control, as the document's value; `None` for a field that was left or made empty. A text that
/// shows the value `before` is that value: what nobody changed keeps its spelling and type.
pub fn typed(control: &Control, text: &str, before: Option<&Value>) -> Option<Value> {
    let text = text.replace("\r\n", "\n");
    if let Some(before) = before.filter(|before| !before.is_null())
        && shown(control, before) == text
    {
        return Some(before.clone());
    }
    match control {
        Control::Texts { .. } => {
            let old = before.and_then(Value::as_array);
            let item = |line: &str| {
                let same = old.into_iter().flatten().find(|item| shown(&Control::Flag, item) == line);
                same.cloned().unwrap_or_else(|| Value::from(line))
            };
            let items: Vec<Value> =
                text.split('\n').map(str::trim).filter(|line| !line.is_empty()).map(item).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Control::Flag => match text.trim() {
            "true" => Some(Value::Bool(true)),
            "" | "false" => before.map(|_| Value::Bool(false)),
            _ => Some(Value::String(text)),
        },
        Control::Json { .. } => {
            if text.trim().is_empty() {
                return None;
            }
            match serde_json::from_str::<Value>(&text) {
                Ok(value) if depth(&value) <= JSON_DEPTH_MAX && is_whole(&text, &value) => Some(value),
                _ => Some(Value::String(text)),
            }
        }
        _ if text.is_empty() => None,
        _ => Some(Value::String(text)),
    }
}

/// Whether nothing of the text is lost when it is read: a field that is there twice would be.
fn is_whole(text: &str, value: &Value) -> bool {
    !(value.is_object() || value.is_array())
        || crate::yaml::parse(text).is_ok_and(|tree| tree.faults.is_empty())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Sets the value at a pointer, making the objects and lists on the way; `None` removes it, and the objects that have nothing
/// else.
pub fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    put_at(document, &parts, value);
}

fn put_at(target: &mut Value, parts: &[&str], value: Option<Value>) {
    let Some((part, rest)) = parts.split_first() else {
        *target = value.unwrap_or(Value::Null);
        return;
    };
    if let Value::Array(list) = target {
        if let Some(item) = part.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
            put_at(item, rest, value);
        }
        return;
    }
    if !target.is_object() {
        if value.is_none() {
            return;
        }
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    if rest.is_empty() {
        match value {
            Some(value) => drop(map.insert((*part).to_owned(), value)),
            None => drop(map.remove(*part)),
        }
        return;
    }
    if value.is_none() && !map.contains_key(*part) {
        return;
    }
    let inner = map.entry((*part).to_owned()).or_insert(Value::Null);
    put_at(inner, rest, value);
    if inner.as_object().is_some_and(Map::is_empty) {
        map.remove(*part);
    }
}
