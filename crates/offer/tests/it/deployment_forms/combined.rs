//! Several modules in one deployment, and what cannot stand together.

use super::{GOOD, assert_compose, assert_kubernetes, entry, ids, plan, rich, told, values};
use crate::yaml::documents;
use offer::deployment::{Form, Request, Wanted, generate, module_names};
use offer::document::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn modules_are_combined_with_routes_between_them() {
    let (publisher, offer) = ids();
    let up = entry("up", "FROM /messages/modules/Sensor/* INTO $upstream");
    let sensor = Plan { routes: vec![up], ..plan("Sensor", json!({"ExposedPorts": {"80/tcp": {}}})) };
    let watcher = rich();
    let plans = [&sensor, &sensor, &watcher];
    let names = module_names(&plans);
    assert_eq!(names, ["Sensor", "Sensor2", "Watcher"]);
    let image = format!("market.example/acme/watcher/standard@sha256:{}", "a".repeat(64));
    let (none, given) = (BTreeMap::new(), values(&GOOD));
    let modules: Vec<Request<'_>> = plans
        .iter()
        .zip(&names)
        .map(|(plan, name)| Request {
            publisher: &publisher,
            offer: &offer,
            plan,
            image: &image,
            tag: "1.0.0",
            follows: false,
            module_name: name,
            values: if plan.title == "Watcher" { &given } else { &none },
            credentials: None,
        })
        .collect();
    let routes = [
        entry(
            "second",
            "FROM /messages/modules/Sensor2/* INTO BrokeredEndpoint(\"/modules/Watcher/inputs/i\")",
        ),
        entry("lost", "FROM /messages/modules/Nowhere/* INTO $upstream"),
    ];
    let wanted = Wanted { modules: &modules, routes: &routes, package_url: "https://market.example/p" };
    for form in Form::ALL {
        let made = generate(&wanted, form).unwrap();
        match form {
            Form::Azure => {
                insta::assert_snapshot!("combined_azure", told(&made));
                let manifest: Value = serde_json::from_str(&made.files[0].content).unwrap();
                crate::deployment::assert_schemas(&manifest);
            }
            Form::AzureLayered => assert_eq!(made.files.len(), 1),
            Form::Compose => {
                let document = &documents(&made.files[0].content)[0];
                assert_compose(document);
                assert_eq!(document["services"].as_object().unwrap().len(), 3);
            }
            Form::Kubernetes => {
                let all = documents(&made.files[0].content);
                all.iter().for_each(assert_kubernetes);
                let of = |kind: &str| all.iter().filter(|document| document["kind"] == kind).count();
                assert_eq!((of("Deployment"), of("Service"), of("PersistentVolumeClaim")), (3, 3, 1));
            }
            Form::Greengrass => {
                let names: Vec<&str> = made.files.iter().map(|file| file.name.as_str()).collect();
                let expected = ["Sensor", "Sensor2", "Watcher"]
                    .map(|name| format!("acme.watcher.standard.{name}-1.0.0.yaml"));
                assert_eq!(names, expected);
            }
            Form::Margo => {
                let margo = &documents(&made.files[0].content)[0];
                assert_eq!(margo["parameters"]["M3_WEB_PORT"]["value"], "8081");
                assert!(made.files[1].content.contains("127.0.0.1:${M3_WEB_PORT}:8080"));
                assert_compose(&documents(&made.files[1].content)[0]);
            }
        }
    }
}

#[test]
fn what_cannot_stand_together_is_told() {
    let (publisher, offer) = ids();
    let sensor = plan("Sensor", json!({}));
    let none = BTreeMap::new();
    let image = format!("m.example/a/b/c@sha256:{}", "a".repeat(64));
    let request = |module_name| Request {
        publisher: &publisher,
        offer: &offer,
        plan: &sensor,
        image: &image,
        tag: "1.0.0",
        follows: false,
        module_name,
        values: &none,
        credentials: None,
    };
    let modules = [request("Sensor"), request("sensor"), request("edgeHub")];
    let routes =
        [entry("a.b", "FROM /messages/* INTO $upstream"), entry("x", "FROM /messages/* TO $upstream")];
    let wanted = Wanted { modules: &modules, routes: &routes, package_url: "" };
    for form in Form::ALL {
        let said: Vec<String> = generate(&wanted, form)
            .unwrap_err()
            .into_iter()
            .map(|finding| format!("{}: {}", finding.pointer, finding.message))
            .collect();
        assert_eq!(
            said,
            [
                "/modules/1/name: two modules are called \"sensor\"",
                "/modules/2/name: the module name edgeHub is the name of a module of the IoT Edge runtime",
                "/routes/0/name: \"a.b\" cannot be a route's name",
                "/routes/1/value: the route \"x\" is refused at column 18: expected /, WHERE or INTO, found `TO`",
            ],
            "{form:?}"
        );
    }
    let empty = Wanted { modules: &[], routes: &[], package_url: "" };
    assert_eq!(generate(&empty, Form::Compose).unwrap_err().len(), 1);
    let digits = [request("0-9")];
    let wanted = Wanted { modules: &digits, routes: &[], package_url: "" };
    assert!(generate(&wanted, Form::Kubernetes).unwrap_err()[0].message.contains("no name for Kubernetes"));
    assert!(generate(&wanted, Form::Compose).is_ok());
}
