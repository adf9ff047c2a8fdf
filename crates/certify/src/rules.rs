//! What the scanners look for: built-in malware and miner rules (YARA), the operator's YARA rules and SHA-256 list,
//! and the literals that wake a rule or a secret's examination. One pass over the bytes looks for all literals; a
//! built-in YARA rule runs only on a file in which one of its literals was seen. It knows nothing of layers.

use crate::clamd::Clamd;
use boreal::scanner::{CallbackEvents, ScanParams};
use oci::digest::Digest;
use std::collections::HashSet;
use std::time::Duration;

mod literals;
pub(crate) use literals::{Literals, Wake};

/// The built-in rules. Their strings are hexadecimal, so that the program that contains them does not match itself.
const BUILT_IN: &str = include_str!("rules/built_in.yar");

/// One literal of each string that a built-in rule cannot match without, hexadecimal for the same reason.
const WAKES: &[&str] = &[
    // The middle of the EICAR text, the scheme of pools' URLs, and the names of miners and their settings.
    "45494341522d5354414e444152442d414e544956495255532d544553542d46494c45",
    "7374726174756d2b",
    "646f6e6174652d6c6576656c",
    "786d726967",
    "63727970746f6e69676874",
    "6370756d696e6572",
    "63636d696e6572",
    "6574686d696e6572",
    "6c6f6c4d696e6572",
    "50686f656e69784d696e6572",
    "4e424d696e6572",
    "786d722d7374616b",
    // Web shells, reverse shells, a rootkit, a botnet.
    "6576616c28245f",
    "623337346b",
    "2f6465762f7463702f",
    "2e66696c656e6f28292c30",
    "6469616d6f727068696e655f",
    "62757379626f78204d49524149",
];

/// Longest run of the YARA rules over one file or window.
const SCAN_TIME_MAX: Duration = Duration::from_secs(30);

/// Most rule hits that are reported for one file.
const HITS_MAX: usize = 50;

/// Everything that the scanners look for.
pub struct Rules {
    pub(crate) literals: Literals,
    built_in: boreal::Scanner,
    operator: Option<boreal::Scanner>,
    hashes: HashSet<[u8; 32]>,
    clamd: Option<Clamd>,
    version: String,
    off: bool,
}

/// Operator's rules that do not compile, or a list that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct RulesError {
    /// Name of the file as given.
    pub file: String,
    /// What is wrong, with the place in the file.
    pub cause: String,
}

/// A YARA rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub name: String,
    pub miner: bool,
}

impl Rules {
    /// The built-in rules alone.
    pub fn built_in() -> Rules {
        let none: [(String, String); 0] = [];
        Rules::with(none, "").expect("the built-in rules compile; a test runs them")
    }

    /// No rules: content is not scanned at all, for bills of materials without a judgement. Evidence that was gathered
    /// so is cached under a version of its own, and never judged.
    pub fn off() -> Rules {
        let none = compile(&[]).expect("no rules compile");
        Rules {
            literals: Literals::new(),
            built_in: none,
            operator: None,
            hashes: HashSet::new(),
            clamd: None,
            version: "off".to_owned(),
            off: true,
        }
    }

    /// The built-in rules, an operator's YARA files (name and text), and a list of SHA-256 digests of unwanted files
    /// (64 hexadecimal digits at the start of each line; empty lines and lines that begin with `#` are skipped).
    pub fn with(
        yara: impl IntoIterator<Item = (String, String)>,
        sha256_list: &str,
    ) -> Result<Rules, RulesError> {
        let mut names_and_texts: Vec<(String, String)> = yara.into_iter().collect();
        names_and_texts.sort();
        let hashes = parse_hashes(sha256_list)?;
        let mut sum = format!("{BUILT_IN}\0{sha256_list}\0");
        for (_, text) in &names_and_texts {
            sum += text;
            sum.push('\0');
        }
        let operator = match names_and_texts.is_empty() {
            true => None,
            false => Some(compile(&names_and_texts)?),
        };
        let built_in = compile(&[("built-in".to_owned(), BUILT_IN.to_owned())])?;
        let version = format!("built-in-2+{}", &Digest::of(sum.as_bytes()).hex()[..12]);
        Ok(Rules { literals: Literals::new(), built_in, operator, hashes, clamd: None, version, off: false })
    }

    /// The same rules, and a ClamAV daemon that is asked about each file, too.
    #[must_use]
    pub fn with_clamd(mut self, clamd: Clamd) -> Rules {
        self.clamd = Some(clamd);
        self
    }

    /// Asks the ClamAV daemon which databases it has by now. [`crate::certify`] does it at each start.
    pub fn refresh(&self) {
        if let Some(clamd) = &self.clamd {
            clamd.refresh();
        }
    }

    /// Changes whenever the rules, built in or the operator's, or the ClamAV daemon's own databases change.
    pub fn version(&self) -> String {
        match self.clamd.as_ref().map(Clamd::version) {
            None => self.version.clone(),
            Some(Ok(clamd)) => format!("{}+{clamd}", self.version),
            Some(Err(_)) => format!("{}+ClamAV unavailable", self.version),
        }
    }

    /// Whether [`Rules::version`] keeps that promise, so that evidence can be kept under it.
    pub(crate) fn are_versioned(&self) -> bool {
        self.clamd.as_ref().is_none_or(Clamd::is_versioned)
    }

    pub(crate) fn clamd(&self) -> Option<&Clamd> {
        self.clamd.as_ref()
    }

    /// Whether nothing is looked for.
    pub(crate) fn is_off(&self) -> bool {
        self.off
    }

    /// Whether files must be hashed.
    pub(crate) fn hashes_wanted(&self) -> bool {
        !self.hashes.is_empty()
    }

    pub(crate) fn hash_listed(&self, digest: &[u8; 32]) -> bool {
        self.hashes.contains(digest)
    }

    /// Whether every file must go through the operator's rules.
    pub(crate) fn operator_wanted(&self) -> bool {
        self.operator.is_some()
    }

    pub(crate) fn scan_built_in(&self, data: &[u8]) -> Result<Vec<Hit>, String> {
        scan(&self.built_in, data)
    }

    pub(crate) fn scan_operator(&self, data: &[u8]) -> Result<Vec<Hit>, String> {
        self.operator.as_ref().map_or(Ok(Vec::new()), |scanner| scan(scanner, data))
    }
}

fn compile(names_and_texts: &[(String, String)]) -> Result<boreal::Scanner, RulesError> {
    let mut compiler = boreal::Compiler::new();
    // Rules come as texts, so that nothing outside the given directory is read.
    compiler.set_params(boreal::compiler::CompilerParams::default().disable_includes(true));
    for (name, text) in names_and_texts {
        compiler.add_rules_str_in_namespace(text, name).map_err(|error| RulesError {
            file: name.clone(),
            // Without its own name for a text that came from no file.
            cause: error.to_string().trim_start_matches("mem:").to_owned(),
        })?;
    }
    let mut scanner = compiler.finalize();
    let params = ScanParams::default()
        .timeout_duration(Some(SCAN_TIME_MAX))
        .compute_full_matches(false)
        .callback_events(CallbackEvents::empty());
    scanner.set_scan_params(params);
    Ok(scanner)
}

fn scan(scanner: &boreal::Scanner, data: &[u8]) -> Result<Vec<Hit>, String> {
    let result = scanner.scan_mem(data).map_err(|(error, _)| error.to_string())?;
    let mut hits: Vec<Hit> = result
        .rules
        .iter()
        .take(HITS_MAX)
        .map(|rule| Hit {
            name: rule.name.to_owned(),
            miner: rule.name.to_ascii_lowercase().contains("miner"),
        })
        .collect();
    hits.sort();
    hits.dedup();
    Ok(hits)
}

fn parse_hashes(list: &str) -> Result<HashSet<[u8; 32]>, RulesError> {
    let mut hashes = HashSet::new();
    for (index, line) in list.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut digest = [0; 32];
        let word = line.split([' ', '\t', ',', ';', ':']).next().unwrap_or("");
        hex::decode_to_slice(word, &mut digest).map_err(|_| RulesError {
            file: "SHA-256 list".to_owned(),
            cause: format!("line {} does not begin with 64 hexadecimal digits", index + 1),
        })?;
        hashes.insert(digest);
    }
    Ok(hashes)
}
