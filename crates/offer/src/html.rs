//! Simple HTML in descriptions and terms: what is allowed, what is taken out, and the text in it. The criterion
//! `html-safe` rests on it. What is taken out is found by the tokenizer of the same HTML parser that cleans, so that
//! both see the same elements.

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};
use std::cell::RefCell;
use std::collections::HashSet;

/// Elements that may stand in a description.
pub const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
/// Elements that are taken out together with what they contain, because they run, load or ask for something.
pub const UNSAFE_ELEMENTS: &[&str] = &[
    "applet", "base", "button", "embed", "form", "frame", "frameset", "iframe", "input", "link", "math",
    "meta", "noscript", "object", "script", "style", "svg", "template", "textarea",
];
/// Schemes of links.
pub const LINK_SCHEMES: &[&str] = &["http", "https", "mailto"];
/// Most removals that are told one by one; more of the kind say nothing new.
const REMOVALS_MAX: usize = 20;
/// Elements that begin and end a paragraph of text.
const BLOCKS: &[&str] = &[
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// HTML that is safe to show, and what was taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// Only allowed elements and attributes; links have `rel="noopener noreferrer nofollow"`.
    pub html: String,
    /// In order of appearance, the first 20.
    pub removed: Vec<Removal>,
}

/// Something that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// For example ``the element `script` ``.
    pub what: String,
    /// Line in the HTML text, from 1.
    pub line: u32,
    /// Whether it could have run code, loaded something or led astray; otherwise it is only not simple HTML.
    pub harmful: bool,
}

/// Cleans HTML down to [`ELEMENTS`]. The work grows with the square of the text in the worst case, so callers check
/// the length first.
pub fn clean(html: &str) -> Cleaned {
    let mut builder = ammonia::Builder::default();
    builder
        .tags(ELEMENTS.iter().copied().collect())
        .clean_content_tags(UNSAFE_ELEMENTS.iter().copied().collect::<HashSet<_>>())
        .generic_attributes(HashSet::new())
        .tag_attributes([("a", HashSet::from(["href"]))].into())
        .url_schemes(LINK_SCHEMES.iter().copied().collect())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    Cleaned { html: builder.clean(html).to_string(), removed: removals(html) }
}

/// The text without elements; paragraphs are separated by one line break.
pub fn text(html: &str) -> String {
    paragraphs(html).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

/// The text of the last `p` element that has any; of the last block of text when there is no `p`.
pub fn last_paragraph(html: &str) -> Option<String> {
    let mut all = paragraphs(html);
    let last = all.iter().rposition(|(in_p, _)| *in_p).unwrap_or(all.len().checked_sub(1)?);
    Some(all.swap_remove(last).1)
}

fn removals(html: &str) -> Vec<Removal> {
    let sink = Removals::default();
    run(html, &sink);
    sink.0.into_inner()
}

fn run<S: TokenSink<Handle = ()>>(html: &str, sink: &S) {
    struct Borrowed<'a, S>(&'a S);
    impl<S: TokenSink<Handle = ()>> TokenSink for Borrowed<'_, S> {
        type Handle = ();
        fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
            let raw = match &token {
                Token::TagToken(Tag { kind: TagKind::StartTag, name, .. }) => match &**name {
                    "script" => Some(RawKind::ScriptData),
                    "style" | "iframe" | "noembed" | "noframes" | "xmp" => Some(RawKind::Rawtext),
                    "textarea" | "title" => Some(RawKind::Rcdata),
                    _ => None,
                },
                _ => None,
            };
            let result = self.0.process_token(token, line);
            raw.map_or(result, TokenSinkResult::RawData)
        }
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Borrowed(sink), Default::default());
    // The sink never hands out a script, so that one call consumes everything.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
}

#[derive(Default)]
struct Removals(RefCell<Vec<Removal>>);

impl Removals {
    fn add(&self, line: u64, harmful: bool, what: String) {
        let mut list = self.0.borrow_mut();
        if list.len() < REMOVALS_MAX {
            list.push(Removal { what, line: u32::try_from(line).unwrap_or(u32::MAX), harmful });
        }
    }
}

impl TokenSink for Removals {
    type Handle = ();
    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
        {
            let name = &*tag.name;
            if !ELEMENTS.contains(&name) {
                self.add(line, UNSAFE_ELEMENTS.contains(&name), format!("the element `{}`", short(name)));
            }
            for attribute in &tag.attrs {
                let key = &*attribute.name.local;
                if key.starts_with("on") {
                    self.add(line, true, format!("the event handler `{}` of `{}`", short(key), short(name)));
                } else if matches!(key, "href" | "src" | "action") && !allowed_link(&attribute.value) {
                    let value = short(&attribute.value);
                    self.add(line, true, format!("the link {value:?} of `{}`", short(name)));
                } else if ELEMENTS.contains(&name) && (name != "a" || key != "href") && key != "rel" {
                    self.add(line, false, format!("the attribute `{}` of `{}`", short(key), short(name)));
                }
            }
        }
        TokenSinkResult::Continue
    }
}

fn allowed_link(value: &str) -> bool {
    url::Url::parse(value).is_ok_and(|url| LINK_SCHEMES.contains(&url.scheme()))
}

fn short(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut shown: String = text.chars().take(CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Blocks of text that are not blank, and whether each began within a `p`.
fn paragraphs(html: &str) -> Vec<(bool, String)> {
    let sink = Paragraphs::default();
    run(html, &sink);
    let mut state = sink.0.into_inner();
    state.end();
    state.done
}

#[derive(Default)]
struct Paragraphs(RefCell<ParagraphState>);

#[derive(Default)]
struct ParagraphState {
    in_p: bool,
    text: String,
    done: Vec<(bool, String)>,
}

impl ParagraphState {
    fn end(&mut self) {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.text.clear();
        if !text.is_empty() {
            self.done.push((self.in_p, text));
        }
    }
}

impl TokenSink for Paragraphs {
    type Handle = ();
    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            // A line break stays within the paragraph.
            Token::TagToken(tag) if &*tag.name == "br" => state.text.push(' '),
            Token::TagToken(tag) if BLOCKS.contains(&&*tag.name) => {
                state.end();
                state.in_p = &*tag.name == "p" && tag.kind == TagKind::StartTag;
            }
            Token::CharacterTokens(text) => state.text.push_str(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
