//! A module's container, taken out of environment and createOptions: what every target has in some form (environment,
//! ports, mounts), and all other settings by their path. A target takes what it knows; what is left over becomes a warning,
//! so that nothing is dropped in silence.

use super::Request;
use crate::finding::Finding;
use crate::placeholder;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The rule named by warnings on what a target does not take over.
pub const NOT_CARRIED: &str = "not-carried-over";

/// How placeholders and texts are written down for a target.
#[derive(Clone, Copy)]
pub(super) struct Filling<'a> {
    pub values: &'a BTreeMap<String, String>,
    /// What the target would read as more than text is escaped, in the publisher's texts and in values.
    pub escape: fn(&str) -> String,
    /// A value names a variable of Compose's, which stands in the place of the placeholder.
    pub references: bool,
}

impl<'a> Filling<'a> {
    /// Texts as they are, with the values put in.
    pub fn plain(values: &'a BTreeMap<String, String>) -> Filling<'a> {
        Filling { values, escape: str::to_owned, references: false }
    }

    pub fn text(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut copied = 0;
        for one in placeholder::find(text) {
            let Some(value) = self.values.get(&one.name) else { continue };
            result.push_str(&(self.escape)(&text[copied..one.range.start]));
            match self.references {
                true => result.push_str(&format!("${{{value}}}")),
                false => result.push_str(&(self.escape)(value)),
            }
            copied = one.range.end;
        }
        result.push_str(&(self.escape)(&text[copied..]));
        result
    }

    fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(object) => {
                object.iter().map(|(key, value)| (self.text(key), self.json(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// A published port, or one that is only told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    /// Number or range in the container.
    pub container: String,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Address of the host that it is published at; empty for all of them.
    pub host_ip: String,
    /// Number or range at the host; empty where the engine chooses, `None` for a port that is not published.
    pub host: Option<String>,
}

/// Where the content of a mount is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A file or directory of the host.
    Host(String),
    /// A volume by its name.
    Volume(String),
    /// A volume of this container alone.
    Own,
    /// Memory, with options of `mount(8)`.
    Memory(Vec<String>),
}

/// Something mounted into the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub content: Content,
    pub target: String,
    pub read_only: bool,
    /// Options of a bind beside `ro` and `rw`.
    pub options: Vec<String>,
}

/// The container of a module.
#[derive(Debug)]
pub(super) struct Container {
    /// In their order; each name once.
    pub environment: Vec<(String, String)>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    others: BTreeMap<String, Value>,
}

impl Container {
    /// The container that a request asks for.
    pub fn new(request: &Request<'_>, filling: Filling<'_>) -> Container {
        let options: Map<String, Value> =
            match filling.json(&Value::Object(request.plan.create_options.clone())) {
                Value::Object(options) => options,
                _ => Map::new(),
            };
        let mut container = Container {
            environment: Vec::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            others: BTreeMap::new(),
        };
        for (key, value) in options {
            match (key.as_str(), value) {
                ("HostConfig", Value::Object(host)) => {
                    for (key, value) in host {
                        container.put(format!("HostConfig.{key}"), value);
                    }
                }
                (_, value) => container.put(key, value),
            }
        }
        container.read_environment(request, filling);
        container.read_ports();
        container.read_mounts();
        container
    }

    /// A field that says nothing is none: Docker takes null, empty, and zero of nearly everything for its default.
    fn put(&mut self, path: String, value: Value) {
        const ZERO_MEANS_ZERO: [&str; 2] = ["StopTimeout", "HostConfig.MemorySwappiness"];
        let says_nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0) && !ZERO_MEANS_ZERO.contains(&path.as_str()),
            Value::Array(items) => items.is_empty(),
            Value::Object(object) => object.is_empty(),
            Value::Bool(true) => false,
        };
        if !says_nothing {
            self.others.insert(path, value);
        }
    }

    /// A setting by its path (`HostConfig.Memory`), which then counts as carried over.
    pub fn take(&mut self, path: &str) -> Option<Value> {
        self.others.remove(path)
    }

    pub fn take_text(&mut self, path: &str) -> Option<String> {
        self.take(path).and_then(|value| value.as_str().map(str::to_owned))
    }

    pub fn take_number(&mut self, path: &str) -> Option<i64> {
        self.take(path).and_then(|value| value.as_i64())
    }

    /// Strings of a list, or the one string.
    pub fn take_texts(&mut self, path: &str) -> Vec<String> {
        match self.take(path) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Puts a setting back that the target takes in some of its values only.
    pub fn give_back(&mut self, path: &str, value: impl Into<Value>) {
        self.put(path.to_owned(), value.into());
    }

    /// One warning for each setting that nobody took.
    pub fn left_over(self, target: &str, pointer: &str) -> Vec<Finding> {
        let warning = |(path, value): (String, Value)| {
            let value = value.to_string();
            let shown: String = value.chars().take(80).collect();
            let dots = if shown.len() < value.len() { "…" } else { "" };
            Finding::warning(
                NOT_CARRIED,
                format!("{pointer}/createOptions/{}", path.replace('.', "/")),
                format!(
                    "createOptions.{path} ({shown}{dots}) is not carried over: {target} has nothing of the kind"
                ),
                "set it on the device by hand where the module needs it",
            )
        };
        self.others.into_iter().map(warning).collect()
    }

    /// A variable of the plan stands for one of the same name in the createOptions, as Edge Agent has it.
    fn read_environment(&mut self, request: &Request<'_>, filling: Filling<'_>) {
        let of_options = self.take_texts("Env").into_iter().map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (pair, String::new()),
        });
        let of_plan = request
            .plan
            .environment
            .iter()
            .map(|variable| (variable.name.clone(), filling.text(&variable.value)));
        for (name, value) in of_options.chain(of_plan) {
            match self.environment.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => self.environment.push((name, value)),
            }
        }
    }

    fn read_ports(&mut self) {
        let bindings = self.take("HostConfig.PortBindings").unwrap_or_default();
        for (key, value) in bindings.as_object().into_iter().flatten() {
            let (container, protocol) = split_port(key);
            let hosts = value.as_array().map(Vec::as_slice).unwrap_or_default();
            for host in hosts {
                let field = |name: &str| host[name].as_str().unwrap_or_default().to_owned();
                self.ports.push(Port {
                    container: container.clone(),
                    protocol: protocol.clone(),
                    host_ip: field("HostIp"),
                    host: Some(field("HostPort")),
                });
            }
            if hosts.is_empty() {
                self.ports.push(Port { container, protocol, host_ip: String::new(), host: None });
            }
        }
        let exposed = self.take("ExposedPorts").unwrap_or_default();
        for (container, protocol) in exposed.as_object().into_iter().flatten().map(|(key, _)| split_port(key))
        {
            if !self.ports.iter().any(|port| port.container == container && port.protocol == protocol) {
                self.ports.push(Port { container, protocol, host_ip: String::new(), host: None });
            }
        }
    }

    fn read_mounts(&mut self) {
        for bind in self.take_texts("HostConfig.Binds") {
            self.mounts.push(bind_of(&bind));
        }
        let mounts = self.take("HostConfig.Mounts").unwrap_or_default();
        for (index, mount) in mounts.as_array().into_iter().flatten().enumerate() {
            let text = |name: &str| mount[name].as_str().unwrap_or_default().to_owned();
            let mut left: Map<String, Value> = mount.as_object().cloned().unwrap_or_default();
            for known in ["Type", "Source", "Target", "ReadOnly"] {
                left.remove(known);
            }
            let content = match (text("Type").as_str(), text("Source")) {
                ("tmpfs", _) => {
                    let options = left.remove("TmpfsOptions").unwrap_or_default();
                    let size = options["SizeBytes"].as_i64().map(|bytes| format!("size={bytes}"));
                    let mode = options["Mode"].as_i64().map(|mode| format!("mode={mode:o}"));
                    Content::Memory(size.into_iter().chain(mode).collect())
                }
                ("bind", source) => Content::Host(source),
                ("volume", source) if source.is_empty() => Content::Own,
                ("volume", source) => Content::Volume(source),
                _ => {
                    self.put(format!("HostConfig.Mounts.{index}"), mount.clone());
                    continue;
                }
            };
            self.put(format!("HostConfig.Mounts.{index}"), Value::Object(left));
            let read_only = mount["ReadOnly"].as_bool().unwrap_or_default();
            self.mounts.push(Mount { content, target: text("Target"), read_only, options: Vec::new() });
        }
        let memory = self.take("HostConfig.Tmpfs").unwrap_or_default();
        for (target, options) in memory.as_object().into_iter().flatten() {
            let options = options.as_str().unwrap_or_default().split(',').filter(|option| !option.is_empty());
            let content = Content::Memory(options.map(str::to_owned).collect());
            self.mounts.push(Mount {
                content,
                target: target.clone(),
                read_only: false,
                options: Vec::new(),
            });
        }
        let own = self.take("Volumes").unwrap_or_default();
        for target in own.as_object().into_iter().flatten().map(|(target, _)| target) {
            if !self.mounts.iter().any(|mount| mount.target == *target) {
                let target = target.clone();
                self.mounts.push(Mount {
                    content: Content::Own,
                    target,
                    read_only: false,
                    options: Vec::new(),
                });
            }
        }
    }
}

fn split_port(key: &str) -> (String, String) {
    let (number, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    (number.to_owned(), protocol.to_ascii_lowercase())
}

/// `source:target[:options]`, or a target alone.
fn bind_of(bind: &str) -> Mount {
    let mut parts = bind.splitn(3, ':');
    let first = parts.next().unwrap_or_default().to_owned();
    let Some(target) = parts.next() else {
        return Mount { content: Content::Own, target: first, read_only: false, options: Vec::new() };
    };
    let options: Vec<&str> = parts.next().unwrap_or_default().split(',').filter(|o| !o.is_empty()).collect();
    // A reference to a variable may stand for either; a directory is what nearly all of them are.
    let is_path = first.starts_with(['/', '.', '~']) || first.starts_with("${");
    Mount {
        content: if is_path { Content::Host(first) } else { Content::Volume(first) },
        target: target.to_owned(),
        read_only: options.contains(&"ro"),
        options: options
            .into_iter()
            .filter(|option| !matches!(*option, "ro" | "rw"))
            .map(str::to_owned)
            .collect(),
    }
}
