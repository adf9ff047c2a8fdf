//! The fields of Docker Engine's container-create (API 1.47), and what each holds.

/// A field and what it holds.
pub(super) type Field = (&'static str, Shape);

/// What a field holds.
#[derive(Debug)]
pub(super) enum Shape {
    Flag,
    Integer,
    Text,
    /// A string, or an array of strings.
    Command,
    List(&'static Shape),
    Map(&'static Shape),
    /// A map whose keys are ports.
    Ports(&'static Shape),
    Object(&'static [Field]),
}

impl Shape {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Integer => "a whole number",
            Self::Text => "a string",
            Self::Command => "a string or an array of strings",
            Self::List(_) => "an array",
            Self::Map(_) | Self::Ports(_) | Self::Object(_) => "an object",
        }
    }

    pub fn example(&self) -> &'static str {
        match self {
            Self::Flag => "true or false, without quotes",
            Self::Integer => "digits, without quotes",
            Self::Text => "the value in double quotes",
            Self::Command => "[\"program\", \"argument\"]",
            Self::List(_) => "[…]",
            Self::Map(_) | Self::Ports(_) | Self::Object(_) => "{…}",
        }
    }
}

use Shape::{Command, Flag, Integer, List, Map, Object, Ports, Text};

const TEXTS: Shape = List(&Text);
const TEXT_MAP: Shape = Map(&Text);
/// An object without fields, by which Docker writes the members of a set.
const MEMBER: Shape = Object(&[]);
const DEVICE_RATES: Shape = List(&Object(&[("Path", Text), ("Rate", Integer)]));

/// The body of container-create.
pub(super) const CONTAINER: &[Field] = &[
    ("ArgsEscaped", Flag),
    ("AttachStderr", Flag),
    ("AttachStdin", Flag),
    ("AttachStdout", Flag),
    ("Cmd", Command),
    ("Domainname", Text),
    ("Entrypoint", Command),
    ("Env", TEXTS),
    ("ExposedPorts", Ports(&MEMBER)),
    ("Healthcheck", Object(HEALTHCHECK)),
    ("HostConfig", Object(HOST_CONFIG)),
    ("Hostname", Text),
    ("Image", Text),
    ("Labels", TEXT_MAP),
    ("MacAddress", Text),
    ("NetworkDisabled", Flag),
    ("NetworkingConfig", Object(&[("EndpointsConfig", Map(&Object(ENDPOINT)))])),
    ("OnBuild", TEXTS),
    ("OpenStdin", Flag),
    ("Shell", TEXTS),
    ("StdinOnce", Flag),
    ("StopSignal", Text),
    ("StopTimeout", Integer),
    ("Tty", Flag),
    ("User", Text),
    ("Volumes", Map(&MEMBER)),
    ("WorkingDir", Text),
];

const HEALTHCHECK: &[Field] = &[
    ("Interval", Integer),
    ("Retries", Integer),
    ("StartInterval", Integer),
    ("StartPeriod", Integer),
    ("Test", Command),
    ("Timeout", Integer),
];

const ENDPOINT: &[Field] = &[
    ("Aliases", TEXTS),
    ("DNSNames", TEXTS),
    ("DriverOpts", TEXT_MAP),
    ("EndpointID", Text),
    ("Gateway", Text),
    ("GlobalIPv6Address", Text),
    ("GlobalIPv6PrefixLen", Integer),
    ("IPAMConfig", Object(&[("IPv4Address", Text), ("IPv6Address", Text), ("LinkLocalIPs", TEXTS)])),
    ("IPAddress", Text),
    ("IPPrefixLen", Integer),
    ("IPv6Gateway", Text),
    ("Links", TEXTS),
    ("MacAddress", Text),
    ("NetworkID", Text),
];

const HOST_CONFIG: &[Field] = &[
    ("Annotations", TEXT_MAP),
    ("AutoRemove", Flag),
    ("Binds", TEXTS),
    ("BlkioDeviceReadBps", DEVICE_RATES),
    ("BlkioDeviceReadIOps", DEVICE_RATES),
    ("BlkioDeviceWriteBps", DEVICE_RATES),
    ("BlkioDeviceWriteIOps", DEVICE_RATES),
    ("BlkioWeight", Integer),
    ("BlkioWeightDevice", List(&Object(&[("Path", Text), ("Weight", Integer)]))),
    ("CapAdd", TEXTS),
    ("CapDrop", TEXTS),
    ("Cgroup", Text),
    ("CgroupParent", Text),
    ("CgroupnsMode", Text),
    ("ConsoleSize", List(&Integer)),
    ("ContainerIDFile", Text),
    ("CpuCount", Integer),
    ("CpuPercent", Integer),
    ("CpuPeriod", Integer),
    ("CpuQuota", Integer),
    ("CpuRealtimePeriod", Integer),
    ("CpuRealtimeRuntime", Integer),
    ("CpuShares", Integer),
    ("CpusetCpus", Text),
    ("CpusetMems", Text),
    ("DeviceCgroupRules", TEXTS),
    ("DeviceRequests", List(&Object(DEVICE_REQUEST))),
    ("Devices", List(&Object(DEVICE))),
    ("DiskQuota", Integer),
    ("Dns", TEXTS),
    ("DnsOptions", TEXTS),
    ("DnsSearch", TEXTS),
    ("ExtraHosts", TEXTS),
    ("GroupAdd", TEXTS),
    ("IOMaximumBandwidth", Integer),
    ("IOMaximumIOps", Integer),
    ("Init", Flag),
    ("InitPath", Text),
    ("IpcMode", Text),
    ("Isolation", Text),
    ("KernelMemory", Integer),
    ("KernelMemoryTCP", Integer),
    ("Links", TEXTS),
    ("LogConfig", Object(&[("Config", TEXT_MAP), ("Type", Text)])),
    ("MaskedPaths", TEXTS),
    ("Memory", Integer),
    ("MemoryReservation", Integer),
    ("MemorySwap", Integer),
    ("MemorySwappiness", Integer),
    ("Mounts", List(&Object(MOUNT))),
    ("NanoCpus", Integer),
    ("NetworkMode", Text),
    ("OomKillDisable", Flag),
    ("OomScoreAdj", Integer),
    ("PidMode", Text),
    ("PidsLimit", Integer),
    ("PortBindings", Ports(&List(&Object(&[("HostIp", Text), ("HostPort", Text)])))),
    ("Privileged", Flag),
    ("PublishAllPorts", Flag),
    ("ReadonlyPaths", TEXTS),
    ("ReadonlyRootfs", Flag),
    ("RestartPolicy", Object(&[("MaximumRetryCount", Integer), ("Name", Text)])),
    ("Runtime", Text),
    ("SecurityOpt", TEXTS),
    ("ShmSize", Integer),
    ("StorageOpt", TEXT_MAP),
    ("Sysctls", TEXT_MAP),
    ("Tmpfs", TEXT_MAP),
    ("UTSMode", Text),
    ("Ulimits", List(&Object(&[("Hard", Integer), ("Name", Text), ("Soft", Integer)]))),
    ("UsernsMode", Text),
    ("VolumeDriver", Text),
    ("VolumesFrom", TEXTS),
];

const DEVICE: &[Field] = &[("CgroupPermissions", Text), ("PathInContainer", Text), ("PathOnHost", Text)];

const DEVICE_REQUEST: &[Field] = &[
    ("Capabilities", List(&TEXTS)),
    ("Count", Integer),
    ("DeviceIDs", TEXTS),
    ("Driver", Text),
    ("Options", TEXT_MAP),
];

const MOUNT: &[Field] = &[
    ("BindOptions", Object(BIND_OPTIONS)),
    ("Consistency", Text),
    ("ImageOptions", Object(&[("Subpath", Text)])),
    ("ReadOnly", Flag),
    ("Source", Text),
    ("Target", Text),
    ("TmpfsOptions", Object(&[("Mode", Integer), ("Options", List(&TEXTS)), ("SizeBytes", Integer)])),
    ("Type", Text),
    ("VolumeOptions", Object(VOLUME_OPTIONS)),
];

const BIND_OPTIONS: &[Field] = &[
    ("CreateMountpoint", Flag),
    ("NonRecursive", Flag),
    ("Propagation", Text),
    ("ReadOnlyForceRecursive", Flag),
    ("ReadOnlyNonRecursive", Flag),
];

const VOLUME_OPTIONS: &[Field] = &[
    ("DriverConfig", Object(&[("Name", Text), ("Options", TEXT_MAP)])),
    ("Labels", TEXT_MAP),
    ("NoCopy", Flag),
    ("Subpath", Text),
];
