//! From what a person typed to a source.

use super::archive::TarIndex;
use super::docker_archive::DockerArchiveSource;
use super::layout::LayoutSource;
use super::registry::RegistrySource;
use super::{Source, archive};
use crate::Error;
use crate::client::{Client, ClientOptions, HttpOptions, http_client};
use crate::reference::Locator;
use std::path::Path;

/// How to reach what a locator names. Only registries need any of it.
#[derive(Clone, Default)]
pub struct OpenOptions {
    /// Credentials, plain http, egress guard.
    pub client: ClientOptions,
    /// The HTTP client; one with the usual settings is made where none is given.
    pub http: Option<reqwest::Client>,
    /// The runtime to run transfers on; where none is given, the current one, else one of the source's own.
    pub runtime: Option<tokio::runtime::Handle>,
}

/// Opens what a locator names. The result must be used outside of asynchronous code (see [`Source`]).
pub fn open(locator: &Locator, options: &OpenOptions) -> Result<Box<dyn Source>, Error> {
    Ok(match locator {
        Locator::Layout { path, reference } => Box::new(LayoutSource::open(path, reference.as_deref())?),
        Locator::OciArchive { path, reference } => {
            Box::new(LayoutSource::open_archive(path, reference.as_deref())?)
        }
        Locator::DockerArchive { path, reference } => {
            Box::new(DockerArchiveSource::open(path, reference.as_deref())?)
        }
        Locator::Archive { path, reference } => open_archive(path, reference.as_deref())?,
        Locator::Registry(reference) => {
            let http = match &options.http {
                Some(http) => http.clone(),
                None => http_client(HttpOptions::default())?,
            };
            let client = Client::new(http, reference.registry(), options.client.clone())?;
            let repository = client.repository(reference.repository())?;
            let source = RegistrySource::new(repository, options.runtime.clone())?;
            Box::new(source.with_reference(reference.tag_or_digest()))
        }
    })
}

/// `docker save` writes both forms since Docker 25; the layout is the truer one.
fn open_archive(path: &Path, reference: Option<&str>) -> Result<Box<dyn Source>, Error> {
    let tar = TarIndex::read(path)?;
    if tar.contains("oci-layout") {
        return Ok(Box::new(LayoutSource::from_tar(tar, reference)?));
    }
    if tar.contains("manifest.json") {
        return Ok(Box::new(DockerArchiveSource::from_tar(tar, reference)?));
    }
    Err(archive::no_image(path))
}
