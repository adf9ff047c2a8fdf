//! Generated Azure IoT Edge deployments: against the published schemas, and against the runtime's own rules.

use offer::deployment::{self, Credentials, Form, Request, Wanted, placeholders};
use offer::document::{LicenceModel, NameValue, Plan, Repository, TwinProperty};
use offer::finding::Finding;
use offer::identity::{OfferId, PublisherId};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

fn entry(name: &str, value: &str) -> NameValue {
    NameValue { name: name.to_owned(), value: value.to_owned() }
}

fn plan() -> Plan {
    let options = json!({
        "Env": ["TARGET=<TARGET>"],
        "HostConfig": {"PortBindings": {"8080/tcp": [{"HostPort": "<PORT>"}]}},
    });
    Plan {
        id: "standard".parse().unwrap(),
        title: "Vibration Monitor".to_owned(),
        summary: "Watches".to_owned(),
        description: "<p>Watches.</p>".to_owned(),
        hidden: false,
        private_audience: Vec::new(),
        licence_model: LicenceModel::Free,
        repository: Repository { name: "registry.example/m".to_owned(), username: None, password_env: None },
        tags: vec!["latest".to_owned(), "1.0.0".to_owned()],
        routes: vec![
            entry(
                "in",
                "FROM /messages/modules/<SENSOR>/outputs/* INTO BrokeredEndpoint(\"/modules/VibrationMonitor/inputs/i\")",
            ),
            entry("up", "FROM /messages/modules/VibrationMonitor/* INTO $upstream"),
        ],
        twin: vec![TwinProperty {
            name: "limits".to_owned(),
            value: json!({"high": 3.5, "name": "<TARGET>"}),
        }],
        environment: vec![entry("MODE", "fast")],
        create_options: options.as_object().unwrap().clone(),
        screenshots: Vec::new(),
    }
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn image() -> String {
    format!("market.example/acme/vibration/standard@sha256:{}", "a".repeat(64))
}

static ACME: LazyLock<(PublisherId, OfferId)> =
    LazyLock::new(|| ("acme".parse().unwrap(), "vibration".parse().unwrap()));

fn request<'a>(plan: &'a Plan, image: &'a str, values: &'a BTreeMap<String, String>) -> Request<'a> {
    Request {
        publisher: &ACME.0,
        offer: &ACME.1,
        plan,
        image,
        tag: "1.0.0",
        follows: false,
        module_name: "VibrationMonitor",
        values,
        credentials: None,
    }
}

/// The manifest of one module.
fn generate(request: &Request<'_>, form: Form) -> Result<Value, Vec<Finding>> {
    let modules = [*request];
    let wanted = Wanted { modules: &modules, routes: &[], package_url: "" };
    let deployment = deployment::generate(&wanted, form)?;
    assert_eq!(deployment.warnings, []);
    assert_eq!(deployment.files.len(), 1);
    Ok(serde_json::from_str(&deployment.files[0].content).unwrap())
}

const GOOD: [(&str, &str); 3] = [("SENSOR", "sensor"), ("TARGET", "10.0.0.1"), ("PORT", "8080")];

fn assert_valid(schema: &str, instance: &Value) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(instance).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

pub fn assert_schemas(manifest: &Value) {
    assert_valid(include_str!("../schemas/azure-iot-edge-deployment-2.0.json"), manifest);
    let agent = json!({"$edgeAgent": manifest["modulesContent"]["$edgeAgent"]});
    assert_valid(include_str!("../schemas/azure-iot-edgeagent-deployment-1.1.json"), &agent);
    let hub = json!({"$edgeHub": manifest["modulesContent"]["$edgeHub"]});
    assert_valid(include_str!("../schemas/azure-iot-edgehub-deployment-1.2.json"), &hub);
}

/// The createOptions of a module's settings, joined as Edge Agent joins them.
fn joined(settings: &Value) -> Map<String, Value> {
    let mut text = String::new();
    for index in 0..100 {
        let key = if index == 0 { "createOptions".to_owned() } else { format!("createOptions{index:02}") };
        let Some(piece) = settings.get(&key) else { break };
        let piece = piece.as_str().unwrap();
        assert!(piece.encode_utf16().count() <= 512);
        text.push_str(piece);
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_full_manifest() {
    let (plan, image, values) = (plan(), image(), values(&GOOD));
    let credentials = Credentials {
        address: "market.example:5000".to_owned(),
        username: "u".to_owned(),
        password: "p\"".to_owned(),
    };
    assert_eq!(format!("{credentials:?}"), "Credentials(u at market.example:5000)");
    let request = Request { credentials: Some(&credentials), ..request(&plan, &image, &values) };
    let manifest = generate(&request, Form::Azure).unwrap();
    assert_schemas(&manifest);
    insta::assert_json_snapshot!(manifest);
}

#[test]
fn the_layered_deployment() {
    let (plan, image, values) = (plan(), image(), values(&GOOD));
    let manifest = generate(&request(&plan, &image, &values), Form::AzureLayered).unwrap();
    insta::assert_json_snapshot!(manifest);
    // What a layer adds makes a valid manifest out of a base deployment.
    let full = generate(&request(&plan, &image, &values), Form::Azure).unwrap();
    let contents = &manifest["modulesContent"];
    let module = &contents["$edgeAgent"]["properties.desired.modules.VibrationMonitor"];
    assert_eq!(
        *module,
        full["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["VibrationMonitor"]
    );
    let routes = &full["modulesContent"]["$edgeHub"]["properties.desired"]["routes"];
    assert_eq!(contents["$edgeHub"]["properties.desired.routes.up"], routes["up"]);
}

#[test]
fn a_bare_plan_makes_valid_manifests() {
    let mut plan = plan();
    (plan.routes, plan.twin, plan.environment) = (Vec::new(), Vec::new(), Vec::new());
    plan.create_options.clear();
    let (image, values) = (image(), BTreeMap::new());
    let manifest = generate(&request(&plan, &image, &values), Form::Azure).unwrap();
    assert_schemas(&manifest);
    let layered = generate(&request(&plan, &image, &values), Form::AzureLayered).unwrap();
    assert!(layered["modulesContent"].get("$edgeHub").is_none());
}

#[test]
fn a_value_stays_inside_its_string() {
    let (plan, image) = (plan(), image());
    let hostile = "\"],\"HostConfig\":{\"Privileged\":true},\"x\":[\"";
    let values = values(&[("SENSOR", "s"), ("TARGET", hostile), ("PORT", "1")]);
    let manifest = generate(&request(&plan, &image, &values), Form::Azure).unwrap();
    let agent = &manifest["modulesContent"]["$edgeAgent"]["properties.desired"];
    let options = joined(&agent["modules"]["VibrationMonitor"]["settings"]);
    assert_eq!(options["Env"][0], format!("TARGET={hostile}"));
    assert!(options["HostConfig"].get("Privileged").is_none());
}

#[test]
fn long_create_options_are_cut_and_joined() {
    let (mut plan, image, values) = (plan(), image(), values(&GOOD));
    let text = "é😀\\\"".repeat(400);
    plan.create_options.insert("Labels".to_owned(), json!({"a": text}));
    let manifest = generate(&request(&plan, &image, &values), Form::Azure).unwrap();
    assert_schemas(&manifest);
    let agent = &manifest["modulesContent"]["$edgeAgent"]["properties.desired"];
    assert_eq!(joined(&agent["modules"]["VibrationMonitor"]["settings"])["Labels"]["a"], text);
}

#[test]
fn routes_follow_a_renamed_module() {
    let (plan, image, values) = (plan(), image(), values(&GOOD));
    let request = Request { module_name: "second", ..request(&plan, &image, &values) };
    let manifest = generate(&request, Form::Azure).unwrap();
    assert_schemas(&manifest);
    assert_eq!(
        manifest["modulesContent"]["$edgeHub"]["properties.desired"]["routes"],
        json!({
            "in": "FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint(\"/modules/second/inputs/i\")",
            "up": "FROM /messages/modules/second/* INTO $upstream",
        })
    );
}

fn refused(plan: &Plan, pairs: &[(&str, &str)], module_name: &str, image: &str) -> Vec<String> {
    let values = values(pairs);
    let request = Request { module_name, ..request(plan, image, &values) };
    let findings = generate(&request, Form::Azure).unwrap_err();
    assert!(findings.iter().all(|f| !f.hint.is_empty()));
    findings.into_iter().map(|f| f.message).collect()
}

#[test]
fn what_the_runtime_would_refuse_is_refused() {
    assert_eq!(placeholders(&plan()).into_iter().collect::<Vec<_>>(), ["PORT", "SENSOR", "TARGET"]);
    assert_eq!(
        refused(
            &plan(),
            &[("SENSOR", "a b"), ("TARGT", "x"), ("PORT", "1")],
            "a.b",
            "registry.example/m:1.0.0"
        ),
        [
            "the placeholder <TARGET> has no value",
            "a value is given for \"TARGT\", but no default setting has the placeholder <TARGT>",
            "the value of <SENSOR> is \"a b\", it must be a module's name: letters, digits, underscores and dashes, at most 128",
            "the module name \"a.b\" has the character '.'",
            "the image \"registry.example/m:1.0.0\" is not pinned by digest",
            "with the given values the route \"in\" is refused at column 26: expected /, WHERE or INTO, found `b`",
        ]
    );
    let mut big = plan();
    for index in 0..9 {
        big.twin.push(TwinProperty { name: format!("p{index}"), value: json!("x".repeat(4_000)) });
    }
    big.twin.push(TwinProperty { name: "long".to_owned(), value: json!("x".repeat(4_097)) });
    big.twin.push(TwinProperty { name: "list".to_owned(), value: json!([1]) });
    assert_eq!(
        refused(&big, &GOOD, "VibrationMonitor", &image()),
        [
            "the desired properties of VibrationMonitor hold an array",
            "the desired properties of VibrationMonitor hold a text of 4097 bytes, at most 4096 are allowed",
            "the desired properties of VibrationMonitor have 40231 bytes, a twin has at most 32768",
        ]
    );
    let mut long = plan();
    long.create_options.insert("Labels".to_owned(), json!({"a": "x".repeat(60_000)}));
    let said = refused(&long, &GOOD, "VibrationMonitor", &image());
    assert_eq!(said, ["createOptions make 118 pieces of 512 characters, the runtime takes 100"]);
}
