//! Default settings: routes, twin, environment and createOptions.

use offer::defaults::{check_create_options, check_environment, check_routes, check_shape, check_twin};
use offer::document::{NameValue, TwinProperty};
use offer::finding::{Finding, Severity};
use offer::policy::OfferLimits;
use serde_json::{Map, Value, json};

fn entries(pairs: &[(&str, &str)]) -> Vec<NameValue> {
    let entry = |(name, value): &(&str, &str)| NameValue { name: (*name).into(), value: (*value).into() };
    pairs.iter().map(entry).collect()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn said(findings: Vec<Finding>) -> Vec<String> {
    assert!(
        findings.iter().all(|f| f.rule == "default-settings-valid" && !f.hint.is_empty()),
        "{findings:?}"
    );
    findings
        .into_iter()
        .map(|f| {
            format!(
                "{}{}: {}",
                if f.severity == Severity::Warning { "warning " } else { "" },
                f.pointer,
                f.message
            )
        })
        .collect()
}

#[test]
fn routes() {
    let routes = entries(&[
        ("good", "FROM /messages/modules/Mine/outputs/* INTO $upstream"),
        ("bad.name", "FROM /* INTO upstream"),
        ("good", "FROM /a INTO BrokeredEndpoint('/modules/other/inputs/i')"),
        ("", "FROM /* INTO $upstream"),
    ]);
    assert_eq!(
        said(check_routes(&routes, "Mine", &OfferLimits::default(), "/r")),
        [
            "/r/2/name: there are two route entries with the name \"good\"",
            "/r/3/name: a route has no name",
            "/r/1/name: the name of the route \"bad.name\" has the character '.', which a key of a twin may not have",
            "/r/1/value: the route \"bad.name\" is refused at column 14: expected $upstream or BrokeredEndpoint, found \
             `upstream`",
            "warning /r/2/value: the route \"good\", column 6: the path /a is well-formed, but no message is known to come \
             from it",
            "/r/2/value: the route \"good\", column 31: the route names the module \"other\", but the plan's own module is \
             Mine",
        ]
    );
}

#[test]
fn limits_count_characters() {
    let limits = OfferLimits::default();
    let fits = entries(&[("é".repeat(511).as_str(), "é".repeat(511).as_str())]);
    assert_eq!(check_environment(&fits, &limits, ""), []);
    let over = entries(&[("A", &"é".repeat(512))]);
    assert_eq!(
        said(check_environment(&over, &limits, "/e")),
        [
            "/e/0/value: the value of a default environment variable has 512 characters, it must stay under 512"
        ]
    );
    let six = entries(&[("A", ""), ("B", ""), ("C", ""), ("D", ""), ("E", ""), ("F", "")]);
    assert_eq!(
        said(check_environment(&six, &limits, "/e")),
        ["/e: there are 6 default environment variable entries, at most 5 are allowed"]
    );
}

#[test]
fn names_of_environment_variables() {
    for name in ["A.B", "A B", "A$", "A#", "A+", "A=B", "A\u{0}"] {
        assert_eq!(
            check_environment(&entries(&[(name, "x")]), &OfferLimits::default(), "").len(),
            1,
            "{name:?}"
        );
    }
    assert_eq!(check_environment(&entries(&[("My_Var-1", "x=y")]), &OfferLimits::default(), ""), []);
}

#[test]
fn twin() {
    let property = |name: &str, value| TwinProperty { name: name.into(), value };
    let limits = OfferLimits::default();
    let good = [property("a", json!({"b": {"c": {"d": {"e": 1}}}})), property("f", json!("<X>"))];
    assert_eq!(check_twin(&good, &limits, ""), []);
    let bad = [
        property("a b", json!(1)),
        property("deep", json!({"a": {"b": {"c": {"d": {"e": 1}}}}})),
        property("list", json!({"a/b": [1]})),
        property("key", json!({"x.y": 1, "": 2})),
        property("long", json!("x".repeat(510))),
    ];
    assert_eq!(
        said(check_twin(&bad, &limits, "/t")),
        [
            "/t/0/name: the name of the twin property \"a b\" has the character ' ', which a key of a twin may not have",
            "/t/1/value: the twin property \"deep\" is nested 5 levels deep, at most 4 are allowed",
            "/t/2/value/a~1b: the twin property \"list\" holds an array",
            "/t/3/value/: the twin property \"key\" has an empty key",
            "/t/3/value/x.y: the twin property \"key\" has the key \"x.y\" with the character '.'",
            "/t/4/value: the value of a default twin property has 512 characters, it must stay under 512",
        ]
    );
}

#[test]
fn create_options_that_docker_takes() {
    let options = json!({
        "Cmd": ["run"], "Entrypoint": "/bin/x", "Env": ["A=<B>"], "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
        "Labels": {"a": "b"}, "StopTimeout": 5, "HostConfig": {
            "Binds": ["<DIR>:/data"], "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/data"}], "Privileged": null,
            "PortBindings": {"<PORT>/tcp": [{"HostPort": "<PORT>"}], "1-9": null}, "Memory": 1000000,
            "RestartPolicy": {"Name": "always"}},
        "NetworkingConfig": {"EndpointsConfig": {"host": {}}},
    });
    assert_eq!(check_shape(&object(options), ""), []);
}

#[test]
fn create_options_that_docker_refuses() {
    let options = json!({
        "hostConfig": {}, "ExposedPorts": {"http": {}, "99999": {}}, "Env": "A=B",
        "HostConfig": {"Privileged": "true", "PortBindings": {"80/tcp": {"HostPort": "80"}}, "Memory": 1.5, "Bind": []},
    });
    let findings = check_shape(&object(options), "/o");
    assert_eq!(findings[findings.len() - 1].hint, "did you mean HostConfig?");
    assert_eq!(
        said(findings),
        [
            "/o/Env: createOptions.Env is a string, it must be an array",
            "/o/ExposedPorts/99999: createOptions.ExposedPorts has the key \"99999\", which is no port",
            "/o/ExposedPorts/http: createOptions.ExposedPorts has the key \"http\", which is no port",
            "/o/HostConfig/Bind: createOptions.HostConfig has the unknown field \"Bind\"",
            "/o/HostConfig/Memory: createOptions.HostConfig.Memory is a number with a fraction, or one that is too great, it \
             must be a whole number",
            "/o/HostConfig/PortBindings/80~1tcp: createOptions.HostConfig.PortBindings[\"80/tcp\"] is an object, it must be \
             an array",
            "/o/HostConfig/Privileged: createOptions.HostConfig.Privileged is a string, it must be true or false",
            "/o/hostConfig: createOptions has the unknown field \"hostConfig\"",
        ]
    );
    let long = object(json!({"Labels": {"a": "x".repeat(500)}}));
    assert_eq!(
        said(check_create_options(&long, &OfferLimits::default(), "/o")),
        ["/o: createOptions have 519 characters as JSON, they must stay under 512"]
    );
}
