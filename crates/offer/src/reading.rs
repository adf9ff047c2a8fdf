//! From the files of an offer's directory to an [`Offer`] and everything that is wrong with it, at once and with
//! positions. Pure: reading the directory is the caller's business, within the limits given here.

use crate::decode;
use crate::document::Offer;
use crate::finding::{Finding, Position, Severity};
use crate::identity::{OfferId, PublisherId};
use crate::policy::{OfferLimits, Policy};
use crate::rules;
use crate::yaml::{self, Data, Fault, Node};
use std::collections::BTreeMap;

/// Name of the document in the offer's directory.
pub const DOCUMENT: &str = "offer.yaml";
/// Most bytes of `offer.yaml`; 100 plans with every field filled to its limit have about 800,000.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Most files of an offer's directory: 100 plans with 5 screenshots and a description each, and the listing's files.
pub const FILES_MAX: usize = 1_000;
/// Most bytes of one file of the directory.
pub const FILE_BYTES_MAX: usize = crate::pictures::PICTURE_BYTES_MAX;
/// Most bytes of all files of the directory together.
pub const TOTAL_BYTES_MAX: usize = 64 << 20;
/// Longest path of a file in the directory, in characters.
pub const PATH_CHARS_MAX: usize = 256;
/// Most findings of one reading; a document with more is no offer, and the report stays readable.
pub const FINDINGS_MAX: usize = 1_000;

/// What reading gives.
#[derive(Debug, Clone)]
pub struct Reading {
    /// There when no finding is an error.
    pub offer: Option<Offer>,
    /// Ordered by position.
    pub findings: Vec<Finding>,
    /// Where every value stands.
    pub positions: Positions,
}

/// Which offer a document is of, and the passwords that it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who publishes.
    pub publisher: PublisherId,
    /// Which offer.
    pub offer: OfferId,
    /// Environment variables that hold passwords of image repositories, in the order of the plans, each once.
    pub password_envs: Vec<String>,
}

/// Where the values of a document stand: JSON pointer (RFC 6901) → position.
#[derive(Debug, Clone, Default)]
pub struct Positions(BTreeMap<String, (u32, u32)>);

impl Positions {
    /// Position of the value, or of its nearest ancestor that is there. `None` only for a document that is no YAML.
    pub fn of(&self, pointer: &str) -> Option<Position> {
        let mut pointer = pointer;
        loop {
            if let Some(&(line, column)) = self.0.get(pointer) {
                return Some(Position { file: DOCUMENT.into(), line, column });
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// Gives `finding` the position of its pointer, unless it has one.
    pub fn locate(&self, mut finding: Finding) -> Finding {
        if finding.position.is_none() {
            finding.position = self.of(&finding.pointer);
        }
        finding
    }

    fn collect(&mut self, node: &Node, pointer: &str, at: (u32, u32)) {
        self.0.insert(pointer.to_owned(), at);
        match &node.data {
            Data::Scalar { .. } => {}
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(item, &format!("{pointer}/{index}"), (item.line, item.column));
                }
            }
            Data::Map(entries) => {
                for entry in entries {
                    // A collection stands where its name stands: an editor shows the head, not the first item.
                    let at = match entry.value.data {
                        Data::Scalar { .. } => (entry.value.line, entry.value.column),
                        Data::List(_) | Data::Map(_) => (entry.line, entry.column),
                    };
                    self.collect(&entry.value, &format!("{pointer}/{}", escape(&entry.key)), at);
                }
            }
        }
    }

    pub(crate) fn alias(&mut self, pointer: String, of: &str) {
        if let Some(&at) = self.0.get(of) {
            self.0.entry(pointer).or_insert(at);
        }
    }
}

/// A field name as a part of a JSON pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A pointer as people write it: `/plans/0/title` → `plans[0].title`; the empty pointer is "the offer".
pub(crate) fn spoken(pointer: &str) -> String {
    let mut text = String::new();
    for part in pointer.split('/').skip(1) {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{part}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    if text.is_empty() { "the offer".into() } else { text }
}

/// Reads an offer from the files of its directory (path with `/` → content). Every rule that needs neither the store
/// nor the image repository is checked, and everything that is wrong is told at once.
pub fn read(files: &BTreeMap<String, Vec<u8>>, policy: &Policy) -> Reading {
    let mut findings = directory(files);
    let text = match document_text(files) {
        Ok(text) => text,
        Err(finding) => {
            findings.push(*finding);
            return finish(None, findings, Positions::default());
        }
    };
    let tree = match yaml::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            findings.push(located(fault));
            return finish(None, findings, Positions::default());
        }
    };
    let mut positions = Positions::default();
    positions.collect(&tree.root, "", (tree.root.line, tree.root.column));
    findings.extend(tree.faults.into_iter().map(located));
    let mut decoded = decode::decode(&tree.root, &policy.offer);
    findings.append(&mut decoded.findings);
    let mut check = rules::Check { value: decoded.value, files, policy, positions, findings };
    rules::check(&mut check);
    let rules::Check { value, positions, findings, .. } = check;
    let clean = findings.iter().all(|finding| finding.severity != Severity::Error);
    let offer = if clean { crate::build::offer(&value) } else { None };
    finish(offer, findings, positions)
}

/// Reads only which offer the files are of and which passwords it asks for, whatever else is wrong with them: a client
/// asks before it sends the files to a marketplace, whose policy it does not know. `Err` is why even that cannot be read.
pub fn identity(files: &BTreeMap<String, Vec<u8>>) -> Result<Identity, Vec<Finding>> {
    let text = document_text(files).map_err(|finding| vec![*finding])?;
    let tree = yaml::parse(text).map_err(|fault| vec![located(fault)])?;
    let decoded = decode::decode(&tree.root, &OfferLimits::default());
    let field = |name: &str| decoded.value.get(name).and_then(|value| value.as_str());
    let ids = (field("publisher").map(str::parse), field("id").map(str::parse));
    if let (Some(Ok(publisher)), Some(Ok(offer))) = ids {
        return Ok(Identity { publisher, offer, password_envs: password_envs(&tree.root) });
    }
    let mut positions = Positions::default();
    positions.collect(&tree.root, "", (tree.root.line, tree.root.column));
    let concerns = |finding: &Finding| {
        matches!(finding.pointer.as_str(), "/publisher" | "/id")
            || matches!(
                finding.rule.as_str(),
                "offer-publisher-missing" | "offer-id-missing" | "offer-type" | "offer-empty"
            )
    };
    Err(finish(None, decoded.findings.into_iter().filter(concerns).collect(), positions).findings)
}

fn password_envs(root: &Node) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let Some(Data::List(plans)) = member(root, "plans").map(|plans| &plans.data) else { return names };
    for plan in plans {
        let name = member(plan, "repository").and_then(|repository| member(repository, "passwordEnv"));
        if let Some(Node { data: Data::Scalar { text, .. }, .. }) = name
            && !names.contains(text)
        {
            names.push(text.clone());
        }
    }
    names
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Data::Map(entries) = &node.data else { return None };
    entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
}

fn located(fault: Fault) -> Finding {
    let mut finding = Finding::error(fault.rule, "", fault.message, fault.hint);
    finding.position = Some(Position { file: DOCUMENT.into(), line: fault.line, column: fault.column });
    finding
}

fn finish(offer: Option<Offer>, findings: Vec<Finding>, positions: Positions) -> Reading {
    let mut findings: Vec<Finding> = findings.into_iter().map(|finding| positions.locate(finding)).collect();
    let key = |finding: &Finding| {
        let position = finding.position.as_ref();
        let place = position.map(|p| (p.file != DOCUMENT, p.file.clone(), p.line, p.column));
        (place, finding.rule.clone(), finding.pointer.clone())
    };
    findings.sort_by_cached_key(key);
    if findings.len() > FINDINGS_MAX {
        let more = findings.len() - FINDINGS_MAX;
        findings.truncate(FINDINGS_MAX);
        findings.push(Finding::error(
            "too-many-findings",
            "",
            format!("{more} more findings are not shown"),
            "mend the ones above first",
        ));
    }
    Reading { offer, findings, positions }
}

fn directory(files: &BTreeMap<String, Vec<u8>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fault = |rule, message: String| {
        let hint = "an offer's directory holds offer.yaml, its texts and its pictures only; remove the rest";
        findings.push(Finding::error(rule, "", message, hint));
    };
    if files.len() > FILES_MAX {
        fault(
            "directory-files",
            format!("the directory has {} files, at most {FILES_MAX} are allowed", files.len()),
        );
    }
    let total: usize = files.values().map(Vec::len).sum();
    if total > TOTAL_BYTES_MAX {
        fault(
            "directory-size",
            format!(
                "the directory's files have {total} bytes together, at most {TOTAL_BYTES_MAX} are allowed"
            ),
        );
    }
    for (path, bytes) in files {
        // The document has its own, smaller limit.
        if bytes.len() > FILE_BYTES_MAX && path != DOCUMENT {
            let length = bytes.len();
            fault("file-size", format!("{path} has {length} bytes, at most {FILE_BYTES_MAX} are allowed"));
        }
    }
    findings
}

fn document_text(files: &BTreeMap<String, Vec<u8>>) -> Result<&str, Box<Finding>> {
    let error = |rule, message: String, hint: &str| Err(Box::new(Finding::error(rule, "", message, hint)));
    let Some(bytes) = files.get(DOCUMENT) else {
        let message = format!("the directory has no {DOCUMENT}");
        return match files.keys().find(|path| matches!(path.as_str(), "offer.yml" | "offer.json")) {
            Some(other) => error("document-missing", message, &format!("rename {other} to {DOCUMENT}")),
            None => error("document-missing", message, "write one with `edgemarket offer new DIR`"),
        };
    };
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let message =
            format!("{DOCUMENT} has {} bytes, at most {DOCUMENT_BYTES_MAX} are allowed", bytes.len());
        return error(
            "document-size",
            message,
            "an offer is text of a few kilobytes; put pictures in files of their own",
        );
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => {
            let before = &bytes[..fault.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let message =
                format!("{DOCUMENT} is not UTF-8 text: byte {} in line {line}", fault.valid_up_to());
            return error("document-encoding", message, "save the file as UTF-8");
        }
    };
    if text.contains('\0') {
        let message = format!("{DOCUMENT} has zero bytes: it is binary data, or text in UTF-16");
        return error("document-encoding", message, "save the file as UTF-8");
    }
    if text.trim().is_empty() {
        return error(
            "document-empty",
            format!("{DOCUMENT} is empty"),
            "write an offer with `edgemarket offer new DIR`",
        );
    }
    Ok(text)
}
