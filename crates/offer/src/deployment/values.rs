//! What a customer is asked for: the placeholders of a plan with their kinds. A kind follows from where the placeholder
//! stands (a port, the directory of a mount, a module of a route), else from its name (`…_PORT`, `…_PASSWORD`).

use crate::document::Plan;
use crate::finding::Finding;
use crate::module_name::check_module_name;
use crate::placeholder;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Longest value of a placeholder in characters: a twin takes texts of 4 KB.
pub const VALUE_CHARS_MAX: usize = 4_096;

/// What a value is. Of several kinds that one placeholder would have by its places, the first of this list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A module's name in a route.
    Module,
    /// A network port, 1 to 65535.
    Port,
    /// An address of IPv4 or IPv6.
    IpAddress,
    /// A directory of the device or the name of a volume.
    Volume,
    /// An absolute path.
    Path,
    /// A name or address of a host.
    HostName,
    /// An absolute URL.
    Url,
    /// An e-mail address.
    Email,
    /// A whole number.
    Number,
    /// Text that nobody should read over a shoulder.
    Secret,
    /// Any text.
    Text,
}

/// A placeholder and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name, without the angle brackets.
    pub name: String,
    /// What its value must be.
    pub kind: Kind,
    /// Where it stands, for people: `environment MODE`, `route up`, `createOptions/HostConfig/Binds/0`.
    pub places: Vec<String>,
}

impl Kind {
    /// Stable name.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Module => "module",
            Kind::Port => "port",
            Kind::IpAddress => "ip-address",
            Kind::Volume => "volume",
            Kind::Path => "path",
            Kind::HostName => "host-name",
            Kind::Url => "url",
            Kind::Email => "email",
            Kind::Number => "number",
            Kind::Secret => "secret",
            Kind::Text => "text",
        }
    }

    /// The rule, as a sentence that follows "the value must be".
    pub fn rule(self) -> &'static str {
        match self {
            Kind::Module => "a module's name: letters, digits, underscores and dashes, at most 128",
            Kind::Port => "a port from 1 to 65535",
            Kind::IpAddress => "an IPv4 or IPv6 address such as 192.168.1.20",
            Kind::Volume => "an absolute path of the device such as /var/lib/data, or a volume's name",
            Kind::Path => "an absolute path such as /var/lib/data",
            Kind::HostName => "a host name such as plc.plant.example, or an IP address",
            Kind::Url => "an absolute URL such as https://plant.example/api",
            Kind::Email => "an e-mail address",
            Kind::Number => "a whole number",
            Kind::Secret | Kind::Text => "text of 1 to 4096 characters",
        }
    }

    /// Whether the value is of this kind.
    pub fn accepts(self, value: &str) -> bool {
        let count = value.chars().count();
        if count == 0 || count > VALUE_CHARS_MAX || value.contains('\0') {
            return false;
        }
        let is_one_line = !value.chars().any(char::is_control);
        match self {
            Kind::Module => check_module_name(value).is_ok(),
            Kind::Port => is_number(value) && value.parse::<u16>().is_ok_and(|port| port > 0),
            Kind::IpAddress => value.parse::<IpAddr>().is_ok(),
            Kind::Volume => is_one_line && (is_path(value) || is_volume(value)),
            Kind::Path => is_one_line && is_path(value),
            Kind::HostName => value.parse::<IpAddr>().is_ok() || is_host(value),
            Kind::Url => is_one_line && url::Url::parse(value).is_ok_and(|url| url.has_host()),
            Kind::Email => is_one_line && is_email(value),
            Kind::Number => {
                is_number(value.strip_prefix('-').unwrap_or(value)) && value.parse::<i64>().is_ok()
            }
            Kind::Secret | Kind::Text => true,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Colons divide the parts of a mount.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(':')
}

fn is_volume(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// RFC 1123, with the underscores that the field has.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && is_host(host) && !local.contains([' ', '@', '<', '>'])
    })
}

/// What the plan asks for, by name.
pub fn asked(plan: &Plan) -> Vec<Asked> {
    let mut found = Found::default();
    for route in &plan.routes {
        for one in placeholder::find(&route.value) {
            let (before, after) = (&route.value[..one.range.start], &route.value[one.range.end..]);
            let is_module = before.to_ascii_lowercase().ends_with("/modules/")
                && after.trim_start().starts_with(['/', '"', '\'']);
            found.add(one.name, is_module.then_some(Kind::Module), format!("route {}", route.name));
        }
    }
    for variable in &plan.environment {
        found.text(&variable.value, None, &format!("environment {}", variable.name));
    }
    for property in &plan.twin {
        found.json(&property.value, &format!("twin/{}", property.name), &|_, _| None);
    }
    found.object(&plan.create_options, "createOptions", &kind_in_options);
    found.0.into_iter().map(|(name, (kind, places))| asked_of(name, kind, places)).collect()
}

fn asked_of(name: String, kind: Option<Kind>, places: Vec<String>) -> Asked {
    Asked { kind: kind.unwrap_or_else(|| by_name(&name)), name, places }
}

/// Where a placeholder is a part of a larger text, nothing is known of it by its place.
fn kind_in_options(place: &str, text: &str) -> Option<Kind> {
    let mut parts = place.split('/').rev();
    let last = parts.next().unwrap_or_default();
    let first = placeholder::find(text).into_iter().next()?;
    let is_whole = first.range == (0..text.len());
    let is_before = |sign: char| first.range.start == 0 && text[first.range.end..].starts_with(sign);
    let list = if last.bytes().all(|b| b.is_ascii_digit()) { parts.next().unwrap_or_default() } else { last };
    match (last, list) {
        ("HostPort", _) if is_whole => Some(Kind::Port),
        ("HostIp", _) if is_whole => Some(Kind::IpAddress),
        ("PathOnHost" | "PathInContainer" | "Target" | "WorkingDir", _) if is_whole => Some(Kind::Path),
        ("Source", _) if is_whole => Some(Kind::Volume),
        (_, "Binds") if is_before(':') => Some(Kind::Volume),
        (_, "PortBindings" | "ExposedPorts") if is_whole || is_before('/') => Some(Kind::Port),
        _ => None,
    }
}

/// What the name promises.
fn by_name(name: &str) -> Kind {
    let words: Vec<&str> = name.split('_').collect();
    match words.as_slice() {
        [.., "PORT"] => Kind::Port,
        [.., "IP"] | [.., "IP", "ADDRESS"] => Kind::IpAddress,
        [.., "URL" | "URI"] => Kind::Url,
        [.., "HOST" | "HOSTNAME" | "FQDN"] | [.., "HOST", "NAME"] => Kind::HostName,
        [.., "EMAIL" | "MAIL"] => Kind::Email,
        [.., "COUNT" | "SECONDS" | "MINUTES" | "HOURS" | "MILLISECONDS" | "NUMBER"] => Kind::Number,
        [.., "PASSWORD" | "PASSPHRASE" | "SECRET" | "TOKEN" | "KEY" | "CREDENTIALS"]
        | [.., "CONNECTION", "STRING"] => Kind::Secret,
        _ => Kind::Text,
    }
}

#[derive(Default)]
struct Found(BTreeMap<String, (Option<Kind>, Vec<String>)>);

impl Found {
    fn add(&mut self, name: String, kind: Option<Kind>, place: String) {
        let (known, places) = self.0.entry(name).or_default();
        *known = match (*known, kind) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }

    fn text(&mut self, text: &str, kind: Option<Kind>, place: &str) {
        for one in placeholder::find(text) {
            self.add(one.name, kind, place.to_owned());
        }
    }

    fn json(&mut self, value: &Value, place: &str, kind: &dyn Fn(&str, &str) -> Option<Kind>) {
        match value {
            Value::String(text) => self.text(text, kind(place, text), place),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.json(item, &format!("{place}/{index}"), kind);
                }
            }
            Value::Object(object) => self.object(object, place, kind),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        kind: &dyn Fn(&str, &str) -> Option<Kind>,
    ) {
        for (key, value) in object {
            self.text(key, kind(place, key), place);
            self.json(value, &format!("{place}/{key}"), kind);
        }
    }
}

/// Missing and unknown values, and values of another kind than is asked for. `pointer` is that of the module; a finding's
/// ends in `/values/NAME`.
pub fn check(plan: &Plan, values: &BTreeMap<String, String>, pointer: &str) -> Vec<Finding> {
    let asked = asked(plan);
    let names = asked.iter().map(|one| one.name.clone()).collect();
    let mut findings = placeholder::check_values(&names, values, &format!("{pointer}/values"));
    for one in &asked {
        let Some(value) = values.get(&one.name).filter(|value| !one.kind.accepts(value)) else { continue };
        // What is secret is in no message.
        let shown: String = match one.kind {
            Kind::Secret => "the given one".to_owned(),
            _ => format!("{:?}", value.chars().take(80).collect::<String>()),
        };
        findings.push(Finding::error(
            placeholder::RULE,
            format!("{pointer}/values/{}", one.name),
            format!("the value of <{}> is {shown}, it must be {}", one.name, one.kind.rule()),
            format!("it stands in {}", one.places.join(", ")),
        ));
    }
    findings
}
