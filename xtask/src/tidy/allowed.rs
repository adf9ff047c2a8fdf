//! What may be longer than the limits, each with its reason. An entry that is no longer needed is itself a fault.

/// One file or function that may be longer than its limit.
#[derive(Debug, Clone, Copy)]
pub struct Long {
    /// Path from the workspace's root.
    pub path: &'static str,
    /// The function's name, or `None` for the file as a whole.
    pub function: Option<&'static str>,
    pub reason: &'static str,
}

/// The list that `cargo xtask tidy` obeys.
pub const LONG: &[Long] = &[
    Long {
        path: "crates/certify/src/secrets/examples/services.rs",
        function: Some("services"),
        reason: "one table of examples, without a branch",
    },
    Long {
        path: "crates/fuzzing/src/seeds/layers.rs",
        function: Some("layers"),
        reason: "one list of seeds, without a branch",
    },
    Long {
        path: "crates/fuzzing/src/seeds/texts.rs",
        function: Some("packages"),
        reason: "one list of seeds, without a branch",
    },
];
