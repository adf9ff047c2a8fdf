//! What an operator sets up and takes back, in process and through the program: publishers, subscriptions, tokens,
//! regions.

use crate::server::{PROGRAM, run};
use std::process::Command;

/// Runs the program on a data directory.
fn on(data: &str, args: &[&str]) -> String {
    run(&[args, &["--data", data, "--lang", "en"]].concat())
}

#[test]
fn tokens_subscriptions_and_regions_come_and_go() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path().to_str().expect("UTF-8");
    on(data, &["publisher", "add", "contoso"]);
    let subscription = on(data, &["subscription", "add", "Fabrikam Factories"]);
    assert_eq!(on(data, &["subscription", "list"]), format!("{}  Fabrikam Factories\n", subscription.trim()));

    let secret = on(data, &["token", "create", "publisher", "--subject", "contoso", "--name", "CI"]);
    let listed = on(data, &["token", "list"]);
    assert!(
        listed.contains("publisher contoso") && listed.contains("valid") && listed.contains("CI"),
        "{listed}"
    );
    assert!(!listed.contains(secret.trim()), "the secret is shown once only");
    let id = listed.split_whitespace().next().expect("an ID");
    assert_eq!(on(data, &["token", "revoke", id]).trim(), id);
    assert!(on(data, &["token", "list"]).contains("revoked"));

    on(data, &["region", "add", "lab", "http://127.0.0.1:9/modules", "--kind", "registry", "--optional"]);
    assert!(on(data, &["region", "list"]).starts_with("lab"));
    on(data, &["region", "remove", "lab"]);
    assert_eq!(on(data, &["region", "list", "--quiet"]), "");

    let again =
        Command::new(PROGRAM).args(["region", "remove", "lab", "--data", data, "--lang", "en"]).output();
    let again = again.expect("the program runs");
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("lab was not found") && said.contains("hint"), "{said}");
}

#[test]
fn a_region_is_limited_paused_and_shown() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path().to_str().expect("UTF-8");
    let limits = ["--bandwidth", "2M", "--window", "mon-fri 22:00-06:00", "--utc-offset", "+01:00"];
    on(data, &[&["region", "add", "lab", "http://127.0.0.1:9", "--kind", "registry"], &limits[..]].concat());
    let shown = on(data, &["region", "show", "lab"]);
    assert!(
        shown.starts_with("lab") && shown.contains("required") && shown.contains("up to date"),
        "{shown}"
    );
    assert!(shown.contains("6 at once, at most 2.00 MiB/s"), "{shown}");
    assert!(shown.contains("Mon-Fri 22:00-06:00 (UTC+01:00)"), "{shown}");
    let changed = on(data, &["region", "set", "lab", "--optional", "--bandwidth", "none", "--no-windows"]);
    assert!(changed.contains("optional") && changed.contains("no bandwidth cap"), "{changed}");
    assert!(on(data, &["region", "pause", "lab"]).contains("paused"));
    let listed: serde_json::Value =
        serde_json::from_str(&on(data, &["region", "list", "--json"])).expect("JSON");
    assert_eq!(listed[0]["status"]["state"], "paused");
    assert_eq!(listed[0]["status"]["missing"]["bytes"], 0);
    assert!(on(data, &["region", "resume", "lab"]).contains("up to date"));
    assert_eq!(on(data, &["region", "retry", "lab"]), "0 tasks are tried now\n");
}
