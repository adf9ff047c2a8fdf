//! Uploads in pieces that go on where they broke: after a broken connection, and in another process when the caller
//! kept the place (OCI distribution spec 1.1, *Pushing a blob in chunks*).
//!
//! What a registry has is asked of it (`GET` of the upload), never guessed. One that does not say, as CNCF distribution
//! after a piece that broke in its middle, gets the blob from its beginning; between two pieces every registry goes on.

use super::push::{BlobBody, BlobPush, ByteStream, UPLOADS_MAX};
use super::{Call, Repository};
use crate::Error;
use crate::manifest::Descriptor;
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use url::Url;

/// Opens a stream of so many bytes (second) of the blob from this offset (first) on.
pub type OpenRange =
    Arc<dyn Fn(u64, u64) -> Pin<Box<dyn Future<Output = Result<ByteStream, Error>> + Send>> + Send + Sync>;

/// Is told where the upload stands whenever that changes, and `None` when there is nothing to go on with any more.
pub type KeepPlace =
    Arc<dyn Fn(Option<UploadPlace>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Where an upload stands, as the registry told. It is good in another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPlace {
    /// Absolute URL that the registry gave for the upload.
    pub location: String,
    /// Bytes that the registry has.
    pub offset: u64,
}

/// A blob to be sent in pieces.
#[derive(Clone)]
pub struct PieceUpload {
    /// Where the bytes come from.
    pub open: OpenRange,
    /// Bytes of the first piece; a blob that is no larger is sent in one request. Where the line is fast, the following ones
    /// are larger: registries bring each to their disks before they answer.
    pub piece_bytes: u64,
    /// Where an earlier upload of the same blob to the same repository broke.
    pub begun: Option<UploadPlace>,
    /// Keeps the place.
    pub keep: KeepPlace,
    /// Asked between pieces: `false` ends the upload in order.
    pub goes_on: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// How long a piece is to take at the pace of the one before. What is lost at worst, where a registry takes no half pieces,
/// is that much time.
const PIECE_TIME: Duration = Duration::from_secs(2);
/// A piece grows to so many times the first one.
const PIECE_GROWTH_MAX: u64 = 8;

/// What a registry said to a piece.
enum Taken {
    /// It has so much.
    Stands(UploadPlace),
    /// The blob is there.
    Blob,
    /// It takes no pieces.
    Unsupported,
    /// The piece does not follow what it has, or it knows nothing of this upload.
    Elsewhere(Error),
}

impl Repository {
    /// As [`push_blob`](Repository::push_blob), in pieces. `None` when `goes_on` said no: the place was kept.
    pub async fn push_blob_in_pieces(
        &self,
        blob: &Descriptor,
        upload: &PieceUpload,
        mount_from: Option<&str>,
    ) -> Result<Option<BlobPush>, Error> {
        if self.has_blob(blob.digest).await? {
            (upload.keep)(None).await;
            return Ok(Some(BlobPush::Existed));
        }
        let mut place = self.kept_place(upload).await?;
        // Only what goes beyond all that the registry ever had is progress, so that an upload which always breaks ends.
        let (mut failures, mut furthest) = (0, 0);
        let mut delay = self.client.inner.options.retry_delay;
        let mut piece_bytes = upload.piece_bytes;
        loop {
            let at = match place.take() {
                Some(place) => place,
                None => match self.begin(blob, upload, mount_from).await? {
                    Some(begun) => begun,
                    None => return Ok(Some(BlobPush::Mounted)),
                },
            };
            if !(upload.goes_on)() {
                return Ok(None);
            }
            let begun = Instant::now();
            let sent = self.send_piece(blob, upload, &at, piece_bytes).await;
            let took = begun.elapsed();
            (upload.keep)(place_after(&sent, &at)).await;
            let error = match sent {
                Ok(Taken::Stands(next)) => {
                    let found = next.offset;
                    place = Some(next);
                    piece_bytes = next_piece(upload.piece_bytes, found.saturating_sub(at.offset), took);
                    if found > furthest {
                        (furthest, failures) = (found, 0);
                        delay = self.client.inner.options.retry_delay;
                        continue;
                    }
                    if found > at.offset {
                        continue;
                    }
                    let cause = format!("it has {found} bytes, as before a piece was sent to it");
                    Error::Malformed { what: format!("upload to {self}"), cause }
                }
                Ok(Taken::Blob) => return Ok(Some(BlobPush::Uploaded)),
                Ok(Taken::Unsupported) => {
                    return self.upload(blob, &whole(upload, blob.size), None).await.map(Some);
                }
                Err(error) if !error.is_transient() => return Err(error),
                Ok(Taken::Elsewhere(error)) | Err(error) => error,
            };
            failures += 1;
            if failures >= UPLOADS_MAX {
                return Err(error);
            }
            piece_bytes = upload.piece_bytes;
            tracing::debug!(blob = %blob.digest, %error, "the upload goes on after a pause");
            tokio::time::sleep(delay).await;
            delay *= 2;
            if self.has_blob(blob.digest).await? {
                (upload.keep)(None).await;
                return Ok(Some(BlobPush::Uploaded));
            }
            // A place that did not move although the registry names it is given up: whatever was wrong there stays.
            let found = self.upload_place(&at.location).await?;
            place = found.filter(|found| failures == 1 || found.offset > at.offset);
        }
    }

    /// Where an earlier upload stands.
    async fn kept_place(&self, upload: &PieceUpload) -> Result<Option<UploadPlace>, Error> {
        match &upload.begun {
            Some(begun) => self.upload_place(&begun.location).await,
            None => Ok(None),
        }
    }

    /// Begins an upload; `None` when the registry took the blob from another of its repositories.
    async fn begin(
        &self,
        blob: &Descriptor,
        upload: &PieceUpload,
        mount_from: Option<&str>,
    ) -> Result<Option<UploadPlace>, Error> {
        let location = self.start_upload(blob.digest, mount_from).await?;
        let begun = location.map(|location| UploadPlace { location: location.into(), offset: 0 });
        (upload.keep)(begun.clone()).await;
        Ok(begun)
    }

    /// Where the registry says that an upload stands; `None` when it knows nothing of it, or does not say.
    async fn upload_place(&self, location: &str) -> Result<Option<UploadPlace>, Error> {
        let Ok(url) = Url::parse(location) else { return Ok(None) };
        let call = Call::new(Method::GET, url, self.push_scopes(), format!("upload to {self}"));
        let response = self.client.send(&call).await?;
        if !response.status().is_success() {
            return match response.status().is_client_error() {
                true => Ok(None),
                false => Err(self.client.refusal(&call, response).await),
            };
        }
        Ok(Some(self.stands(&call, &response, 0)))
    }

    async fn send_piece(
        &self,
        blob: &Descriptor,
        upload: &PieceUpload,
        at: &UploadPlace,
        piece_bytes: u64,
    ) -> Result<Taken, Error> {
        let location = Url::parse(&at.location)
            .map_err(|error| self.client.unreachable(format!("the upload's address: {error}")))?;
        let is_whole = at.offset == 0 && blob.size <= upload.piece_bytes;
        let rest = blob.size.saturating_sub(at.offset);
        let bytes = rest.min(piece_bytes);
        let (body, moved) = piece(upload, at.offset, bytes);
        let mut call = self.put(&location, blob, body, bytes)?;
        call.moved = Some(moved);
        if !is_whole && rest > 0 {
            call.method = Method::PATCH;
            call.url = location;
            let range = format!("{}-{}", at.offset, at.offset + bytes - 1);
            call.headers.extend(HeaderValue::from_str(&range).ok().map(|range| (CONTENT_RANGE, range)));
        }
        let response = self.send_upload(&call).await?;
        let status = response.status();
        match status.as_u16() {
            201 | 204 if call.method == Method::PUT => Ok(Taken::Blob),
            202 | 204 if call.method == Method::PATCH => {
                let sent = at.offset + bytes;
                let next = self.stands(&call, &response, sent);
                if next.offset > sent {
                    let cause = format!("it has {} bytes, but {sent} were sent to it", next.offset);
                    return Err(Error::Malformed { what: call.what, cause });
                }
                Ok(Taken::Stands(next))
            }
            404 | 405 | 411 | 415 | 501 if at.offset == 0 => Ok(Taken::Unsupported),
            404 | 416 => Ok(Taken::Elsewhere(self.client.refusal(&call, response).await)),
            _ => Err(self.client.refusal(&call, response).await),
        }
    }

    /// Where the upload stands by the registry's answer; one that is silent has what it was sent.
    fn stands(&self, call: &Call, response: &Response, silent: u64) -> UploadPlace {
        let location =
            self.client.location(&call.url, response.headers()).unwrap_or_else(|_| call.url.clone());
        let silent = if response.status() == StatusCode::NO_CONTENT && call.method == Method::GET {
            0
        } else {
            silent
        };
        UploadPlace { location: location.into(), offset: received(response.headers()).unwrap_or(silent) }
    }
}

/// Where the next attempt goes on, in this process or another: after what may pass, from where it was.
fn place_after(sent: &Result<Taken, Error>, at: &UploadPlace) -> Option<UploadPlace> {
    match sent {
        Ok(Taken::Stands(next)) => Some(next.clone()),
        Ok(Taken::Elsewhere(_)) => Some(at.clone()),
        Err(error) if error.is_transient() => Some(at.clone()),
        Ok(Taken::Blob | Taken::Unsupported) | Err(_) => None,
    }
}

/// Bytes that have arrived, by a `Range: 0-LAST`. `0-0` is how registries say "none", which the form has no way for.
fn received(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let (first, last) = range.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    (first.trim() == "0").then_some(if last == 0 { 0 } else { last.saturating_add(1) })
}

/// Bytes of the piece after one of so many bytes that took so long.
fn next_piece(first: u64, moved: u64, took: Duration) -> u64 {
    let at_this_pace = moved as f64 * PIECE_TIME.as_secs_f64() / took.as_secs_f64().max(0.001);
    (at_this_pace as u64).clamp(first, first.saturating_mul(PIECE_GROWTH_MAX))
}

/// The body of one piece, and a bell that rings whenever a part of it was taken.
fn piece(upload: &PieceUpload, offset: u64, bytes: u64) -> (BlobBody, Arc<Notify>) {
    let moved = Arc::new(Notify::new());
    if bytes == 0 {
        return (BlobBody::Bytes(Bytes::new()), moved);
    }
    let (open, bell) = (Arc::clone(&upload.open), Arc::clone(&moved));
    let body = BlobBody::Stream(Arc::new(move || {
        let (open, bell) = (Arc::clone(&open), Arc::clone(&bell));
        Box::pin(async move {
            let stream = open(offset, bytes).await?;
            Ok(Box::pin(stream.inspect(move |_| bell.notify_one())) as ByteStream)
        })
    }));
    (body, moved)
}

/// The whole blob as one body.
fn whole(upload: &PieceUpload, bytes: u64) -> BlobBody {
    let open = Arc::clone(&upload.open);
    BlobBody::Stream(Arc::new(move || open(0, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_the_pace_of_the_line() {
        let next = |moved: u64, milliseconds| next_piece(8, moved, Duration::from_millis(milliseconds));
        assert_eq!(next(8, 2_000), 8, "as fast as it is to be");
        assert_eq!(next(8, 500), 32);
        assert_eq!(next(8, 1), 64, "no larger than that");
        assert_eq!(next(8, 0), 64);
        assert_eq!(next(64, 60_000), 8, "no smaller than the first");
        assert_eq!(next(0, 10), 8, "nothing moved");
    }
}
