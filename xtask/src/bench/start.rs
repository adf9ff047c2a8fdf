//! How long the program takes to start, and to certify the smallest image. A start is so short that it is measured many
//! times, and by the wall, which is what a person or a script waits for.

use std::path::Path;

use super::certify::{empty_folder, quoted, remove_folder};
use super::measure::{median, shell};
use super::report::{Row, Target};

/// What issue 3 promises.
const VERSION_WALL_S_MAX: f64 = 0.010;
const SMALLEST_WALL_S_MAX: f64 = 0.060;

/// Runs in a round: the shell's own start is in each.
const RUNS: usize = 10;

pub fn measure(program: &Path, smallest: &Path, rounds: usize) -> Result<Vec<Row>, String> {
    let scratch = smallest.with_file_name(".bench-start");
    empty_folder(&scratch)?;
    let version = format!("exec {} --version", quoted(program));
    let certify =
        format!("exec {} certify oci:{} --format json --no-cache", quoted(program), quoted(smallest));
    let (mut versions, mut certified) = (Vec::new(), Vec::new());
    for _ in 0..rounds * RUNS {
        versions.push(shell(&version, &scratch, 0)?.wall_s);
        certified.push(shell(&certify, &scratch, 1)?.wall_s);
    }
    remove_folder(&scratch)?;
    Ok(vec![
        Row::new("`edgemarket --version`, wall, with bash's start", median(versions), "s")
            .target(Target::AtMost(VERSION_WALL_S_MAX)),
        Row::new("`static` (1.3 MB): certify cold, wall, with bash's start", median(certified), "s")
            .target(Target::AtMost(SMALLEST_WALL_S_MAX)),
    ])
}
