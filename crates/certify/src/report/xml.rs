//! XML 1.0 text, as far as JUnit needs it: elements, attributes, character data. It writes and never reads. Too little
//! for a library: four functions, and what they escape stands in one table.

use std::fmt::Write as _;

/// A document under construction.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Begins with the XML declaration.
    pub(super) fn new() -> Xml {
        Xml { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Opens an element that has children.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Closes the innermost open element.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// An element with attributes only, or with character data as well.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)], content: &str) {
        self.tag(name, attributes);
        if content.is_empty() {
            self.text.push_str("/>\n");
        } else {
            self.text.push('>');
            escape(&mut self.text, content, false);
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// The document; every element is closed.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.text, " {key}=\"");
            escape(&mut self.text, value, true);
            self.text.push('"');
        }
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }
}

/// XML 1.0 § 2.2 has no form for most control characters, not even as a reference: they are written as Rust escapes them.
fn escape(text: &mut String, content: &str, attribute: bool) {
    for c in content.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' if attribute => text.push_str("&quot;"),
            // A parser would make spaces of them (§ 3.3.3).
            '\n' if attribute => text.push_str("&#10;"),
            '\n' => text.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                text.extend(c.escape_default());
            }
            c => text.push(c),
        }
    }
}
