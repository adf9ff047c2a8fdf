//! Sizes of files and functions, and the list of what may be longer.

use super::allowed::Long;
use super::{Fault, Source, Tree};

/// Longest file, in lines, its inline tests included.
const FILE_LINES_MAX: usize = 400;
/// Longest function, from the line of its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
const LIST: &str = "xtask/src/tidy/allowed.rs";

pub fn check(tree: &Tree, long: &[Long]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut used = vec![false; long.len()];
    let mut allowed = |path: &str, function: Option<&str>| {
        let index = long.iter().position(|entry| entry.path == path && entry.function == function);
        index.inspect(|&index| used[index] = true).is_some()
    };
    for source in tree.rust() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX && !allowed(&source.path, None) {
            faults.push(Fault::new(
                &source.path,
                FILE_LINES_MAX + 1,
                format!("{lines} lines, the limit is {FILE_LINES_MAX}"),
                format!("split it along its concerns, or list it with a reason in {LIST}"),
            ));
        }
        for function in functions(source) {
            if function.lines > FUNCTION_LINES_MAX && !allowed(&source.path, Some(function.name)) {
                faults.push(Fault::new(
                    &source.path,
                    function.line,
                    format!(
                        "`fn {}` has {} lines, the limit is {FUNCTION_LINES_MAX}",
                        function.name, function.lines
                    ),
                    format!("keep the branches, move leaves out; or list it with a reason in {LIST}"),
                ));
            }
        }
    }
    for (entry, used) in long.iter().zip(used) {
        if !used || entry.reason.is_empty() {
            let what = entry.function.map_or("the file".to_owned(), |name| format!("`fn {name}`"));
            let state = if used { "is listed without a reason" } else { "is listed but not too long" };
            faults.push(Fault::new(
                LIST,
                1,
                format!("{what} of {} {state}", entry.path),
                "remove the entry, or give its reason",
            ));
        }
    }
    faults
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// Functions with a body, by rustfmt's layout: the body ends at the first `}` with the indentation of the `fn` line.
fn functions(source: &Source) -> Vec<Function<'_>> {
    let lines: Vec<&str> = source.code.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indentation}}}");
        let length = lines[index..].iter().position(|line| {
            let rest = line.trim_end();
            let starts_here = rest.starts_with(indentation) && !rest[indentation.len()..].starts_with(' ');
            rest == closing || (starts_here && rest.ends_with([';', '}']))
        });
        if let Some(length) = length {
            found.push(Function { name, line: index + 1, lines: length + 1 });
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("fn ") {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            return (end > 0).then(|| &after[..end]);
        }
        let word =
            ["pub ", "const ", "async ", "unsafe ", "extern "].into_iter().find(|w| rest.starts_with(w));
        rest = match word {
            Some(word) => rest[word.len()..].trim_start(),
            None => rest.strip_prefix("pub(")?.split_once(") ")?.1,
        };
    }
}
