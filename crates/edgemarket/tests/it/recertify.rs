//! `recertify` and `review` on a marketplace in this process: what they say when there is nothing, and what they refuse.
//! Campaigns over what is live are in `same.rs`.

use crate::command::{directory, run};

#[test]
fn an_empty_marketplace_has_nothing_to_judge_again() {
    let dir = directory();
    let on = |arguments: &[&str]| run(dir.path(), &[arguments, &["--data", "market"]].concat());
    let told = [
        on(&["review", "list"]),
        on(&["review", "list", "--json", "--offer", "contoso"]),
        on(&["review", "list", "--offer", "Contoso!"]),
        on(&["recertify", "list"]),
        on(&["recertify", "show", "nothing"]),
        on(&["recertify", "report", "contoso.vitals"]),
        on(&["recertify", "start", "--by", "2020-01-01"]),
        on(&["recertify", "start", "--offer", "contoso.vitals"]),
        on(&["recertify", "start", "--grace", "soon"]),
        on(&["recertify", "start", "--dry-run", "--lang", "fr"]),
    ];
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f-]{27}", "[ID]");
    settings.add_filter(r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "[INSTANT]");
    settings.bind(|| insta::assert_snapshot!("an_empty_marketplace", told.join("\n")));
}
