//! What is known after a start was tried: facts, no opinions. `criteria/module_starts_with_defaults.rs` judges them.

use oci::digest::Digest;

/// What became of the start of one platform's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFacts {
    /// Digest of the image manifest.
    pub image: Digest,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was not tried, because this host cannot run it: why.
    NotApplicable(String),
    /// It should have been tried, and could not: what was missing.
    Unchecked(String),
    /// It was started, or the runtime refused to start its program.
    Ran(Run),
}

/// A start that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// Seconds for which it was watched.
    pub observed_seconds: u32,
    /// Seconds that it had after SIGTERM.
    pub stop_seconds: u32,
    /// The kernel killed a process of it because the memory limit was reached.
    pub out_of_memory: bool,
    /// It wanted more processes and threads than its limit.
    pub out_of_processes: bool,
    /// What was otherwise than on a device: what the sandbox could not limit, stand-ins of placeholders. Fixed texts.
    pub remarks: Vec<String>,
    /// Standard output and error as they came, at most [`OUTPUT_BYTES_MAX`](super::output::OUTPUT_BYTES_MAX) with
    /// the middle left out, control characters and secrets made harmless. Contains the instants and ids that the
    /// module wrote.
    pub output: String,
}

/// How a start ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The program could not be executed: the runtime's words.
    NotExecuted(String),
    /// It ended while it was watched, with this status (128 + N for signal N).
    Exited(i32),
    /// It stayed up, and ended after SIGTERM with this status.
    Stopped(i32),
    /// It stayed up, and was still there when its time after SIGTERM was over.
    IgnoredSigterm,
}
