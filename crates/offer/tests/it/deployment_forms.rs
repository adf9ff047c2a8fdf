//! Deployments for targets other than Azure: against their schemas, read back by a parser, and whole as snapshots; and
//! several modules in one deployment.

mod combined;
mod property;

use crate::yaml::documents;
use offer::deployment::values::{Kind, asked};
use offer::deployment::{Deployment, Form, NOT_CARRIED, Request, Wanted, generate, module_names};
use offer::document::{LicenceModel, NameValue, Plan, Repository, TwinProperty};
use offer::finding::Finding;
use offer::identity::{OfferId, PublisherId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn entry(name: &str, value: &str) -> NameValue {
    NameValue { name: name.to_owned(), value: value.to_owned() }
}

fn plan(title: &str, options: Value) -> Plan {
    Plan {
        id: "standard".parse().unwrap(),
        title: title.to_owned(),
        summary: "Watches \"machines\": all of them".to_owned(),
        description: "<p>Watches.</p>".to_owned(),
        hidden: false,
        private_audience: Vec::new(),
        licence_model: LicenceModel::Free,
        repository: Repository { name: "registry.example/m".to_owned(), username: None, password_env: None },
        tags: vec!["latest".to_owned(), "1.0.0".to_owned()],
        routes: Vec::new(),
        twin: Vec::new(),
        environment: Vec::new(),
        create_options: options.as_object().unwrap().clone(),
        screenshots: Vec::new(),
    }
}

/// A plan with something of everything that targets take over.
fn rich() -> Plan {
    let options = json!({
        "Cmd": ["--price", "5$ {configuration:/x}"],
        "Entrypoint": ["/app/module", "--verbose"],
        "Env": ["TARGET=<TARGET>", "MODE=slow"],
        "ExposedPorts": {"9090/tcp": {}},
        "Healthcheck": {"Test": ["CMD-SHELL", "curl -f $HOST"], "Interval": 30_000_000_000_i64, "Retries": 3},
        "HostConfig": {
            "Binds": ["<DATA_DIR>:/data:ro", "state:/state", "/dev/shm/x:/x:ro,z"],
            "CapAdd": ["NET_ADMIN"],
            "CapDrop": ["ALL"],
            "CpuShares": 512,
            "Devices": [{"PathOnHost": "/dev/ttyUSB0", "PathInContainer": "/dev/tty0", "CgroupPermissions": "rw"}],
            "Dns": ["10.0.0.53"],
            "ExtraHosts": ["plc:10.0.0.7"],
            "LogConfig": {"Type": "local", "Config": {"max-size": "10m"}},
            "Memory": 268_435_456,
            "Mounts": [{"Type": "tmpfs", "Target": "/run", "TmpfsOptions": {"SizeBytes": 1_048_576}}],
            "NanoCpus": 1_500_000_000,
            "PortBindings": {
                "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "<WEB_PORT>"}],
                "5000-5001/udp": [{"HostPort": "6000-6001"}],
            },
            "Privileged": true,
            "ReadonlyRootfs": true,
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
            "ShmSize": 67_108_864,
            "Sysctls": {"net.core.somaxconn": "1024"},
            "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}],
        },
        "Hostname": "watcher",
        "Labels": {"team": "plant"},
        "StopTimeout": 20,
        "User": "1000:1000",
        "WorkingDir": "/app",
    });
    Plan {
        routes: vec![
            entry(
                "in",
                "FROM /messages/modules/<SENSOR>/outputs/* INTO BrokeredEndpoint(\"/modules/Watcher/inputs/i\")",
            ),
            entry("up", "FROM /messages/modules/Watcher/* INTO $upstream"),
        ],
        twin: vec![TwinProperty { name: "limits".to_owned(), value: json!({"high": 3.5}) }],
        environment: vec![
            entry("MODE", "fast"),
            entry("PRICE", "5$ or ${MORE}"),
            entry("API_KEY", "<API_KEY>"),
        ],
        ..plan("Watcher", options)
    }
}

const GOOD: [(&str, &str); 5] = [
    ("SENSOR", "Sensor"),
    ("TARGET", "it's \"10\"$"),
    ("DATA_DIR", "/srv/data"),
    ("WEB_PORT", "8081"),
    ("API_KEY", "k$(x)$$y"),
];

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn ids() -> (PublisherId, OfferId) {
    ("acme".parse().unwrap(), "watcher".parse().unwrap())
}

fn one(plan: &Plan, values: &BTreeMap<String, String>, form: Form) -> Result<Deployment, Vec<Finding>> {
    let (publisher, offer) = ids();
    let image = format!("market.example/acme/watcher/standard@sha256:{}", "a".repeat(64));
    let names = module_names(&[plan]);
    let modules = [Request {
        publisher: &publisher,
        offer: &offer,
        plan,
        image: &image,
        tag: "1.0.0",
        follows: false,
        module_name: &names[0],
        values,
        credentials: None,
    }];
    let package_url = "https://market.example/api/v1/deployments/1/package";
    generate(&Wanted { modules: &modules, routes: &[], package_url }, form)
}

fn told(deployment: &Deployment) -> String {
    let mut text = String::new();
    for file in &deployment.files {
        text += &format!("== {} ({})\n{}", file.name, file.media_type, file.content);
    }
    text += "== warnings\n";
    for warning in &deployment.warnings {
        assert!(!warning.hint.is_empty());
        text += &format!("{} {}: {}\n", warning.rule, warning.pointer, warning.message);
    }
    text
}

fn errors_of(schema: &Value, instance: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(instance).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

fn assert_compose(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../schemas/compose-spec.json")).unwrap();
    assert_eq!(errors_of(&schema, document), [""; 0]);
}

fn assert_kubernetes(document: &Value) {
    let mut schema: Value = serde_json::from_str(include_str!("../schemas/kubernetes-1.37.json")).unwrap();
    let kind = document["kind"].as_str().unwrap();
    let group = if kind == "Deployment" { "apps" } else { "core" };
    schema["$ref"] = json!(format!("#/$defs/io.k8s.api.{group}.v1.{kind}"));
    assert_eq!(errors_of(&schema, document), [""; 0], "{document:#}");
}

#[test]
fn the_whole_outputs() {
    let (plan, values) = (rich(), values(&GOOD));
    for form in Form::ALL {
        let made = one(&plan, &values, form).unwrap();
        assert_eq!(made, one(&plan, &values, form).unwrap(), "the same bytes each time");
        insta::assert_snapshot!(format!("form_{}", form.id()), told(&made));
    }
}

#[test]
fn compose_and_kubernetes_are_valid_by_their_schemas() {
    let values = values(&GOOD);
    for plan in [rich(), plan("Bare", json!({}))] {
        let values = if plan.title == "Bare" { BTreeMap::new() } else { values.clone() };
        let compose = one(&plan, &values, Form::Compose).unwrap();
        assert_compose(&documents(&compose.files[0].content)[0]);
        let margo = one(&plan, &values, Form::Margo).unwrap();
        assert_compose(&documents(&margo.files[1].content)[0]);
        let kubernetes = documents(&one(&plan, &values, Form::Kubernetes).unwrap().files[0].content);
        assert_eq!(kubernetes.len(), if plan.title == "Bare" { 1 } else { 3 });
        kubernetes.iter().for_each(assert_kubernetes);
    }
    // The schemas say no to what they do not know.
    let bad = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {}, "template": {}, "x": 1}});
    let mut schema: Value = serde_json::from_str(include_str!("../schemas/kubernetes-1.37.json")).unwrap();
    schema["$ref"] = json!("#/$defs/io.k8s.api.apps.v1.Deployment");
    assert_eq!(errors_of(&schema, &bad).len(), 1);
}

/// Fields of the recipe reference (format 2020-01-25) and their types.
#[test]
fn a_recipe_has_the_documented_fields() {
    let made = one(&rich(), &values(&GOOD), Form::Greengrass).unwrap();
    assert_eq!(made.files[0].name, "acme.watcher.standard-1.0.0.yaml");
    let recipe = &documents(&made.files[0].content)[0];
    assert_eq!(recipe["RecipeFormatVersion"], "2020-01-25");
    assert_eq!(recipe["ComponentName"], "acme.watcher.standard");
    assert_eq!(recipe["ComponentVersion"], "1.0.0");
    assert_eq!(recipe["ComponentPublisher"], "acme");
    assert_eq!(recipe["ComponentType"], "aws.greengrass.generic");
    let known = [
        "RecipeFormatVersion",
        "ComponentName",
        "ComponentVersion",
        "ComponentDescription",
        "ComponentPublisher",
        "ComponentConfiguration",
        "ComponentDependencies",
        "ComponentType",
        "ComponentSource",
        "Manifests",
        "Lifecycle",
    ];
    assert!(recipe.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{recipe:#}");
    let dependency = &recipe["ComponentDependencies"]["aws.greengrass.DockerApplicationManager"];
    assert_eq!(dependency["VersionRequirement"], "~2.0.0");
    let manifest = &recipe["Manifests"][0];
    assert_eq!(manifest["Platform"], json!({"os": "linux"}));
    let uri = manifest["Artifacts"][0]["URI"].as_str().unwrap();
    assert!(uri.starts_with("docker:market.example/acme/watcher/standard@sha256:"));
    let lifecycle = manifest["Lifecycle"].as_object().unwrap();
    assert_eq!(lifecycle.keys().collect::<Vec<_>>(), ["Run", "Shutdown"]);
    assert_eq!(lifecycle["Shutdown"]["Timeout"], 35);
    let words = property::shell_words(lifecycle["Run"]["Script"].as_str().unwrap().lines().nth(1).unwrap());
    for expected in [
        "--rm",
        "--env=MODE=fast",
        "--publish=127.0.0.1:8081:8080/tcp",
        "--volume=/srv/data:/data:ro",
        "--privileged",
    ] {
        assert!(words.iter().any(|word| word == expected), "{expected} in {words:?}");
    }
    assert_eq!(words.last().unwrap(), "5$ {configuration:/x}");
}

/// Attributes of the application description (margo.org/v1-alpha1), and their forms.
#[test]
fn an_application_description_has_the_documented_fields() {
    let made = one(&rich(), &values(&GOOD), Form::Margo).unwrap();
    let names: Vec<&str> = made.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["margo.yaml", "compose.yaml"]);
    let margo = &documents(&made.files[0].content)[0];
    assert_eq!(
        (&margo["apiVersion"], &margo["kind"]),
        (&json!("margo.org/v1-alpha1"), &json!("ApplicationDescription"))
    );
    let id = margo["metadata"]["id"].as_str().unwrap();
    assert!(
        id.len() <= 200 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "{id}"
    );
    assert_eq!(margo["metadata"]["version"], "1.0.0");
    assert_eq!(margo["metadata"]["catalog"]["organization"], json!([{"name": "acme"}]));
    let profile = &margo["deploymentProfiles"][0];
    assert_eq!(profile["type"], "compose");
    let component = &profile["components"][0];
    assert_eq!(
        component["properties"]["packageLocation"],
        "https://market.example/api/v1/deployments/1/package"
    );
    let schemas: Vec<&Value> =
        margo["configuration"]["schema"].as_array().unwrap().iter().map(|schema| &schema["name"]).collect();
    for (name, parameter) in margo["parameters"].as_object().unwrap() {
        let target = &parameter["targets"][0];
        assert_eq!(target["pointer"], name.as_str());
        assert_eq!(target["components"], json!([component["name"]]));
        assert_eq!(parameter["value"], values(&GOOD)[name]);
    }
    for setting in margo["configuration"]["sections"][0]["settings"].as_array().unwrap() {
        assert!(margo["parameters"].get(setting["parameter"].as_str().unwrap()).is_some());
        assert!(schemas.contains(&&setting["schema"]), "{setting}");
    }
    // The package holds no value, but what a device is to put in.
    let package = &made.files[1].content;
    assert!(package.contains("${API_KEY}") && package.contains("${DATA_DIR}:/data:ro"), "{package}");
    assert!(!package.contains("k$") && !package.contains("/srv/data"), "{package}");
}

#[test]
fn every_form_refuses_a_missing_an_unknown_and_an_unfit_value() {
    for form in Form::ALL {
        let mut given = values(&GOOD);
        given.remove("DATA_DIR");
        given.insert("DATA_DR".to_owned(), "/x".to_owned());
        given.insert("WEB_PORT".to_owned(), "70000".to_owned());
        let findings = one(&rich(), &given, form).unwrap_err();
        let said: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
        assert_eq!(
            said,
            [
                "/modules/0/values/DATA_DIR: the placeholder <DATA_DIR> has no value",
                "/modules/0/values/DATA_DR: a value is given for \"DATA_DR\", but no default setting has the placeholder <DATA_DR>",
                "/modules/0/values/WEB_PORT: the value of <WEB_PORT> is \"70000\", it must be a port from 1 to 65535",
            ],
            "{form:?}"
        );
    }
    let mut given = values(&GOOD);
    given.insert("API_KEY".to_owned(), "x".repeat(5_000));
    let findings = one(&rich(), &given, Form::Compose).unwrap_err();
    assert!(!findings[0].message.contains("xx"), "a secret is not shown: {}", findings[0].message);
}

#[test]
fn kinds_follow_from_places_and_names() {
    let kinds: Vec<(String, Kind)> = asked(&rich()).into_iter().map(|one| (one.name, one.kind)).collect();
    let expected = [
        ("API_KEY", Kind::Secret),
        ("DATA_DIR", Kind::Volume),
        ("SENSOR", Kind::Module),
        ("TARGET", Kind::Text),
        ("WEB_PORT", Kind::Port),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    for (kind, good, bad) in [
        (Kind::Port, &["1", "65535"][..], &["0", "65536", "+80", "80/tcp", " 80", ""][..]),
        (Kind::IpAddress, &["10.0.0.1", "fe80::1"], &["10.0.0", "host", "10.0.0.1/8"]),
        (Kind::Volume, &["/srv", "data_1"], &["srv data", "/a:b", "../x", "/a\nb"]),
        (Kind::Path, &["/srv/a b"], &["srv", "/a:b"]),
        (Kind::HostName, &["plc-1.plant", "10.0.0.1"], &["-a", "a b", "a..b"]),
        (Kind::Url, &["https://a.example/x?y"], &["a.example", "mailto:a@b", "https://"]),
        (Kind::Email, &["a@b.example"], &["a", "a@", "a b@c", "a@b c"]),
        (Kind::Number, &["0", "-5"], &["1.5", "--1", "five", "9999999999999999999999"]),
        (Kind::Module, &["Sensor_1"], &["edgeHub", "a.b", ""]),
        (Kind::Secret, &["any \n thing"], &["", "a\0b"]),
        (Kind::Text, &["\u{202e}x", "😀"], &[""]),
    ] {
        for value in good {
            assert!(kind.accepts(value), "{kind:?} {value:?}");
        }
        for value in bad {
            assert!(!kind.accepts(value), "{kind:?} {value:?}");
        }
        assert!(!kind.accepts(&"1".repeat(4_097)));
    }
}

#[test]
fn a_tag_is_followed_when_asked() {
    let (publisher, offer) = ids();
    let (plan, none) = (plan("Sensor", json!({})), BTreeMap::new());
    let modules = [Request {
        publisher: &publisher,
        offer: &offer,
        plan: &plan,
        image: "market.example/acme/watcher/standard:latest",
        tag: "1.0.0",
        follows: true,
        module_name: "Sensor",
        values: &none,
        credentials: None,
    }];
    let wanted = Wanted { modules: &modules, routes: &[], package_url: "" };
    for (form, expected) in [
        (Form::Azure, "standard:latest\""),
        (Form::Compose, "pull_policy: always"),
        (Form::Kubernetes, "imagePullPolicy: Always"),
        (Form::Greengrass, "docker:market.example/acme/watcher/standard:latest"),
    ] {
        let made = generate(&wanted, form).unwrap();
        assert!(made.files[0].content.contains(expected), "{}", made.files[0].content);
    }
}

#[test]
fn warnings_have_their_rule() {
    let made = one(&rich(), &values(&GOOD), Form::Kubernetes).unwrap();
    assert!(made.warnings.iter().all(|warning| warning.rule == NOT_CARRIED), "{:#?}", made.warnings);
    assert!(made.warnings.iter().any(|warning| warning.message.contains("HostConfig.Devices")));
}
