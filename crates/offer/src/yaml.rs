//! YAML text as a tree in which every node knows its line and column. It is the safe subset that an offer needs: one
//! document, no anchors, aliases, merge keys or tags, text keys without duplicates, bounded depth and size. It does not
//! know what the fields mean: that is [`crate::fields`].

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};
use std::collections::HashSet;

/// Deepest nesting of lists and mappings. An offer needs 5, createOptions a few more; the walk over the tree is
/// recursive, so that this also bounds the stack.
pub const DEPTH_MAX: usize = 32;
/// Most nodes of a document: 100 plans with every field filled have about 10,000.
pub const NODES_MAX: usize = 100_000;

/// A node and where it begins (both from 1, the column in characters).
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub line: u32,
    pub column: u32,
    pub data: Data,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Text and whether it was written plainly, without quotes, so that it may also be a number, truth value or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub line: u32,
    pub column: u32,
    pub value: Node,
}

/// What is wrong with the text as YAML.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub rule: &'static str,
    pub message: String,
    pub hint: String,
    pub line: u32,
    pub column: u32,
}

/// A tree and the faults that did not hinder reading it (duplicate keys, of which the first counts).
#[derive(Debug)]
pub(crate) struct Document {
    pub root: Node,
    pub faults: Vec<Fault>,
}

/// Reads a document. `Err` is the fault at which reading had to end.
pub(crate) fn parse(text: &str) -> Result<Document, Fault> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => return Err(syntax(text, &error)),
        }
    }
    let root = builder.root.ok_or_else(|| Fault {
        rule: "document-empty",
        message: "the document has no content".into(),
        hint: "write an offer with `edgemarket offer new DIR`".into(),
        line: 1,
        column: 1,
    })?;
    Ok(Document { root, faults: builder.faults })
}

fn syntax(text: &str, error: &saphyr_parser::ScanError) -> Fault {
    let (line, column) = (error.marker().line(), error.marker().col());
    let tab = text.lines().nth(line.saturating_sub(1)).is_some_and(|line| {
        line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t')
            || line.chars().nth(column) == Some('\t')
    });
    Fault {
        rule: "yaml-syntax",
        message: format!("this is not YAML: {}", error.info()),
        hint: if tab {
            "indent with spaces: YAML does not allow tabs there".into()
        } else {
            "check the indentation, and put text that has `: `, ` #` or begins with a special character in quotes"
                .into()
        },
        line: number(line),
        column: number(column + 1),
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A collection that is not closed yet.
enum Open {
    List(Node),
    Map { node: Node, seen: HashSet<String>, key: Option<(String, u32, u32, bool)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    faults: Vec<Fault>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let (line, column) = (number(span.start.line()), number(span.start.col() + 1));
        let fault =
            |rule, message: String, hint: &str| Err(Fault { rule, message, hint: hint.into(), line, column });
        let anchor = match &event {
            Event::Alias(_) => true,
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _) => *anchor != 0,
            _ => false,
        };
        if anchor {
            return fault(
                "yaml-anchor",
                "anchors (`&name`) and aliases (`*name`) are not accepted".into(),
                "write the value again where it is needed; put text that begins with `&` or `*` in quotes",
            );
        }
        let tagged = match &event {
            Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, tag) | Event::MappingStart(_, tag) => {
                tag.is_some()
            }
            _ => false,
        };
        if tagged {
            return fault(
                "yaml-tag",
                "tags (`!name`) are not accepted".into(),
                "remove the tag; put text that begins with `!` in quotes",
            );
        }
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return fault(
                        "yaml-documents",
                        "a second document begins here, one is allowed".into(),
                        "remove the line `---` and what follows it: one directory holds one offer",
                    );
                }
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                self.count(line, column)?;
                self.scalar(Node { line, column, data: Data::Scalar { text: text.into_owned(), plain } })?;
            }
            Event::SequenceStart(..) => {
                self.start(line, column)?;
                self.open.push(Open::List(Node { line, column, data: Data::List(Vec::new()) }));
            }
            Event::MappingStart(..) => {
                self.start(line, column)?;
                let node = Node { line, column, data: Data::Map(Vec::new()) };
                self.open.push(Open::Map { node, seen: HashSet::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(node) | Open::Map { node, .. }) => self.place(node),
                None => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, line: u32, column: u32) -> Result<(), Fault> {
        self.count(line, column)?;
        if matches!(self.open.last(), Some(Open::Map { key: None, .. })) {
            return Err(Fault {
                rule: "yaml-key",
                message: "a list or mapping stands where a field name is expected".into(),
                hint: "write `name: value`; put text that begins with `[` or `{` in quotes".into(),
                line,
                column,
            });
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Fault {
                rule: "yaml-depth",
                message: format!("lists and mappings are nested more than {DEPTH_MAX} levels deep"),
                hint: "an offer needs no such nesting; check the brackets".into(),
                line,
                column,
            });
        }
        Ok(())
    }

    fn count(&mut self, line: u32, column: u32) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(Fault {
            rule: "yaml-size",
            message: format!("the document has more than {NODES_MAX} values"),
            hint: "an offer needs far fewer; remove what does not belong to it".into(),
            line,
            column,
        })
    }

    fn scalar(&mut self, node: Node) -> Result<(), Fault> {
        if let Some(Open::Map { seen, key: slot @ None, .. }) = self.open.last_mut() {
            let Data::Scalar { text, .. } = node.data else { return Ok(()) };
            if text == "<<" {
                return Err(Fault {
                    rule: "yaml-anchor",
                    message: "merge keys (`<<`) are not accepted".into(),
                    hint: "write the fields again where they are needed".into(),
                    line: node.line,
                    column: node.column,
                });
            }
            let fresh = seen.insert(text.clone());
            if !fresh {
                self.faults.push(Fault {
                    rule: "yaml-duplicate-key",
                    message: format!(
                        "the field `{text}` stands here for the second time; the first one counts"
                    ),
                    hint: "keep one of them".into(),
                    line: node.line,
                    column: node.column,
                });
            }
            *slot = Some((text, node.line, node.column, fresh));
            return Ok(());
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, value: Node) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List(node)) => {
                if let Data::List(items) = &mut node.data {
                    items.push(value);
                }
            }
            Some(Open::Map { node, key, .. }) => {
                if let (Data::Map(entries), Some((key, line, column, fresh))) = (&mut node.data, key.take())
                    && fresh
                {
                    entries.push(Entry { key, line, column, value });
                }
            }
        }
    }
}

/// A scalar under the core schema of YAML 1.2 (section 10.3.2), as JSON. `None`: a number that JSON cannot express
/// (`.inf`, `.nan`).
pub(crate) fn scalar(text: &str, plain: bool) -> Option<Value> {
    if !plain {
        return Some(Value::String(text.to_owned()));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let integer = if let Some(hexadecimal) = text.strip_prefix("0x") {
        u64::from_str_radix(hexadecimal, 16).ok().map(Number::from)
    } else if let Some(octal) = text.strip_prefix("0o") {
        u64::from_str_radix(octal, 8).ok().map(Number::from)
    } else if digits(unsigned) {
        let text = text.strip_prefix('+').unwrap_or(text);
        text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
    } else {
        None
    };
    if let Some(integer) = integer {
        return Some(Value::Number(integer));
    }
    // [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let real = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        && (digits(whole) || (whole.is_empty() && digits(fraction)))
        && (fraction.is_empty() || digits(fraction));
    if real {
        return text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number);
    }
    Some(Value::String(text.to_owned()))
}

/// A whole subtree as JSON. `Err`: the node that JSON cannot express.
pub(crate) fn json(node: &Node) -> Result<Value, &Node> {
    Ok(match &node.data {
        Data::Scalar { text, plain } => scalar(text, *plain).ok_or(node)?,
        Data::List(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Data::Map(entries) => {
            let pairs = entries.iter().map(|entry| Ok((entry.key.clone(), json(&entry.value)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>, _>>()?)
        }
    })
}
