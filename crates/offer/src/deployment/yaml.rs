//! JSON values written as YAML 1.2: block style, keys in their order, two spaces. Written by hand because the emitters that
//! there are need serde or a tree of their own, and choose for themselves when to quote; here every text is quoted unless
//! no reader of any version of YAML could take it for anything but itself. The tests read it back with a parser.

use serde_json::Value;
use std::fmt::Write;

/// Words that a reader of YAML 1.1 or 1.2 takes for a truth value, null or a number, in lower case.
const WORDS: [&str; 12] =
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"];

/// The value as a document, without `---`, with a line feed at its end.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => block(&mut text, value, 0, false),
        scalar => {
            inline(&mut text, scalar);
            text.push('\n');
        }
    }
    text
}

/// A collection at a depth. `begun`: something stands before its first line already, as the dash of a list does.
fn block(out: &mut String, value: &Value, depth: usize, begun: bool) {
    let mut first = begun;
    let mut indent = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                indent(out);
                text(out, key);
                out.push(':');
                behind(out, value, depth);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(out);
                out.push('-');
                match item {
                    Value::Object(_) | Value::Array(_) if !is_empty(item) => {
                        out.push(' ');
                        block(out, item, depth + 1, true);
                    }
                    scalar => behind(out, scalar, depth),
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a key or a dash.
fn behind(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => {
            out.push('\n');
            block(out, value, depth + 1, false);
        }
        Value::String(lines) if is_literal(lines) => {
            out.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in lines.lines() {
                if !line.is_empty() {
                    out.extend(std::iter::repeat_n("  ", depth + 1));
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        scalar => {
            out.push(' ');
            inline(out, scalar);
            out.push('\n');
        }
    }
}

fn inline(out: &mut String, value: &Value) {
    match value {
        Value::String(string) => text(out, string),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        // Numbers of JSON are numbers of YAML.
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
}

/// A word that needs no quotes anywhere.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let goes_on = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '@'));
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    begins && goes_on && !is_word
}

/// Several lines that are read as they stand: nothing but printable characters, no blank that a reader could drop.
fn is_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && body.chars().all(|c| c == '\n' || is_printable(c))
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(|line| !line.ends_with(' ') && (line.is_empty() || !line.trim().is_empty()))
}

/// What YAML lets through unescaped, without what looks like a line's end to some reader, or like nothing to a person.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{a0}'..='\u{2027}' => !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}'),
        '\u{2030}'..='\u{205f}' | '\u{2070}'..='\u{d7ff}' => true,
        '\u{e000}'..='\u{fffd}' => c != '\u{feff}',
        c => c >= '\u{10000}',
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
