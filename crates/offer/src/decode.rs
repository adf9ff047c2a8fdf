//! The walk of the document's tree along the table of fields: unknown and missing fields, types, lengths, counts and
//! forms of single texts, all at once. It gives the part of the document that is well-formed as JSON, on which the
//! rules over several fields work even when another part is broken.

use crate::fields::{Field, OFFER, Object, Shape};
use crate::finding::{Finding, Position};
use crate::forms::{self, Form};
use crate::policy::OfferLimits;
use crate::reading::{DOCUMENT, escape, spoken};
use crate::yaml::{self, Data, Entry, Node};
use serde_json::{Map, Value};

/// What the walk gives: the well-formed part, and what is wrong.
pub(crate) struct Decoded {
    pub value: Value,
    pub findings: Vec<Finding>,
}

/// Walks the whole document.
pub(crate) fn decode(root: &Node, limits: &OfferLimits) -> Decoded {
    let mut walk = Walk { limits, findings: Vec::new() };
    let place = Place { object: "", field: "offer", pointer: "" };
    let value = walk.shape(root, &Shape::Object(&OFFER), place).unwrap_or_else(|| Value::Object(Map::new()));
    Decoded { value, findings: walk.findings }
}

/// Where the walk is: the object's and the field's name (for rule names) and the pointer of the value.
#[derive(Clone, Copy)]
struct Place<'a> {
    object: &'a str,
    field: &'a str,
    pointer: &'a str,
}

impl Place<'_> {
    fn rule(self, fault: &str) -> String {
        let mut rule = String::new();
        for c in self.object.chars().chain((!self.object.is_empty()).then_some('-')).chain(self.field.chars())
        {
            if c.is_ascii_uppercase() {
                rule.push('-');
            }
            rule.push(c.to_ascii_lowercase());
        }
        format!("{rule}-{fault}")
    }
}

struct Walk<'a> {
    limits: &'a OfferLimits,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn error(&mut self, place: Place<'_>, fault: &str, message: &str, hint: impl Into<String>) {
        let message = format!("{} {message}", spoken(place.pointer));
        self.findings.push(Finding::error(&place.rule(fault), place.pointer, message, hint));
    }

    fn shape(&mut self, node: &Node, shape: &Shape, place: Place<'_>) -> Option<Value> {
        if let Data::Scalar { text, plain } = &node.data
            && yaml::scalar(text, *plain) == Some(Value::Null)
        {
            self.error(place, "empty", "has no value", "write a value, or remove the field");
            return None;
        }
        match shape {
            Shape::Text(form, max) => self.text(node, *form, max(self.limits), place),
            Shape::Flag => self.flag(node, place),
            Shape::Choice { values, later } => self.choice(node, values, later, place),
            Shape::List { of, min, max } => self.list(node, of, *min, max(self.limits), place),
            Shape::Object(spec) => self.object(node, spec, place),
            Shape::ChoiceOr(values, spec) => match &node.data {
                Data::Map(_) => self.object(node, spec, place),
                _ => self.choice(node, values, &[], place),
            },
            Shape::Json => self.json(node, place),
            Shape::JsonObject => self.json_object(node, place),
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, hint: &str, place: Place<'_>) -> Option<Value> {
        let found = match &node.data {
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Scalar { text, plain } => match yaml::scalar(text, *plain) {
                Some(Value::Bool(_)) => "a truth value",
                Some(Value::String(_)) => "text",
                _ => "a number",
            },
        };
        self.error(place, "type", &format!("is {found}, {expected} is needed"), hint);
        None
    }

    fn text(&mut self, node: &Node, form: Form, max: usize, place: Place<'_>) -> Option<Value> {
        let text = match &node.data {
            Data::Scalar { text, plain } => match yaml::scalar(text, *plain) {
                Some(Value::String(_)) => text,
                _ if form.is_loose() => text,
                _ => return self.wrong_type(node, "text", "put it in quotes", place),
            },
            _ => return self.wrong_type(node, "text", "write the text after the field's name", place),
        };
        if text.trim().is_empty() && !form.may_be_empty() {
            self.error(place, "empty", "is empty", "write a value, or remove the field");
            return None;
        }
        let count = text.chars().count();
        if count > max {
            let message = format!("has {count} characters, at most {max} are allowed");
            self.error(place, "too-long", &message, format!("shorten it by {}", count - max));
            // Routes name the module by the plan's title, also by one that is too long.
            let needed = place.object == "plan" && place.field == "title";
            return needed.then(|| Value::String(text.clone()));
        }
        if let Err(misfit) = form.check(text) {
            self.error(place, "form", &misfit.message, misfit.hint);
            return None;
        }
        Some(Value::String(text.clone()))
    }

    fn flag(&mut self, node: &Node, place: Place<'_>) -> Option<Value> {
        if let Data::Scalar { text, plain } = &node.data
            && let Some(flag @ Value::Bool(_)) = yaml::scalar(text, *plain)
        {
            return Some(flag);
        }
        self.wrong_type(node, "a truth value", "write true or false, without quotes", place)
    }

    fn choice(&mut self, node: &Node, values: &[&str], later: &[&str], place: Place<'_>) -> Option<Value> {
        let list = values.join(", ");
        let Data::Scalar { text, .. } = &node.data else {
            return self.wrong_type(node, "text", &format!("write one of: {list}"), place);
        };
        if values.contains(&text.as_str()) {
            return Some(Value::String(text.clone()));
        }
        let shown: String = text.chars().take(60).collect();
        if later.contains(&text.as_str()) {
            let message = format!("is {shown:?}, which is not yet supported by this version");
            self.error(place, "unsupported", &message, format!("choose one of: {list}"));
            return None;
        }
        let hint = match forms::nearest(text, values.iter().chain(later).copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of: {list}"),
        };
        self.error(place, "unknown", &format!("is {shown:?}, which is none of: {list}"), hint);
        None
    }

    fn list(&mut self, node: &Node, of: &Shape, min: usize, max: usize, place: Place<'_>) -> Option<Value> {
        let Data::List(items) = &node.data else {
            return self.wrong_type(
                node,
                "a list",
                "write each item in a line of its own that begins with `- `",
                place,
            );
        };
        let count = items.len();
        if count < min {
            self.error(
                place,
                "too-few",
                &format!("has {count} items, at least {min} is needed"),
                "add an item",
            );
        }
        if count > max {
            let message = format!("has {count} items, at most {max} are allowed");
            self.error(place, "too-many", &message, format!("remove {}", count - max));
        }
        let mut values = Vec::with_capacity(count);
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{}/{index}", place.pointer);
            // A null keeps the places of the items after a broken one.
            values.push(self.shape(item, of, Place { pointer: &pointer, ..place }).unwrap_or(Value::Null));
        }
        Some(Value::Array(values))
    }

    fn object(&mut self, node: &Node, spec: &Object, place: Place<'_>) -> Option<Value> {
        let Data::Map(entries) = &node.data else {
            let names: Vec<&str> = spec.fields.iter().map(|field| field.name).collect();
            let hint = format!("write its fields below it, indented: {}", names.join(", "));
            return self.wrong_type(node, "a mapping", &hint, place);
        };
        let mut value = Map::new();
        for entry in entries {
            let pointer = format!("{}/{}", place.pointer, escape(&entry.key));
            let Some(field) = spec.fields.iter().find(|field| field.name == entry.key) else {
                self.unknown(entry, spec, place, &pointer);
                continue;
            };
            let place = Place { object: spec.name, field: field.name, pointer: &pointer };
            // A null that is there differs from a field that is missing: its fault is told once.
            value.insert(
                field.name.to_owned(),
                self.shape(&entry.value, &field.shape, place).unwrap_or_default(),
            );
        }
        for field in spec.fields.iter().filter(|field| field.required && !value.contains_key(field.name)) {
            self.missing(field, spec, place);
        }
        for group in spec.exactly_one {
            self.exactly_one(group, &value, spec, place);
        }
        Some(Value::Object(value))
    }

    fn missing(&mut self, field: &Field, spec: &Object, place: Place<'_>) {
        let message = format!("has no `{}`", field.name);
        let inner = Place { object: spec.name, field: field.name, ..place };
        self.error(inner, "missing", &message, format!("add it: {}", field.doc));
    }

    fn exactly_one(&mut self, group: &[&str], value: &Map<String, Value>, spec: &Object, place: Place<'_>) {
        let there: Vec<&str> = group.iter().copied().filter(|name| value.contains_key(*name)).collect();
        let inner = Place { object: spec.name, field: group[0], ..place };
        match there[..] {
            [_] => {}
            [] => {
                let message = format!("has no `{}`", group.join("` or `"));
                self.error(inner, "missing", &message, format!("add `{}`", group.join("` or `")));
            }
            _ => {
                let message = format!("has `{}` at once", there.join("` and `"));
                self.error(inner, "ambiguous", &message, "keep one of them");
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, spec: &Object, place: Place<'_>, pointer: &str) {
        let shown: String = entry.key.chars().take(60).collect();
        let mut finding = match spec.refused.iter().find(|(name, ..)| *name == entry.key) {
            Some((name, rule, hint)) => {
                let message = format!("{} has a `{name}`, which an offer never holds", spoken(place.pointer));
                Finding::error(rule, pointer, message, *hint)
            }
            None => {
                let known = spec.fields.iter().map(|field| field.name);
                let hint = match forms::nearest(&entry.key, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the fields are: {}", known.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("{} has the unknown field `{shown}`", spoken(place.pointer));
                Finding::error("unknown-field", pointer, message, hint)
            }
        };
        finding.position = Some(Position { file: DOCUMENT.into(), line: entry.line, column: entry.column });
        self.findings.push(finding);
    }

    fn json(&mut self, node: &Node, place: Place<'_>) -> Option<Value> {
        if let Data::Scalar { text, .. } = &node.data
            && text.trim_start().starts_with(['{', '['])
        {
            return self.json_text(text, place);
        }
        let json = yaml::json(node);
        if json.is_err() {
            self.error(
                place,
                "form",
                "has a number that JSON cannot express",
                "use a finite number, or text",
            );
        }
        json.ok()
    }

    fn json_text(&mut self, text: &str, place: Place<'_>) -> Option<Value> {
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(error) => {
                let message = format!("is not JSON: {error}");
                self.error(place, "json", &message, "mend the JSON text, or write it as a YAML mapping");
                return None;
            }
        };
        // JSON is YAML too, whose reader tells duplicate keys that serde_json passes over.
        if let Ok(tree) = yaml::parse(text)
            && let Some(fault) = tree.faults.first()
        {
            let message = format!("is doubtful JSON: in line {}, {}", fault.line, fault.message);
            self.error(place, "json", &message, fault.hint.clone());
            return None;
        }
        Some(value)
    }

    fn json_object(&mut self, node: &Node, place: Place<'_>) -> Option<Value> {
        match self.json(node, place)? {
            value @ Value::Object(_) => Some(value),
            _ => self.wrong_type(node, "a JSON object", "write a mapping, or a JSON object as text", place),
        }
    }
}
