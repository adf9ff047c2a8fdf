//! What an expression sees: the evidence as plain values, without secrets. A part of the image config in which a secret
//! was recognised is withheld as a whole, and so is every environment variable whose name says that it holds one.

use crate::criteria::Case;
use crate::evidence::{FileFact, ImageEvidence, MatchKind, Place, StartCommand};
use serde_json::{Map, Value, json};

/// Variables of one image.
pub const OF_IMAGE: &[&str] =
    &["image", "packages", "binaries", "setuid", "world_writable", "leftovers", "matches"];
/// All variables.
pub const ALL: &[&str] =
    &["image", "packages", "binaries", "setuid", "world_writable", "leftovers", "matches", "offer", "plan"];

/// Most items of a list; with more the criterion is errored, because a list that was cut would hide something.
const ITEMS_MAX: usize = 20_000;
/// Most characters of a text out of an image.
const TEXT_CHARS_MAX: usize = 1_024;
/// Stands for what is withheld.
const WITHHELD: &str = "(withheld)";
/// Parts of names of environment variables that hold secrets.
const SECRET_NAMES: [&str; 8] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "CONNECTIONSTRING", "CONNECTION_STRING", "KEY"];

/// Names and values.
pub struct Variables(Vec<(&'static str, Value)>);

impl Variables {
    /// Those that are wanted. Without an image the ones of an image are left out.
    ///
    /// # Errors
    /// A list is longer than [`ITEMS_MAX`].
    pub fn of(
        case: &Case<'_>,
        image: Option<&ImageEvidence>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Variables, String> {
        let mut all = Vec::new();
        if let Some(image) = image {
            for name in OF_IMAGE.iter().filter(|name| wanted(name)) {
                all.push((*name, of_image(name, image)?));
            }
        }
        let context = case.offer.as_ref();
        let plan = context.and_then(|context| context.plan().map(|(_, plan)| plan));
        let offer = context.and_then(|context| context.reading.offer.as_ref());
        if let Some(offer) = offer.filter(|_| wanted("offer")) {
            let mut listing = json!(offer.listing);
            remove(&mut listing, &["previewSubscriptions"]);
            let (publisher, id) = (offer.publisher.as_str(), offer.id.as_str());
            all.push((
                "offer",
                json!({ "publisher": publisher, "id": id, "name": offer.name, "listing": listing }),
            ));
        }
        if let Some(plan) = plan.filter(|_| wanted("plan")) {
            let mut value = json!(plan);
            remove(&mut value, &["privateAudience"]);
            remove(&mut value["repository"], &["username", "passwordEnv"]);
            all.push(("plan", value));
        }
        Ok(Variables(all))
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter()
    }
}

fn remove(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        keys.iter().for_each(|key| drop(map.remove(*key)));
    }
}

fn of_image(name: &str, image: &ImageEvidence) -> Result<Value, String> {
    match name {
        "image" => Ok(config(image)),
        "packages" => list(name, &image.packages, |package| {
            json!({
                "kind": package.kind, "name": cut(&package.name), "version": cut(&package.version),
                "architecture": package.architecture.as_deref().unwrap_or_default(),
                "licence": package.licence.as_deref().map(cut).unwrap_or_default(),
                "path": cut(&package.place.path),
            })
        }),
        "binaries" => list(name, &image.binaries, |binary| {
            json!({
                "path": cut(&binary.place.path), "os": binary.machine.os,
                "architecture": binary.machine.architecture, "static": binary.static_linked,
                "executable": binary.executable,
            })
        }),
        "setuid" => list(name, &image.setuid, file),
        "world_writable" => list(name, &image.world_writable, file),
        "leftovers" => list(name, &image.leftovers, file),
        _ => list(name, &image.matches, |found| {
            let (kind, what) = match &found.kind {
                MatchKind::Malware(rule) => ("malware", rule),
                MatchKind::Miner(rule) => ("miner", rule),
                MatchKind::Secret { kind, .. } => ("secret", kind),
            };
            json!({ "kind": kind, "name": what, "path": cut(&found.place.path), "deleted_later": found.deleted_later })
        }),
    }
}

fn list<T>(name: &str, items: &[T], value: impl Fn(&T) -> Value) -> Result<Value, String> {
    match items.len() {
        count if count > ITEMS_MAX => {
            Err(format!("{name} has {count} items, an expression may look at {ITEMS_MAX}"))
        }
        _ => Ok(items.iter().map(value).collect()),
    }
}

fn file(fact: &FileFact) -> Value {
    json!({
        "path": cut(&fact.place.path), "mode": fact.mode, "uid": fact.uid, "size": fact.size,
        "directory": fact.directory,
    })
}

fn config(image: &ImageEvidence) -> Value {
    let run = &image.config.config;
    let holds_secret = |part: &str| {
        let is_there = |place: &Place| place.layer.is_none() && place.path == part;
        image
            .matches
            .iter()
            .any(|found| matches!(found.kind, MatchKind::Secret { .. }) && is_there(&found.place))
    };
    let text = |withheld: bool, text: &str| if withheld { WITHHELD.to_owned() } else { cut(text) };
    let (in_env, in_labels) = (holds_secret("config.Env"), holds_secret("config.Labels"));
    let (in_command, in_history) = (holds_secret("config.Cmd"), holds_secret("history"));
    let words = |words: &Option<Vec<String>>| -> Vec<String> {
        words.iter().flatten().map(|word| text(in_command, word)).collect()
    };
    let env: Map<String, Value> = (run.env.iter().flatten())
        .map(|variable| variable.split_once('=').unwrap_or((variable, "")))
        .map(|(name, value)| (cut(name), text(in_env || names_secret(name), value).into()))
        .collect();
    let labels: Map<String, Value> = (run.labels.iter().flatten())
        .map(|(name, value)| (cut(name), text(in_labels, value).into()))
        .collect();
    let history: Vec<String> = (image.config.history.iter())
        .filter_map(|step| step.created_by.as_deref())
        .map(|step| text(in_history, step))
        .collect();
    let layers: Vec<Value> = (image.layers.iter())
        .map(|layer| {
            json!({
                "digest": layer.digest, "compressed_bytes": layer.compressed_bytes,
                "uncompressed_bytes": layer.uncompressed_bytes, "entries": layer.entries,
            })
        })
        .collect();
    let distribution = image.distribution.clone().unwrap_or_default();
    json!({
        "digest": image.digest,
        "platform": image.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
        "os": image.config.os, "architecture": image.config.architecture,
        "user": run.user.as_deref().map(cut).unwrap_or_default(),
        "env": env, "labels": labels, "entrypoint": words(&run.entrypoint), "cmd": words(&run.cmd),
        "working_dir": run.working_dir.as_deref().map(cut).unwrap_or_default(),
        "ports": run.exposed_ports.iter().flatten().map(|(port, _)| cut(port)).collect::<Vec<_>>(),
        "healthcheck": run.healthcheck.is_some(),
        "start": match &image.start { StartCommand::Found(path) => cut(path), _ => String::new() },
        "history": history, "layers": layers,
        "compressed_bytes": image.layers.iter().map(|layer| layer.compressed_bytes).sum::<u64>(),
        "uncompressed_bytes": image.layers.iter().map(|layer| layer.uncompressed_bytes).sum::<u64>(),
        "distribution": {
            "id": distribution.id, "version_id": distribution.version_id,
            "pretty_name": distribution.pretty_name,
        },
    })
}

fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}
