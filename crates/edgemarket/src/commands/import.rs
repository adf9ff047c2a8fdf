//! `import FILE`: makes live what another marketplace exported, if a trusted key signed it. Broken off, it goes on where it was when it
//! is repeated.

use super::admin::encoded;
use super::export::bar;
use super::target::Target;
use crate::client::{Client, ClientError, Payload};
use crate::output::{Failure, Output};
use axum::http::Method;
use certify::trust::export::{Content, EXPORT, whole};
use clap::Args;
use indicatif::ProgressBar;
use market::imports::ImportView;
use oci::manifest::{self, Descriptor, Document};
use oci::reference::Locator;
use oci::source::{OpenOptions, Source, open};
use oci::trust::{BUNDLE_BYTES_MAX, BUNDLE_TYPE};
use serde_json::json;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Size of the pieces in which content is read, and how many may wait to be sent.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_AHEAD: usize = 4;

/// Most statements of one file that are tried: there is one, and what strangers added.
const STATEMENTS_MAX: usize = 16;

/// `edgemarket import`
#[derive(Debug, Args)]
pub struct Import {
    /// The file that `edgemarket export` wrote
    #[arg(required_unless_present_any = ["list", "abort"])]
    file: Option<PathBuf>,
    /// List the imports: which are complete, and from where
    #[arg(long, conflicts_with = "file")]
    list: bool,
    /// Give up the import with this id, as --list shows it, which is not complete: what came of it is garbage
    #[arg(long, value_name = "ID", conflicts_with_all = ["file", "list"])]
    abort: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Runs it.
pub async fn run(arguments: &Import, output: &Output) -> Result<(), Failure> {
    if let Some(id) = &arguments.abort {
        return abort(&arguments.target, id, output).await;
    }
    let Some(file) = &arguments.file else {
        let all: Vec<ImportView> = arguments.target.get("/api/v1/imports").await?;
        return output.list(&all, &output.text.get("imports-empty"), |one| {
            let state =
                one.finished.map_or("not complete".to_owned(), |finished| format!("complete {finished}"));
            format!("{}  of {} from {}  {state}", one.id, one.exported, one.source)
        });
    };
    let path = file.clone();
    let (source, bundles) = blocking(move || read(&path)).await?;
    let (done, sent) =
        arguments.target.with(async |client| bring(client, &source, bundles, output).await).await?;
    let mut value = json!(done);
    value["blobsSent"] = json!(sent.0);
    value["bytesSent"] = json!(sent.1);
    output.value(&value, |_| {
        let values = [
            ("id", done.id.clone()),
            ("source", done.source.clone()),
            ("exported", done.exported.to_string()),
            ("blobs", sent.0.to_string()),
            ("bytes", indicatif::BinaryBytes(sent.1).to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("{}\n", output.text.with("imported", &values))
    })
}

async fn abort(target: &Target, id: &str, output: &Output) -> Result<(), Failure> {
    target.call_for_nothing(Method::DELETE, &format!("/api/v1/imports/{}", encoded(id))).await?;
    output.value(&json!({ "aborted": id }), |_| {
        format!("{}\n", output.text.with("import-aborted", &[("id", id)]))
    })
}

/// An archive, and the statements about the whole of it.
type Archive = (Arc<dyn Source>, Vec<Vec<u8>>);

fn read(file: &std::path::Path) -> Result<Archive, Failure> {
    let path = file.to_owned();
    let locator = match file.is_dir() {
        true => Locator::Layout { path, reference: None },
        false => Locator::OciArchive { path, reference: None },
    };
    let source: Arc<dyn Source> = open(&locator, &OpenOptions::default())?.into();
    let root = whole(source.as_ref()).ok_or_else(|| {
        Failure::could_not_run(
            format!("{} is no export of a marketplace", file.display()),
            "give the file that `edgemarket export` wrote; single images are copied with `edgemarket copy`",
        )
    })?;
    let mut bundles = Vec::new();
    let listed = source.referrers(root.digest)?;
    let listed = listed.iter().filter(|entry| entry.artifact_type.as_deref() == Some(BUNDLE_TYPE));
    for entry in listed.take(STATEMENTS_MAX) {
        if let Some(bundle) = statement(source.as_ref(), entry)? {
            bundles.push(bundle);
        }
    }
    if bundles.is_empty() {
        return Err(Failure::new(
            format!("the export {} is refused: nobody signed it", file.display()),
            "carry the file over as it was exported; the statement is in it",
        ));
    }
    Ok((source, bundles))
}

fn statement(source: &dyn Source, entry: &Descriptor) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = source.manifest(entry)?;
    let Document::Manifest(found) = manifest::parse(&bytes, Some(&entry.media_type))? else {
        return Ok(None);
    };
    let about_export =
        found.annotations.get(oci::trust::PREDICATE_ANNOTATION).is_some_and(|kind| kind == EXPORT);
    let [layer] = &found.layers[..] else { return Ok(None) };
    if !about_export || layer.size > BUNDLE_BYTES_MAX {
        return Ok(None);
    }
    let mut bundle = Vec::new();
    let read = source.blob(layer)?.take(layer.size).read_to_end(&mut bundle);
    read.map_err(oci::Error::io("reading the export's statement"))?;
    Ok(Some(bundle))
}

/// Sends the statement, then what the marketplace says it lacks, and has it made live. How many pieces, and bytes, were sent.
async fn bring(
    client: &Client,
    source: &Arc<dyn Source>,
    bundles: Vec<Vec<u8>>,
    output: &Output,
) -> Result<(ImportView, (usize, u64)), Failure> {
    let mut refused: Option<ClientError> = None;
    for bundle in bundles {
        let begun = client.call::<ImportView>(Method::POST, "/api/v1/imports", Payload::Bytes(bundle)).await;
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        if begun.finished.is_some() {
            return Ok((begun, (0, 0)));
        }
        let bytes: u64 = begun.missing.iter().map(|content| content.size).sum();
        let bar = bar(output, bytes);
        for content in &begun.missing {
            send(client, source, &begun, content, &bar).await?;
        }
        bar.finish_and_clear();
        let finish = format!("/api/v1/imports/{}/finish", begun.id);
        let done = client.call(Method::POST, &finish, Payload::Empty).await?;
        return Ok((done, (begun.missing.len(), bytes)));
    }
    Err(refused.map_or_else(Failure::said, Failure::from))
}

async fn send(
    client: &Client,
    source: &Arc<dyn Source>,
    import: &ImportView,
    content: &Content,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let blob = Descriptor::new("application/octet-stream", content.digest, content.size);
    let opened = {
        let source = Arc::clone(source);
        blocking(move || Ok(source.blob(&blob))).await?
    };
    let raw = opened.map_err(|cause| match &import.since {
        Some(since) if matches!(cause, oci::Error::NotFound(_)) => Failure::new(
            format!(
                "the file lacks {}, which its earlier export {since} brought here and which is gone since",
                content.digest
            ),
            "import that one again, or ask for an export without --since",
        ),
        _ => Failure::from(cause),
    })?;
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let (bar, most) = (bar.clone(), content.size);
    tokio::task::spawn_blocking(move || pieces(raw.take(most.saturating_add(1)), &sender, &bar));
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece: io::Result<Vec<u8>>| (piece, receiver))
    });
    let path = format!("/api/v1/imports/{}/content/{}", import.id, content.digest);
    client.bytes(Method::PUT, &path, Payload::Stream(Box::pin(stream))).await?;
    Ok(())
}

fn pieces(mut raw: impl Read, sender: &mpsc::Sender<io::Result<Vec<u8>>>, bar: &ProgressBar) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match raw.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => return,
            Ok(count) => {
                // The receiver is gone: the marketplace has refused it, and says why.
                if sender.blocking_send(Ok(piece)).is_err() {
                    return;
                }
                bar.inc(count as u64);
            }
            Err(error) => return drop(sender.blocking_send(Err(error))),
        }
    }
}

/// Reads of the file, away from the threads that speak to the marketplace.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::could_not_run(format!("the program failed: {error}"), "please report this"))
    })
}
