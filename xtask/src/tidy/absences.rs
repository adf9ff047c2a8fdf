//! The invariants that are stated as absences: what must not be found, and where.

use super::text::{has_word, without_tests};
use super::{Fault, Source, Tree};

/// Words that must not stand in the code (comments, literals and inline tests aside) of some files.
struct Absence {
    what: &'static str,
    applies: fn(&str) -> bool,
    words: &'static [&'static str],
    hint: &'static str,
}

const IO: &[&str] = &[
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "std::env",
    "std::thread",
    "tokio",
    "reqwest",
    "SystemTime",
    "Instant",
    "getrandom",
    "rand",
    "new_v4",
    "now_v7",
    "println!",
    "eprintln!",
];

const ABSENCES: &[Absence] = &[
    Absence {
        what: "`offer` has no I/O, clock or randomness",
        applies: |path| path.starts_with("crates/offer/src/"),
        words: IO,
        hint: "take the bytes, the instant or the id as a parameter",
    },
    Absence {
        what: "no criterion does I/O",
        applies: |path| path.starts_with("crates/certify/src/criteria"),
        words: IO,
        hint: "gather it as evidence, then judge",
    },
    Absence {
        what: "SQL is in `market/src/store` alone",
        applies: |path| !path.starts_with("crates/market/src/store"),
        words: &["sqlx::", "sqlx"],
        hint: "add a function with the noun's name to the store",
    },
    Absence {
        what: "HTML is made in `market/src/portal` and `certify/src/report/html` alone",
        applies: |path| {
            !path.starts_with("crates/market/src/portal")
                && !path.starts_with("crates/certify/src/report/html")
        },
        words: &["maud::", "maud", "html!", "PreEscaped"],
        hint: "return the data, and write the page in the portal",
    },
    Absence {
        what: "`registry` knows no offer",
        applies: |path| path.starts_with("crates/registry/src/"),
        words: &["offer::", "OfferId", "PublisherId", "PlanId"],
        hint: "ask the registry's owner",
    },
];

/// What a finished line of code does not contain, tests included.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in tree.sources().filter(|source| !is_test(&source.path)) {
        let ours = ABSENCES.iter().filter(|absence| (absence.applies)(&source.path));
        for absence in ours {
            faults.extend(check_absence(source, absence));
        }
    }
    for source in tree.rust() {
        for (index, line) in source.code.lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                faults.push(Fault::new(
                    &source.path,
                    index + 1,
                    format!("`{word}` is left in the code"),
                    "finish it, or leave it out",
                ));
            }
        }
    }
    for source in &tree.files {
        faults.extend(check_machine(tree, source));
    }
    faults
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// One fault per line, for the first word that is found in it.
fn check_absence(source: &Source, absence: &Absence) -> Vec<Fault> {
    without_tests(&source.code)
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let word = absence.words.iter().find(|word| has_word(line, word))?;
            Some(Fault::new(
                &source.path,
                index + 1,
                format!("`{word}`: {}", absence.what),
                absence.hint.to_owned(),
            ))
        })
        .collect()
}

/// Places of one machine, and hosts that only some machines reach, in any text file.
fn check_machine(tree: &Tree, source: &Source) -> Vec<Fault> {
    // Split, so that this file does not accuse itself.
    let hosts = [
        concat!("registry.npm", "js.org"),
        concat!("pypi", ".org"),
        concat!("files.python", "hosted.org"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("deb.debian", ".org"),
        concat!("security.debian", ".org"),
        concat!("proxy.go", "lang.org"),
    ];
    let folders = [tree.root.as_str(), concat!("/wor", "k/")];
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if let Some(folder) = folders.iter().find(|folder| line.contains(**folder)) {
            faults.push(Fault::new(
                &source.path,
                index + 1,
                format!("`{folder}` is a path of one machine"),
                "take it as an argument, or relative to the workspace",
            ));
        }
        if let Some(host) = hosts.iter().find(|host| line.contains(**host)) {
            faults.push(Fault::new(
                &source.path,
                index + 1,
                format!("`{host}` is the host of a package registry"),
                "use the package client as it is set up",
            ));
        }
    }
    faults
}
