//! `certify` against the least that any scanner must do: decompress every layer and hash what it read. Cold means an
//! empty evidence cache; the second time finds it filled. Rounds are interleaved, so that a busy minute hits all rows.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::made;
use super::measure::{Usage, median, run_checked, shell};
use super::report::{Row, Target};

/// The number of rules that issue 3 names.
const RULES: u32 = 2_000;

/// Files of the layer that is added: some two megabytes of scripts.
const MODULES: u32 = 200;

/// What issue 3 promises, image by image.
const CPU_RATIO_MAX: f64 = 1.5;
const SBOM_RATIO_MAX: f64 = 1.1;
const RULES_RATIO_MAX: f64 = 3.0;
const SECOND_WALL_S_MAX: f64 = 0.2;
/// A changed layer may cost twice its limit and this much.
const CHANGED_CPU_S_MAX: f64 = 0.05;

/// What is promised beside that depends on the image's size.
pub struct Promise {
    pub peak_mb_max: f64,
    /// Wall to CPU time of the cold run on two cores.
    pub wall_ratio_max: Option<f64>,
}

/// `telemetry` is a usual image.
pub const TELEMETRY: Promise = Promise { peak_mb_max: 200.0, wall_ratio_max: None };
/// `large` is what memory must not grow with, and what two cores must share.
pub const LARGE: Promise = Promise { peak_mb_max: 150.0, wall_ratio_max: Some(0.6) };

/// The image as it is: cold, a second time, and its bill of materials alone.
pub fn measure(
    program: &Path,
    layout: &Path,
    name: &str,
    promise: &Promise,
    rounds: usize,
) -> Result<Vec<Row>, String> {
    let limit_script = limit(&layer_files(layout)?);
    let scratch = layout.with_file_name(format!(".bench-{name}"));
    let certify = certify(program, layout, &scratch);
    let sbom = format!(
        "{} certify oci:{} --no-cache --quiet --sbom-only --sbom {}",
        quoted(program),
        quoted(layout),
        quoted(&scratch.join("alone.json"))
    );
    let mut runs = Runs::default();
    for _ in 0..rounds {
        empty_folder(&scratch)?;
        runs.limit.push(shell(&limit_script, &scratch, 0)?);
        // The verdict is not measured here: a report that fails costs what one that passes does.
        runs.cold.push(shell(&certify, &scratch, 1)?);
        runs.second.push(shell(&certify, &scratch, 1)?);
        runs.sbom.push(shell(&sbom, &scratch, 0)?);
    }
    remove_folder(&scratch)?;
    Ok(runs.rows(name, promise))
}

/// The JSON report and the bill of materials, with an evidence cache in the scratch folder.
fn certify(program: &Path, layout: &Path, scratch: &Path) -> String {
    format!(
        "{} certify oci:{} --format json --sbom {}",
        quoted(program),
        quoted(layout),
        quoted(&scratch.join("sbom.json"))
    )
}

fn limit(layers: &[PathBuf]) -> String {
    let of_layer = |layer: &PathBuf| format!("igzip -dc {} | openssl dgst -sha256", quoted(layer));
    layers.iter().map(of_layer).collect::<Vec<_>>().join("; ")
}

#[derive(Default)]
struct Runs {
    limit: Vec<Usage>,
    cold: Vec<Usage>,
    second: Vec<Usage>,
    sbom: Vec<Usage>,
}

fn middle(runs: &[Usage], of: fn(&Usage) -> f64) -> f64 {
    median(runs.iter().map(of).collect())
}

impl Runs {
    fn rows(&self, name: &str, promise: &Promise) -> Vec<Row> {
        let limit_cpu = middle(&self.limit, |usage| usage.cpu_s);
        let cold_cpu = middle(&self.cold, |usage| usage.cpu_s);
        let cold_wall = middle(&self.cold, |usage| usage.wall_s);
        let sbom_cpu = middle(&self.sbom, |usage| usage.cpu_s);
        let peak = self.cold.iter().map(|usage| usage.peak_mb).fold(0.0, f64::max);
        let row =
            |what: &str, value: f64, unit: &'static str| Row::new(format!("`{name}`: {what}"), value, unit);
        let share = row("certify cold, wall to its own CPU", cold_wall / cold_cpu, "×");
        vec![
            row("`igzip -dc` and `openssl dgst -sha256`, CPU", limit_cpu, "s"),
            row("certify cold, CPU", cold_cpu, "s"),
            row("certify cold, CPU to the limit's", cold_cpu / limit_cpu, "×")
                .target(Target::AtMost(CPU_RATIO_MAX)),
            row("certify cold, wall", cold_wall, "s"),
            match promise.wall_ratio_max {
                Some(most) => share.target(Target::AtMost(most)),
                None => share,
            },
            row("certify cold, peak memory", peak, "MB").target(Target::AtMost(promise.peak_mb_max)),
            row("certify a second time, wall", middle(&self.second, |usage| usage.wall_s), "s")
                .target(Target::Under(SECOND_WALL_S_MAX)),
            row("bill of materials only, CPU to the limit's", sbom_cpu / limit_cpu, "×")
                .target(Target::AtMost(SBOM_RATIO_MAX)),
        ]
    }
}

/// The image with 2,000 rules of an operator's, to the limit.
pub fn measure_rules(program: &Path, layout: &Path, name: &str, rounds: usize) -> Result<Row, String> {
    let limit_script = limit(&layer_files(layout)?);
    let scratch = layout.with_file_name(format!(".bench-{name}-rules"));
    let (mut limit, mut certified) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        empty_folder(&scratch)?;
        let rules = scratch.join("rules");
        empty_folder(&rules)?;
        write(&rules.join("made.yar"), &made::rules(RULES))?;
        let certify = format!("{} --rules {}", certify(program, layout, &scratch), quoted(&rules));
        limit.push(shell(&limit_script, &scratch, 0)?);
        certified.push(shell(&certify, &scratch, 1)?);
    }
    remove_folder(&scratch)?;
    let cpu = |runs: &[Usage]| middle(runs, |usage| usage.cpu_s);
    let what = format!("`{name}`: certify cold with {RULES} rules more, CPU to the limit's");
    Ok(Row::new(what, cpu(&certified) / cpu(&limit), "×").target(Target::AtMost(RULES_RATIO_MAX)))
}

/// The image with one small layer more, all others known.
pub fn measure_changed(program: &Path, layout: &Path, name: &str, rounds: usize) -> Result<Vec<Row>, String> {
    let scratch = layout.with_file_name(format!(".bench-{name}-changed"));
    empty_folder(&scratch)?;
    let (changed, application) = (scratch.join("layout"), scratch.join("application"));
    run_checked(Command::new("cp").arg("-al").arg(layout).arg(&changed))?;
    empty_folder(&application)?;
    for number in 0..MODULES {
        write(&application.join(format!("module-{number}.js")), &made::script(number))?;
    }
    let image = format!("{}:latest", changed.display());
    run_checked(
        Command::new("umoci").args(["insert", "--image", &image]).arg(&application).arg("/srv/application"),
    )?;
    let known = layer_files(layout)?;
    let known: Vec<_> = known.iter().map(|layer| layer.file_name()).collect();
    let mut added = layer_files(&changed)?;
    added.retain(|layer| !known.contains(&layer.file_name()));
    let runs = scratch.join("runs");
    let (mut limit_runs, mut again) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        empty_folder(&runs)?;
        shell(&certify(program, layout, &runs), &runs, 1)?;
        limit_runs.push(shell(&limit(&added), &runs, 0)?);
        again.push(shell(&certify(program, &changed, &runs), &runs, 1)?);
    }
    remove_folder(&scratch)?;
    let cpu = |runs: &[Usage]| middle(runs, |usage| usage.cpu_s);
    let limit = cpu(&limit_runs);
    let what = format!("`{name}` with one small layer more, the others known: ");
    Ok(vec![
        Row::new(format!("{what}the layer's limit, CPU"), limit, "s"),
        Row::new(format!("{what}certify, CPU"), cpu(&again), "s")
            .target(Target::AtMost(2.0 * limit + CHANGED_CPU_S_MAX)),
    ])
}

/// The blobs of the layers, in order, each once, of every manifest that the layout's index reaches.
fn layer_files(layout: &Path) -> Result<Vec<PathBuf>, String> {
    let index = json(&layout.join("index.json"))?;
    let mut waiting: Vec<serde_json::Value> = list(&index, "manifests");
    let mut layers = Vec::new();
    while let Some(descriptor) = waiting.pop() {
        let manifest = json(&blob(layout, &descriptor)?)?;
        waiting.extend(list(&manifest, "manifests"));
        for layer in list(&manifest, "layers") {
            let path = blob(layout, &layer)?;
            if !layers.contains(&path) {
                layers.push(path);
            }
        }
    }
    if layers.is_empty() { Err(format!("{} has no layers", layout.display())) } else { Ok(layers) }
}

fn list(value: &serde_json::Value, key: &str) -> Vec<serde_json::Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn blob(layout: &Path, descriptor: &serde_json::Value) -> Result<PathBuf, String> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    let (algorithm, hex) =
        digest.split_once(':').ok_or_else(|| format!("{}: `{digest}` is no digest", layout.display()))?;
    Ok(layout.join("blobs").join(algorithm).join(hex))
}

fn json(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{} is no JSON: {error}", path.display()))
}

pub fn empty_folder(path: &Path) -> Result<(), String> {
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(|error| format!("cannot empty {}: {error}", path.display()))?;
    }
    std::fs::create_dir_all(path).map_err(|error| format!("cannot make {}: {error}", path.display()))
}

pub fn remove_folder(path: &Path) -> Result<(), String> {
    std::fs::remove_dir_all(path).map_err(|error| format!("cannot remove {}: {error}", path.display()))
}

pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// A path as one word of the shell.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_every_platform_once() {
        let layout = std::env::temp_dir().join(format!("bench-layout-{}", std::process::id()));
        let blobs = layout.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let write = |name: &str, text: &str| std::fs::write(layout.join(name), text).unwrap();
        write("index.json", r#"{"manifests":[{"digest":"sha256:aa"}]}"#);
        write("blobs/sha256/aa", r#"{"manifests":[{"digest":"sha256:b1"},{"digest":"sha256:b2"}]}"#);
        write("blobs/sha256/b1", r#"{"layers":[{"digest":"sha256:c1"},{"digest":"sha256:c2"}]}"#);
        write("blobs/sha256/b2", r#"{"layers":[{"digest":"sha256:c1"}]}"#);
        let mut layers = layer_files(&layout).unwrap();
        layers.sort();
        write("blobs/sha256/b1", r#"{"layers":[{"digest":"c1"}]}"#);
        let wrong = layer_files(&layout).unwrap_err();
        std::fs::remove_dir_all(&layout).unwrap();
        assert_eq!(layers, [blobs.join("c1"), blobs.join("c2")]);
        assert!(wrong.contains("`c1` is no digest"), "{wrong}");
    }
}
