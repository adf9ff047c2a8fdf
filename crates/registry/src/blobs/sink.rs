//! A file that is hashed while it is written, and the pump that fills it from a stream. Hashing and writing happen on
//! blocking threads in batches, because a hop between threads for every network read costs more than the write.

use super::{Error, at, blocking};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use oci::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    pin::pin,
};

/// Bytes that are gathered in memory before they are hashed and written; per upload in progress.
const BATCH_BYTES: usize = 1 << 20;

pub(super) struct Sink {
    pub file: File,
    pub hasher: Sha256,
    pub size: u64,
    /// A write failed: the file may hold bytes that are not in the hash.
    pub failed: bool,
}

impl Sink {
    pub fn new(file: File) -> Sink {
        Sink { file, hasher: Sha256::new(), size: 0, failed: false }
    }

    /// The digest of what was written to `path`, by the algorithm of the stated one. It is only known now, after all has
    /// arrived: for any but the ordinary one the file is read once more, which is rare.
    pub fn digest_like(&self, stated: Option<Digest>, path: &Path) -> Result<Digest, Error> {
        let Some(stated) = stated.filter(|stated| !matches!(stated, Digest::Sha256(_))) else {
            return Ok(Digest::from_hasher(self.hasher.clone()));
        };
        let mut file = File::open(path).map_err(at("read", path))?;
        let (mut hasher, mut buffer) = (stated.hasher(), vec![0; BATCH_BYTES]);
        loop {
            match file.read(&mut buffer).map_err(at("read", path))? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        for bytes in batch {
            if let Err(source) = self.file.write_all(bytes) {
                self.failed = true;
                return Err(Error::Io { operation: "write", path: "an upload".into(), source });
            }
            self.hasher.update(bytes);
            self.size += bytes.len() as u64;
        }
        Ok(())
    }
}

/// Fills a sink from a stream until its end. The target moves to the blocking thread and back, so that it is never
/// used by two, even when the caller's future is dropped while a batch is being written. What arrived before the
/// stream broke is written before the error is returned.
pub(super) async fn pump<T, S, E>(mut target: T, size_max: u64, stream: S) -> Result<T, Error>
where
    T: AsMut<Sink> + Send + 'static,
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: std::fmt::Display,
{
    let mut stream = pin!(stream);
    let mut size = target.as_mut().size;
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    loop {
        let (end, broken) = match stream.next().await {
            Some(Ok(bytes)) => {
                size = size.saturating_add(bytes.len() as u64);
                if size > size_max {
                    return Err(Error::TooLarge { limit: size_max });
                }
                batch_bytes += bytes.len();
                batch.push(bytes);
                (false, None)
            }
            Some(Err(cause)) => (true, Some(Error::Stream(cause.to_string()))),
            None => (true, None),
        };
        if !batch.is_empty() && (end || batch_bytes >= BATCH_BYTES) {
            let full = std::mem::take(&mut batch);
            batch_bytes = 0;
            target = blocking(move || target.as_mut().write(&full).map(|()| target)).await?;
        }
        match broken {
            Some(error) => return Err(error),
            None if end => return Ok(target),
            None => {}
        }
    }
}

/// Writes a stream into a new file, without hashing.
pub(super) async fn write_all<S>(path: &Path, stream: S) -> Result<(), Error>
where
    S: Stream<Item = std::io::Result<Bytes>> + Send,
{
    use tokio::io::AsyncWriteExt;
    let mut stream = pin!(stream);
    let mut file = tokio::fs::File::create_new(path).await.map_err(at("create", path))?;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|cause| Error::Stream(cause.to_string()))?;
        file.write_all(&piece).await.map_err(at("write", path))?;
    }
    file.flush().await.map_err(at("write", path))
}
