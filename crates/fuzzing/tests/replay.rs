//! Replays what fuzzing found and what it kept, and tries new inputs for a short while: the same functions that `fuzz/`
//! runs for longer.

use fuzzing::{TARGETS, Target, seeds};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::{Path, PathBuf};

/// Largest file of a corpus in bytes: a corpus is kept small, and read in every run of the tests.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// New inputs for each target.
const CASES: u32 = 48;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target").1
}

/// The kept inputs of a target, by file name.
fn kept(name: &str) -> Vec<(String, Vec<u8>)> {
    let directory = corpus().join(name);
    let entries = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}; each target keeps a corpus", directory.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.expect("readable").path();
            let bytes = std::fs::read(&path).expect("readable");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(bytes.len() as u64 <= FILE_BYTES_MAX, "{name} is larger than a corpus needs");
            (name, bytes)
        })
        .collect();
    inputs.sort();
    inputs
}

/// The kept inputs and the seeds hold.
fn replay(name: &str) {
    let run = target(name);
    let kept = kept(name);
    assert!(kept.len() >= 5, "{name} keeps {} inputs", kept.len());
    let seeds = seeds::of(name).into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    for (file, bytes) in kept.into_iter().chain(seeds) {
        let result = std::panic::catch_unwind(|| run(&bytes));
        assert!(result.is_ok(), "{name} does not hold for {file}");
    }
}

/// New inputs: some bytes, and seeds in which some bytes are changed.
fn explore(name: &str) {
    let run = target(name);
    let seeds = seeds::of(name);
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let inputs =
        (vec(any::<u8>(), 0..600), any::<prop::sample::Index>(), changes, any::<prop::sample::Index>());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&inputs, |(bytes, which, changes, cut)| {
        run(&bytes);
        let mut seed = seeds[which.index(seeds.len())].1.clone();
        for (at, byte) in changes {
            let at = at.index(seed.len());
            seed[at] = byte;
        }
        run(&seed);
        seed.truncate(cut.index(seed.len()));
        run(&seed);
        Ok(())
    });
    assert!(result.is_ok(), "{name}: {result:?}");
}

macro_rules! targets {
    ($($name:ident),*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            #[test]
            fn kept_inputs_hold() {
                super::replay(stringify!($name));
            }
            #[test]
            fn new_inputs_hold() {
                super::explore(stringify!($name));
            }
        })*
    };
}

targets!(
    advisories, archives, deltas, edits, files, images, layers, offers, packages, policies, requests,
    secrets, signatures, texts, versions, zips
);

#[test]
fn every_target_is_tested_and_run_by_libfuzzer() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        let source = corpus().with_file_name("targets").join(format!("{name}.rs"));
        let text = std::fs::read_to_string(&source).unwrap_or_default();
        assert!(text.contains(&format!("fuzzing::{name}(data)")), "{}", source.display());
    }
    let directories = std::fs::read_dir(corpus()).expect("corpora").count();
    assert_eq!(directories, TESTED.len(), "a corpus without a target");
}
