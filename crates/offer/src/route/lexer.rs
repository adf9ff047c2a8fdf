//! The tokens of a route, exactly as Edge Hub's lexer cuts them: the longest match wins, and of equally long ones the
//! first in [`Kind`]'s order. Names may have almost any character, so `a+b` is one name; `/*` begins a comment only
//! when a `*/` follows somewhere.

/// What a token is. The order is that of the grammar's lexer rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OpenBrace,
    CloseBrace,
    Select,
    From,
    Where,
    Into,
    String,
    UnterminatedString,
    Integer,
    Hex,
    Real,
    True,
    False,
    Null,
    Undefined,
    OpenParen,
    CloseParen,
    Comma,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    And,
    Or,
    Not,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Greater,
    Less,
    Concat,
    Coalesce,
    System,
    Name,
    /// A name with square brackets and without `$`; no rule of the grammar takes it.
    Path,
    Unknown,
    End,
}

/// A token at a place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset after its last character.
    pub end: usize,
}

/// Cuts tokens on demand from any offset, because a placeholder is recognised by the parser, not here.
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Offset of the last `*/`: no comment begins at or after it.
    last_comment_end: Option<usize>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Lexer { text, last_comment_end: text.rfind("*/") }
    }

    /// The offset of the first token at or after `from`.
    pub fn skip(&self, mut from: usize) -> usize {
        loop {
            let rest = &self.text[from..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            from += rest.len() - trimmed.len();
            match self.comment_end(from) {
                Some(end) => from = end,
                None => return from,
            }
        }
    }

    /// Where the comment that begins at `from` ends, if one does.
    pub fn comment_end(&self, from: usize) -> Option<usize> {
        let inside = from + "/*".len();
        if !self.text[from..].starts_with("/*") || self.last_comment_end? < inside {
            return None;
        }
        self.text[inside..].find("*/").map(|length| inside + length + "*/".len())
    }

    /// The first token at or after `from`.
    pub fn token(&self, from: usize) -> Token {
        let start = self.skip(from);
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            return Token { kind: Kind::End, start, end: start };
        };
        let mut best = (Kind::Unknown, 0);
        let mut offer = |kind, length: Option<usize>| {
            if let Some(length) = length.filter(|length| *length > best.1) {
                best = (kind, length);
            }
        };
        let word_length = rest.chars().take_while(|c| is_name(*c)).map(char::len_utf8).sum::<usize>();
        let word = &rest[..word_length];
        if matches!(first, '{' | '}') {
            offer(if first == '{' { Kind::OpenBrace } else { Kind::CloseBrace }, Some(1));
        }
        if let Some(kind) = keyword(word) {
            offer(kind, Some(word_length));
        }
        if matches!(first, '"' | '\'') {
            let (length, closed) = string(rest, first);
            offer(if closed { Kind::String } else { Kind::UnterminatedString }, Some(length));
        }
        offer(Kind::Integer, integer(rest));
        offer(Kind::Hex, hexadecimal(rest));
        offer(Kind::Real, real(rest));
        if let Some((kind, length)) = operator(rest) {
            offer(kind, Some(length));
        }
        let path_length = rest.chars().take_while(|c| is_path(*c)).map(char::len_utf8).sum::<usize>();
        if first == '$' && path_length > 1 {
            offer(Kind::System, Some(path_length));
        }
        offer(Kind::Name, Some(word_length));
        offer(Kind::Path, Some(path_length));
        offer(Kind::Unknown, Some(first.len_utf8()));
        let (kind, length) = best;
        Token { kind, start, end: start + length }
    }
}

/// Whether a message property's name, a function's name or a path's item may have this character.
pub(super) fn is_name(c: char) -> bool {
    is_path(c) && !matches!(c, '[' | ']')
}

/// Whether the part after `$` may have this character.
fn is_path(c: char) -> bool {
    !matches!(
        c,
        '(' | ')'
            | '<'
            | '>'
            | '@'
            | ','
            | ';'
            | ':'
            | '\\'
            | '"'
            | '/'
            | '?'
            | '='
            | '{'
            | '}'
            | ' '
            | '\t'
            | '\n'
            | '\r'
    )
}

fn keyword(word: &str) -> Option<Kind> {
    match word {
        "true" => return Some(Kind::True),
        "false" => return Some(Kind::False),
        "null" => return Some(Kind::Null),
        "undefined" => return Some(Kind::Undefined),
        _ => {}
    }
    const ANY_CASE: [(&str, Kind); 7] = [
        ("select", Kind::Select),
        ("from", Kind::From),
        ("where", Kind::Where),
        ("into", Kind::Into),
        ("and", Kind::And),
        ("or", Kind::Or),
        ("not", Kind::Not),
    ];
    ANY_CASE.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
}

fn operator(rest: &str) -> Option<(Kind, usize)> {
    const OPERATORS: [(&str, Kind); 17] = [
        ("!=", Kind::NotEqual),
        ("<>", Kind::NotEqual),
        ("<=", Kind::LessOrEqual),
        (">=", Kind::GreaterOrEqual),
        ("||", Kind::Concat),
        ("??", Kind::Coalesce),
        ("(", Kind::OpenParen),
        (")", Kind::CloseParen),
        (",", Kind::Comma),
        ("+", Kind::Plus),
        ("-", Kind::Minus),
        ("*", Kind::Star),
        ("/", Kind::Slash),
        ("%", Kind::Percent),
        ("=", Kind::Equal),
        (">", Kind::Greater),
        ("<", Kind::Less),
    ];
    OPERATORS.iter().find(|(text, _)| rest.starts_with(text)).map(|(text, kind)| (*kind, text.len()))
}

/// Length of the string literal that `rest` begins with, and whether its closing quote is there. Without one, it goes
/// on to the end or to a backslash that begins no escape.
fn string(rest: &str, quote: char) -> (usize, bool) {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b if b == quote as u8 => return (at + 1, true),
            b'\\' => match bytes.get(at + 1) {
                Some(b'"' | b'\'' | b'\\') => at += 2,
                Some(b'u')
                    if bytes.get(at + 2..at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
                {
                    at += 6;
                }
                _ => return (at, false),
            },
            _ => at += 1,
        }
    }
    (at, false)
}

fn digits(rest: &str) -> usize {
    rest.bytes().take_while(u8::is_ascii_digit).count()
}

fn integer(rest: &str) -> Option<usize> {
    let sign = usize::from(rest.starts_with('-'));
    let length = digits(&rest[sign..]);
    (length > 0).then_some(sign + length)
}

fn hexadecimal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let length = inner.bytes().take_while(u8::is_ascii_hexdigit).count();
    (length > 0).then_some(2 + length)
}

/// Digits may be missing before the point or the exponent, so `.5`, and even `e5`, are real literals.
fn real(rest: &str) -> Option<usize> {
    let mut at = usize::from(rest.starts_with('-'));
    at += digits(&rest[at..]);
    let fraction = rest[at..].strip_prefix('.').map_or(0, digits);
    if fraction > 0 {
        at += 1 + fraction;
    }
    let exponent = exponent(&rest[at..]);
    (fraction > 0 || exponent > 0).then_some(at + exponent)
}

fn exponent(rest: &str) -> usize {
    let Some(inner) = rest.strip_prefix(['e', 'E']) else { return 0 };
    let unsigned = inner.strip_prefix(['+', '-']).unwrap_or(inner);
    match digits(unsigned) {
        0 => 0,
        length => rest.len() - unsigned.len() + length,
    }
}
