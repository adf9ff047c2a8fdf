//! The Azure IoT Edge deployment manifest and the layered deployment. What the manifest's schema lets through and the
//! runtime refuses is refused here: over-long twins, routes that do not load, createOptions in too many pieces.

mod runtime_rules;

use super::{Deployment, File, Request, Wanted, routes};
use crate::defaults::create_options_text;
use crate::finding::Finding;
use crate::placeholder;
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
pub(super) enum Form {
    /// All that a device runs: the runtime's modules and these.
    Full,
    /// These modules alone, on top of a base deployment.
    Layered,
}

/// The manifest, as `az iot edge set-modules --content` and `az iot edge deployment create [--layered] --content`
/// take it. `findings` are those that every target has; what the runtime would refuse is added to them.
pub(super) fn deployment(
    wanted: &Wanted<'_>,
    form: Form,
    mut findings: Vec<Finding>,
) -> Result<Deployment, Vec<Finding>> {
    let mut warnings = Vec::new();
    let routes = routes::combined(wanted, &mut findings, &mut warnings);
    let modules: Vec<Value> = wanted
        .modules
        .iter()
        .enumerate()
        .map(|(index, request)| module(request, &format!("/modules/{index}"), &mut findings))
        .collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    let manifest = match form {
        Form::Full => full(wanted, modules, routes),
        Form::Layered => layered(wanted, modules, routes),
    };
    let findings = runtime_rules::check(&manifest);
    if !findings.is_empty() {
        return Err(findings);
    }
    let name = match form {
        Form::Full => "deployment.json",
        Form::Layered => "layered-deployment.json",
    };
    let file = File {
        name: name.to_owned(),
        media_type: "application/json".to_owned(),
        content: format!("{manifest:#}\n"),
    };
    Ok(Deployment { files: vec![file], warnings })
}

fn full(wanted: &Wanted<'_>, modules: Vec<Value>, routes: Map<String, Value>) -> Value {
    let mut settings = Map::new();
    let credentials: Map<String, Value> = wanted.modules.iter().filter_map(credentials).collect();
    if !credentials.is_empty() {
        settings.insert("registryCredentials".to_owned(), Value::Object(credentials));
    }
    let names = wanted.modules.iter().map(|request| request.module_name.to_owned());
    let modules: Map<String, Value> = names.zip(modules).collect();
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
        "modules": modules,
    });
    let hub = json!({
        "schemaVersion": HUB_SCHEMA,
        "routes": routes,
        "storeAndForwardConfiguration": { "timeToLiveSecs": STORE_SECONDS },
    });
    let mut contents = Map::new();
    contents.insert("$edgeAgent".to_owned(), json!({ "properties.desired": agent }));
    contents.insert("$edgeHub".to_owned(), json!({ "properties.desired": hub }));
    wanted.modules.iter().for_each(|request| insert_twin(request, &mut contents));
    json!({ "modulesContent": contents })
}

/// Keys of a layer name paths below `properties.desired`, so that other layers keep what they set.
fn layered(wanted: &Wanted<'_>, modules: Vec<Value>, routes: Map<String, Value>) -> Value {
    let mut agent = Map::new();
    for (request, module) in wanted.modules.iter().zip(modules) {
        agent.insert(format!("properties.desired.modules.{}", request.module_name), module);
        if let Some((name, credentials)) = credentials(request) {
            agent.insert(
                format!("properties.desired.runtime.settings.registryCredentials.{name}"),
                credentials,
            );
        }
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
    wanted.modules.iter().for_each(|request| insert_twin(request, &mut contents));
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
fn module(request: &Request<'_>, pointer: &str, findings: &mut Vec<Finding>) -> Value {
    let options = placeholder::substitute_object(&request.plan.create_options, request.values);
    let mut settings = Map::new();
    settings.insert("image".to_owned(), Value::from(request.image));
    let pieces = pieces(&create_options_text(&options));
    if pieces.len() > PIECES_MAX {
        findings.push(Finding::error(
            RULE,
            format!("{pointer}/createOptions"),
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
