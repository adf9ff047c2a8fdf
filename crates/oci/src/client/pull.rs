//! What a repository holds: tags, manifests, blobs, referrers.

use super::{Call, Client};
use crate::Error;
use crate::digest::Digest;
use crate::manifest::{self, Descriptor, Document, Index, MANIFEST_BYTES_MAX, check_json, media_type};
use crate::source::{TAGS_MAX, check_bytes};
use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, LINK, RANGE,
};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use url::Url;

/// The manifests that this project can read.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Most bytes of one page of tags.
const TAGS_BYTES_MAX: u64 = 4 << 20;

/// Most pages of tags or referrers; with [`TAGS_MAX`] it ends registries that page in a circle.
const PAGES_MAX: u32 = 1_000;

/// How often one broken download is taken up again.
const RESUMES_MAX: u32 = 8;

/// One repository of a registry. Clones are cheap.
#[derive(Clone)]
pub struct Repository {
    pub(super) client: Client,
    pub(super) name: String,
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.client.registry(), self.name)
    }
}

#[derive(Deserialize)]
struct TagsPage {
    tags: Option<Vec<String>>,
}

impl Client {
    /// A repository of this registry; whether it exists shows when something is asked of it.
    pub fn repository(&self, name: &str) -> Result<Repository, Error> {
        if !crate::reference::is_repository(name) {
            let shown: String = name.chars().take(200).collect();
            return Err(Error::Malformed {
                what: format!("repository name {shown:?}"),
                cause: "each part has lower-case letters and digits, joined by '.', '_', '__' or '-'"
                    .to_owned(),
            });
        }
        Ok(Repository { client: self.clone(), name: name.to_owned() })
    }
}

impl Repository {
    /// The registry's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The name within the registry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All tags, sorted; more than [`TAGS_MAX`] are an error.
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        let mut url = Some(self.url("tags/list?n=1000").await?);
        let mut tags = Vec::new();
        let mut pages = 0;
        while let Some(page) = url {
            let call = self.get(page, format!("repository {self}"));
            let response = self.ok(&call).await?;
            url = next_page(&call.url, response.headers());
            let body = self.client.read(response, TAGS_BYTES_MAX, &format!("list of tags of {self}")).await?;
            let page: TagsPage = serde_json::from_slice(&body).map_err(|error| Error::Malformed {
                what: format!("list of tags of {self}"),
                cause: error.to_string(),
            })?;
            tags.extend(page.tags.unwrap_or_default());
            pages += 1;
            if tags.len() > TAGS_MAX || pages > PAGES_MAX {
                return Err(Error::Limit {
                    what: format!("number of tags in {self}"),
                    limit: TAGS_MAX.to_string(),
                });
            }
        }
        tags.sort();
        tags.dedup();
        Ok(tags)
    }

    /// What a tag or digest points at; `None` if it is not there. Registries that leave the digest out of their
    /// answer are asked for the manifest itself.
    pub async fn head_manifest(&self, tag_or_digest: &str) -> Result<Option<Descriptor>, Error> {
        let mut call = self.manifest_call(tag_or_digest).await?;
        call.method = Method::HEAD;
        let response = match self.ok(&call).await {
            Err(Error::NotFound(_)) => return Ok(None),
            other => other?,
        };
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let digest = header("docker-content-digest").and_then(|digest| digest.parse::<Digest>().ok());
        let size = header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        match (digest, size, header(CONTENT_TYPE.as_str())) {
            (Some(digest), Some(size), Some(media_type)) => {
                let wanted = tag_or_digest.parse::<Digest>().unwrap_or(digest);
                if wanted != digest {
                    let found = Box::new(digest);
                    return Err(Error::DigestMismatch { what: call.what, expected: wanted, found });
                }
                Ok(Some(Descriptor::new(media_type, digest, size)))
            }
            _ => match self.get_manifest(tag_or_digest).await {
                Err(Error::NotFound(_)) => Ok(None),
                other => other.map(|(descriptor, _)| Some(descriptor)),
            },
        }
    }

    /// A manifest or index with its bytes, whose digest was computed here and agrees with what was asked for and with
    /// what the registry says.
    pub async fn get_manifest(&self, tag_or_digest: &str) -> Result<(Descriptor, Bytes), Error> {
        let call = self.manifest_call(tag_or_digest).await?;
        let response = self.ok(&call).await?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (stated, content_type) = (header("docker-content-digest"), header(CONTENT_TYPE.as_str()));
        let bytes = self.client.read(response, MANIFEST_BYTES_MAX, &call.what).await?;
        // By the algorithm that was asked for; a tag's is the ordinary one.
        let found = tag_or_digest.parse::<Digest>().map_or_else(|_| Digest::of(&bytes), |d| d.again(&bytes));
        for expected in [Some(tag_or_digest), stated.as_deref()].into_iter().flatten() {
            if let Ok(expected) = expected.parse::<Digest>()
                && expected != expected.again(&bytes)
            {
                let found = Box::new(expected.again(&bytes));
                return Err(Error::DigestMismatch { what: call.what, expected, found });
            }
        }
        let media_type = manifest::parse(&bytes, content_type.as_deref())?.media_type().to_owned();
        Ok((Descriptor::new(&media_type, found, bytes.len() as u64), bytes))
    }

    /// Whether a blob is there.
    pub async fn has_blob(&self, digest: Digest) -> Result<bool, Error> {
        match self.head_blob(digest).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The size in bytes that the registry states for a blob; `None` if it is not there. One that states another digest is
    /// not believed.
    pub async fn blob_size(&self, digest: Digest) -> Result<Option<u64>, Error> {
        let response = match self.head_blob(digest).await {
            Err(Error::NotFound(_)) => return Ok(None),
            other => other?,
        };
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let what = format!("blob {digest} in {self}");
        if let Some(found) = header("docker-content-digest").and_then(|stated| stated.parse::<Digest>().ok())
            && found != digest
        {
            return Err(Error::DigestMismatch { what, expected: digest, found: Box::new(found) });
        }
        let size = header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        let unsaid = || Error::Malformed { what, cause: "the answer does not state the size".to_owned() };
        size.map(Some).ok_or_else(unsaid)
    }

    async fn head_blob(&self, digest: Digest) -> Result<Response, Error> {
        let url = self.url(&format!("blobs/{digest}")).await?;
        let mut call = self.get(url, format!("blob {digest} in {self}"));
        call.method = Method::HEAD;
        self.ok(&call).await
    }

    /// A small blob wholly, verified.
    pub async fn get_small_blob(&self, descriptor: &Descriptor, bytes_max: u64) -> Result<Bytes, Error> {
        let url = self.url(&format!("blobs/{}", descriptor.digest)).await?;
        let call = self.get(url, format!("blob {} in {self}", descriptor.digest));
        let bytes = self.client.read(self.ok(&call).await?, bytes_max, &call.what).await?;
        check_bytes(&call.what, descriptor, &bytes)?;
        Ok(bytes)
    }

    /// A blob's bytes, not verified but never more than stated. A broken transfer is taken up where it broke.
    pub fn get_blob(
        &self,
        descriptor: &Descriptor,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        self.get_blob_from(descriptor, 0)
    }

    /// As [`get_blob`](Repository::get_blob), without the bytes before `offset`, which are not sent where the registry knows
    /// ranges.
    pub fn get_blob_from(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let transfer = Transfer {
            repository: self.clone(),
            descriptor: descriptor.clone(),
            offset,
            skip: 0,
            response: None,
            resumes: 0,
        };
        futures_util::stream::try_unfold(transfer, |mut transfer| async {
            Ok(transfer.next().await?.map(|chunk| (chunk, transfer)))
        })
    }

    /// What refers to a manifest (OCI distribution spec 1.1, *Listing Referrers*), by the registry's API, else by the
    /// tag that stands in for it. `artifact_type` leaves out the others.
    pub async fn referrers(
        &self,
        subject: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        let mut url = Some(self.url(&format!("referrers/{subject}")).await?);
        let mut found = Vec::new();
        let mut pages = 0;
        while let Some(page) = url {
            let call = self.get(page, format!("referrers of {subject} in {self}"));
            let response = match self.ok(&call).await {
                Err(Error::NotFound(_)) if pages == 0 => {
                    found = self.tagged_referrers(subject).await?;
                    break;
                }
                other => other?,
            };
            url = next_page(&call.url, response.headers());
            let body = self.client.read(response, MANIFEST_BYTES_MAX, &call.what).await?;
            check_json(&body, &call.what, MANIFEST_BYTES_MAX)?;
            let index: Index = serde_json::from_slice(&body)
                .map_err(|error| Error::Malformed { what: call.what, cause: error.to_string() })?;
            found.extend(index.manifests);
            pages += 1;
            if found.len() > TAGS_MAX || pages > PAGES_MAX {
                let what = format!("number of referrers of {subject} in {self}");
                return Err(Error::Limit { what, limit: TAGS_MAX.to_string() });
            }
        }
        found.retain(|entry| artifact_type.is_none() || entry.artifact_type.as_deref() == artifact_type);
        Ok(found)
    }

    async fn tagged_referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        match self.get_manifest(&subject.referrers_tag()).await {
            Ok((descriptor, bytes)) => match manifest::parse(&bytes, Some(&descriptor.media_type))? {
                Document::Index(index) => Ok(index.manifests),
                Document::Manifest(_) => Ok(Vec::new()),
            },
            Err(Error::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn manifest_call(&self, tag_or_digest: &str) -> Result<Call, Error> {
        let url = self.manifest_url(tag_or_digest).await?;
        let mut call = self.get(url, format!("manifest {tag_or_digest} in {self}"));
        call.headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        Ok(call)
    }

    pub(super) async fn manifest_url(&self, tag_or_digest: &str) -> Result<Url, Error> {
        if !crate::reference::is_tag(tag_or_digest) && tag_or_digest.parse::<Digest>().is_err() {
            let shown: String = tag_or_digest.chars().take(200).collect();
            return Err(Error::Malformed {
                what: format!("{shown:?}"),
                cause: "it is neither a tag nor a digest".to_owned(),
            });
        }
        self.url(&format!("manifests/{tag_or_digest}")).await
    }

    pub(super) async fn url(&self, rest: &str) -> Result<Url, Error> {
        self.client.url(&format!("/v2/{}/{rest}", self.name)).await
    }

    fn get(&self, url: Url, what: String) -> Call {
        Call::new(Method::GET, url, vec![format!("repository:{}:pull", self.name)], what)
    }

    pub(super) async fn ok(&self, call: &Call) -> Result<Response, Error> {
        let response = self.client.send(call).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.client.refusal(call, response).await),
        }
    }
}

/// A download that survives broken connections.
struct Transfer {
    repository: Repository,
    descriptor: Descriptor,
    /// Bytes given out.
    offset: u64,
    /// Bytes to pass over, because the registry began at the beginning again.
    skip: u64,
    response: Option<Response>,
    resumes: u32,
}

impl Transfer {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.response.is_none() {
                self.response = Some(self.begin().await?);
            }
            let Some(response) = &mut self.response else { continue };
            match self.repository.client.next_chunk(response).await {
                Ok(None) => return Ok(None),
                Ok(Some(mut chunk)) => {
                    let passed = self.skip.min(chunk.len() as u64);
                    self.skip -= passed;
                    let chunk = chunk.split_off(passed as usize);
                    self.offset += chunk.len() as u64;
                    if self.offset > self.descriptor.size {
                        return Err(Error::SizeMismatch {
                            what: format!("blob {} in {}", self.descriptor.digest, self.repository),
                            expected: self.descriptor.size,
                            found: self.offset,
                        });
                    }
                    if !chunk.is_empty() {
                        return Ok(Some(chunk));
                    }
                }
                Err(error) => {
                    self.resumes += 1;
                    if self.resumes > RESUMES_MAX {
                        return Err(error);
                    }
                    tracing::debug!(blob = %self.descriptor.digest, offset = self.offset, %error, "resuming");
                    self.response = None;
                    tokio::time::sleep(self.repository.client.inner.options.retry_delay).await;
                }
            }
        }
    }

    async fn begin(&mut self) -> Result<Response, Error> {
        let digest = self.descriptor.digest;
        let url = self.repository.url(&format!("blobs/{digest}")).await?;
        let mut call = self.repository.get(url, format!("blob {digest} in {}", self.repository));
        if self.offset > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.offset))
        {
            call.headers.insert(RANGE, range);
        }
        let response = self.repository.ok(&call).await?;
        let ranged = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let begins_right = ranged.is_some_and(|range| range.starts_with(&format!("bytes {}-", self.offset)));
        self.skip = match (response.status(), begins_right) {
            (StatusCode::PARTIAL_CONTENT, true) => 0,
            (StatusCode::PARTIAL_CONTENT, false) => {
                return Err(self.repository.client.unreachable("it resumed at another place".to_owned()));
            }
            _ => self.offset,
        };
        Ok(response)
    }
}

/// The address of the next page (RFC 8288), which must be the registry's own.
fn next_page(asked: &Url, headers: &HeaderMap) -> Option<Url> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (address, parameters) = link.strip_prefix('<')?.split_once('>')?;
    let url = asked.join(address).ok()?;
    let is_next = parameters.replace([' ', '"'], "").split(';').any(|parameter| parameter == "rel=next");
    (is_next && url.origin() == asked.origin() && url != *asked).then_some(url)
}

/// Whether the media type is one of the four that are fetched as manifests.
pub(crate) fn is_manifest(media_type: &str) -> bool {
    matches!(
        media_type,
        media_type::OCI_INDEX
            | media_type::OCI_MANIFEST
            | media_type::DOCKER_LIST
            | media_type::DOCKER_MANIFEST
    )
}
