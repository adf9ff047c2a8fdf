//! Writes the seeds into the corpora of `fuzz/`, where libFuzzer begins with them.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, _) in fuzzing::TARGETS {
        let directory = corpora.join(target);
        std::fs::create_dir_all(&directory)?;
        for (name, bytes) in fuzzing::seeds::of(target) {
            std::fs::write(directory.join(name), bytes)?;
        }
    }
    Ok(())
}
