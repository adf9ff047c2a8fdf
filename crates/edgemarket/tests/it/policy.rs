//! Policies and waivers on the command line.

use crate::server::{PROGRAM, run};
use std::process::{Command, Output};

fn program(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).args(["--lang", "en"]).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_policy_is_checked_and_shown() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("policy.toml");
    let file = path.to_str().expect("UTF-8");
    let write = |text: &str| std::fs::write(&path, text).expect("the file is written");

    write(
        "[criteria.healthcheck-defined]\nblocking = true\n[[waivers]]\ncriterion = \"labels-present\"\n\
         reason = \"r\"\nuntil = 2020-01-01\n[[custom-criteria]]\nid = \"x-user\"\ntitle = \"t\"\nhint = \"h\"\n\
         expression = \"image.user != 'root'\"\n",
    );
    let checked = program(&["policy", "check", file]);
    let said = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    assert!(said.contains("has no effect since 2020-01-01") && said.contains("is valid"), "{said}");
    let shown = text(&program(&["policy", "show", file]).stdout);
    assert!(shown.contains("healthcheck-defined") && shown.contains("plan-title-chars = 50"), "{shown}");
    assert!(shown.contains("expression = \"image.user != 'root'\""), "{shown}");

    write(
        "[[custom-criteria]]\nid = \"x-user\"\ntitle = \"t\"\nhint = \"h\"\nexpression = \"image.user = 'root'\"\n",
    );
    let refused = program(&["policy", "check", file]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stdout);
    assert!(said.starts_with(&format!("{file}:5:14: error[policy-expression]")), "{said}");
    // Nothing is judged by it either: neither here nor by a server.
    let certified = program(&["certify", dir.path().to_str().expect("UTF-8"), "--policy", file]);
    assert_eq!(certified.status.code(), Some(2));
    assert!(text(&certified.stderr).contains("policy.toml:5:14"), "{}", text(&certified.stderr));
    std::fs::write(dir.path().join("edgemarket.toml"), "policy = \"policy.toml\"\n").expect("written");
    let started = program(&["publisher", "list", "--data", dir.path().to_str().expect("UTF-8")]);
    assert_eq!(started.status.code(), Some(2));
    assert!(text(&started.stderr).contains("policy.toml:5:14"), "{}", text(&started.stderr));
}

#[test]
fn waivers_come_and_go() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path().to_str().expect("UTF-8");
    let on = |args: &[&str]| run(&[args, &["--data", data, "--lang", "en"]].concat());
    let rest = ["--reason", "no labels here", "--until", "2999-12-31", "--by", "Jo"];
    let id =
        on(&[&["waiver", "add", "labels-present", "--offer", "contoso.sensor/standard"][..], &rest].concat());
    let listed = on(&["waiver", "list"]);
    let scope = "labels-present everywhere in contoso/sensor/standard, until 2999-12-31 (Jo): no labels here";
    assert_eq!(listed, format!("{}  {scope}\n", id.trim()));
    assert_eq!(on(&["waiver", "remove", id.trim()]).trim(), id.trim());
    assert_eq!(on(&["waiver", "list", "--quiet"]), "");
    let refused = program(&[&["waiver", "add", "labels", "--data", data][..], &rest].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("there is no criterion"), "{}", text(&refused.stderr));
}
