//! A repository in a registry as a [`Source`]: the bridge from blocking callers to the asynchronous client. Transfers
//! run ahead of their reader by a few chunks.

use super::{Source, check_bytes};
use crate::Error;
use crate::client::{Repository, is_manifest};
use crate::digest::Digest;
use crate::manifest::{CONFIG_BYTES_MAX, Descriptor};
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use std::io::{self, Read};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

/// Chunks (of at most some 100 KB) that a transfer may be ahead of its reader.
const CHUNKS_AHEAD: usize = 16;

/// One repository of one registry. Its calls block, so they must not be made on a thread that runs asynchronous
/// tasks; use `spawn_blocking`.
pub struct RegistrySource {
    repository: Repository,
    reference: Option<String>,
    handle: Handle,
    own: Option<Runtime>,
}

impl RegistrySource {
    /// Transfers run on `handle`; without one on the current runtime, and where there is none, on one of its own.
    pub fn new(repository: Repository, handle: Option<Handle>) -> Result<RegistrySource, Error> {
        let (handle, own) = match handle.or_else(|| Handle::try_current().ok()) {
            Some(handle) => (handle, None),
            None => {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                let runtime = builder
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .map_err(Error::io("starting the runtime for transfers"))?;
                (runtime.handle().clone(), Some(runtime))
            }
        };
        Ok(RegistrySource { repository, reference: None, handle, own })
    }

    /// The tag or digest meant when nothing else is said.
    pub fn with_reference(mut self, reference: Option<String>) -> RegistrySource {
        self.reference = reference;
        self
    }
}

impl Drop for RegistrySource {
    fn drop(&mut self) {
        if let Some(runtime) = self.own.take() {
            // Dropping it plainly would panic where the source is dropped inside of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Source for RegistrySource {
    fn describe(&self) -> String {
        let reference = match &self.reference {
            Some(digest) if digest.contains(':') => format!("@{digest}"),
            Some(tag) => format!(":{tag}"),
            None => String::new(),
        };
        format!("docker://{}{reference}", self.repository)
    }

    fn tags(&self) -> Result<Vec<String>, Error> {
        self.handle.block_on(self.repository.tags())
    }

    fn resolve(&self, tag_or_digest: Option<&str>) -> Result<Descriptor, Error> {
        let wanted = tag_or_digest.or(self.reference.as_deref()).unwrap_or("latest");
        // GET, not HEAD: registries differ in what HEAD says, and the bytes are small.
        self.handle.block_on(self.repository.get_manifest(wanted)).map(|(descriptor, _)| descriptor)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let bytes = self.handle.block_on(async {
            match is_manifest(&descriptor.media_type) {
                true => {
                    self.repository.get_manifest(&descriptor.digest.to_string()).await.map(|(_, bytes)| bytes)
                }
                false => self.repository.get_small_blob(descriptor, CONFIG_BYTES_MAX).await,
            }
        })?;
        check_bytes(&format!("{} of {}", descriptor.digest, self.describe()), descriptor, &bytes)?;
        Ok(bytes.into())
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        self.blob_from(descriptor, 0)
    }

    fn blob_from(&self, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (repository, descriptor) = (self.repository.clone(), descriptor.clone());
        self.handle.spawn(async move {
            let mut stream = std::pin::pin!(repository.get_blob_from(&descriptor, offset));
            while let Some(chunk) = stream.next().await {
                // The reader is gone: so is the reason to go on.
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        Ok(Box::new(ChunkReader { chunks, current: Bytes::new() }))
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        self.handle.block_on(self.repository.referrers(subject, None))
    }
}

struct ChunkReader {
    chunks: mpsc::Receiver<Result<Bytes, Error>>,
    current: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
