//! Everything that crate `oci` promises, through its public edge. Needs the programs skopeo and docker-registry
//! (Debian packages of the same names); without them the tests fail and say so.

mod build;
mod grow;
mod layer;
mod layout;
mod pack;
mod rebuild;
mod reference;
mod registry;
mod trust;
mod wire;

/// Runs skopeo and gives its output; any failure fails the test.
fn skopeo(arguments: &[&str]) -> String {
    let output = std::process::Command::new("skopeo")
        .arg("--insecure-policy")
        .args(arguments)
        .output()
        .expect("skopeo is needed by this test (Debian package skopeo)");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
