//! The JSON Schema says what the decoder says.

use crate::document::{read, sound, yaml};
use offer::policy::Policy;
use offer::schema::json_schema;
use serde_json::{Value, json};

#[test]
fn the_schema() {
    insta::assert_json_snapshot!(json_schema(&Policy::default()));
}

#[test]
fn the_schema_is_one_and_takes_a_sound_offer() {
    let schema = json_schema(&Policy::default());
    assert!(jsonschema::meta::is_valid(&schema), "the schema is a schema");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let sound = as_document();
    let faults: Vec<String> = validator.iter_errors(&sound).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let schema = json_schema(&Policy::default());
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let faults: [(&str, Value); 12] = [
        ("/publisher", json!("Contoso")),
        ("/name", json!("x".repeat(51))),
        ("/name", json!(5)),
        ("/plans", json!([])),
        ("/plans/0/licenceModel", json!("gratis")),
        ("/plans/0/hidden", json!("yes")),
        ("/plans/0/unknown", json!(1)),
        ("/plans/0/descriptionFile", json!("description.html")),
        ("/listing/categories", json!(["nonsense"])),
        ("/listing/previewSubscriptions/0/id", json!("nonsense")),
        ("/listing/terms", json!({"url": "https://contoso.com", "html": "<p>x</p>"})),
        ("/leads/kind", json!("marketo")),
    ];
    for (pointer, value) in faults {
        let mut document = as_document();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        document
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .expect("a mapping")
            .insert(name.into(), value);
        assert!(!validator.is_valid(&document), "{pointer} by the schema");
        let mut files = sound();
        files.insert("offer.yaml".into(), serde_json::to_vec(&document).expect("JSON"));
        assert!(read(&files).offer.is_none(), "{pointer} by the decoder");
    }
}

/// The sound offer as JSON, without the fields that are not there.
fn as_document() -> Value {
    let files = sound();
    assert!(yaml(&files).contains("descriptionFile"));
    let mut offer = serde_json::to_value(read(&files).offer).expect("an offer is JSON");
    drop_nulls(&mut offer);
    offer
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
