//! `verify IMAGE --key FILE`: whether an image is what a marketplace signed and certified, without asking that
//! marketplace. Exit status 0 verified, 1 not verified, 2 could not run.

use crate::files;
use crate::interrupt;
use crate::output::{Failure, Output};
use crate::registry_access::RegistryAccess;
use certify::trust::export::{Export, ExportVerification, verify_export, whole};
use certify::trust::{Chain, Demands, Link, Verification, verify};
use clap::{Args, ValueEnum};
use oci::reference::Locator;
use oci::trust::Keyring;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Most bytes of one file of public keys.
pub const KEYS_BYTES_MAX: usize = 1 << 20;

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct Verify {
    /// Layout directory, archive, or registry/repository[:tag]; also oci:, oci-archive:, docker://. Of the file of an
    /// `edgemarket export`: all of it, or one of its images with FILE:publisher/offer/plan:tag
    image: String,
    /// Public keys to trust, in PEM; a file may hold several. `edgemarket key export` writes them, and a marketplace
    /// serves them at /.well-known/edgemarket/keys.pem
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// What must be signed besides the digest itself
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sbom", "certification"])]
    require: Vec<Require>,
    /// Read config and layers of a registry's image, too; those of a layout or archive always are
    #[arg(long)]
    content: bool,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// What can be demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// Nothing more than the signature, which always must be there
    Signature,
    /// A bill of materials
    Sbom,
    /// A certification that was passed
    Certification,
}

/// Runs it.
pub fn run(arguments: &Verify, output: &Output) -> Result<(), Failure> {
    let keys = keyring(&arguments.keys)?;
    let _interruptible = interrupt::watch(None, || true, || {})?;
    let source = arguments.registry.open(&arguments.image)?;
    let locator = Locator::parse(&arguments.image)?;
    let remote = matches!(locator, Locator::Registry(_));
    let demands = demands(&arguments.require, arguments.content || !remote);
    // The whole of an export is meant where none of its images is named.
    let names_one = match &locator {
        Locator::Registry(_) => true,
        Locator::Layout { reference, .. }
        | Locator::OciArchive { reference, .. }
        | Locator::DockerArchive { reference, .. }
        | Locator::Archive { reference, .. } => reference.is_some(),
    };
    if let (false, Some(whole)) = (names_one, whole(source.as_ref())) {
        let found = verify_export(source.as_ref(), &whole, &keys, demands)?;
        output.value(&found, |found| export_text(found, &arguments.image, output))?;
        return if found.verified { Ok(()) } else { Err(Failure::said()) };
    }
    let root = source.resolve(None)?;
    let found = verify(source.as_ref(), &root, &keys, demands)?;
    output.value(&found, |found| text(found, &arguments.image, output))?;
    if found.verified { Ok(()) } else { Err(Failure::said()) }
}

/// What is demanded, for the chain.
pub fn demands(require: &[Require], content: bool) -> Demands {
    let (sbom, certification) = (require.contains(&Require::Sbom), require.contains(&Require::Certification));
    Demands { content, sbom, certification }
}

/// The keys of all files.
pub fn keyring(files: &[PathBuf]) -> Result<Keyring, Failure> {
    let mut all = String::new();
    for path in files {
        let text = files::read_text(path, KEYS_BYTES_MAX)?;
        Keyring::from_pem(&text).map_err(|cause| unusable(path, &cause))?;
        all += &text;
        all.push('\n');
    }
    Keyring::from_pem(&all)
        .map_err(|cause| Failure::could_not_run(format!("--key: {cause}"), "give fewer keys"))
}

fn unusable(path: &Path, cause: &oci::trust::KeyError) -> Failure {
    Failure::could_not_run(
        format!("{} cannot be used: {cause}", path.display()),
        "give the file that `edgemarket key export` writes, or the public half of a cosign key pair",
    )
}

/// The chain, link by link, and the verdict.
pub fn text(found: &Verification, image: &str, output: &Output) -> String {
    let mut text = String::new();
    for chain in &found.chains {
        chain_text(chain, output, &mut text);
    }
    // Whoever is verified needs to know nothing of what strangers attached; whoever is not has read it above.
    if found.verified && !found.ignored.is_empty() {
        let number = found.ignored.len().to_string();
        let _ = writeln!(text, "{}", output.text.with("verify-ignored", &[("number", &number)]));
    }
    let (key, colour) = if found.verified { ("verify-yes", "32") } else { ("verify-no", "31") };
    let digest = found.digest.to_string();
    let verdict = output.text.with(key, &[("image", &printable(image)), ("digest", &digest)]);
    let _ = writeln!(text, "\x1b[1;{colour}m{verdict}\x1b[0m");
    text
}

fn export_text(found: &ExportVerification, file: &str, output: &Output) -> String {
    let mut text = String::new();
    for (name, image) in &found.images {
        let _ = writeln!(text, "{}", printable(name));
        for chain in &image.chains {
            chain_text(chain, output, &mut text);
        }
    }
    for name in &found.partly {
        let name = printable(name);
        let _ = writeln!(text, "{}", output.text.with("verify-partly", &[("image", &name)]));
    }
    for fault in &found.faults {
        let _ = writeln!(text, "\x1b[1;31m✗\x1b[0m {}", printable(fault));
    }
    let (key, colour) = if found.verified { ("verify-export-yes", "32") } else { ("verify-export-no", "31") };
    let field = |of: fn(&Export) -> &str| found.export.as_ref().map_or("?", of).to_owned();
    let values = [
        ("file", printable(file)),
        ("id", printable(&field(|export| &export.id))),
        ("source", printable(&field(|export| &export.source))),
        ("instant", printable(&field(|export| &export.instant))),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let verdict = output.text.with(key, &values);
    let _ = writeln!(text, "\x1b[1;{colour}m{verdict}\x1b[0m");
    text
}

fn chain_text(chain: &Chain, output: &Output, text: &mut String) {
    let mut said = None;
    let platform = chain.platform.as_deref().map(|platform| format!("  {platform}")).unwrap_or_default();
    let _ = writeln!(text, "\x1b[1m{}\x1b[0m{}", chain.digest, printable(&platform));
    for state in &chain.links {
        let name = output.text.get(match state.link {
            Link::Image => "verify-image",
            Link::Content => "verify-content",
            Link::Signature => "verify-signature",
            Link::Sbom => "verify-sbom",
            Link::Certification => "verify-certification",
        });
        let mark = if state.verified { "\x1b[32m✓\x1b[0m" } else { "\x1b[1;31m✗\x1b[0m" };
        let mut lead = format!("  {mark} {name:20}");
        for detail in &state.details {
            let _ = writeln!(text, "{lead} {}", printable(detail));
            lead = " ".repeat(24);
        }
        if let Some(hint) = state.hint.as_ref().filter(|hint| said.replace(*hint) != Some(*hint)) {
            let _ =
                writeln!(text, "{}\x1b[1;36m{}\x1b[0m {hint}", " ".repeat(25), output.text.get("hint-label"));
        }
    }
}

/// Words out of an image must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
