//! A Compose file (compose-spec), with a service for each module. Compose reads `$` in any value as the beginning of a
//! variable, so that every one is doubled; keys are not read that way.

use super::container::{Container, Content, Filling, Mount, NOT_CARRIED, Port};
use super::{Deployment, Request, Wanted, azure_only, heading, yaml, yaml_file};
use crate::finding::Finding;
use serde_json::{Map, Value, json};

/// createOptions that Compose takes as they are, under a name of its own.
const SAME: &[(&str, &str)] = &[
    ("Cmd", "command"),
    ("Domainname", "domainname"),
    ("Entrypoint", "entrypoint"),
    ("HostConfig.CapAdd", "cap_add"),
    ("HostConfig.CapDrop", "cap_drop"),
    ("HostConfig.CgroupParent", "cgroup_parent"),
    ("HostConfig.CpuCount", "cpu_count"),
    ("HostConfig.CpuPercent", "cpu_percent"),
    ("HostConfig.CpuPeriod", "cpu_period"),
    ("HostConfig.CpuQuota", "cpu_quota"),
    ("HostConfig.CpuRealtimePeriod", "cpu_rt_period"),
    ("HostConfig.CpuRealtimeRuntime", "cpu_rt_runtime"),
    ("HostConfig.CpuShares", "cpu_shares"),
    ("HostConfig.CpusetCpus", "cpuset"),
    ("HostConfig.DeviceCgroupRules", "device_cgroup_rules"),
    ("HostConfig.Dns", "dns"),
    ("HostConfig.DnsOptions", "dns_opt"),
    ("HostConfig.DnsSearch", "dns_search"),
    ("HostConfig.ExtraHosts", "extra_hosts"),
    ("HostConfig.GroupAdd", "group_add"),
    ("HostConfig.Init", "init"),
    ("HostConfig.IpcMode", "ipc"),
    ("HostConfig.Isolation", "isolation"),
    ("HostConfig.Memory", "mem_limit"),
    ("HostConfig.MemoryReservation", "mem_reservation"),
    ("HostConfig.MemorySwap", "memswap_limit"),
    ("HostConfig.MemorySwappiness", "mem_swappiness"),
    ("HostConfig.NetworkMode", "network_mode"),
    ("HostConfig.OomKillDisable", "oom_kill_disable"),
    ("HostConfig.OomScoreAdj", "oom_score_adj"),
    ("HostConfig.PidMode", "pid"),
    ("HostConfig.PidsLimit", "pids_limit"),
    ("HostConfig.Privileged", "privileged"),
    ("HostConfig.ReadonlyRootfs", "read_only"),
    ("HostConfig.Runtime", "runtime"),
    ("HostConfig.SecurityOpt", "security_opt"),
    ("HostConfig.ShmSize", "shm_size"),
    ("HostConfig.StorageOpt", "storage_opt"),
    ("HostConfig.Sysctls", "sysctls"),
    ("HostConfig.UsernsMode", "userns_mode"),
    ("Hostname", "hostname"),
    ("MacAddress", "mac_address"),
    ("OpenStdin", "stdin_open"),
    ("StopSignal", "stop_signal"),
    ("Tty", "tty"),
    ("User", "user"),
    ("WorkingDir", "working_dir"),
];

pub(super) fn deployment<'a>(wanted: &Wanted<'a>) -> Deployment {
    let mut warnings = azure_only(wanted, "Docker Compose");
    let filling = |request: &Request<'a>| Filling { escape: double, ..Filling::plain(request.values) };
    let fillings: Vec<Filling<'a>> = wanted.modules.iter().map(filling).collect();
    let document = document(wanted, &fillings, &mut warnings);
    let content = heading(wanted.modules) + &yaml::document(&document);
    Deployment { files: vec![yaml_file("compose.yaml", content)], warnings }
}

/// What no value may have that Compose reads.
pub(super) fn double(text: &str) -> String {
    text.replace('$', "$$")
}

/// The document, with a filling for each module. Environment and labels are lists, because only values are interpolated.
pub(super) fn document(wanted: &Wanted<'_>, fillings: &[Filling<'_>], warnings: &mut Vec<Finding>) -> Value {
    let mut services = Map::new();
    let mut volumes = Map::new();
    for (index, (request, filling)) in wanted.modules.iter().zip(fillings).enumerate() {
        let mut container = Container::new(request, *filling);
        for mount in &container.mounts {
            if let Content::Volume(name) = &mount.content {
                volumes.insert(name.clone(), json!({}));
            }
        }
        let pointer = format!("/modules/{index}");
        services.insert(request.module_name.to_owned(), service(request, &mut container, &pointer, warnings));
        warnings.extend(container.left_over("Docker Compose", &pointer));
    }
    // Without a name for the project: it is the directory's, and older readers refuse the key.
    let mut document = json!({ "services": services });
    if !volumes.is_empty() {
        document["volumes"] = Value::Object(volumes);
    }
    document
}

fn service(
    request: &Request<'_>,
    container: &mut Container,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) -> Value {
    let mut service = Map::new();
    service.insert("image".to_owned(), json!(request.image));
    if request.follows {
        service.insert("pull_policy".to_owned(), json!("always"));
    }
    for (path, key) in SAME {
        if let Some(value) = container.take(path) {
            service.insert((*key).to_owned(), value);
        }
    }
    if let Some(network) = host_network(container) {
        service.insert("network_mode".to_owned(), network);
    }
    let is_in_host = service.get("network_mode").is_some_and(|mode| mode == "host");
    insert_ports(&mut service, container, is_in_host, pointer, warnings);
    insert_mounts(&mut service, container);
    insert_limits(&mut service, container);
    insert_health(&mut service, container);
    if !container.environment.is_empty() {
        let pairs = container.environment.iter().map(|(name, value)| json!(format!("{name}={value}")));
        service.insert("environment".to_owned(), pairs.collect());
    }
    if let Some(Value::Object(labels)) = container.take("Labels") {
        let pairs = labels
            .iter()
            .map(|(name, value)| json!(format!("{name}={}", value.as_str().unwrap_or_default())));
        service.insert("labels".to_owned(), pairs.collect());
    }
    service.insert("restart".to_owned(), json!(restart(container)));
    Value::Object(service)
}

/// Edge Agent attaches a module to the host's network by an endpoint named `host`.
fn host_network(container: &mut Container) -> Option<Value> {
    let networking = container.take("NetworkingConfig")?;
    let only_host = networking["EndpointsConfig"]
        .as_object()
        .is_some_and(|endpoints| endpoints.len() == 1 && endpoints.contains_key("host"));
    if !only_host {
        container.give_back("NetworkingConfig", networking);
        return None;
    }
    Some(json!("host"))
}

fn insert_ports(
    service: &mut Map<String, Value>,
    container: &Container,
    is_in_host: bool,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) {
    let mut published = Vec::new();
    let mut exposed = Vec::new();
    for port in &container.ports {
        match &port.host {
            Some(host) if is_in_host => warnings.push(Finding::warning(
                NOT_CARRIED,
                format!("{pointer}/createOptions/HostConfig/PortBindings"),
                format!("the port {host} is not published: the module uses the host's network itself"),
                "reach it at the port that it listens to",
            )),
            Some(host) => published.push(json!(published_port(port, host))),
            None => exposed.push(json!(with_protocol(port))),
        }
    }
    for (key, ports) in [("ports", published), ("expose", exposed)] {
        if !ports.is_empty() {
            service.insert(key.to_owned(), Value::Array(ports));
        }
    }
}

fn with_protocol(port: &Port) -> String {
    match port.protocol.as_str() {
        "tcp" => port.container.clone(),
        protocol => format!("{}/{protocol}", port.container),
    }
}

fn published_port(port: &Port, host: &str) -> String {
    let inside = with_protocol(port);
    match (port.host_ip.as_str(), host) {
        ("", "") => inside,
        ("", host) => format!("{host}:{inside}"),
        (ip, host) if ip.contains(':') => format!("[{ip}]:{host}:{inside}"),
        (ip, host) => format!("{ip}:{host}:{inside}"),
    }
}

fn insert_mounts(service: &mut Map<String, Value>, container: &mut Container) {
    let memory = |mount: &Mount| match &mount.content {
        Content::Memory(options) if options.is_empty() => Some(json!(mount.target)),
        Content::Memory(options) => Some(json!(format!("{}:{}", mount.target, options.join(",")))),
        _ => None,
    };
    let kept = |mount: &Mount| {
        let mut options = mount.options.clone();
        if mount.read_only {
            options.push("ro".to_owned());
        }
        let options = if options.is_empty() { String::new() } else { format!(":{}", options.join(",")) };
        match &mount.content {
            Content::Host(source) | Content::Volume(source) => {
                Some(json!(format!("{source}:{}{options}", mount.target)))
            }
            Content::Own => Some(json!(mount.target)),
            Content::Memory(_) => None,
        }
    };
    let devices = container.take("HostConfig.Devices").unwrap_or_default();
    let device = |device: &Value| {
        let text = |name: &str| device[name].as_str().unwrap_or_default();
        let inside =
            if text("PathInContainer").is_empty() { text("PathOnHost") } else { text("PathInContainer") };
        let permissions = match text("CgroupPermissions") {
            "" | "rwm" => String::new(),
            permissions => format!(":{permissions}"),
        };
        json!(format!("{}:{inside}{permissions}", text("PathOnHost")))
    };
    for (key, items) in [
        ("volumes", container.mounts.iter().filter_map(kept).collect::<Vec<Value>>()),
        ("tmpfs", container.mounts.iter().filter_map(memory).collect()),
        ("devices", devices.as_array().into_iter().flatten().map(device).collect()),
    ] {
        if !items.is_empty() {
            service.insert(key.to_owned(), Value::Array(items));
        }
    }
}

fn insert_limits(service: &mut Map<String, Value>, container: &mut Container) {
    if let Some(nano) = container.take_number("HostConfig.NanoCpus").filter(|nano| *nano > 0) {
        service.insert("cpus".to_owned(), json!(cpus(nano)));
    }
    if let Some(weight) = container.take("HostConfig.BlkioWeight") {
        service.insert("blkio_config".to_owned(), json!({ "weight": weight }));
    }
    let ulimits = container.take("HostConfig.Ulimits").unwrap_or_default();
    let limit = |limit: &Value| {
        let name = limit["Name"].as_str()?.to_owned();
        Some((name, json!({ "soft": limit["Soft"].as_i64()?, "hard": limit["Hard"].as_i64()? })))
    };
    let limits: Map<String, Value> = ulimits.as_array().into_iter().flatten().filter_map(limit).collect();
    if !limits.is_empty() {
        service.insert("ulimits".to_owned(), Value::Object(limits));
    }
    if let Some(log) = container.take("HostConfig.LogConfig") {
        let mut logging = Map::new();
        if let Some(driver) = log["Type"].as_str().filter(|driver| !driver.is_empty()) {
            logging.insert("driver".to_owned(), json!(driver));
        }
        if let Some(options) = log["Config"].as_object() {
            logging.insert("options".to_owned(), json!(options));
        }
        service.insert("logging".to_owned(), Value::Object(logging));
    }
    if let Some(seconds) = container.take_number("StopTimeout") {
        service.insert("stop_grace_period".to_owned(), json!(format!("{seconds}s")));
    }
    // GPUs, as Docker itself writes them for `--gpus`.
    if let Some(requests) = container.take("HostConfig.DeviceRequests") {
        let request = |request: &Value| {
            let sets = request["Capabilities"].as_array().into_iter().flatten();
            let capabilities: Vec<Value> =
                sets.flat_map(|set| set.as_array().cloned().unwrap_or_default()).collect();
            let mut device = json!({ "capabilities": capabilities });
            if let Some(driver) = request["Driver"].as_str().filter(|driver| !driver.is_empty()) {
                device["driver"] = json!(driver);
            }
            match (request["Count"].as_i64(), &request["DeviceIDs"]) {
                (_, Value::Array(ids)) if !ids.is_empty() => device["device_ids"] = json!(ids),
                (Some(count), _) if count > 0 => device["count"] = json!(count),
                _ => device["count"] = json!("all"),
            }
            device
        };
        let devices: Vec<Value> = requests.as_array().into_iter().flatten().map(request).collect();
        service
            .insert("deploy".to_owned(), json!({ "resources": { "reservations": { "devices": devices } } }));
    }
}

fn insert_health(service: &mut Map<String, Value>, container: &mut Container) {
    let Some(Value::Object(health)) = container.take("Healthcheck") else { return };
    let mut written = Map::new();
    for (field, value) in &health {
        let duration = value.as_i64().filter(|nanoseconds| *nanoseconds > 0).map(duration);
        match (field.as_str(), duration) {
            ("Test", _) if value == &json!(["NONE"]) => {
                written.insert("disable".to_owned(), json!(true));
            }
            ("Test", _) => {
                written.insert("test".to_owned(), value.clone());
            }
            ("Retries", _) => {
                written.insert("retries".to_owned(), value.clone());
            }
            ("Interval", Some(text)) => {
                written.insert("interval".to_owned(), json!(text));
            }
            ("Timeout", Some(text)) => {
                written.insert("timeout".to_owned(), json!(text));
            }
            ("StartPeriod", Some(text)) => {
                written.insert("start_period".to_owned(), json!(text));
            }
            _ => container.give_back(&format!("Healthcheck.{field}"), value.clone()),
        }
    }
    service.insert("healthcheck".to_owned(), Value::Object(written));
}

/// Nanoseconds in the largest unit that has no fraction.
fn duration(nanoseconds: i64) -> String {
    match nanoseconds {
        n if n % 1_000_000_000 == 0 => format!("{}s", n / 1_000_000_000),
        n if n % 1_000_000 == 0 => format!("{}ms", n / 1_000_000),
        n => format!("{}us", n / 1_000),
    }
}

/// Billionths of a CPU as a decimal number.
pub(super) fn cpus(nano: i64) -> String {
    let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A module is started again whenever it ends, as Edge Agent does, unless its publisher says otherwise.
fn restart(container: &mut Container) -> String {
    let policy = container.take("HostConfig.RestartPolicy").unwrap_or_default();
    match (policy["Name"].as_str().unwrap_or_default(), policy["MaximumRetryCount"].as_i64()) {
        ("on-failure", Some(count)) if count > 0 => format!("on-failure:{count}"),
        ("", _) => "always".to_owned(),
        (name, _) => name.to_owned(),
    }
}
