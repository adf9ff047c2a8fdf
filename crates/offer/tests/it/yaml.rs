//! YAML read back by a parser, as JSON: what generated files say to whoever reads them.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// The documents of a text.
pub fn documents(text: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.unwrap_or_else(|error| panic!("{error}: {text}"));
        let done = match event {
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().unwrap() {
                Open::List(items) => Some(Value::Array(items)),
                Open::Map(map, _) => Some(Value::Object(map)),
            },
            Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
            Event::Alias(_) => panic!("an alias in {text}"),
            _ => None,
        };
        let Some(value) = done else { continue };
        match open.last_mut() {
            None => documents.push(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => match key.take() {
                None => *key = Some(value.as_str().expect("a text as key").to_owned()),
                Some(key) => assert!(map.insert(key.clone(), value).is_none(), "{key} twice"),
            },
        }
    }
    documents
}

/// The core schema of YAML 1.2, as far as generated files go.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "null" | "~" | "") => Value::Null,
        (ScalarStyle::Plain, "true") => Value::Bool(true),
        (ScalarStyle::Plain, "false") => Value::Bool(false),
        (ScalarStyle::Plain, text) if text.parse::<f64>().is_ok() => serde_json::from_str(text).unwrap(),
        _ => Value::from(text),
    }
}
