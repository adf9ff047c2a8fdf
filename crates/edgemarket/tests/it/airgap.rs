//! An export is carried to a marketplace that no network leads to: verified on the way, imported there, browsed, pulled and verified;
//! then what changed since, and what is not to be taken.

use crate::command::{command, directory, run, told};
use crate::docker_registry::DockerRegistry;
use crate::publication::publish;
use crate::server::{Server, TestOffer};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

mod bad;
mod kills;

/// Runs a command that must succeed, and reads its JSON.
fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = command(dir).args(arguments).arg("--json").output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", told(dir, &output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a command that must be refused with this status, and what it said.
fn refused(dir: &Path, status: i32, arguments: &[&str]) -> String {
    let text = run(dir, arguments);
    assert!(text.starts_with(&format!("status: {status}")), "{arguments:?}: {text}");
    text
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().expect("a number")
}

/// A marketplace with this live offer, and its keys in `keys.pem` of the directory.
async fn source(dir: &Path, changed: usize) -> (Server, String) {
    let home = Server::start("source").await;
    home.api("POST", "/publishers", Some(json!({ "id": TestOffer::PUBLISHER, "name": "Contoso" }))).await;
    let digest = publish(&home, "meter", "1.0.0", &["latest", "1.0.0"], changed).await;
    let at = format!("http://{}", home.address);
    assert!(
        command(dir)
            .args(["key", "export", "keys.pem", "--server", &at])
            .status()
            .expect("it runs")
            .success()
    );
    (home, digest)
}

/// Flags for a server as its operator.
fn at(server: &Server) -> [String; 4] {
    let words = ["--server", &format!("http://{}", server.address), "--token", &server.token];
    words.map(str::to_owned)
}

/// The command against a server.
fn with<'a>(arguments: &[&'a str], at: &'a [String; 4]) -> Vec<&'a str> {
    arguments.iter().copied().chain(at.iter().map(String::as_str)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_carried_over_imported_browsed_pulled_and_verified() {
    let work = directory();
    let dir = work.path();
    let (mut home, one) = source(dir, 100).await;
    let from = at(&home);
    let first = json(dir, &with(&["export", "first.tar"], &from));
    assert_eq!((number(&first, "offers"), number(&first, "withdrawn")), (1, 0));
    let name = home.address.to_string();
    home.kill();

    // From here on nothing of it can be reached.
    let verified = json(dir, &["verify", "first.tar", "--key", "keys.pem"]);
    assert_eq!((&verified["verified"], &verified["export"]["id"]), (&json!(true), &first["id"]));
    let image = "first.tar:contoso/meter/standard:1.0.0";
    assert_eq!(json(dir, &["verify", image, "--key", "keys.pem"])["verified"], true);
    let (there, region) = (Server::start("there").await, DockerRegistry::start(false).await);
    let url = format!("http://{}", region.address);
    let request = json!({ "name": "plain", "kind": "registry", "url": url, "required": true });
    there.api("POST", "/regions", Some(request)).await;
    let to = at(&there);
    let no_key = refused(dir, 1, &with(&["import", "first.tar"], &to));
    assert!(
        no_key.contains("no key is trusted here yet") && no_key.contains("edgemarket key trust"),
        "{no_key}"
    );
    json(dir, &with(&["key", "trust", "keys.pem", "--label", "the source"], &to));
    let done = json(dir, &with(&["import", "first.tar"], &to));
    assert_eq!((&done["source"], &done["id"]), (&json!(name), &first["id"]));
    assert_eq!(number(&done, "blobsSent"), number(&first, "blobs"));
    let again = json(dir, &with(&["import", "first.tar"], &to));
    assert_eq!((number(&again, "blobsSent"), &again["finished"]), (0, &done["finished"]));
    browsed(&there, &name).await;
    pulled(dir, &there, "1.0.0", &one);
    in_region(&region, "1.0.0", &one).await;

    // What changed since, and nothing else.
    home.restart().await;
    let two = publish(&home, "meter", "1.1.0", &["latest", "1.0.0", "1.1.0"], 40_000).await;
    let id = first["id"].as_str().expect("an ID");
    let second = json(dir, &with(&["export", "--since", id, "contoso.meter", "second.tar"], &from));
    assert_eq!(second["since"], first["id"]);
    let full = json(dir, &with(&["export", "full.tar"], &from));
    assert!(number(&full, "bytes") > number(&second, "bytes") + 300_000, "{full} {second}");
    home.stop();
    assert_eq!(json(dir, &["verify", "second.tar", "--key", "keys.pem"])["verified"], true);
    let imported = json(dir, &with(&["import", "second.tar"], &to));
    assert_eq!(imported["since"], first["id"]);
    pulled(dir, &there, "1.1.0", &two);
    pulled(dir, &there, "latest", &two);
    pulled(dir, &there, "1.0.0", &one);
    in_region(&region, "latest", &two).await;
    let listed = run(dir, &with(&["import", "--list"], &to));
    assert_eq!(listed.matches("complete").count(), 2, "{listed}");
    there.stop();

    // In a data directory, without a server: what its base brought is missing.
    let elsewhere = ["--data", "elsewhere"];
    json(dir, &[&["key", "trust", "keys.pem"], &elsewhere[..]].concat());
    let no_base = refused(dir, 1, &[&["import", "second.tar"], &elsewhere[..]].concat());
    assert!(
        no_base.contains(&format!("builds on the export {id}, which was not imported here")),
        "{no_base}"
    );
    json(dir, &[&["import", "full.tar"], &elsewhere[..]].concat());
    let older = refused(dir, 1, &[&["import", "first.tar"], &elsewhere[..]].concat());
    assert!(older.contains("is here from a newer one"), "{older}");
}

/// On the pages and at the API, as everybody sees it.
async fn browsed(there: &Server, source: &str) {
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{}{path}", there.address)).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.expect("the whole answer").to_vec()
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    assert!(text(get("/").await).contains("Test module"));
    let page = text(get("/offers/contoso/meter").await);
    assert!(page.contains(&format!("comes from the marketplace {source}")), "{page}");
    let start = page.find("/offers/contoso/meter/pictures/").expect("a logo");
    let logo = page[start..].split('"').next().expect("an address");
    assert!(get(logo).await.starts_with(b"\x89PNG"));
    let page: Value = serde_json::from_slice(&get("/api/v1/catalogue/contoso/meter").await).expect("JSON");
    assert_eq!(page["imported"]["source"], source);
    get("/api/v1/catalogue/contoso/meter/standard/report").await;
    get("/api/v1/catalogue/contoso/meter/standard/sbom?platform=linux/amd64").await;
}

/// By a stranger, verified by the key of where it comes from.
fn pulled(dir: &Path, there: &Server, tag: &str, digest: &str) {
    let image = format!("{}/contoso/meter/standard:{tag}", there.address);
    let target = format!("./pulled-{tag}-{}", &digest[7..12]);
    let found = json(dir, &["pull", &image, &target, "--key", "keys.pem"]);
    assert_eq!((&found["digest"], &found["verified"]), (&json!(digest), &json!(true)));
}

/// The regions of the marketplace that imported it get it, too.
async fn in_region(region: &DockerRegistry, tag: &str, digest: &str) {
    let repository =
        crate::server::registry(region.address, None).repository("contoso/meter/standard").expect("a name");
    for _ in 0..2_400 {
        let found = repository.head_manifest(tag).await.expect("an answer");
        if found.is_some_and(|found| found.digest.to_string() == digest) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{tag} of the region is not {digest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_this_marketplace_are_not_taken_from_another_and_withdrawn_ones_leave() {
    let work = directory();
    let dir = work.path();
    let (mut home, _) = source(dir, 7).await;
    publish(&home, "valve", "1.0.0", &["latest", "1.0.0"], 9).await;
    let from = at(&home);
    let first = json(dir, &with(&["export", "first.tar"], &from));
    json(dir, &with(&["export", "contoso.valve", "valve.tar"], &from));
    let nobody = refused(dir, 1, &with(&["export", "contoso.nothing", "nothing.tar"], &from));
    assert!(nobody.contains("contoso.nothing") && !dir.join("nothing.tar").exists(), "{nobody}");

    let (there, _) = source(&directory().keep(), 8).await;
    let to = at(&there);
    json(dir, &with(&["key", "trust", "keys.pem"], &to));
    let local = refused(dir, 1, &with(&["import", "first.tar"], &to));
    assert!(local.contains("contoso.meter is one of this marketplace"), "{local}");
    json(dir, &with(&["import", "valve.tar"], &to));
    let mixed = json(dir, &with(&["export", "mixed.tar"], &to));
    assert_eq!(number(&mixed, "offers"), 2, "what was imported is handed on");

    // The source hides its offers: what follows says so, and devices go on.
    let id = first["id"].as_str().expect("an ID");
    let third = Server::start("third").await;
    let to = at(&third);
    json(dir, &with(&["key", "trust", "keys.pem"], &to));
    json(dir, &with(&["import", "first.tar"], &to));
    fs::write(home.data().join("policy.toml"), STRICT).expect("writable");
    fs::write(home.data().join("edgemarket.toml"), "policy = \"policy.toml\"\n").expect("writable");
    home.kill();
    home.restart().await;
    let judged = run(dir, &with(&["recertify", "start", "--grace", "0d", "--wait"], &from));
    assert!(judged.contains("failed"), "{judged}");
    let second = json(dir, &with(&["export", "second.tar", "--since", id], &from));
    assert_eq!((number(&second, "offers"), number(&second, "withdrawn")), (0, 2), "{second}");
    json(dir, &with(&["import", "second.tar"], &to));
    let page =
        reqwest::get(format!("http://{}/offers/contoso/meter", third.address)).await.expect("an answer");
    assert_eq!(page.status(), 404);
    let page = page.text().await.expect("a page");
    assert!(page.contains("is not offered any more by"), "{page}");
    let image = format!("{}/contoso/meter/standard:1.0.0", third.address);
    assert_eq!(json(dir, &["pull", &image, "./still", "--key", "keys.pem"])["verified"], true);
    for server in [home, there, third] {
        server.stop();
    }
}

/// By which no test image passes.
const STRICT: &str = "[criteria.healthcheck-defined]\nblocking = true\n";
