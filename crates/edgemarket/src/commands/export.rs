//! `export [OFFER…] FILE`: live offers with their images, signatures and listings as one signed archive, to be carried to where no
//! network leads.

use super::target::Target;
use crate::client::{Client, Payload};
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::Args;
use futures_util::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use market::exports::{ExportView, NewExport};
use serde_json::json;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// `edgemarket export`
#[derive(Debug, Args)]
pub struct Export {
    /// Offers to export (publisher.offer, or publisher for all of its; none for everything that is live), then the file to write
    #[arg(value_name = "OFFER... FILE", required_unless_present = "list")]
    offers_and_file: Vec<String>,
    /// Leave out what this earlier export has, by its ID; the other marketplace must have imported it
    #[arg(long, value_name = "EXPORT")]
    since: Option<String>,
    /// Take deltas between layers along, for devices on metered links over there
    #[arg(long)]
    deltas: bool,
    /// List the exports that were made
    #[arg(long, conflicts_with_all = ["offers_and_file", "since", "deltas"])]
    list: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs it.
pub async fn run(arguments: &Export, output: &Output) -> Result<(), Failure> {
    let Some((file, offers)) = arguments.offers_and_file.split_last() else {
        let all: Vec<ExportView> = arguments.target.get("/api/v1/exports").await?;
        return output.list(&all, &output.text.get("exports-empty"), |one| {
            let since = one.since.as_ref().map(|since| format!("  since {since}")).unwrap_or_default();
            format!("{}  {}  {} offers  {} bytes{since}", one.id, one.created, one.offers, one.bytes)
        });
    };
    let file = Path::new(file);
    if file.symlink_metadata().is_ok() {
        return Err(Failure::could_not_run(
            format!("{} exists already", file.display()),
            "the last argument is the file to write: name another one, or remove it first",
        ));
    }
    let new = NewExport { offers: offers.to_vec(), since: arguments.since.clone(), deltas: arguments.deltas };
    let made = arguments.target.with(async |client| write(client, &new, file, output).await).await?;
    let mut value = json!(made);
    value["file"] = json!(file.display().to_string());
    output.value(&value, |_| {
        let values = [
            ("file", file.display().to_string()),
            ("id", made.id.clone()),
            ("offers", made.offers.to_string()),
            ("withdrawn", made.withdrawn.to_string()),
            ("bytes", indicatif::BinaryBytes(made.bytes).to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("{}\n", output.text.with("exported", &values))
    })
}

/// Has it made, and writes it beside its place: half of an export is never found there.
async fn write(
    client: &Client,
    new: &NewExport,
    file: &Path,
    output: &Output,
) -> Result<ExportView, Failure> {
    let beside = Beside::new(file)?;
    let made: ExportView = client.call(Method::POST, "/api/v1/exports", Payload::Json(json!(new))).await?;
    let bar = bar(output, made.bytes);
    let mut chunks = client.download(&format!("/api/v1/exports/{}/archive", made.id)).await?;
    let mut target = &beside.file;
    while let Some(chunk) = chunks.try_next().await? {
        target.write_all(&chunk).map_err(|cause| beside.failed(&cause))?;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    beside.keep(file)?;
    Ok(made)
}

/// A bar where somebody looks at a terminal.
pub fn bar(output: &Output, bytes: u64) -> ProgressBar {
    if output.quiet || output.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

/// The file beside its place, which goes when it is not kept.
struct Beside {
    file: File,
    path: PathBuf,
}

impl Beside {
    fn new(place: &Path) -> Result<Beside, Failure> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let path = place.with_file_name(format!(".{name}.partial"));
        let file = File::create(&path).map_err(|cause| failed(&path, &cause))?;
        Ok(Beside { file, path })
    }

    fn failed(&self, cause: &std::io::Error) -> Failure {
        failed(&self.path, cause)
    }

    fn keep(&self, place: &Path) -> Result<(), Failure> {
        let kept = self.file.sync_all().and_then(|()| std::fs::rename(&self.path, place));
        kept.map_err(|cause| self.failed(&cause))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Nothing is left there when it was kept.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::could_not_run(
        format!("{} cannot be written: {cause}", path.display()),
        "check the path, its permissions and the space on the disk",
    )
}
