//! Edges between modules inside `market`, and the `//!` that opens every module.

use super::{Fault, Source, Tree};

/// Module of `market`, the modules it must not use, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("api", &["portal", "registry_owner"], "faces never import each other: what both need is a use case"),
    ("portal", &["api", "registry_owner"], "faces never import each other: what both need is a use case"),
    ("registry_owner", &["api", "portal"], "faces never import each other: what both need is a use case"),
    ("pipeline", &["api", "portal", "registry_owner"], "the pipeline runs without any face"),
    ("tasks", &["api", "portal", "registry_owner"], "tasks run without any face"),
    ("store", &["api", "portal", "registry_owner", "pipeline"], "the store is below everything else"),
];

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in tree.sources() {
        if !source.text.starts_with("//!") {
            faults.push(Fault::new(
                &source.path,
                1,
                "the module does not open with `//!`",
                "say what the module is, and what it is not",
            ));
        }
        faults.extend(check_market(source));
    }
    faults
}

fn check_market(source: &Source) -> Vec<Fault> {
    let Some(inside) = source.path.strip_prefix("crates/market/src/") else { return Vec::new() };
    let module = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    let Some((_, forbidden, reason)) = FORBIDDEN.iter().find(|(name, _, _)| *name == module) else {
        return Vec::new();
    };
    used_modules(&source.code)
        .into_iter()
        .filter(|(_, used)| forbidden.contains(&used.as_str()))
        .map(|(line, used)| {
            Fault::new(&source.path, line, format!("`{module}` uses `{used}`"), (*reason).to_owned())
        })
        .collect()
}

/// Line and name of every first-level module that is named after `crate::`, alone or in braces, or after `super::`.
fn used_modules(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + start.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(group_names(group).into_iter().map(|(n, name)| (line + n, name))),
                None => found.push((line, leading_name(rest))),
            }
        }
    }
    found
}

/// The names at the first level of a brace group, each with its line counted from the group's own.
fn group_names(group: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut expecting = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expecting = true,
            c if expecting && depth == 0 && !c.is_whitespace() => {
                expecting = false;
                found.push((group[..at].matches('\n').count(), leading_name(&group[at..])));
            }
            _ => {}
        }
    }
    found
}

fn leading_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
