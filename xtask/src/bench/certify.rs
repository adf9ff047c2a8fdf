//! `certify` against the least that any scanner must do: decompress every layer and hash what it read. Cold means an
//! empty evidence cache; the second time finds it filled. Rounds are interleaved, so that a busy minute hits all rows.

use std::path::{Path, PathBuf};

use super::measure::{Usage, median, shell};
use super::report::{Row, Target};

/// What the issue promises, image by image.
const CPU_RATIO_MAX: f64 = 2.5;
const SECOND_WALL_S_MAX: f64 = 0.2;
const PEAK_MB_MAX: f64 = 200.0;

pub fn measure(program: &Path, layout: &Path, name: &str, rounds: usize) -> Result<Vec<Row>, String> {
    let layers = layer_files(layout)?;
    let limit_script = layers
        .iter()
        .map(|layer| format!("igzip -dc {} | openssl dgst -sha256", quoted(layer)))
        .collect::<Vec<_>>()
        .join("; ");
    let certify = format!("{} certify oci:{} --format json", quoted(program), quoted(layout));
    let scratch = layout.with_file_name(format!(".bench-{name}"));
    let (mut limit, mut cold, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        empty_folder(&scratch)?;
        limit.push(shell(&limit_script, &scratch, 0)?);
        // The verdict is not measured here: a report that fails costs what one that passes does.
        cold.push(shell(&certify, &scratch, 1)?);
        second.push(shell(&certify, &scratch, 1)?);
    }
    std::fs::remove_dir_all(&scratch)
        .map_err(|error| format!("cannot remove {}: {error}", scratch.display()))?;
    Ok(rows(name, &limit, &cold, &second))
}

fn rows(name: &str, limit: &[Usage], cold: &[Usage], second: &[Usage]) -> Vec<Row> {
    let middle = |runs: &[Usage], of: fn(&Usage) -> f64| median(runs.iter().map(of).collect());
    let limit_cpu = middle(limit, |usage| usage.cpu_s);
    let cold_cpu = middle(cold, |usage| usage.cpu_s);
    let peak = cold.iter().map(|usage| usage.peak_mb).fold(0.0, f64::max);
    vec![
        Row::new(format!("`{name}`: `igzip -dc` and `openssl dgst -sha256`, CPU"), limit_cpu, "s"),
        Row::new(format!("`{name}`: certify cold, CPU"), cold_cpu, "s"),
        Row::new(format!("`{name}`: certify cold, wall"), middle(cold, |usage| usage.wall_s), "s"),
        Row::new(format!("`{name}`: certify cold, CPU to the limit's"), cold_cpu / limit_cpu, "×")
            .target(Target::AtMost(CPU_RATIO_MAX)),
        Row::new(format!("`{name}`: certify a second time, wall"), middle(second, |usage| usage.wall_s), "s")
            .target(Target::Under(SECOND_WALL_S_MAX)),
        Row::new(format!("`{name}`: certify cold, peak memory"), peak, "MB")
            .target(Target::AtMost(PEAK_MB_MAX)),
    ]
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

fn empty_folder(path: &Path) -> Result<(), String> {
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(|error| format!("cannot empty {}: {error}", path.display()))?;
    }
    std::fs::create_dir_all(path).map_err(|error| format!("cannot make {}: {error}", path.display()))
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
