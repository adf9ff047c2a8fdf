//! `route check`, and what every command has in common.

use crate::command::{directory, run};

#[test]
fn routes_are_valid_or_say_where_not() {
    let dir = directory();
    let check = |route: &str| run(dir.path(), &["route", "check", route]);
    let all = [
        check("FROM /messages/* INTO $upstream"),
        check("FROM /messages/* WHER x INTO $upstream"),
        check("FROM /messages/* WHERE temprature( > 3 INTO $upstream"),
        check("FROM /something INTO $upstream"),
        check(""),
        run(dir.path(), &["route", "check", "FROM /messages/*\nINTO upstream", "--json"]),
        run(dir.path(), &["route", "check", "FROM", "--lang", "fr"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn wrong_usage_is_status_2() {
    let dir = directory();
    insta::assert_snapshot!(run(dir.path(), &["offer", "valdate", "o"]));
    let help = run(dir.path(), &["--help"]);
    assert!(help.starts_with("status: 0\n"), "{help}");
    let completions = run(dir.path(), &["completions", "bash"]);
    assert!(completions.starts_with("status: 0\n") && completions.contains("route"), "{completions}");
}
