//! What createOptions ask of the host.

use offer::defaults::least_privilege;
use serde_json::{Value, json};

/// `pointer name`, with `!` before what blocks.
fn named(options: Value) -> Vec<String> {
    least_privilege(options.as_object().unwrap())
        .into_iter()
        .map(|p| format!("{}{} {}", if p.blocking { "!" } else { "" }, p.pointer, p.name))
        .collect()
}

fn binds(sources: &[&str]) -> Vec<String> {
    let binds: Vec<String> = sources.iter().map(|source| format!("{source}:/x:ro")).collect();
    named(json!({"HostConfig": {"Binds": binds}}))
        .into_iter()
        .map(|n| n.replace("/HostConfig/Binds/", ""))
        .collect()
}

#[test]
fn each_need_is_named_in_any_spelling() {
    let options = json!({"hostconfig": {
        "PRIVILEGED": true, "PidMode": "host", "IpcMode": "Host", "NetworkMode": "host", "UsernsMode": "host",
        "CapAdd": ["sys_admin", "CAP_SYS_MODULE", "cap_sys_ptrace", "SYS_RAWIO", "all", "NET_ADMIN"],
        "DeviceCgroupRules": ["c 1:3 r", "b *:* rwm", "a"], "Devices": [{"PathOnHost": "/dev/"}, {"PathOnHost": "/dev/i2c"}],
    }, "NetworkingConfig": {"EndpointsConfig": {"host": {}}}});
    assert_eq!(
        named(options),
        [
            "/NetworkingConfig/EndpointsConfig/host host-network",
            "/hostconfig/CapAdd/0 capability",
            "/hostconfig/CapAdd/1 capability",
            "/hostconfig/CapAdd/2 capability",
            "/hostconfig/CapAdd/3 capability",
            "/hostconfig/CapAdd/4 capability",
            "/hostconfig/DeviceCgroupRules/1 all-devices",
            "/hostconfig/DeviceCgroupRules/2 all-devices",
            "/hostconfig/Devices/0 all-devices",
            "/hostconfig/IpcMode host-ipc",
            "/hostconfig/NetworkMode host-network",
            "!/hostconfig/PRIVILEGED privileged",
            "/hostconfig/PidMode host-pid",
            "/hostconfig/UsernsMode host-user-namespace",
        ]
    );
}

#[test]
fn paths_are_compared_in_normal_form() {
    let risky = ["/", "//", "/./etc//", "/var/../etc", "/proc/1/ns", "/sys", "/dev", "C:\\"];
    let names: Vec<String> = binds(&risky).into_iter().map(|n| n[2..].to_owned()).collect();
    assert_eq!(
        names,
        [
            "host-path",
            "host-path",
            "host-path",
            "host-path",
            "host-path",
            "host-path",
            "all-devices",
            "host-path"
        ]
    );
    assert_eq!(binds(&["data", "/data", "/etcetera", "/etc/localtime", "/dev/ttyS0", "/home/etc"]), [""; 0]);
    let sockets = ["/var/run/docker.sock", "/run//./docker.sock", "/var/run/", "\\\\.\\pipe\\docker_engine"];
    assert_eq!(
        binds(&sockets),
        ["!0 docker-socket", "!1 docker-socket", "!2 docker-socket", "!3 docker-socket"]
    );
}

#[test]
fn mounts_count_too() {
    let options = json!({"HostConfig": {"Mounts": [
        {"Type": "bind", "source": "/run/docker.sock", "Target": "/d"},
        {"Type": "volume", "Source": "v", "VolumeOptions": {"DriverConfig": {"Options": {"type": "none", "device": "/etc"}}}},
    ]}});
    assert_eq!(
        named(options),
        [
            "!/HostConfig/Mounts/0/source docker-socket",
            "/HostConfig/Mounts/1/VolumeOptions/DriverConfig/Options/device host-path",
        ]
    );
}

#[test]
fn ordinary_options_need_nothing() {
    let options = json!({"HostConfig": {"Privileged": false, "NetworkMode": "bridge", "CapDrop": ["ALL"]}, "Env": ["A=/etc"]});
    assert_eq!(named(options), [""; 0]);
}
