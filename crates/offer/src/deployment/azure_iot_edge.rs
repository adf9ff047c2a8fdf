//! The Azure IoT Edge deployment manifest and the layered deployment. What the manifest's schema lets through and the
//! runtime refuses is refused here: over-long twins, routes that do not load, createOptions in too many pieces.

mod runtime_rules;

use super::{Request, check_request, own_name};
use crate::defaults::{check_shape, create_options_text};
use crate::finding::Finding;
use crate::placeholder;
use crate::route::Route;
use serde_json::{Map, Value, json};

/// The rule named by findings on what the runtime would refuse.
pub const RULE: &str = "iot-edge-runtime";
/// Schema version of `$edgeAgent`'s desired properties: the newest.
const AGENT_SCHEMA: &str = "1.1";
/// Schema version of `$edgeHub`'s desired properties. The runtime knows 1.3; 1.2 suffices and older devices take it.
const HUB_SCHEMA: &str = "1.2";
const AGENT_IMAGE: &str = "mcr.microsoft.com/azureiotedge-agent:1.5";
const HUB_IMAGE: &str = "mcr.microsoft.com/azureiotedge-hub:1.5";
/// Edge Hub listens for devices downstream on the ports of HTTPS, AMQP and MQTT, as the runtime's own template has it.
const HUB_CREATE_OPTIONS: &str = r#"{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}],"5671/tcp":[{"HostPort":"5671"}],"8883/tcp":[{"HostPort":"8883"}]}}}"#;
/// How long Edge Hub keeps messages while the cloud is out of reach, in seconds: the runtime's default.
const STORE_SECONDS: u32 = 7_200;
/// Longest piece of createOptions in UTF-16 code units: Edge Agent's own limit.
const PIECE_UNITS_MAX: usize = 512;
/// Most pieces of createOptions: `createOptions`, `createOptions01` … `createOptions99`.
const PIECES_MAX: usize = 100;

/// Which document is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All that a device runs: the runtime's modules and this one.
    Full,
    /// This module alone, on top of a base deployment.
    Layered,
}

/// The manifest, as `az iot edge set-modules --content` and `az iot edge deployment create [--layered] --content`
/// take it.
///
/// # Errors
/// All findings at once: missing and unknown values, and whatever the runtime would refuse.
pub fn generate(request: &Request<'_>, form: Form) -> Result<Value, Vec<Finding>> {
    let mut findings = check_request(request);
    let routes = routes(request, &mut findings);
    let module = module(request, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let manifest = match form {
        Form::Full => full(request, module, routes),
        Form::Layered => layered(request, module, routes),
    };
    let findings = runtime_rules::check(&manifest);
    if findings.is_empty() { Ok(manifest) } else { Err(findings) }
}

fn full(request: &Request<'_>, module: Value, routes: Map<String, Value>) -> Value {
    let mut settings = Map::new();
    if let Some((name, credentials)) = credentials(request) {
        settings.insert("registryCredentials".to_owned(), json!({ name: credentials }));
    }
    let agent = json!({
        "schemaVersion": AGENT_SCHEMA,
        "runtime": { "type": "docker", "settings": settings },
        "systemModules": {
            "edgeAgent": {
                "type": "docker",
                "settings": { "image": AGENT_IMAGE, "createOptions": "{}" },
            },
            "edgeHub": {
                "type": "docker",
                "status": "running",
                "restartPolicy": "always",
                "settings": { "image": HUB_IMAGE, "createOptions": HUB_CREATE_OPTIONS },
            },
        },
        "modules": { request.module_name: module },
    });
    let hub = json!({
        "schemaVersion": HUB_SCHEMA,
        "routes": routes,
        "storeAndForwardConfiguration": { "timeToLiveSecs": STORE_SECONDS },
    });
    let mut contents = Map::new();
    contents.insert("$edgeAgent".to_owned(), json!({ "properties.desired": agent }));
    contents.insert("$edgeHub".to_owned(), json!({ "properties.desired": hub }));
    insert_twin(request, &mut contents);
    json!({ "modulesContent": contents })
}

/// Keys of a layer name paths below `properties.desired`, so that other layers keep what they set.
fn layered(request: &Request<'_>, module: Value, routes: Map<String, Value>) -> Value {
    let mut agent = Map::new();
    agent.insert(format!("properties.desired.modules.{}", request.module_name), module);
    if let Some((name, credentials)) = credentials(request) {
        agent.insert(format!("properties.desired.runtime.settings.registryCredentials.{name}"), credentials);
    }
    let mut contents = Map::new();
    contents.insert("$edgeAgent".to_owned(), Value::Object(agent));
    if !routes.is_empty() {
        let hub: Map<String, Value> = routes
            .into_iter()
            .map(|(name, route)| (format!("properties.desired.routes.{name}"), route))
            .collect();
        contents.insert("$edgeHub".to_owned(), Value::Object(hub));
    }
    insert_twin(request, &mut contents);
    json!({ "modulesContent": contents })
}

fn insert_twin(request: &Request<'_>, contents: &mut Map<String, Value>) {
    if request.plan.twin.is_empty() {
        return;
    }
    let desired: Map<String, Value> = request
        .plan
        .twin
        .iter()
        .map(|property| {
            (property.name.clone(), placeholder::substitute_json(&property.value, request.values))
        })
        .collect();
    contents.insert(request.module_name.to_owned(), json!({ "properties.desired": desired }));
}

fn credentials(request: &Request<'_>) -> Option<(String, Value)> {
    let credentials = request.credentials?;
    // A key of a twin may not have dots, and the address is not needed in it.
    let name: String =
        credentials.address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let value = json!({
        "address": credentials.address,
        "username": credentials.username,
        "password": credentials.password,
    });
    Some((name, value))
}

/// The module as `$edgeAgent` has it.
fn module(request: &Request<'_>, findings: &mut Vec<Finding>) -> Value {
    let options = placeholder::substitute_object(&request.plan.create_options, request.values);
    findings.extend(check_shape(&options, "/createOptions"));
    let mut settings = Map::new();
    settings.insert("image".to_owned(), Value::from(request.image));
    let pieces = pieces(&create_options_text(&options));
    if pieces.len() > PIECES_MAX {
        findings.push(Finding::error(
            RULE,
            "/createOptions",
            format!(
                "createOptions make {} pieces of {PIECE_UNITS_MAX} characters, the runtime takes {PIECES_MAX}",
                pieces.len()
            ),
            "give shorter values",
        ));
    }
    for (index, piece) in pieces.into_iter().enumerate() {
        let key = if index == 0 { "createOptions".to_owned() } else { format!("createOptions{index:02}") };
        settings.insert(key, Value::from(piece));
    }
    let mut module = json!({
        "version": request.tag,
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": settings,
    });
    if !request.plan.environment.is_empty() {
        let environment: Map<String, Value> = request
            .plan
            .environment
            .iter()
            .map(|variable| {
                let value = placeholder::substitute(&variable.value, request.values);
                (variable.name.clone(), json!({ "value": value }))
            })
            .collect();
        module["env"] = Value::Object(environment);
    }
    module
}

/// The text in pieces that Edge Agent joins again.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut units = 0;
    for c in text.chars() {
        units += c.len_utf16();
        if units > PIECE_UNITS_MAX {
            pieces.push(String::new());
            units = c.len_utf16();
        }
        // There is always a last piece.
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}

/// The routes as the device reads them, by name.
fn routes(request: &Request<'_>, findings: &mut Vec<Finding>) -> Map<String, Value> {
    let own = own_name(request.plan);
    let mut routes = Map::new();
    for (index, route) in request.plan.routes.iter().enumerate() {
        let text = placeholder::substitute(&route.value, request.values);
        match Route::parse_final(&text) {
            // Only a renamed module changes the publisher's text.
            Ok(parsed) if own != request.module_name && parsed.names_module(&own) => {
                let renamed = parsed.with_module_renamed(&own, request.module_name);
                routes.insert(route.name.clone(), Value::from(renamed.to_string()));
            }
            Ok(_) => {
                routes.insert(route.name.clone(), Value::from(text));
            }
            // A missing value has its own finding already.
            Err(_) if placeholder::names(&route.value).iter().any(|n| !request.values.contains_key(n)) => {}
            Err(error) => findings.push(Finding::error(
                RULE,
                format!("/routes/{index}/value"),
                format!(
                    "with the given values the route {:?} is refused at column {}: {}",
                    route.name, error.column, error.message
                ),
                error.hint,
            )),
        }
    }
    routes
}
