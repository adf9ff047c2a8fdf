//! String literals of Rust sources, read as text: what a person may be shown stands in them.

use std::path::Path;

/// Path and text of the Rust files at and below these paths of `crates/`, without their tests.
pub fn sources(paths: &[&str]) -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in crates/");
    let mut found = Vec::new();
    for path in paths {
        collect(&crates.join(path), &mut found);
    }
    assert!(found.len() >= paths.len(), "each of the paths holds sources");
    found
}

fn collect(path: &Path, found: &mut Vec<(String, String)>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the directory can be read") {
            collect(&entry.expect("the entry can be read").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs")
        && !path.ends_with("tests.rs")
        && !path.ends_with("example.rs")
    {
        let text = std::fs::read_to_string(path).expect("the source can be read");
        let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
        found.push((path.display().to_string(), text[..end].to_owned()));
    }
}

/// Line and content of each literal; of the `whole` source, or only within calls that make a refusal. Left out are
/// attributes' reasons, what `expect` says, and what goes to the log.
pub fn literals(source: &str, whole: bool) -> Vec<(usize, String)> {
    const CALLS: [&str; 6] = [
        "Error::invalid(",
        "Error::conflict(",
        "Error::not_found(",
        "Error::new(",
        "Note::error(",
        "Finding::error(",
    ];
    const LEFT_OUT: [&str; 7] =
        ["expect(", "reason = ", "tracing::", "assert!(", "unreachable!(", "write!(", "writeln!("];
    let mut found = Vec::new();
    // Where the call ends that is being read, in open parentheses.
    let mut call: Option<i32> = None;
    let mut at = 0;
    while let Some(next) = source[at..].chars().next() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(literal) = literal(rest) {
            let line = source[..at].matches('\n').count() + 1;
            let lead = source[..at].rfind(';').map_or(&source[..at], |start| &source[start..at]);
            let lead = lead.rsplit('\n').take(2).collect::<String>();
            let is_left_out = LEFT_OUT.iter().any(|before| lead.contains(before));
            if (whole || call.is_some()) && !is_left_out {
                found.push((line, unescaped(literal)));
            }
            at += literal.len();
        } else if let Some(character) = character(rest) {
            at += character;
        } else {
            if let Some(start) = CALLS.iter().find(|start| rest.starts_with(*start))
                && call.is_none()
            {
                call = Some(1);
                at += start.len();
                continue;
            }
            match (next, &mut call) {
                ('(', Some(open)) => *open += 1,
                (')', Some(open)) => {
                    *open -= 1;
                    if *open == 0 {
                        call = None;
                    }
                }
                _ => {}
            }
            at += next.len_utf8();
        }
    }
    found
}

/// A string literal at the beginning, with its quotes.
fn literal(text: &str) -> Option<&str> {
    let hashes = text.strip_prefix('r').map(|rest| rest.len() - rest.trim_start_matches('#').len());
    if let Some(hashes) = hashes
        && text[1 + hashes..].starts_with('"')
    {
        let close = format!("\"{}", "#".repeat(hashes));
        let end = text[2 + hashes..].find(&close)?;
        return Some(&text[..2 + hashes + end + close.len()]);
    }
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(&text[..end + 2])
}

/// Length of a character literal at the beginning; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let length = match inner.strip_prefix('\\') {
        Some(_) => 2 + inner.get(2..)?.find('\'')?,
        None => inner.chars().next()?.len_utf8(),
    };
    inner.get(length..)?.starts_with('\'').then_some(length + 2)
}

/// What a literal holds. A backslash at the end of a line joins it with the next.
fn unescaped(literal: &str) -> String {
    if literal.starts_with('r') {
        return literal.trim_start_matches(['r', '#']).trim_end_matches('#').trim_matches('"').to_owned();
    }
    let mut text = String::new();
    let mut characters = literal[1..literal.len() - 1].chars().peekable();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            ('\\', Some('\n')) => while characters.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some(other)) => text.push(other),
            _ => text.push(c),
        }
    }
    text
}
