//! What createOptions ask of the host beyond a module's own container (criterion `least-privilege` of spec
//! `certification.md`). Docker matches the names of fields in any case, so names are compared in any case here.

use super::create_options::escape;
use serde_json::{Map, Value};

/// One need that a customer should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    /// JSON pointer from the createOptions.
    pub pointer: String,
    /// Stable name of the kind of need, for example `docker-socket`.
    pub name: &'static str,
    /// Whether it fails the certification, unless the policy says otherwise.
    pub blocking: bool,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
}

/// Every need that `options` state, in the order of the fields.
pub fn least_privilege(options: &Map<String, Value>) -> Vec<Privilege> {
    let mut found = Vec::new();
    for (key, value) in options {
        let place = format!("/{}", escape(key));
        match (key.to_ascii_lowercase().as_str(), value) {
            ("hostconfig", Value::Object(host)) => host_config(host, &place, &mut found),
            ("networkingconfig", Value::Object(networking)) => networks(networking, &place, &mut found),
            _ => {}
        }
    }
    found
}

fn host_config(host: &Map<String, Value>, place: &str, found: &mut Vec<Privilege>) {
    for (key, value) in host {
        let place = format!("{place}/{}", escape(key));
        match (key.to_ascii_lowercase().as_str(), value) {
            ("privileged", Value::Bool(true)) => found.push(Privilege {
                pointer: place,
                name: "privileged",
                blocking: true,
                message: "Privileged gives the module all capabilities and all devices of the host"
                    .to_owned(),
                hint: "remove Privileged, and name the devices and capabilities that the module needs",
            }),
            ("pidmode" | "ipcmode" | "networkmode" | "usernsmode", Value::String(mode)) => {
                namespace(key, mode, place, found);
            }
            ("binds", Value::Array(binds)) => {
                for (index, bind) in binds.iter().enumerate() {
                    if let Some(bind) = bind.as_str() {
                        host_path(bind_source(bind), format!("{place}/{index}"), found);
                    }
                }
            }
            ("mounts", Value::Array(mounts)) => {
                for (index, mount) in mounts.iter().enumerate() {
                    mount_source(mount, &format!("{place}/{index}"), found);
                }
            }
            ("devices", Value::Array(devices)) => {
                for (index, device) in devices.iter().enumerate() {
                    let path = field(device, "PathOnHost").and_then(|(_, path)| path.as_str());
                    if path.is_some_and(|path| normalised(path) == "/dev") {
                        found.push(all_devices(format!("{place}/{index}"), "Devices name /dev"));
                    }
                }
            }
            ("devicecgrouprules", Value::Array(rules)) => {
                for (index, rule) in rules.iter().enumerate() {
                    let rule = rule.as_str().unwrap_or_default();
                    if rule.trim_start().starts_with('a') || rule.split_whitespace().nth(1) == Some("*:*") {
                        let message = format!("the device rule {rule:?} admits all devices");
                        found.push(all_devices(format!("{place}/{index}"), &message));
                    }
                }
            }
            ("capadd", Value::Array(capabilities)) => {
                for (index, name) in capabilities.iter().enumerate() {
                    capability(name.as_str().unwrap_or_default(), format!("{place}/{index}"), found);
                }
            }
            _ => {}
        }
    }
}

fn namespace(field: &str, mode: &str, pointer: String, found: &mut Vec<Privilege>) {
    if !mode.trim().eq_ignore_ascii_case("host") {
        return;
    }
    let (name, what) = match field.to_ascii_lowercase().as_str() {
        "pidmode" => ("host-pid", "sees and signals all processes of the host"),
        "ipcmode" => ("host-ipc", "shares memory with the processes of the host"),
        "networkmode" => ("host-network", "uses all networks of the host, and its local ports"),
        _ => ("host-user-namespace", "has the user IDs of the host, root included"),
    };
    found.push(Privilege {
        pointer,
        name,
        blocking: false,
        message: format!("with {field} {mode:?} the module {what}"),
        hint: "remove the setting, or explain in the plan's description why the module needs it",
    });
}

/// Edge Agent attaches a module to the host's network by an endpoint named `host`.
fn networks(networking: &Map<String, Value>, place: &str, found: &mut Vec<Privilege>) {
    for (key, value) in networking.iter().filter(|(key, _)| key.eq_ignore_ascii_case("EndpointsConfig")) {
        for network in value.as_object().into_iter().flat_map(Map::keys) {
            let pointer = format!("{place}/{}/{}", escape(key), escape(network));
            namespace("NetworkMode", network, pointer, found);
        }
    }
}

fn mount_source(mount: &Value, place: &str, found: &mut Vec<Privilege>) {
    if let Some((key, Value::String(source))) = field(mount, "Source") {
        host_path(source, format!("{place}/{key}"), found);
    }
    // A volume of the local driver can stand for a directory of the host.
    let device = field(mount, "VolumeOptions")
        .and_then(|(_, options)| field(options, "DriverConfig"))
        .and_then(|(_, config)| field(config, "Options"))
        .and_then(|(_, options)| field(options, "device"));
    if let Some((_, Value::String(device))) = device {
        host_path(device, format!("{place}/VolumeOptions/DriverConfig/Options/device"), found);
    }
}

fn field<'a>(value: &'a Value, name: &str) -> Option<(&'a String, &'a Value)> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))
}

/// The host's side of `source:target[:options]`; a drive letter of Windows belongs to the path.
fn bind_source(bind: &str) -> &str {
    let drive =
        usize::from(bind.as_bytes().get(1) == Some(&b':') && bind.as_bytes()[0].is_ascii_alphabetic()) * 2;
    // After two ASCII bytes there is a character boundary.
    bind[drive..].find(':').map_or(bind, |length| &bind[..drive + length])
}

fn host_path(source: &str, pointer: String, found: &mut Vec<Privilege>) {
    /// Files that every module may read.
    const HARMLESS: [&str; 2] = ["/etc/localtime", "/etc/timezone"];
    let path = normalised(source);
    let under = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let socket = path.ends_with("/docker.sock")
        || path.ends_with("/pipe/docker_engine")
        || matches!(path.as_str(), "/run" | "/var/run");
    if socket {
        found.push(Privilege {
            pointer,
            name: "docker-socket",
            blocking: true,
            message: format!(
                "the module is given {source:?}, and with it Docker's socket: it controls the whole host"
            ),
            hint: "remove the mount; no module needs to start containers by itself",
        });
    } else if path == "/dev" {
        found.push(all_devices(pointer, &format!("the module is given {source:?}")));
    } else if path == "/"
        || (["/etc", "/proc", "/sys"].into_iter().any(under) && !HARMLESS.contains(&path.as_str()))
    {
        found.push(Privilege {
            pointer,
            name: "host-path",
            blocking: false,
            message: format!("the module is given the host's {path}"),
            hint: "mount a directory of the module's own, or explain in the plan's description why it needs this one",
        });
    }
}

/// An absolute path without `.`, `..`, doubled and trailing slashes; empty for a volume's name. Backslashes of Windows
/// count as slashes, and its drive letter is left out.
fn normalised(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    let path = match path.as_bytes() {
        [letter, b':', b'/', ..] if letter.is_ascii_alphabetic() => &path[2..],
        _ => path.as_str(),
    };
    if !path.starts_with('/') {
        return String::new();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn all_devices(pointer: String, message: &str) -> Privilege {
    Privilege {
        pointer,
        name: "all-devices",
        blocking: false,
        message: format!("{message}: the module may use every device of the host"),
        hint: "name the devices that the module needs under HostConfig.Devices",
    }
}

fn capability(written: &str, pointer: String, found: &mut Vec<Privilege>) {
    let upper = written.trim().to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let what = match name {
        "ALL" => "all capabilities",
        "SYS_ADMIN" => "SYS_ADMIN, which is nearly all of root's power",
        "SYS_MODULE" => "SYS_MODULE: it may load code into the kernel",
        "SYS_PTRACE" => "SYS_PTRACE: it may read and change other processes",
        "SYS_RAWIO" => "SYS_RAWIO: it may reach memory and ports directly",
        _ => return,
    };
    found.push(Privilege {
        pointer,
        name: "capability",
        blocking: false,
        message: format!("the module is given the capability {what}"),
        hint: "add only the capabilities that the module needs, or explain in the plan's description why it needs this one",
    });
}
