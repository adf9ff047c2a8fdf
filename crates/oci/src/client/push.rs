//! Writing to a repository: blobs by mount or upload, then manifests.

use super::{Call, Repository};
use crate::Error;
use crate::digest::Digest;
use crate::manifest::Descriptor;
use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::io::ReaderStream;
use url::Url;

/// How often a whole upload is begun again.
pub(super) const UPLOADS_MAX: u32 = 3;

/// Size of the pieces in which a file is read.
const PIECE_BYTES: usize = 256 << 10;

/// A stream of bytes.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Opens a stream from its beginning; called again when an upload is repeated.
pub type OpenStream =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<ByteStream, Error>> + Send>> + Send + Sync>;

/// Where the bytes of an upload come from.
#[derive(Clone)]
pub enum BlobBody {
    /// Memory.
    Bytes(Bytes),
    /// A file, which must not change meanwhile.
    File(PathBuf),
    /// Anything else.
    Stream(OpenStream),
}

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobPush {
    /// It was there already.
    Existed,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was uploaded.
    Uploaded,
}

impl BlobBody {
    pub(super) async fn attach(&self, request: RequestBuilder, bytes: u64) -> Result<RequestBuilder, Error> {
        let stream: ByteStream = match self {
            // Without body and length, GET and HEAD stay plain.
            BlobBody::Bytes(body) if body.is_empty() => return Ok(request),
            BlobBody::Bytes(body) => return Ok(request.body(body.clone())),
            BlobBody::File(path) => {
                let what = format!("opening {}", path.display());
                let file = tokio::fs::File::open(path).await.map_err(Error::io(what))?;
                Box::pin(ReaderStream::with_capacity(file, PIECE_BYTES))
            }
            BlobBody::Stream(open) => open().await?,
        };
        Ok(request.header(CONTENT_LENGTH, bytes).body(reqwest::Body::wrap_stream(stream)))
    }
}

impl Repository {
    /// Puts a blob there if it is not there yet. `mount_from` names a repository of the same registry that may hold
    /// it. The registry verifies the digest.
    pub async fn push_blob(
        &self,
        descriptor: &Descriptor,
        body: &BlobBody,
        mount_from: Option<&str>,
    ) -> Result<BlobPush, Error> {
        if self.has_blob(descriptor.digest).await? {
            return Ok(BlobPush::Existed);
        }
        let mut delay = self.client.inner.options.retry_delay;
        for _ in 1..UPLOADS_MAX {
            match self.upload(descriptor, body, mount_from).await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(blob = %descriptor.digest, %error, "the upload is repeated");
                    tokio::time::sleep(delay).await;
                    delay *= 2;
                }
                other => return other,
            }
        }
        self.upload(descriptor, body, mount_from).await
    }

    pub(super) async fn upload(
        &self,
        descriptor: &Descriptor,
        body: &BlobBody,
        mount_from: Option<&str>,
    ) -> Result<BlobPush, Error> {
        let Some(location) = self.start_upload(descriptor.digest, mount_from).await? else {
            return Ok(BlobPush::Mounted);
        };
        // One PUT with everything (what containerd does), else PATCH and PUT (what docker does).
        let put = self.put(&location, descriptor, body.clone(), descriptor.size)?;
        let response = self.send_upload(&put).await?;
        match response.status().as_u16() {
            201 | 204 => return Ok(BlobPush::Uploaded),
            404 | 405 | 411 | 415 | 501 => {}
            _ => return Err(self.client.refusal(&put, response).await),
        }
        let Some(location) = self.start_upload(descriptor.digest, None).await? else {
            return Ok(BlobPush::Mounted);
        };
        let mut patch = self.put(&location, descriptor, body.clone(), descriptor.size)?;
        patch.method = Method::PATCH;
        patch.url = location;
        let response = self.send_upload(&patch).await?;
        if response.status() != StatusCode::ACCEPTED && response.status() != StatusCode::NO_CONTENT {
            return Err(self.client.refusal(&patch, response).await);
        }
        let location = self.client.location(&patch.url, response.headers())?;
        let put = self.put(&location, descriptor, BlobBody::Bytes(Bytes::new()), 0)?;
        let response = self.send_upload(&put).await?;
        match response.status().is_success() {
            true => Ok(BlobPush::Uploaded),
            false => Err(self.client.refusal(&put, response).await),
        }
    }

    /// Where to upload to; `None` if the registry mounted the blob.
    pub(super) async fn start_upload(
        &self,
        digest: Digest,
        mount_from: Option<&str>,
    ) -> Result<Option<Url>, Error> {
        let mut url = self.url("blobs/uploads/").await?;
        let mut scopes = self.push_scopes();
        if let Some(from) = mount_from {
            url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
            scopes.push(format!("repository:{from}:pull"));
        }
        let mut call = Call::new(Method::POST, url, scopes, format!("upload to {self}"));
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.client.send(&call).await?;
        match response.status() {
            StatusCode::CREATED if mount_from.is_some() => Ok(None),
            StatusCode::ACCEPTED => self.client.location(&call.url, response.headers()).map(Some),
            // Some registries refuse a mount from a repository that the user may not read, instead of going on.
            status if mount_from.is_some() && status.is_client_error() => {
                Box::pin(self.start_upload(digest, None)).await
            }
            _ => Err(self.client.refusal(&call, response).await),
        }
    }

    pub(super) fn put(
        &self,
        location: &Url,
        descriptor: &Descriptor,
        body: BlobBody,
        bytes: u64,
    ) -> Result<Call, Error> {
        let mut url = location.clone();
        url.query_pairs_mut().append_pair("digest", &descriptor.digest.to_string());
        let what = format!("upload of {} to {self}", descriptor.digest);
        let mut call = Call::new(Method::PUT, url, self.push_scopes(), what).with_body(body, bytes);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if bytes == 0 {
            call.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // A half-sent upload cannot be sent again to the same place.
        call.repeat = false;
        Ok(call)
    }

    pub(super) async fn send_upload(&self, call: &Call) -> Result<Response, Error> {
        self.client.send(call).await
    }

    /// Puts a manifest or index under a tag or its digest. What it names must be there already. `true` means that the
    /// registry took note of its `subject`, so that no referrers tag is needed.
    pub async fn push_manifest(
        &self,
        tag_or_digest: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        let url = self.manifest_url(tag_or_digest).await?;
        let what = format!("manifest {tag_or_digest} in {self}");
        let body = BlobBody::Bytes(Bytes::copy_from_slice(bytes));
        let mut call =
            Call::new(Method::PUT, url, self.push_scopes(), what).with_body(body, bytes.len() as u64);
        let content_type = HeaderValue::from_str(media_type).map_err(|_| Error::Malformed {
            what: "media type of a manifest".to_owned(),
            cause: "it has characters that cannot be sent".to_owned(),
        })?;
        call.headers.insert(CONTENT_TYPE, content_type);
        let response = self.ok(&call).await?;
        let stated = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        if let Some(expected) = stated.and_then(|digest| digest.parse::<Digest>().ok())
            && expected != expected.again(bytes)
        {
            let found = Box::new(expected.again(bytes));
            return Err(Error::DigestMismatch { what: call.what, expected, found });
        }
        Ok(response.headers().contains_key("oci-subject"))
    }

    pub(super) fn push_scopes(&self) -> Vec<String> {
        vec![format!("repository:{}:pull,push", self.name)]
    }
}
