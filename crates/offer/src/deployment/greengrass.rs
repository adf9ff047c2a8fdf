//! AWS IoT Greengrass v2: a component recipe for each module, which runs its container by `docker run`. The nucleus reads
//! `{namespace:key}` in scripts as variables of the recipe, and the shell reads the rest, so that each argument is quoted
//! against both.

use super::compose::cpus;
use super::container::{Container, Content, Filling, Mount};
use super::{Deployment, Request, Wanted, azure_only, heading, yaml, yaml_file};
use serde_json::{Value, json};

/// Flags of `docker run` that take a setting's value, each value of a list, or none.
const FLAGS: &[(&str, &str)] = &[
    ("Domainname", "--domainname"),
    ("HostConfig.BlkioWeight", "--blkio-weight"),
    ("HostConfig.CapAdd", "--cap-add"),
    ("HostConfig.CapDrop", "--cap-drop"),
    ("HostConfig.CgroupParent", "--cgroup-parent"),
    ("HostConfig.CgroupnsMode", "--cgroupns"),
    ("HostConfig.CpuPeriod", "--cpu-period"),
    ("HostConfig.CpuQuota", "--cpu-quota"),
    ("HostConfig.CpuShares", "--cpu-shares"),
    ("HostConfig.CpusetCpus", "--cpuset-cpus"),
    ("HostConfig.CpusetMems", "--cpuset-mems"),
    ("HostConfig.DeviceCgroupRules", "--device-cgroup-rule"),
    ("HostConfig.Dns", "--dns"),
    ("HostConfig.DnsOptions", "--dns-option"),
    ("HostConfig.DnsSearch", "--dns-search"),
    ("HostConfig.ExtraHosts", "--add-host"),
    ("HostConfig.GroupAdd", "--group-add"),
    ("HostConfig.Init", "--init"),
    ("HostConfig.IpcMode", "--ipc"),
    ("HostConfig.Memory", "--memory"),
    ("HostConfig.MemoryReservation", "--memory-reservation"),
    ("HostConfig.MemorySwap", "--memory-swap"),
    ("HostConfig.MemorySwappiness", "--memory-swappiness"),
    ("HostConfig.NetworkMode", "--network"),
    ("HostConfig.OomKillDisable", "--oom-kill-disable"),
    ("HostConfig.OomScoreAdj", "--oom-score-adj"),
    ("HostConfig.PidMode", "--pid"),
    ("HostConfig.PidsLimit", "--pids-limit"),
    ("HostConfig.Privileged", "--privileged"),
    ("HostConfig.PublishAllPorts", "--publish-all"),
    ("HostConfig.ReadonlyRootfs", "--read-only"),
    ("HostConfig.Runtime", "--runtime"),
    ("HostConfig.SecurityOpt", "--security-opt"),
    ("HostConfig.ShmSize", "--shm-size"),
    ("HostConfig.StorageOpt", "--storage-opt"),
    ("HostConfig.Sysctls", "--sysctl"),
    ("HostConfig.UTSMode", "--uts"),
    ("HostConfig.UsernsMode", "--userns"),
    ("HostConfig.VolumesFrom", "--volumes-from"),
    ("Hostname", "--hostname"),
    ("Labels", "--label"),
    ("MacAddress", "--mac-address"),
    ("OpenStdin", "--interactive"),
    ("StopSignal", "--stop-signal"),
    ("StopTimeout", "--stop-timeout"),
    ("User", "--user"),
    ("WorkingDir", "--workdir"),
];

pub(super) fn deployment(wanted: &Wanted<'_>) -> Deployment {
    let mut warnings = azure_only(wanted, "Greengrass");
    let mut files = Vec::new();
    for (index, request) in wanted.modules.iter().enumerate() {
        let mut container = Container::new(request, Filling::plain(request.values));
        let name = component_name(wanted, request);
        let recipe = recipe(request, &name, &mut container);
        warnings.extend(container.left_over("Greengrass", &format!("/modules/{index}")));
        let content = heading(std::slice::from_ref(request)) + &yaml::document(&recipe);
        files.push(yaml_file(&format!("{name}-{}.yaml", request.tag), content));
    }
    Deployment { files, warnings }
}

/// The telemetry identifier of the module; with its name behind it, where one plan is deployed twice.
fn component_name(wanted: &Wanted<'_>, request: &Request<'_>) -> String {
    let of = |request: &Request<'_>| format!("{}.{}.{}", request.publisher, request.offer, request.plan.id);
    let own = of(request);
    match wanted.modules.iter().filter(|other| of(other) == own).count() {
        1 => own,
        _ => format!("{own}.{}", request.module_name),
    }
}

fn recipe(request: &Request<'_>, name: &str, container: &mut Container) -> Value {
    let stop = container.take_number("StopTimeout");
    if let Some(seconds) = stop {
        container.give_back("StopTimeout", seconds);
    }
    let mut words = vec!["docker".to_owned(), "run".to_owned()];
    // Greengrass starts a component again that ends in failure; a policy of Docker's own would do so behind its back.
    words.push("--rm".to_owned());
    words.extend(["--name".to_owned(), request.module_name.to_owned()]);
    words.extend(arguments(container));
    // An entrypoint has one word there; those that follow are the first of the command.
    let mut command = container.take_texts("Entrypoint");
    if let Some(first) = command.first() {
        words.extend(["--entrypoint".to_owned(), first.clone()]);
        command.remove(0);
    }
    words.push(request.image.to_owned());
    words.extend(command);
    words.extend(container.take_texts("Cmd"));
    let lines = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<String>>().join(" ");
    let name_of_container = quoted(request.module_name);
    json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": request.tag,
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": request.plan.summary,
        "ComponentPublisher": request.publisher.as_str(),
        "ComponentDependencies": {
            "aws.greengrass.DockerApplicationManager": { "VersionRequirement": "~2.0.0", "DependencyType": "HARD" },
        },
        "Manifests": [{
            "Platform": { "os": "linux" },
            "Lifecycle": {
                "Run": {
                    // What a crash of the device left would keep the name.
                    "Script": format!(
                        "docker rm --force {name_of_container} >/dev/null 2>&1\n{}\n",
                        lines(&words)
                    ),
                },
                "Shutdown": {
                    "Script": format!("docker stop --time {} {name_of_container}", stop.unwrap_or(10).max(0)),
                    "Timeout": stop.unwrap_or(10).max(0) + 15,
                },
            },
            "Artifacts": [{ "URI": format!("docker:{}", request.image) }],
        }],
    })
}

/// The flags between `run` and the image.
fn arguments(container: &mut Container) -> Vec<String> {
    let mut words = Vec::new();
    let mut put = |flag: &str, value: String| words.push(format!("{flag}={value}"));
    for (name, value) in &container.environment {
        put("--env", format!("{name}={value}"));
    }
    for port in &container.ports {
        let inside = format!("{}/{}", port.container, port.protocol);
        match (&port.host, port.host_ip.as_str()) {
            (None, _) => put("--expose", inside),
            (Some(host), "") if host.is_empty() => put("--publish", inside),
            (Some(host), "") => put("--publish", format!("{host}:{inside}")),
            (Some(host), ip) if ip.contains(':') => put("--publish", format!("[{ip}]:{host}:{inside}")),
            (Some(host), ip) => put("--publish", format!("{ip}:{host}:{inside}")),
        }
    }
    for mount in &container.mounts {
        let (flag, value) = mounted(mount);
        put(flag, value);
    }
    let devices = container.take("HostConfig.Devices").unwrap_or_default();
    for device in devices.as_array().into_iter().flatten() {
        let text = |name: &str| device[name].as_str().unwrap_or_default();
        let parts = [text("PathOnHost"), text("PathInContainer"), text("CgroupPermissions")];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        put("--device", parts.join(":"));
    }
    if let Some(nano) = container.take_number("HostConfig.NanoCpus").filter(|nano| *nano > 0) {
        put("--cpus", cpus(nano));
    }
    let ulimits = container.take("HostConfig.Ulimits").unwrap_or_default();
    for limit in ulimits.as_array().into_iter().flatten() {
        let (soft, hard) = (limit["Soft"].as_i64().unwrap_or(-1), limit["Hard"].as_i64().unwrap_or(-1));
        put("--ulimit", format!("{}={soft}:{hard}", limit["Name"].as_str().unwrap_or_default()));
    }
    if let Some(log) = container.take("HostConfig.LogConfig") {
        if let Some(driver) = log["Type"].as_str().filter(|driver| !driver.is_empty()) {
            put("--log-driver", driver.to_owned());
        }
        for (name, value) in log["Config"].as_object().into_iter().flatten() {
            put("--log-opt", format!("{name}={}", value.as_str().unwrap_or_default()));
        }
    }
    for (path, flag) in FLAGS {
        match container.take(path) {
            None => {}
            Some(Value::Bool(_)) => words.push((*flag).to_owned()),
            Some(Value::Array(items)) => {
                words.extend(items.iter().map(|item| format!("{flag}={}", plain(item))));
            }
            Some(Value::Object(map)) => {
                words.extend(map.iter().map(|(name, value)| format!("{flag}={name}={}", plain(value))));
            }
            Some(value) => words.push(format!("{flag}={}", plain(&value))),
        }
    }
    words
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn mounted(mount: &Mount) -> (&'static str, String) {
    let mut options = mount.options.clone();
    if mount.read_only {
        options.push("ro".to_owned());
    }
    let options = if options.is_empty() { String::new() } else { format!(":{}", options.join(",")) };
    match &mount.content {
        Content::Host(source) | Content::Volume(source) => {
            ("--volume", format!("{source}:{}{options}", mount.target))
        }
        Content::Own => ("--volume", mount.target.clone()),
        Content::Memory(options) if options.is_empty() => ("--tmpfs", mount.target.clone()),
        Content::Memory(options) => ("--tmpfs", format!("{}:{}", mount.target, options.join(","))),
    }
}

/// A word that the shell and the nucleus leave as it is.
fn quoted(word: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(is_bare) {
        return word.to_owned();
    }
    // Within single quotes nothing means anything but the quote itself. `{` is followed by the end of the quotes and the
    // beginning of others, so that it never begins a variable of the recipe.
    format!("'{}'", word.replace('\'', "'\\''").replace('{', "{''"))
}
