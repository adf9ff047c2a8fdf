//! The JSON Schema (draft 2020-12) of the offer document, from the same table as the decoder. Rules that need more
//! than one field, the pictures or the store are not in it: `edgemarket offer validate` checks those.

use crate::fields::{OFFER, Object, Shape};
use crate::forms::Form;
use crate::policy::{OfferLimits, Policy};
use serde_json::{Map, Value, json};

/// The schema, with the limits of `policy`.
pub fn json_schema(policy: &Policy) -> Value {
    let mut schema = object(&OFFER, &policy.offer);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), "Edgemarket offer".into());
    }
    schema
}

fn object(spec: &Object, limits: &OfferLimits) -> Value {
    let mut properties = Map::new();
    for field in spec.fields {
        let mut schema = shape(&field.shape, limits);
        if let Value::Object(members) = &mut schema {
            members.insert("description".into(), field.doc.into());
        }
        properties.insert(field.name.into(), schema);
    }
    let required: Vec<&str> =
        spec.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": spec.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let groups = spec.exactly_one.iter().map(|group| {
        let one: Vec<Value> = group.iter().map(|name| json!({"required": [name]})).collect();
        json!({"oneOf": one})
    });
    let groups: Vec<Value> = groups.collect();
    if let (false, Value::Object(members)) = (groups.is_empty(), &mut schema) {
        members.insert("allOf".into(), groups.into());
    }
    schema
}

fn shape(shape: &Shape, limits: &OfferLimits) -> Value {
    match shape {
        Shape::Text(form, max) => text(*form, max(limits)),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Choice { values, .. } => json!({"enum": values}),
        Shape::List { of, min, max } => json!({
            "type": "array",
            "items": self::shape(of, limits),
            "minItems": min,
            "maxItems": max(limits),
        }),
        Shape::Object(spec) => object(spec, limits),
        Shape::ChoiceOr(values, spec) => json!({"oneOf": [{"enum": values}, object(spec, limits)]}),
        Shape::Json => json!({"type": ["object", "string", "number", "boolean"]}),
        Shape::JsonObject => json!({"type": ["object", "string"]}),
    }
}

fn text(form: Form, max: usize) -> Value {
    let mut schema = form.schema();
    if let Value::Object(members) = &mut schema
        && !members.contains_key("enum")
    {
        members.insert("minLength".into(), usize::from(!form.may_be_empty()).into());
        members.insert("maxLength".into(), max.into());
    }
    schema
}
