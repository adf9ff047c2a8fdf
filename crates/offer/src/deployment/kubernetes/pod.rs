//! The pod of a module. Kubernetes expands `$(NAME)` in the environment, the command and its arguments, and reads `$$` as
//! one `$`, so that every `$` is doubled there.

use super::{RANGE_MAX, TARGET, claim_name, is_label, numbers};
use crate::deployment::Request;
use crate::deployment::compose::double;
use crate::deployment::container::{Container, Content, NOT_CARRIED};
use crate::finding::Finding;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub(super) fn spec(
    request: &Request<'_>,
    name: &str,
    container: &mut Container,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) -> Value {
    let mut pod = Map::new();
    let mut own = Map::new();
    own.insert("name".to_owned(), json!(name));
    own.insert("image".to_owned(), json!(request.image));
    let policy = if request.follows { "Always" } else { "IfNotPresent" };
    own.insert("imagePullPolicy".to_owned(), json!(policy));
    insert_command(&mut own, container);
    if !container.environment.is_empty() {
        let variable = |(name, value): &(String, String)| json!({ "name": name, "value": double(value) });
        own.insert("env".to_owned(), container.environment.iter().map(variable).collect());
    }
    insert_namespaces(&mut pod, container);
    let is_in_host = pod.contains_key("hostNetwork");
    insert_ports(&mut own, container, is_in_host, pointer, warnings);
    insert_security(&mut pod, &mut own, container);
    insert_resources(&mut own, container);
    insert_probe(&mut own, container);
    insert_mounts(&mut pod, &mut own, container, pointer, warnings);
    restart(container);
    pod.insert("containers".to_owned(), json!([own]));
    // A module has no business with the cluster's own interface.
    pod.insert("automountServiceAccountToken".to_owned(), json!(false));
    // Variables of a pod named after every Service would stand beside those that the publisher wrote.
    pod.insert("enableServiceLinks".to_owned(), json!(false));
    Value::Object(pod)
}

fn doubled(texts: &[String]) -> Value {
    texts.iter().map(|text| json!(double(text))).collect()
}

fn insert_command(own: &mut Map<String, Value>, container: &mut Container) {
    for (path, key) in [("Entrypoint", "command"), ("Cmd", "args")] {
        let texts = container.take_texts(path);
        if !texts.is_empty() {
            own.insert(key.to_owned(), doubled(&texts));
        }
    }
    for (path, key) in [("WorkingDir", "workingDir"), ("Tty", "tty"), ("OpenStdin", "stdin")] {
        if let Some(value) = container.take(path) {
            own.insert(key.to_owned(), value);
        }
    }
}

fn insert_namespaces(pod: &mut Map<String, Value>, container: &mut Container) {
    for (path, key) in [("NetworkMode", "hostNetwork"), ("PidMode", "hostPID"), ("IpcMode", "hostIPC")] {
        let path = format!("HostConfig.{path}");
        match container.take_text(&path).as_deref() {
            Some("host") => {
                pod.insert(key.to_owned(), json!(true));
            }
            // The ordinary network of each.
            Some("bridge" | "default" | "private" | "shareable") | None => {}
            Some(other) => container.give_back(&path, other),
        }
    }
    if let Some(networking) = container.take("NetworkingConfig") {
        let endpoints = networking["EndpointsConfig"].as_object();
        if endpoints.is_some_and(|endpoints| endpoints.len() == 1 && endpoints.contains_key("host")) {
            pod.insert("hostNetwork".to_owned(), json!(true));
        } else {
            container.give_back("NetworkingConfig", networking);
        }
    }
    if let Some(name) = container.take_text("Hostname") {
        if is_label(&name) && !name.contains(['.', '_']) && name == name.to_ascii_lowercase() {
            pod.insert("hostname".to_owned(), json!(name));
        } else {
            container.give_back("Hostname", name);
        }
    }
    if let Some(seconds) = container.take("StopTimeout") {
        pod.insert("terminationGracePeriodSeconds".to_owned(), seconds);
    }
    let mut dns = Map::new();
    for (path, key) in [("Dns", "nameservers"), ("DnsSearch", "searches")] {
        if let Some(list) = container.take(&format!("HostConfig.{path}")) {
            dns.insert(key.to_owned(), list);
        }
    }
    if !dns.is_empty() {
        // Names of Services are still found: the cluster's servers are asked first.
        pod.insert("dnsConfig".to_owned(), Value::Object(dns));
    }
    let hosts = container.take_texts("HostConfig.ExtraHosts");
    let alias = |entry: &String| {
        let (host, ip) = entry.split_once(':')?;
        ip.parse::<std::net::IpAddr>().ok()?;
        Some(json!({ "ip": ip, "hostnames": [host] }))
    };
    let aliases: Vec<Value> = hosts.iter().filter_map(alias).collect();
    let strange: Vec<String> = hosts.iter().filter(|entry| alias(entry).is_none()).cloned().collect();
    container.give_back("HostConfig.ExtraHosts", json!(strange));
    if !aliases.is_empty() {
        pod.insert("hostAliases".to_owned(), Value::Array(aliases));
    }
}

fn insert_ports(
    own: &mut Map<String, Value>,
    container: &Container,
    is_in_host: bool,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) {
    let place = format!("{pointer}/createOptions/HostConfig/PortBindings");
    let mut ports = Vec::new();
    for port in &container.ports {
        let inside = numbers(&port.container);
        let outside = port.host.as_deref().filter(|host| !host.is_empty() && !is_in_host);
        let outside = outside.map(numbers);
        let (Some(inside), Some(Some(_)) | None) = (inside, outside.clone()) else {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                place.clone(),
                format!("the port {} is not carried over: {TARGET} takes numbers", port.container),
                "write it as a number",
            ));
            continue;
        };
        let count = inside.clone().count();
        let fits = outside.clone().flatten().is_none_or(|outside| outside.count() == count);
        if count > RANGE_MAX || !fits {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                place.clone(),
                format!(
                    "the range of ports {} is not carried over whole: {TARGET} has no ranges",
                    port.container
                ),
                format!("use ranges of at most {RANGE_MAX} ports, of one length inside and outside"),
            ));
        }
        let mut outside = outside.flatten().filter(|_| fits).into_iter().flatten();
        for number in inside.take(RANGE_MAX) {
            let mut written = json!({ "containerPort": number, "protocol": port.protocol.to_uppercase() });
            if let Some(host) = outside.next() {
                written["hostPort"] = json!(host);
                if !port.host_ip.is_empty() {
                    written["hostIP"] = json!(port.host_ip);
                }
            }
            ports.push(written);
        }
        if port.host.as_deref() == Some("") {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                place.clone(),
                format!(
                    "the port {} is not published: Docker would choose a port of the host",
                    port.container
                ),
                "name the host's port, or reach the module through its Service",
            ));
        }
    }
    if !ports.is_empty() {
        own.insert("ports".to_owned(), Value::Array(ports));
    }
}

fn insert_security(pod: &mut Map<String, Value>, own: &mut Map<String, Value>, container: &mut Container) {
    let mut security = Map::new();
    for (path, key) in [("Privileged", "privileged"), ("ReadonlyRootfs", "readOnlyRootFilesystem")] {
        if let Some(value) = container.take(&format!("HostConfig.{path}")) {
            security.insert(key.to_owned(), value);
        }
    }
    let mut capabilities = Map::new();
    for (path, key) in [("CapAdd", "add"), ("CapDrop", "drop")] {
        let names = container.take_texts(&format!("HostConfig.{path}"));
        if !names.is_empty() {
            let bare = |name: &String| {
                let upper = name.to_ascii_uppercase();
                json!(upper.strip_prefix("CAP_").unwrap_or(&upper))
            };
            capabilities.insert(key.to_owned(), names.iter().map(bare).collect());
        }
    }
    if !capabilities.is_empty() {
        security.insert("capabilities".to_owned(), Value::Object(capabilities));
    }
    if let Some(user) = container.take_text("User") {
        let (id, group) = user.split_once(':').unwrap_or((&user, ""));
        match (id.parse::<u32>(), group.parse::<u32>()) {
            (Ok(id), Ok(group)) => {
                security.insert("runAsUser".to_owned(), json!(id));
                security.insert("runAsGroup".to_owned(), json!(group));
            }
            (Ok(id), Err(_)) if group.is_empty() => {
                security.insert("runAsUser".to_owned(), json!(id));
            }
            // Kubernetes knows users by number alone.
            _ => container.give_back("User", user),
        }
    }
    if !security.is_empty() {
        own.insert("securityContext".to_owned(), Value::Object(security));
    }
    let mut of_pod = Map::new();
    let groups = container.take_texts("HostConfig.GroupAdd");
    let numbers: Vec<u32> = groups.iter().filter_map(|group| group.parse().ok()).collect();
    if !numbers.is_empty() && numbers.len() == groups.len() {
        of_pod.insert("supplementalGroups".to_owned(), json!(numbers));
    } else {
        container.give_back("HostConfig.GroupAdd", json!(groups));
    }
    if let Some(Value::Object(sysctls)) = container.take("HostConfig.Sysctls") {
        let list = sysctls.into_iter().map(|(name, value)| json!({ "name": name, "value": value }));
        of_pod.insert("sysctls".to_owned(), list.collect());
    }
    if !of_pod.is_empty() {
        pod.insert("securityContext".to_owned(), Value::Object(of_pod));
    }
}

fn insert_resources(own: &mut Map<String, Value>, container: &mut Container) {
    let (mut limits, mut requests) = (Map::new(), Map::new());
    if let Some(bytes) = container.take_number("HostConfig.Memory") {
        limits.insert("memory".to_owned(), json!(bytes.to_string()));
    }
    if let Some(bytes) = container.take_number("HostConfig.MemoryReservation") {
        requests.insert("memory".to_owned(), json!(bytes.to_string()));
    }
    let quota = container.take_number("HostConfig.CpuQuota");
    let period = container.take_number("HostConfig.CpuPeriod");
    let nano = container.take_number("HostConfig.NanoCpus");
    // Docker's own period is 100 ms.
    let of_quota = quota.map(|quota| quota.saturating_mul(1_000) / period.unwrap_or(100_000).max(1));
    if let Some(thousandths) = nano.map(|nano| nano / 1_000_000).or(of_quota) {
        limits.insert("cpu".to_owned(), json!(format!("{}m", thousandths.max(1))));
    }
    if let Some(shares) = container.take_number("HostConfig.CpuShares") {
        // 1024 shares are one CPU's.
        requests
            .insert("cpu".to_owned(), json!(format!("{}m", (shares.saturating_mul(1_000) / 1_024).max(1))));
    }
    let mut resources = Map::new();
    for (key, map) in [("limits", limits), ("requests", requests)] {
        if !map.is_empty() {
            resources.insert(key.to_owned(), Value::Object(map));
        }
    }
    if !resources.is_empty() {
        own.insert("resources".to_owned(), Value::Object(resources));
    }
}

fn insert_probe(own: &mut Map<String, Value>, container: &mut Container) {
    let Some(health) = container.take("Healthcheck") else { return };
    let test: Vec<String> = match &health["Test"] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let command = match test.split_first() {
        Some((kind, rest)) if kind == "CMD" && !rest.is_empty() => rest.to_vec(),
        Some((kind, [line])) if kind == "CMD-SHELL" => {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()]
        }
        Some((kind, [])) if kind == "NONE" => return,
        // What stands in the image is not known here.
        _ => return container.give_back("Healthcheck", health),
    };
    // A probe's command is not expanded.
    let mut probe = json!({ "exec": { "command": command } });
    for (field, key) in
        [("Interval", "periodSeconds"), ("Timeout", "timeoutSeconds"), ("StartPeriod", "initialDelaySeconds")]
    {
        if let Some(nanoseconds) = health[field].as_i64().filter(|nanoseconds| *nanoseconds > 0) {
            probe[key] = json!((nanoseconds / 1_000_000_000).max(1));
        }
    }
    if let Some(retries) = health["Retries"].as_i64().filter(|retries| *retries > 0) {
        probe["failureThreshold"] = json!(retries);
    }
    own.insert("livenessProbe".to_owned(), probe);
}

fn insert_mounts(
    pod: &mut Map<String, Value>,
    own: &mut Map<String, Value>,
    container: &mut Container,
    pointer: &str,
    warnings: &mut Vec<Finding>,
) {
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    let mut names = BTreeSet::new();
    for (index, mount) in container.mounts.iter().enumerate() {
        let (name, source) = match &mount.content {
            Content::Host(path) => (format!("host-{index}"), json!({ "hostPath": { "path": path } })),
            Content::Volume(volume) => {
                let claim = claim_name(volume);
                (claim.clone(), json!({ "persistentVolumeClaim": { "claimName": claim } }))
            }
            Content::Own => (format!("own-{index}"), json!({ "emptyDir": {} })),
            Content::Memory(options) => {
                let size = options.iter().find_map(|option| option.strip_prefix("size="));
                let quantity = size
                    .map(|size| size.trim_end_matches('m').to_owned())
                    .filter(|size| !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()));
                let mut memory = json!({ "medium": "Memory" });
                if let Some(quantity) = quantity {
                    let unit = if size.is_some_and(|size| size.ends_with('m')) { "Mi" } else { "" };
                    memory["sizeLimit"] = json!(format!("{quantity}{unit}"));
                }
                (format!("memory-{index}"), json!({ "emptyDir": memory }))
            }
        };
        let mut written = json!({ "name": name, "mountPath": mount.target });
        if mount.read_only {
            written["readOnly"] = json!(true);
        }
        mounts.push(written);
        if names.insert(name.clone()) {
            let mut volume = source;
            volume["name"] = json!(name);
            volumes.push(volume);
        }
        if !mount.options.is_empty() {
            warnings.push(Finding::warning(
                NOT_CARRIED,
                format!("{pointer}/createOptions/HostConfig/Binds"),
                format!(
                    "the options {} of the mount at {} are not carried over",
                    mount.options.join(","),
                    mount.target
                ),
                "label the directory on the node, where it needs that",
            ));
        }
    }
    if let Some(bytes) = container.take_number("HostConfig.ShmSize") {
        volumes.push(
            json!({ "name": "shm", "emptyDir": { "medium": "Memory", "sizeLimit": bytes.to_string() } }),
        );
        mounts.push(json!({ "name": "shm", "mountPath": "/dev/shm" }));
    }
    if !mounts.is_empty() {
        own.insert("volumeMounts".to_owned(), Value::Array(mounts));
        pod.insert("volumes".to_owned(), Value::Array(volumes));
    }
}

/// A Deployment starts its pod again whenever it ends; there is no other policy.
fn restart(container: &mut Container) {
    if let Some(policy) = container.take("HostConfig.RestartPolicy")
        && !matches!(policy["Name"].as_str(), Some("always" | "unless-stopped" | "") | None)
    {
        container.give_back("HostConfig.RestartPolicy", policy);
    }
}
