//! Expressions of licences as people write them: `and`, `or`, `&`, `|`, `/`, parentheses, and Debian's comma (`A or B,
//! and C`), with phrases of several words between. The phrases' meaning comes from outside.

/// Deepest nesting of parentheses.
const DEPTH_MAX: u32 = 20;

/// The meaning of a phrase, as a part of an SPDX expression.
type Known<'k> = &'k dyn Fn(&str) -> Option<String>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Licence(String),
    All(Vec<Node>),
    Any(Vec<Node>),
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Comma,
    Word(String),
}

/// The expression, if every phrase in it is known.
pub(super) fn expression(text: &str, known: Known<'_>) -> Option<String> {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, known, depth: 0 };
    let node = parser.list()?;
    parser.tokens.is_empty().then(|| node.text(false))
}

/// Conjunction of several expressions, each once.
pub(super) fn all(expressions: impl IntoIterator<Item = String>) -> Option<String> {
    let mut nodes = Vec::new();
    for text in expressions {
        let tokens = tokens(&text);
        let identity = |phrase: &str| Some(phrase.to_owned());
        let mut parser = Parser { tokens: &tokens, known: &identity, depth: 0 };
        nodes.push(parser.list()?);
    }
    (!nodes.is_empty()).then(|| join(nodes, true).text(false))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    // `or later` belongs to the name before it.
    let mut text = text.to_owned();
    for later in [" or later", " or newer", " or any later version"] {
        while let Some(at) = text.to_ascii_lowercase().find(later) {
            let plus = if text[..at].ends_with(['+', 'r']) { "" } else { "+" };
            text.replace_range(at..at + later.len(), plus);
        }
    }
    // An address has slashes of its own.
    let split_slash = !text.contains("://");
    for word in text.split(' ') {
        let mut rest = word;
        while !rest.is_empty() {
            let stop =
                |letter| matches!(letter, '(' | ')' | ',' | '|' | '&') || (letter == '/' && split_slash);
            let end = rest.find(stop).unwrap_or(rest.len());
            if end > 0 {
                tokens.push(match rest[..end].to_ascii_lowercase().as_str() {
                    "and" => Token::And,
                    "or" => Token::Or,
                    _ => Token::Word(rest[..end].to_owned()),
                });
                rest = &rest[end..];
                continue;
            }
            tokens.push(match rest.as_bytes()[0] {
                b'(' => Token::Open,
                b')' => Token::Close,
                b',' => Token::Comma,
                b'&' => Token::And,
                _ => Token::Or,
            });
            rest = &rest[1..];
        }
    }
    tokens
}

struct Parser<'p> {
    tokens: &'p [Token],
    known: Known<'p>,
    depth: u32,
}

impl Parser<'_> {
    fn next_is(&mut self, token: &Token) -> bool {
        let Some((first, rest)) = self.tokens.split_first() else { return false };
        let is = first == token;
        if is {
            self.tokens = rest;
        }
        is
    }

    /// Choices, divided by commas that bind less than `and` and `or` (machine-readable copyright, *License field*).
    fn list(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut node = self.choice()?;
        while self.next_is(&Token::Comma) {
            let all = !self.next_is(&Token::Or);
            if all {
                self.next_is(&Token::And);
            }
            node = join(vec![node, self.choice()?], all);
        }
        self.depth -= 1;
        Some(node)
    }

    fn choice(&mut self) -> Option<Node> {
        let mut nodes = vec![self.conjunction()?];
        while self.next_is(&Token::Or) {
            nodes.push(self.conjunction()?);
        }
        Some(join(nodes, false))
    }

    fn conjunction(&mut self) -> Option<Node> {
        let mut nodes = vec![self.primary()?];
        while self.next_is(&Token::And) {
            nodes.push(self.primary()?);
        }
        Some(join(nodes, true))
    }

    fn primary(&mut self) -> Option<Node> {
        if self.next_is(&Token::Open) {
            let node = self.list()?;
            return self.next_is(&Token::Close).then_some(node);
        }
        let mut words = Vec::new();
        while let Some((Token::Word(word), rest)) = self.tokens.split_first() {
            words.push(word.as_str());
            self.tokens = rest;
        }
        if words.is_empty() {
            return None;
        }
        if let Some(licence) = (self.known)(&words.join(" ")) {
            return Some(Node::Licence(licence));
        }
        // Alpine's older packages list licences with nothing between.
        let each: Option<Vec<Node>> =
            words.iter().map(|word| (self.known)(word).map(Node::Licence)).collect();
        each.map(|nodes| join(nodes, true))
    }
}

/// One node of several, without those that are there already.
fn join(nodes: Vec<Node>, all: bool) -> Node {
    let mut distinct: Vec<Node> = Vec::new();
    for node in nodes {
        let inner = match node {
            Node::All(inner) if all => inner,
            Node::Any(inner) if !all => inner,
            node => vec![node],
        };
        for node in inner {
            if !distinct.contains(&node) {
                distinct.push(node);
            }
        }
    }
    match (distinct.len(), all) {
        (1, _) => distinct.remove(0),
        (_, true) => Node::All(distinct),
        (_, false) => Node::Any(distinct),
    }
}

impl Node {
    fn text(&self, inside: bool) -> String {
        let (nodes, word) = match self {
            Node::Licence(licence) => return licence.clone(),
            Node::All(nodes) => (nodes, " AND "),
            Node::Any(nodes) => (nodes, " OR "),
        };
        let text = nodes.iter().map(|node| node.text(true)).collect::<Vec<_>>().join(word);
        if inside { format!("({text})") } else { text }
    }
}
