//! Blobs on their way to a region: read from our own store in parts that the region's lane lets pass, and where each
//! upload stands, kept for the next attempt.

use super::meter::Share;
use super::{Supply, lost};
use crate::store::regions;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oci::client::{ByteStream, KeepPlace, OpenRange, UploadPlace};
use oci::manifest::Descriptor;
use std::io;
use std::sync::Arc;

/// Bytes of a blob's first piece in one request; the client makes the next ones larger where they take no time. A registry
/// that takes no half pieces loses no more than this, or two seconds' worth, when a transfer is stopped.
pub(super) const PIECE_BYTES: u64 = 8 << 20;

/// A part of a blob of our own store, as often as it is asked for, no faster than the region's lane lets it pass.
pub(super) fn body(supply: &Supply, blob: &Descriptor, share: Share) -> OpenRange {
    let (supply, blob) = (supply.clone(), blob.clone());
    Arc::new(move |offset, bytes| {
        let (supply, blob, share) = (supply.clone(), blob.clone(), share.clone());
        Box::pin(async move {
            let opened = supply.market.blobs.get(&blob.digest).await.map_err(io::Error::other);
            let found = opened.and_then(|found| {
                let missing = || io::Error::new(io::ErrorKind::NotFound, lost(&blob.digest));
                found.ok_or_else(missing)
            });
            let found = found.map_err(oci::Error::io("reading the marketplace's own store"))?;
            let lane = Arc::clone(&supply.lane);
            let parts = found.read(offset..offset.saturating_add(bytes));
            let part_bytes = lane.part_bytes();
            let parts = parts.flat_map(move |read| stream::iter(split(read, part_bytes)));
            let mut position = offset;
            let paced = parts.then(move |part| {
                let (lane, share) = (Arc::clone(&lane), share.clone());
                position += part.as_ref().map_or(0, |part: &Bytes| part.len() as u64);
                async move {
                    if let Ok(part) = &part {
                        lane.pass(part.len() as u64).await;
                        share.reached(position);
                    }
                    part
                }
            });
            Ok(Box::pin(paced) as ByteStream)
        })
    })
}

/// Writes where an upload stands, for the next attempt, in this process or another. A blob of one piece has no place.
pub(super) fn keep(supply: &Supply, region: &str, repository: &str, digest: String, size: u64) -> KeepPlace {
    let (market, names) = (supply.market.clone(), (region.to_owned(), repository.to_owned(), digest));
    Arc::new(move |place: Option<UploadPlace>| {
        let (market, (region, repository, digest)) = (market.clone(), names.clone());
        Box::pin(async move {
            if size <= PIECE_BYTES {
                return;
            }
            let written = async {
                let mut tx = market.store.write().await?;
                let place = place
                    .as_ref()
                    .map(|place| (place.location.as_str(), place.offset.try_into().unwrap_or(0)));
                let key = (region.as_str(), repository.as_str(), digest.as_str());
                regions::put_upload(&mut tx, key, place, market.now().0).await?;
                tx.commit().await
            };
            // Without the place the blob is sent again from its beginning: slower, but right.
            if let Err(error) = written.await {
                tracing::warn!(region, %error, "where an upload stands could not be kept");
            }
        })
    })
}

/// What was read of the store, in parts of at most so many bytes.
fn split(read: io::Result<Bytes>, bytes: usize) -> Vec<io::Result<Bytes>> {
    let Ok(mut rest) = read else { return vec![read] };
    let mut parts = Vec::new();
    while !rest.is_empty() {
        parts.push(Ok(rest.split_to(rest.len().min(bytes))));
    }
    parts
}
