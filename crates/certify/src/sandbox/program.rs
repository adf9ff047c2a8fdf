//! What is started: program, arguments, environment, directory and user, from the image's config, the plan's
//! createOptions and the plan's default environment. Pure. Without a twin, and without what only a device has.

use oci::manifest::ImageConfig;
use offer::document::Plan;
use offer::placeholder;
use serde_json::Value;
use std::collections::BTreeMap;

/// What runtimes use when the config sets no `PATH` (moby `oci/defaults`).
const PATH_DEFAULT: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Keys of `HostConfig` that give a module something of its host. None of it is given here.
const OF_THE_HOST: &[&str] = &[
    "Binds",
    "CapAdd",
    "Devices",
    "DeviceRequests",
    "IpcMode",
    "Links",
    "Mounts",
    "NetworkMode",
    "PidMode",
    "Privileged",
    "Runtime",
    "Sysctls",
    "Tmpfs",
    "UTSMode",
    "VolumesFrom",
];

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) arguments: Vec<String>,
    /// `NAME=value`, each name once.
    pub(super) environment: Vec<String>,
    pub(super) directory: String,
    /// As the config has it, to be looked up in the image.
    pub(super) user: String,
    /// The plan asks for a root that cannot be written.
    pub(super) read_only: bool,
    pub(super) remarks: Vec<String>,
}

/// Image and plan together. `None` when nothing says what to start.
pub(super) fn program(config: &ImageConfig, plan: Option<&Plan>) -> Option<Program> {
    let run = &config.config;
    let option =
        |name: &str| plan.and_then(|plan| plan.create_options.get(name)).filter(|value| !value.is_null());
    let (entrypoint, command) = (option("Entrypoint").map(words), option("Cmd").map(words));
    // As the Docker Engine: another entrypoint takes the image's command away.
    let of_image = match entrypoint {
        Some(_) => None,
        None => run.cmd.clone(),
    };
    let mut arguments = entrypoint.or_else(|| run.entrypoint.clone()).unwrap_or_default();
    arguments.extend(command.or(of_image).unwrap_or_default());
    if arguments.first().is_none_or(String::is_empty) {
        return None;
    }
    let text = |name: &str| option(name).and_then(Value::as_str).map(str::to_owned);
    let of_host = option("HostConfig");
    let read_only =
        of_host.and_then(|host| host.get("ReadonlyRootfs")).and_then(Value::as_bool).unwrap_or(false);
    let (environment, stand_ins) = environment(run.env.as_deref().unwrap_or_default(), option("Env"), plan);
    let mut remarks = Vec::new();
    if !stand_ins.is_empty() {
        let list: Vec<String> =
            stand_ins.iter().map(|(name, value)| format!("<{name}> was {value:?}")).collect();
        remarks.push(format!("placeholders had stand-ins: {}", list.join(", ")));
    }
    let asked =
        |key: &&&str| of_host.and_then(|host| host.get(**key)).is_some_and(|value| !is_nothing(value));
    let asked: Vec<&str> = OF_THE_HOST.iter().filter(asked).copied().collect();
    if !asked.is_empty() {
        remarks.push(format!("createOptions' {} were not given to it", asked.join(", ")));
    }
    let directory =
        text("WorkingDir").or_else(|| run.working_dir.clone()).filter(|path| path.starts_with('/'));
    Some(Program {
        arguments,
        environment,
        directory: directory.unwrap_or_else(|| "/".to_owned()),
        user: text("User").or_else(|| run.user.clone()).unwrap_or_default(),
        read_only,
        remarks,
    })
}

/// A string or a list of strings.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(word) => vec![word.clone()],
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The image's variables, under createOptions', under the plan's, with the stand-ins that were put in.
fn environment(
    of_image: &[String],
    of_options: Option<&Value>,
    plan: Option<&Plan>,
) -> (Vec<String>, BTreeMap<String, String>) {
    let of_options = of_options.map(words).unwrap_or_default();
    let of_plan = plan.into_iter().flat_map(|plan| &plan.environment);
    let of_plan: Vec<String> =
        of_plan.map(|variable| format!("{}={}", variable.name, variable.value)).collect();
    let from_plan = of_options.iter().chain(&of_plan);
    let names = from_plan.clone().flat_map(|variable| placeholder::names(variable));
    let stand_ins: BTreeMap<String, String> =
        names.map(|name| (name.clone(), stand_in(&name).to_owned())).collect();
    let filled = from_plan.map(|variable| placeholder::substitute(variable, &stand_ins));
    let mut environment: Vec<String> = Vec::new();
    for variable in std::iter::once(PATH_DEFAULT.to_owned()).chain(of_image.iter().cloned()).chain(filled) {
        let name = variable.split('=').next().unwrap_or_default();
        // A variable without a value, or with a NUL, is none to the kernel.
        if name.is_empty() || !variable.contains('=') || variable.contains('\0') {
            continue;
        }
        let same = |known: &String| known.split('=').next() == Some(name);
        match environment.iter().position(same) {
            Some(at) => environment[at] = variable,
            None => environment.push(variable),
        }
    }
    (environment, stand_ins)
}

/// A harmless value for a customer's: an address that nobody answers at, a number, or a word, as the name suggests.
fn stand_in(name: &str) -> &'static str {
    let has = |parts: &[&str]| name.split('_').any(|part| parts.contains(&part));
    if has(&["URL", "URI", "ENDPOINT"]) {
        "http://127.0.0.1:9"
    } else if has(&["HOST", "HOSTNAME", "SERVER", "ADDRESS", "IP", "BROKER"]) {
        "127.0.0.1"
    } else if has(&["PORT"]) {
        "9"
    } else if has(&["COUNT", "INTERVAL", "LIMIT", "MAX", "MIN", "MS", "NUMBER", "SECONDS", "SIZE", "TIMEOUT"])
    {
        "1000"
    } else {
        "example"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;
    use offer::document::NameValue;
    use serde_json::json;

    fn image() -> ImageConfig {
        let mut config = example::image().config;
        config.config.cmd = Some(vec!["--fast".to_owned()]);
        config.config.env = Some(vec!["A=1".to_owned(), "B=2".to_owned(), "NONE".to_owned()]);
        config
    }

    #[test]
    fn without_a_plan_the_config_counts() {
        let found = program(&image(), None).expect("a command");
        assert_eq!(found.arguments, ["/app/module", "--fast"]);
        assert_eq!(found.environment, [PATH_DEFAULT, "A=1", "B=2"]);
        assert_eq!((found.directory.as_str(), found.user.as_str()), ("/", "65532"));
        assert_eq!(program(&ImageConfig::default(), None), None);
    }

    #[test]
    fn the_plan_is_put_over_it() {
        let mut plan = example::offer().plans.remove(0);
        let variable = |name: &str, value: &str| NameValue { name: name.to_owned(), value: value.to_owned() };
        plan.environment = vec![variable("B", "<BROKER_HOST>:<PORT>"), variable("KEY", "<API_KEY>")];
        let options = json!({ "Entrypoint": "/other", "Env": ["A=<SERVER_URL>"], "WorkingDir": "/data", "User": "7",
            "HostConfig": { "Privileged": true, "Binds": [], "ReadonlyRootfs": true } });
        plan.create_options = options.as_object().expect("an object").clone();
        let found = program(&image(), Some(&plan)).expect("a command");
        insta::assert_debug_snapshot!(found);
    }
}
