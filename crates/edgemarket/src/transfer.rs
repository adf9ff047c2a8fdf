//! Bringing an image from one place to another: where to, what, and the bar and sums of it. `copy` and `pull` share it.

use crate::output::{Failure, Output};
use indicatif::{ProgressBar, ProgressStyle};
use oci::client::{self, BlobPush, Client, CopyEvent, CopyProgress};
use oci::manifest::{Descriptor, ImageRef, images, parse_config};
use oci::reference::{Locator, Reference};
use oci::source::{Referring, Source, referrers_below};
use oci::writer::GrowingLayout;
use offer::platform::Platform;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where to. Unlike a source it need not exist: a path says by its form what shall be made.
pub fn target(text: &str) -> Result<Locator, Failure> {
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

/// The root that the user means: the platform's image where one is named, or where the target has room for one only.
pub fn choose(
    source: &dyn Source,
    root: Descriptor,
    platform: Option<&Platform>,
    target: &Locator,
) -> Result<Descriptor, Failure> {
    let one_only = matches!(target, Locator::DockerArchive { .. });
    if platform.is_none() && !one_only {
        return Ok(root);
    }
    let mut there = Vec::new();
    for image in images(source, &root)? {
        there.push((platform_of(source, &image)?, image.descriptor));
    }
    let here = Platform::new("linux", architecture(), None);
    let wanted = match (platform, &there[..]) {
        (Some(platform), _) => platform,
        (None, [(only, _)]) => only,
        (None, _) => &here,
    };
    if let Some((_, image)) = there.iter().find(|(found, _)| found == wanted) {
        return Ok(Descriptor::new(&image.media_type, image.digest, image.size));
    }
    let names: Vec<String> = there.iter().map(|(platform, _)| platform.to_string()).collect();
    Err(Failure::could_not_run(
        format!("{} has no image of {wanted}", source.describe()),
        format!("name one of its platforms with --platform: {}", names.join(", ")),
    ))
}

/// As the index states it, else as the config does.
fn platform_of(source: &dyn Source, image: &ImageRef) -> Result<Platform, Failure> {
    if let Some(found) = &image.index_platform {
        return Ok(Platform::new(&found.os, &found.architecture, found.variant.as_deref()));
    }
    let bytes = source.manifest(&image.descriptor)?;
    let document = oci::manifest::parse(&bytes, Some(&image.descriptor.media_type))?;
    let oci::manifest::Document::Manifest(manifest) = document else {
        return Err(oci::Error::Unsupported(format!("the index {}", image.descriptor.digest)).into());
    };
    let config = parse_config(&source.manifest(&manifest.config)?)?;
    Ok(Platform::new(&config.os, &config.architecture, config.variant.as_deref()))
}

/// This machine's, in Go's spelling.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

/// The tag that was named.
pub fn tag_of(from: &Locator) -> Option<String> {
    let named = match from {
        Locator::Registry(reference) => reference.tag_or_digest(),
        Locator::Layout { reference, .. }
        | Locator::OciArchive { reference, .. }
        | Locator::DockerArchive { reference, .. }
        | Locator::Archive { reference, .. } => reference.clone(),
    };
    named.filter(|name| oci::reference::is_tag(name))
}

/// What is brought.
pub struct Content {
    /// Where it comes from.
    pub source: Arc<dyn Source>,
    /// The image or index.
    pub root: Descriptor,
    /// What refers to it, subjects before what refers to them.
    pub referrers: Vec<Referring>,
    /// The source's tag, which the copy gets unless another is named.
    pub tag: Option<String>,
    /// Registry and repository of the source, which a Docker archive states.
    pub repository: Option<String>,
}

impl Content {
    /// What is behind a locator, with what refers to it if that is wanted.
    pub fn new(
        from: &Locator,
        source: Arc<dyn Source>,
        root: Descriptor,
        with_referrers: bool,
    ) -> Result<Content, Failure> {
        let referrers = if with_referrers { referrers_below(source.as_ref(), &root)? } else { Vec::new() };
        let repository = match from {
            Locator::Registry(reference) => {
                Some(format!("{}/{}", reference.registry(), reference.repository()))
            }
            _ => None,
        };
        Ok(Content { source, root, referrers, tag: tag_of(from), repository })
    }

    /// Into a registry.
    pub async fn push(
        &self,
        to: &Client,
        reference: &Reference,
        follow: &Arc<Follow>,
    ) -> Result<(), Failure> {
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

    /// Into a directory or file of this machine.
    pub fn write(&self, target: &Locator, follow: &Arc<Follow>) -> Result<(), Failure> {
        match target {
            Locator::Layout { path, reference } => {
                Ok(self.fill(path, reference.as_deref(), follow)?.finish_directory()?)
            }
            Locator::OciArchive { path, reference } => {
                check_free(path)?;
                let layout = self.fill(&partial(path), reference.as_deref(), follow)?;
                Ok(layout.finish_archive(path)?)
            }
            Locator::DockerArchive { path, reference } => {
                check_free(path)?;
                if !self.referrers.is_empty() {
                    return Err(Failure::usage(
                        format!("{target} cannot hold what refers to the image"),
                        "leave --referrers out, or write an OCI archive: ./FILE.tar",
                    ));
                }
                let name = self.name(reference.as_deref());
                let tag = name.as_deref().and_then(|name| name.rsplit_once(':')).map(|(_, tag)| tag);
                let layout = self.fill(&partial(path), tag, follow)?;
                Ok(layout.finish_docker_archive(path, &self.root, name.as_deref())?)
            }
            Locator::Archive { .. } | Locator::Registry(_) => Err(Failure::usage(
                format!("{target} cannot be written"),
                "name a directory or an archive: oci:DIRECTORY, oci-archive:FILE.tar or docker-archive:FILE.tar",
            )),
        }
    }

    /// The whole name that `docker load` gives: the one that was typed, or the tag that was typed in the source's repository, or the
    /// source's own.
    fn name(&self, typed: Option<&str>) -> Option<String> {
        match typed {
            Some(whole) if whole.contains([':', '/']) => Some(whole.to_owned()),
            tag => {
                let tag = tag.or(self.tag.as_deref())?;
                Some(format!("{}:{tag}", self.repository.as_deref()?))
            }
        }
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

fn check_free(file: &Path) -> Result<(), Failure> {
    match file.symlink_metadata() {
        Ok(_) => Err(Failure::could_not_run(
            format!("{} exists already", file.display()),
            "name another file, or remove it first; an archive is not added to",
        )),
        Err(_) => Ok(()),
    }
}

/// Where the content of an archive is gathered. It stays when the copy is broken off, and the next one goes on there.
fn partial(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.partial"))
}

/// The directory in which what comes is gathered.
pub fn beside(target: &Locator) -> PathBuf {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    match target {
        Locator::Layout { path, .. }
        | Locator::OciArchive { path, .. }
        | Locator::DockerArchive { path, .. }
        | Locator::Archive { path, .. } => parent(path),
        Locator::Registry(_) => PathBuf::from("."),
    }
}

/// A bar where somebody looks at a terminal, and the sums for everybody.
pub struct Follow {
    bar: ProgressBar,
    sums: Mutex<Sums>,
}

/// What was done.
#[derive(Default, Clone, Copy)]
pub struct Sums {
    planned: u64,
    done: u64,
    /// Bytes of blobs that were put into the target.
    pub sent: u64,
    /// Blobs that were put there.
    pub blobs_sent: usize,
    /// Blobs that were there.
    pub blobs_there: usize,
    /// Bytes of the manifests.
    pub manifest_bytes: u64,
}

impl Follow {
    /// A bar on standard error, unless nobody would see it.
    pub fn new(output: &Output) -> Follow {
        let hidden = output.quiet || output.json || !std::io::stderr().is_terminal();
        let template = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0).with_style(style) };
        Follow { bar, sums: Mutex::default() }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// What was done so far.
    pub fn sums(&self) -> Sums {
        *self.sums.lock().unwrap_or_else(PoisonError::into_inner)
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
            CopyEvent::Resumed(bytes) => sums.done += bytes,
            CopyEvent::Blob(_, BlobPush::Uploaded) => sums.blobs_sent += 1,
            CopyEvent::Blob(blob, BlobPush::Existed | BlobPush::Mounted) => {
                sums.blobs_there += 1;
                sums.done += blob.size;
            }
            CopyEvent::Manifest(manifest) => sums.manifest_bytes += manifest.size,
        }
        self.bar.set_length(sums.planned);
        self.bar.set_position(sums.done.min(sums.planned));
    }
}
