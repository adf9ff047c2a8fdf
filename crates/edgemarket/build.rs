//! Compiles the sample module (`sample/module/main.rs`) to one static program for the platform that `edgemarket`
//! itself is built for, so that `edgemarket demo` has a real module to publish without a compiler or a download.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "../../sample/module/main.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(required("OUT_DIR"));
    let audit = out.join("sample.dep-v0");
    write_audit_data(&audit);
    compile(&audit, &out.join("sample-module"));
}

/// `cargo auditable`'s format: zlib over a JSON list of packages. The sample has no dependencies.
fn write_audit_data(path: &Path) {
    let json = format!(
        r#"{{"packages":[{{"name":"edgemarket-sample-module","version":"{}","source":"local","root":true}}]}}"#,
        required("CARGO_PKG_VERSION")
    );
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(json.as_bytes()).expect("a Vec takes every write");
    std::fs::write(path, encoder.finish().expect("a Vec takes every write"))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

fn compile(audit: &Path, program: &Path) {
    let target = required("TARGET");
    if required("CARGO_CFG_TARGET_OS") != "linux" {
        panic!(
            "the sample module cannot be made for {target}: modules are static Linux programs\n\
             hint: build edgemarket on Linux, or with a Linux --target"
        );
    }
    let mut rustc = Command::new(required("RUSTC"));
    rustc
        .args(["--edition", "2024", "--crate-name", "sample_module", "--crate-type", "bin"])
        .args(["--target", &target, "-O", "-C", "strip=symbols", "-C", "panic=abort"])
        .args(["-C", "target-feature=+crt-static", "-C", "relocation-model=static"])
        .arg("-o")
        .arg(program)
        .arg(SOURCE)
        .env("SAMPLE_AUDIT_DATA", audit);
    if let Ok(linker) = std::env::var("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    let output = rustc.output().unwrap_or_else(|error| panic!("cannot start {rustc:?}: {error}"));
    if !output.status.success() {
        panic!(
            "the sample module does not link statically for {target}:\n{}\n\
             hint: install the C compiler and the static C library (Debian: gcc libc6-dev), \
             or `rustup target add {}`",
            String::from_utf8_lossy(&output.stderr),
            target.replace("-gnu", "-musl")
        );
    }
}

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for a build script"))
}
