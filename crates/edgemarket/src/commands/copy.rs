//! `copy FROM TO`: an image, with all its platforms, between registries, layout directories and archives. What the
//! target has already is not sent again, so a copy that was broken off goes on where it was.

use crate::interrupt;
use crate::output::{Failure, Output};
use crate::registry_access::RegistryAccess;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use oci::client::{self, BlobPush, Client, CopyEvent, CopyProgress, HttpOptions, http_client};
use oci::manifest::Descriptor;
use oci::reference::{Locator, Reference};
use oci::source::{OpenOptions, Referring, Source, open, referrers_below};
use oci::writer::GrowingLayout;
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What `copy` takes.
#[derive(Debug, Args)]
pub struct Copy {
    /// Layout directory, archive, or registry/repository[:tag]; also oci:, oci-archive:, docker-archive:, docker://
    from: String,
    /// ./DIRECTORY[:TAG], ./ARCHIVE.tar[:TAG], or registry/repository[:tag]; also oci:, oci-archive:, docker://
    to: String,
    /// Copy what refers to the image, too: signatures, bills of materials, certifications
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// Runs it.
pub fn run(arguments: &Copy, output: &Output) -> Result<(), Failure> {
    let target = target(&arguments.to)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|cause| {
        Failure::could_not_run(
            format!("no threads can be started: {cause}"),
            "free some memory, then try again",
        )
    })?;
    let follow = Arc::new(Follow::new(output));
    let last = Arc::clone(&follow);
    let _interruptible = interrupt::watch(None, || true, move || last.bar.finish_and_clear())?;
    let client = arguments.registry.options()?;
    let options = OpenOptions { client: client.clone(), http: None, runtime: Some(runtime.handle().clone()) };
    let from = Locator::parse(&arguments.from)?;
    let source: Arc<dyn Source> = open(&from, &options)?.into();
    let root = source.resolve(None)?;
    let referrers = match arguments.referrers {
        true => referrers_below(source.as_ref(), &root)?,
        false => Vec::new(),
    };
    let content = Content { source, root, referrers, tag: tag_of(&from) };
    let done = match &target {
        Locator::Registry(reference) => {
            let http = http_client(HttpOptions::default())?;
            let to = Client::new(http, reference.registry(), client)?;
            runtime.block_on(content.push(&to, reference, &follow))
        }
        Locator::Layout { path, reference } => content.write(path, reference.as_deref(), &follow),
        Locator::OciArchive { path, reference } => content.archive(path, reference.as_deref(), &follow),
        _ => Err(not_written(&arguments.to)),
    };
    follow.bar.finish_and_clear();
    done?;
    follow.tell(&content, &target, output)
}

/// Where to. Unlike a source it need not exist: a path says by its form what shall be made.
fn target(text: &str) -> Result<Locator, Failure> {
    let with_transport = ["oci:", "oci-archive:", "docker:", "docker-archive:"];
    if with_transport.iter().any(|transport| text.starts_with(transport)) {
        return Ok(Locator::parse(text)?);
    }
    let is_path = text.starts_with(['.', '/']) || Path::new(text).exists();
    let is_archive = text.ends_with(".tar") || text.contains(".tar:");
    Ok(match (is_path, is_archive) {
        (true, true) => Locator::parse(&format!("oci-archive:{text}"))?,
        (true, false) => Locator::parse(&format!("oci:{text}"))?,
        (false, _) => Locator::Registry(text.parse::<Reference>().map_err(oci::Error::from)?),
    })
}

fn not_written(to: &str) -> Failure {
    Failure::usage(
        format!("{to} cannot be written: only registries, OCI layouts and OCI archives can"),
        "write an OCI archive (oci-archive:FILE.tar), which `docker load` and `podman load` read as well",
    )
}

/// The tag that was named.
fn tag_of(from: &Locator) -> Option<String> {
    let named = match from {
        Locator::Registry(reference) => reference.tag_or_digest(),
        Locator::Layout { reference, .. }
        | Locator::OciArchive { reference, .. }
        | Locator::DockerArchive { reference, .. }
        | Locator::Archive { reference, .. } => reference.clone(),
    };
    named.filter(|name| oci::reference::is_tag(name))
}

/// What is copied.
struct Content {
    source: Arc<dyn Source>,
    root: Descriptor,
    /// Subjects before what refers to them.
    referrers: Vec<Referring>,
    /// The source's tag, which the copy gets unless another is named.
    tag: Option<String>,
}

impl Content {
    async fn push(&self, to: &Client, reference: &Reference, follow: &Arc<Follow>) -> Result<(), Failure> {
        let repository = to.repository(reference.repository())?;
        let tags = match (reference.tag(), reference.digest()) {
            (_, Some(other)) if other != self.root.digest => {
                return Err(Failure::usage(
                    format!("the image is {}, so it cannot be copied to {other}", self.root.digest),
                    "name a tag in its place, or no digest",
                ));
            }
            (Some(tag), _) => vec![tag],
            (None, Some(_)) => Vec::new(),
            // What a client that names no tag asks for.
            (None, None) => vec![self.tag.as_deref().unwrap_or("latest")],
        };
        client::copy(self.source.clone(), &self.root, &repository, &tags, None, follow.progress()).await?;
        let mut listed = Vec::new();
        for one in &self.referrers {
            let (source, progress) = (self.source.clone(), follow.progress());
            client::copy(source, &one.descriptor, &repository, &[], None, progress).await?;
            listed.push((one.subject, one.descriptor.clone()));
        }
        Ok(repository.list_referrers(&listed).await?)
    }

    fn write(&self, directory: &Path, tag: Option<&str>, follow: &Arc<Follow>) -> Result<(), Failure> {
        Ok(self.fill(directory, tag, follow)?.finish_directory()?)
    }

    fn archive(&self, file: &Path, tag: Option<&str>, follow: &Arc<Follow>) -> Result<(), Failure> {
        if file.symlink_metadata().is_ok() {
            return Err(Failure::could_not_run(
                format!("{} exists already", file.display()),
                "name another file, or remove it first; an archive is not added to",
            ));
        }
        Ok(self.fill(&partial(file), tag, follow)?.finish_archive(file)?)
    }

    fn fill(
        &self,
        directory: &Path,
        tag: Option<&str>,
        follow: &Arc<Follow>,
    ) -> Result<GrowingLayout, Failure> {
        let mut layout = GrowingLayout::open(directory)?;
        layout.put_from(self.source.as_ref(), &self.root, &follow.progress())?;
        for one in &self.referrers {
            layout.put_from(self.source.as_ref(), &one.descriptor, &follow.progress())?;
        }
        layout.add(&self.root, tag.or(self.tag.as_deref()));
        for one in &self.referrers {
            layout.add(&one.descriptor, None);
        }
        Ok(layout)
    }
}

/// Where the content of an archive is gathered. It stays when the copy is broken off, and the next one goes on there.
fn partial(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.partial"))
}

/// A bar where somebody looks at a terminal, and the sums for everybody.
struct Follow {
    bar: ProgressBar,
    sums: Mutex<Sums>,
}

#[derive(Default, Clone, Copy)]
struct Sums {
    planned: u64,
    done: u64,
    sent: u64,
    blobs_sent: usize,
    blobs_there: usize,
}

impl Follow {
    fn new(output: &Output) -> Follow {
        let hidden = output.quiet || output.json || !std::io::stderr().is_terminal();
        let template = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0).with_style(style) };
        Follow { bar, sums: Mutex::default() }
    }

    fn progress(self: &Arc<Follow>) -> CopyProgress {
        let follow = Arc::clone(self);
        Arc::new(move |event| follow.took(&event))
    }

    fn took(&self, event: &CopyEvent) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            CopyEvent::Planned { bytes, .. } => sums.planned += bytes,
            CopyEvent::Sent(bytes) => {
                sums.sent += bytes;
                sums.done += bytes;
            }
            CopyEvent::Blob(_, BlobPush::Uploaded) => sums.blobs_sent += 1,
            CopyEvent::Blob(blob, BlobPush::Existed | BlobPush::Mounted) => {
                sums.blobs_there += 1;
                sums.done += blob.size;
            }
            CopyEvent::Manifest(_) => {}
        }
        self.bar.set_length(sums.planned);
        self.bar.set_position(sums.done.min(sums.planned));
    }

    fn tell(&self, content: &Content, target: &Locator, output: &Output) -> Result<(), Failure> {
        let sums = *self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let (to, digest) = (target.to_string(), content.root.digest.to_string());
        let value = json!({
            "digest": digest, "to": to, "referrers": content.referrers.len(), "bytesSent": sums.sent,
            "blobsSent": sums.blobs_sent, "blobsThere": sums.blobs_there,
        });
        output.value(&value, |_| {
            let sent = indicatif::BinaryBytes(sums.sent).to_string();
            let values = [
                ("to", to.as_str()),
                ("digest", &digest),
                ("sent", &sent),
                ("blobs", &sums.blobs_sent.to_string()),
                ("there", &sums.blobs_there.to_string()),
                ("referrers", &content.referrers.len().to_string()),
            ];
            format!("{}\n", output.text.with("copied", &values))
        })
    }
}
