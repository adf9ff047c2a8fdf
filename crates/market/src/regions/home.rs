//! This instance as a region. Its content is in its own blob store; it holds what it can read, and its tags move in the
//! transaction of step 6.

use super::{Content, Region};
use crate::error::{Error, Kind, Result};
use futures_util::future::BoxFuture;
use oci::manifest::Descriptor;
use registry::Blobs;
use tokio_util::sync::CancellationToken;

/// The instance's own blob store.
pub(super) struct Home(pub Blobs);

impl Region for Home {
    fn ensure<'a>(
        &'a self,
        content: &'a [Content],
        progress: &'a (dyn Fn(u64) + Send + Sync),
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut done = 0;
            let all: Vec<&Descriptor> =
                content.iter().flat_map(|part| [&part.blobs, &part.manifests]).flatten().collect();
            for item in all {
                if stop.is_cancelled() {
                    return Ok(());
                }
                // Blobs are verified as they are stored and never change; presence and size are what can be lost.
                let found = self.0.size(&item.digest).await.map_err(Error::internal)?;
                if found != Some(item.size) {
                    return Err(lost(item, found));
                }
                done += item.size;
                progress(done);
            }
            Ok(())
        })
    }

    fn move_tags<'a>(&'a self, _content: &'a [Content]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

fn lost(item: &Descriptor, found: Option<u64>) -> Error {
    let found = found.map_or("nothing".to_owned(), |bytes| format!("{bytes} bytes"));
    Error::new(
        Kind::Internal,
        format!("{} of {} bytes should be in the blob store, but {found} is there", item.digest, item.size),
        "restore the blob store from a back-up, or cancel the submission and publish again",
    )
}
