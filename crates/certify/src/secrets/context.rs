//! Whether a place in a source file is documentation: a comment, a docstring of Python, POD. It knows neither secrets
//! nor packages. Reads only what stands before the place, by the plainest rules that a language's strings and comments
//! allow: a regular expression or a heredoc with a lone quote may mislead it, for at most the rest of the line where
//! strings end with the line.

/// How a language marks documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// `#` comments, and strings that stand alone.
    Python,
    /// `//` and `/* … */`.
    Slashes,
    /// `#` comments.
    Hashes,
    /// `#` comments, and from a line with `=word` to `=cut` (POD).
    Perl,
}

fn language(path: &str) -> Option<Language> {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path);
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "py" | "pyi" | "pyx" => Language::Python,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "java" | "kt" | "scala" | "groovy"
        | "go" | "rs" | "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" | "cs" | "swift" | "dart"
        | "php" | "css" | "scss" | "proto" => Language::Slashes,
        "sh" | "bash" | "zsh" | "rb" | "yaml" | "yml" | "toml" | "conf" | "cfg" | "ini" | "properties"
        | "env" | "tcl" | "r" | "cmake" | "mk" => Language::Hashes,
        "pl" | "pm" | "pod" => Language::Perl,
        _ => return None,
    })
}

/// Whether the byte `at` of a file at this path, whose bytes from some line's beginning on are `data`, stands in
/// documentation. Where the language is not known, it does not.
pub(crate) fn is_documentation(path: &str, data: &[u8], at: usize) -> bool {
    let before = &data[..at.min(data.len())];
    match language(path) {
        Some(Language::Python) => Text::new(before).python(),
        Some(Language::Slashes) => Text::new(before).slashes(),
        Some(Language::Hashes) => in_hash_comment(before),
        Some(Language::Perl) => in_pod(before) || in_hash_comment(before),
        None => false,
    }
}

/// Whether the last line is a comment. One after code is none here: `#` stands in URLs and colours.
fn in_hash_comment(before: &[u8]) -> bool {
    let line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or(before);
    matches!(line.trim_ascii_start().first(), Some(b'#' | b';'))
}

/// Whether the last command of POD is not `=cut`.
fn in_pod(before: &[u8]) -> bool {
    let command =
        |line: &&[u8]| line.first() == Some(&b'=') && line.get(1).is_some_and(u8::is_ascii_alphabetic);
    let last = before.rsplit(|&byte| byte == b'\n').find(command);
    last.is_some_and(|line| !line.starts_with(b"=cut"))
}

/// What stands before the place, read from its beginning.
struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn new(before: &'a [u8]) -> Text<'a> {
        Text { rest: before }
    }

    /// Leaves out all up to and with `end`; whether it is there.
    fn skip_past(&mut self, end: &[u8]) -> bool {
        match memchr::memmem::find(self.rest, end) {
            Some(at) => {
                self.rest = &self.rest[at + end.len()..];
                true
            }
            None => {
                self.rest = &[];
                false
            }
        }
    }

    /// Leaves out a string up to its closing quote; one that does not span lines ends with its line.
    fn skip_string(&mut self, quote: &[u8], spans_lines: bool) -> bool {
        loop {
            match self.rest {
                [] => return false,
                [b'\\', _, rest @ ..] => self.rest = rest,
                [b'\n', rest @ ..] if !spans_lines => {
                    self.rest = rest;
                    return true;
                }
                rest if rest.starts_with(quote) => {
                    self.rest = &rest[quote.len()..];
                    return true;
                }
                [_, rest @ ..] => self.rest = rest,
            }
        }
    }

    /// Whether the text ends in a comment, or in a string that begins its statement.
    fn python(mut self) -> bool {
        let mut line_is_blank = true;
        while let Some((&byte, rest)) = self.rest.split_first() {
            let alone = std::mem::replace(&mut line_is_blank, false);
            match byte {
                b'#' => {
                    if !self.skip_past(b"\n") {
                        return true;
                    }
                    line_is_blank = true;
                }
                b'"' | b'\'' => {
                    let three = [byte; 3];
                    let whole = match self.rest.starts_with(&three) {
                        true => {
                            self.rest = &rest[2..];
                            self.skip_string(&three, true)
                        }
                        false => {
                            self.rest = rest;
                            self.skip_string(&[byte], false)
                        }
                    };
                    if !whole {
                        return alone;
                    }
                }
                _ => {
                    self.rest = rest;
                    // A prefix of a string (`r"""`) may stand before it.
                    let prefix = alone
                        && matches!(byte, b'r' | b'R' | b'u' | b'U')
                        && matches!(rest.first(), Some(b'"' | b'\''));
                    line_is_blank =
                        byte == b'\n' || prefix || (alone && matches!(byte, b' ' | b'\t' | b'\r'));
                }
            }
        }
        false
    }

    /// Whether the text ends in a comment.
    fn slashes(mut self) -> bool {
        loop {
            match self.rest {
                [] => return false,
                [b'/', b'/', rest @ ..] => {
                    self.rest = rest;
                    if !self.skip_past(b"\n") {
                        return true;
                    }
                }
                [b'/', b'*', rest @ ..] => {
                    self.rest = rest;
                    if !self.skip_past(b"*/") {
                        return true;
                    }
                }
                [quote @ (b'"' | b'\'' | b'`'), rest @ ..] => {
                    self.rest = rest;
                    if !self.skip_string(&[*quote], *quote == b'`') {
                        return false;
                    }
                }
                [_, rest @ ..] => self.rest = rest,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether the `@` of a text stands in documentation.
    fn documentation(path: &str, text: &str) -> bool {
        is_documentation(path, text.as_bytes(), text.find('@').expect("a place"))
    }

    #[test]
    fn comments_and_docstrings_are_documentation() {
        assert!(documentation("a.py", "x = 1  # see @"));
        assert!(documentation("a.py", "def f():\n    \"\"\"Use it:\n\n    >>> f('@')\n    \"\"\"\n"));
        assert!(documentation("a.py", "r'''\nit's a text, @ '''"));
        assert!(documentation("a.py", "r\"\"\"\n@ \"\"\""));
        assert!(documentation("a.d.ts", "/**\n * @example\n */"));
        assert!(documentation("A.java", "char c = '\"'; // the quote, @"));
        assert!(documentation("a.js", "const a = `${x}`; /* '@ */"));
        assert!(documentation("a.conf", "  # url = @"));
        assert!(documentation("A.pm", "my $x;\n\n=head1 SYNOPSIS\n\n  connect('@')\n\n=cut\n"));
        assert!(documentation("a.jar!org/A.java", "// @"));
    }

    #[test]
    fn code_is_none() {
        assert!(!documentation("a.py", "x = '@'"));
        assert!(!documentation("a.py", "x = \"\"\"\n# @\n\"\"\""));
        assert!(!documentation("a.py", "\"\"\"docs\"\"\"\nurl = 'http://a#b', '@'"));
        assert!(!documentation("a.py", "f('''a''', '@')"));
        assert!(!documentation("a.js", "const a = 'http://x', b = '@'"));
        assert!(!documentation("a.js", "/* text */ const b = \"@\""));
        assert!(!documentation("a.js", "const r = /['\"]/;\nconst b = '@'"));
        assert!(!documentation("a.conf", "url = http://a#@"));
        assert!(!documentation("A.pm", "=head1 X\n\n=cut\n\nconnect('@')"));
        assert!(!documentation("a.bin", "// @"));
        assert!(!documentation("Makefile", "# @"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(data in "([#/*\"'`\\\\=\\n a]|cut|\"\"\"){0,80}", at in 0..200_usize) {
            for path in ["a.py", "a.js", "a.sh", "a.pl"] {
                is_documentation(path, data.as_bytes(), at);
            }
        }
    }
}
