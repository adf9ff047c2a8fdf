//! Every route of the API and of the pages, called as every role.

use crate::http::{HOST, Stage, request, secret, send, stage, tar};
use crate::support::*;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::accounts::Invited;
use market::{Actor, Market, api, portal};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The routes in a face's source: each string that `.route(` is given, with the `offer` and `live` prefixes put in, and
/// the methods of the expression that follows it.
fn routes_in(source: &str) -> BTreeSet<(String, String)> {
    let (_, code) = source.split_once("Router::new()").expect("the source has a router");
    let mut found = BTreeSet::new();
    for part in code.split(".route(").skip(1) {
        // What follows the last route of a function is none.
        let ends = [".layer(", ".fallback(", ".merge(", "\n}"];
        let part = ends.iter().fold(part, |part, end| part.split(end).next().unwrap_or(part));
        let (path, rest) = match part.trim_start().strip_prefix("live,") {
            Some(rest) => ("/api/v1/catalogue/{publisher}/{offer}".to_owned(), rest),
            None => {
                let mut quoted = part.splitn(3, '"');
                let formatted = quoted.next().is_some_and(|before| before.contains("format!"));
                let path = quoted.next().expect("a path").to_owned();
                let path = if formatted { path.replace("{{", "{").replace("}}", "}") } else { path };
                let path = path
                    .replacen(
                        "{offer}/",
                        "/api/v1/offers/{publisher}/{offer}/",
                        usize::from(path.starts_with("{offer}")),
                    )
                    .replacen(
                        "{live}",
                        "/api/v1/catalogue/{publisher}/{offer}",
                        usize::from(path.starts_with("{live}")),
                    );
                (path, quoted.next().expect("a handler"))
            }
        };
        for method in ["get", "post", "put", "delete", "patch"] {
            let called = |(at, _): (usize, &str)| {
                let before = rest[..at].chars().next_back();
                before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
            };
            if rest.match_indices(&format!("{method}(")).any(called) {
                found.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_matrix() {
    for (source, listed) in [
        (include_str!("../../src/api/mod.rs"), api::ROUTES),
        (include_str!("../../src/portal/mod.rs"), portal::ROUTES),
        (include_str!("../../src/api/managing.rs"), api::MANAGING_ROUTES),
        (include_str!("../../src/portal/managing.rs"), portal::MANAGING_ROUTES),
    ] {
        let listed: BTreeSet<_> = listed.iter().map(|(m, p)| ((*m).to_owned(), (*p).to_owned())).collect();
        assert!(listed.len() > 5);
        assert_eq!(routes_in(source), listed);
    }
}

#[test]
fn a_forgotten_route_would_be_found() {
    let source = r#"Router::new().route("/a", get(x).post(y)).route(&format!("{live}/{{plan}}/b"), put(z))"#;
    let found: Vec<_> = routes_in(source).into_iter().collect();
    let route = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    let plan = "/api/v1/catalogue/{publisher}/{offer}/{plan}/b";
    assert_eq!(found, [route("GET", "/a"), route("POST", "/a"), route("PUT", plan)]);
}

/// Path with its parameters and query of the call that stands for a route.
pub fn filled(method: &str, path: &str, stage: &Stage) -> String {
    let mut filled = path
        .replace("{publisher}", "contoso")
        .replace("{offer}", "sensor")
        .replace("{plan}", "standard")
        .replace("{category}", "analytics")
        .replace("{identifier}", "contoso-sensor")
        .replace("{size}", "medium")
        .replace("{part}", "1")
        .replace("{theme}", "dark")
        .replace("{name}", "nowhere")
        .replace("{account}", "nobody")
        .replace("{tag}", "fr")
        .replace("{tab}", "listing")
        .replace("{index}", "0")
        .replace("{version}", "live")
        .replace("{table}", "downloads.csv")
        .replace("{*file}", "logos/large.png")
        .replace("{digest}", "sha256:0000000000000000000000000000000000000000000000000000000000000000");
    let id = if path.contains("submissions") { stage.waiting.as_str() } else { "unknown" };
    filled = filled.replace("{id}", id);
    if path.ends_with("/sbom") {
        filled.push_str("?platform=linux/amd64");
    }
    // What is another subscription's.
    if (method, path) == ("GET", "/api/v1/acquisitions") {
        filled.push_str(&format!("?subscription={CUSTOMER}"));
    }
    filled
}

/// Body of that call. What it would make is made and what it would remove is never there, so that the calls do not disturb
/// each other.
pub fn body_of(method: &str, path: &str, role: &str) -> Body {
    let json = |text: String| Body::from(text);
    let short: String = role.chars().filter(char::is_ascii_lowercase).collect();
    match (method, path) {
        ("POST", "/api/v1/publishers") => json(format!(r#"{{"id":"new-{short}","name":"New"}}"#)),
        ("POST", "/api/v1/subscriptions") => json(r#"{"owner":"New"}"#.to_owned()),
        ("POST", "/api/v1/tokens") => json(r#"{"role":"operator","label":"new"}"#.to_owned()),
        ("POST", "/api/v1/regions") => json(format!(
            r#"{{"name":"{short}","kind":"registry","url":"http://127.0.0.1:9","required":false}}"#
        )),
        ("POST", "/api/v1/blobs/scrub" | "/api/v1/blobs/collect") => json("{}".to_owned()),
        ("POST", "/api/v1/waivers") => {
            json(r#"{"criterion":"labels-present","reason":"new","until":"2999-12-31"}"#.to_owned())
        }
        ("POST", "/api/v1/recertifications") => json(r#"{"dryRun":true}"#.to_owned()),
        ("POST", path) if path.ends_with("/reject") => json(r#"{"reason":"new"}"#.to_owned()),
        ("POST", "/api/v1/submissions/{id}/tickets") => {
            json(r#"{"step":"certification","text":"Why does it wait?"}"#.to_owned())
        }
        ("POST", "/api/v1/tickets/{id}/messages") => json(r#"{"text":"Look again."}"#.to_owned()),
        // What it would stop is not there.
        ("POST", path) if path.ends_with("/stop-selling") || path.ends_with("/restore") => {
            json(r#"{"plan":"none"}"#.to_owned())
        }
        ("POST", "/api/v1/keys/trusted") => json(r#"{"label":"new","pem":"no key"}"#.to_owned()),
        ("POST", "/api/v1/exports") => json("{}".to_owned()),
        ("POST", "/api/v1/imports") => json("no statement".to_owned()),
        ("POST", "/api/v1/catalogue/{publisher}/{offer}/{plan}/acquire") => {
            json(format!(r#"{{"subscription":"{CUSTOMER}"}}"#))
        }
        ("POST", "/api/v1/deployments") => json(format!(
            r#"{{"subscription":"{CUSTOMER}","form":"azure","modules":[{{"publisher":"contoso","offer":"sensor","plan":"standard"}}]}}"#
        )),
        ("PATCH", "/api/v1/regions/{name}") => json("{}".to_owned()),
        ("PUT", "/api/v1/replica/tags") => json("[]".to_owned()),
        ("POST", path) if path.ends_with("/submissions") => json(r#"{"notify":["no address"]}"#.to_owned()),
        ("PUT", "/api/v1/accounts/{account}/password") => json(r#"{"password":"x"}"#.to_owned()),
        ("PUT", "/api/v1/publishers/{publisher}/members/{account}") => {
            json(r#"{"role":"editor"}"#.to_owned())
        }
        ("POST", "/api/v1/validate") | ("PUT", _) => Body::from(tar(&offer(&["latest", "1.0.0"]))),
        ("POST", "/api/v1/accounts") => {
            json(format!(r#"{{"name":"new-{short}","password":"seven green bottles"}}"#))
        }
        ("PATCH", "/api/v1/accounts/{account}") => json("{}".to_owned()),
        ("POST", "/api/v1/invitations") => json(r#"{"role":"editor","subject":"contoso"}"#.to_owned()),
        ("POST", "/sign-in") => Body::from("token=wrong"),
        ("POST", "/publish") => Body::from(format!("publisher=contoso&offer=sensor&name={short}")),
        ("POST", path) if path.ends_with("/invite") || path.ends_with("/role") => {
            Body::from("role=editor&subject=contoso")
        }
        ("POST", path) if path.contains("/selling/") => Body::from("plan=none"),
        ("POST", "/publish/{publisher}/{offer}/delete-draft") => Body::from("etag=0"),
        ("POST", "/submissions/{id}/tickets") => Body::from("step=certification&text=Why"),
        _ => Body::empty(),
    }
}

/// The note with every id as `ID`, also where a path stands within a query: they differ in every run.
fn masked(note: &str) -> String {
    let mask =
        |part: &str| if uuid::Uuid::try_parse(part).is_ok() { "ID".to_owned() } else { part.to_owned() };
    let path = |path: &str| path.split('/').map(mask).collect::<Vec<_>>().join("/");
    note.split("%2F").map(path).collect::<Vec<_>>().join("%2F")
}

async fn status_of(
    stage: &Stage,
    (method, path): (&str, &str),
    role: &str,
    token: &str,
) -> (StatusCode, String) {
    let (filled, body) = (filled(method, path, stage), body_of(method, path, role));
    // A person comes with a session, a program with a token.
    let bearer = if token.starts_with("edgeses_") { "" } else { token };
    let mut request = request(Method::from_bytes(method.as_bytes()).unwrap(), &filled, bearer);
    if bearer.is_empty() && !token.is_empty() {
        request = request.header(header::COOKIE, format!("edgemarket-session={token}"));
    }
    let request = request
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, format!("http://{HOST}"))
        .body(body)
        .unwrap();
    if path.ends_with("/events") {
        // The stream of a submission in flight does not end.
        let response = tower::ServiceExt::oneshot(stage.router.clone(), request).await.unwrap();
        return (response.status(), String::new());
    }
    let answer = send(&stage.router, request).await;
    if filled.starts_with("/api/") && answer.status.as_u16() >= 400 {
        answer.problem(answer.status);
    }
    let location = answer.header(header::LOCATION);
    let note = if answer.status.is_redirection() { format!(" {location}") } else { String::new() };
    (answer.status, masked(&note))
}

/// An account of this role, and the secret of its session.
pub async fn person(market: &Market, name: &str, role: Option<Invited>) -> String {
    crate::accounts::make(market, &name.replace(' ', "-"), false).await;
    let secret = signed_in(market, name).await;
    if let Some(role) = role {
        let link = market.invite(&Actor::Operator, role).await.unwrap().link;
        let session = market.session(&secret).await.unwrap().unwrap();
        market.accept_invitation_as(&session, &crate::accounts::code(&link)).await.unwrap();
    }
    secret
}

async fn signed_in(market: &Market, name: &str) -> String {
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    let name = name.replace(' ', "-");
    market.sign_in(&name, crate::accounts::PASSWORD, (address, "")).await.unwrap().secret
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_gets_what_is_its_own() {
    let mut stage = stage().await;
    let market = stage.place.market.clone();
    market.add_publisher(&Actor::Operator, &"fabrikam".parse().unwrap(), "Fabrikam").await.unwrap();
    let stranger = market.add_subscription(&Actor::Operator, None, "A stranger").await.unwrap();
    let mut roles = vec![("anonymous", String::new())];
    for (name, role) in [
        ("customer", TokenRole::Customer(stranger.id)),
        ("region", TokenRole::Region("west".to_owned())),
        ("other publisher", TokenRole::Publisher("fabrikam".to_owned())),
        ("own publisher", TokenRole::Publisher("contoso".to_owned())),
        ("operator", TokenRole::Operator),
    ] {
        roles.push((name, secret(&market, role).await));
    }
    for (name, role) in [
        ("account", None),
        ("holder", Some(Invited::Customer(CUSTOMER))),
        ("editor", Some(Invited::Editor("contoso".to_owned()))),
        ("owner", Some(Invited::Owner("contoso".to_owned()))),
        ("other owner", Some(Invited::Owner("fabrikam".to_owned()))),
        ("operator account", Some(Invited::Operator)),
    ] {
        roles.push((name, person(&market, name, role).await));
    }
    let mut table = String::new();
    let routes = [api::ROUTES, api::MANAGING_ROUTES, portal::ROUTES, portal::MANAGING_ROUTES];
    for route in routes.into_iter().flatten() {
        writeln!(table, "{} {}", route.0, route.1).unwrap();
        for (role, token) in &mut roles {
            let (status, note) = status_of(&stage, *route, role, token).await;
            writeln!(table, "    {role:16} {}{note}", status.as_u16()).unwrap();
            stage.wait_again().await;
            if route.1 == "/sign-out" && token.starts_with("edgeses_") {
                *token = signed_in(&market, role).await;
            }
        }
    }
    insta::assert_snapshot!(table);
}
