//! Every command line in the documents can be typed: it parses, flags and all.

use super::Cli;
use clap::Parser as _;
use clap::error::ErrorKind;

const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../README.md")),
    ("docs/publisher.md", include_str!("../../../../docs/publisher.md")),
    ("docs/ci.md", include_str!("../../../../docs/ci.md")),
    ("docs/operator.md", include_str!("../../../../docs/operator.md")),
    ("docs/customer.md", include_str!("../../../../docs/customer.md")),
];

#[test]
fn documented_commands_exist() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (name, text) in DOCUMENTS {
        for line in shell_lines(text) {
            let Some(arguments) = line.strip_prefix("edgemarket ").or(line.strip_prefix("cargo run -- "))
            else {
                continue;
            };
            seen += 1;
            let words = std::iter::once("edgemarket".to_owned()).chain(words(arguments));
            match Cli::try_parse_from(words) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::DisplayHelp => {}
                Err(error) => wrong.push(format!("{name}: {line}\n{error}")),
            }
        }
    }
    assert!(seen > 10, "only {seen} command lines were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of all `sh` blocks.
fn shell_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).flat_map(str::lines)
}

/// Splits as a shell does, as far as the documents need it: single quotes, comments, redirections.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
            continue;
        }
        for word in part.split_whitespace() {
            if word == "#" || word == ">" {
                return words;
            }
            words.push(word.to_owned());
        }
    }
    words
}
