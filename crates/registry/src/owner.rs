//! What the server asks of whoever owns the registry: who may do what ([`Owner::authorize`]), and the records (which
//! manifest, tag and blob stands in which repository). It holds no bytes: those are in [`crate::Blobs`], stored once
//! however many repositories hold them, so that only these records make a digest readable in a repository.

use oci::{digest::Digest, manifest::Descriptor};
use std::{collections::BTreeMap, future::Future};

/// What a request brought to show who it comes from. Nothing of it has been checked.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// HTTP Basic authentication, or OAuth 2's password grant.
    Basic {
        /// As sent.
        username: String,
        /// As sent: a password or an API token.
        password: String,
    },
    /// A token that [`Owner::issue_token`] gave out, or any other that the owner knows (also OAuth 2's refresh token).
    Bearer(String),
}

/// Without the secrets, so that a log line cannot leak them.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credentials::Anonymous => f.write_str("Anonymous"),
            Credentials::Basic { username, .. } => write!(f, "Basic({username:?})"),
            Credentials::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

/// What a request wants to do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read manifests, tags, referrers and blobs.
    Pull,
    /// Write manifests and blobs.
    Push,
    /// Remove manifests, tags and blobs.
    Delete,
}

impl Action {
    /// The name in a token's scope (Docker's token authentication specification).
    pub fn name(self) -> &'static str {
        match self {
            Action::Pull => "pull",
            Action::Push => "push",
            Action::Delete => "delete",
        }
    }
}

/// One repository and what a token is asked for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// A repository name; its grammar has been checked.
    pub repository: String,
    /// Sorted, each once. May be empty.
    pub actions: Vec<Action>,
}

/// A token for `Authorization: Bearer`.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// Opaque to this crate.
    pub token: String,
    /// Clients take less than 60 for 60.
    pub expires_in_seconds: u64,
}

/// Why the owner does not do what was asked. The texts go to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Credentials are missing, wrong, expired, or not enough while others could be: 401 `UNAUTHORIZED` with a challenge.
    #[error("these credentials are missing, wrong or expired, or do not suffice")]
    Unauthenticated,
    /// Known, but not allowed: 403 `DENIED`. Where the asker may not even pull, the server hides the text and answers as
    /// it does for a repository that does not exist.
    #[error("{0}")]
    Denied(String),
    /// The repository, tag, manifest or blob is not there: 404.
    #[error("not found")]
    NotFound,
    /// A tag that does not move: 409 `DENIED`.
    #[error("{0}")]
    Immutable(String),
    /// Content that this owner does not take: 400 `MANIFEST_INVALID` or `BLOB_UPLOAD_INVALID`.
    #[error("{0}")]
    Invalid(String),
    /// Something this owner never does: 405 `UNSUPPORTED`.
    #[error("{0}")]
    Unsupported(String),
    /// Too many attempts: 429 `TOOMANYREQUESTS`.
    #[error("too many requests; try again in {retry_after_seconds} seconds")]
    TooManyRequests {
        /// For the `Retry-After` header.
        retry_after_seconds: u64,
    },
    /// The owner's own failure: logged in full, 500 to the client without the text.
    #[error("{0}")]
    Internal(String),
}

/// A tag or a digest; both grammars have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestReference {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(Digest),
}

impl std::fmt::Display for ManifestReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ManifestReference::Tag(tag) => f.write_str(tag),
            ManifestReference::Digest(digest) => std::fmt::Display::fmt(digest, f),
        }
    }
}

/// A manifest or index to record. Its bytes are already stored, well-formed, and everything that it references is
/// readable in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestPut {
    /// The tags to point at it, all at one instant; none when it was pushed by its digest alone.
    pub tags: Vec<String>,
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The manifest that it refers to (signature, SBOM, report …), which need not exist.
    pub subject: Option<Digest>,
    /// For the referrers list: its `artifactType`, else the media type of an image manifest's config.
    pub artifact_type: Option<String>,
    /// For the referrers list.
    pub annotations: BTreeMap<String, String>,
    /// Config, layers and child manifests, each once; foreign layers, which no registry stores, are left out.
    pub references: Vec<Digest>,
}

/// How the registry presents itself in an authentication challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The `service` of the challenge, for example the host name.
    pub name: String,
    /// Scheme and authority as clients see them, without a final slash (`https://registry.example.com`). `None`: taken
    /// from the request's `Host` (and `X-Forwarded-Proto`), which suits a program that does not know its own name.
    pub url: Option<String>,
}

/// The owner of the registry. Cloned per request: keep it one `Arc` wide.
///
/// The server calls [`authorize`](Owner::authorize) before any method that names a repository, so these need not check
/// again, except where they take `who` to record or to decide more finely.
pub trait Owner: Clone + Send + Sync + 'static {
    /// Whether these credentials are good for anything at all (`GET /v2/`, the step of `docker login`).
    fn authenticate(&self, who: &Credentials) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Whether they may do this here. Answer alike for a repository that is missing and one that may not be read.
    fn authorize(
        &self,
        who: &Credentials,
        action: Action,
        repository: &str,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// A token for what of these scopes they may have, which may be nothing: refusing comes with its use. Only wrong
    /// credentials are refused here.
    fn issue_token(
        &self,
        who: &Credentials,
        scopes: &[Scope],
    ) -> impl Future<Output = Result<IssuedToken, Refusal>> + Send;

    /// What a tag or digest is in a repository.
    fn manifest(
        &self,
        repository: &str,
        reference: &ManifestReference,
    ) -> impl Future<Output = Result<Option<Descriptor>, Refusal>> + Send;

    /// Records a manifest. Repeating it is no error.
    fn put_manifest(
        &self,
        who: &Credentials,
        repository: &str,
        manifest: ManifestPut,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Removes a manifest and the tags that point at it.
    fn delete_manifest(
        &self,
        who: &Credentials,
        repository: &str,
        digest: &Digest,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Removes a tag; what it pointed at stays.
    fn delete_tag(
        &self,
        who: &Credentials,
        repository: &str,
        tag: &str,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Removes a blob from the repository; the bytes stay for other repositories and for garbage collection to judge.
    fn delete_blob(
        &self,
        who: &Credentials,
        repository: &str,
        digest: &Digest,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Tags in bytewise order, those after `after`, at most `limit`. [`Refusal::NotFound`] if there is no such repository.
    fn tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<String>, Refusal>> + Send;

    /// Whether the repository holds this blob.
    fn has_blob(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// Whether whoever these credentials belong to may read this blob in any repository, whichever scopes a token was asked
    /// for: where to mount from when a client does not say. `false` when it would take long to find out.
    fn may_mount(
        &self,
        who: &Credentials,
        digest: &Digest,
    ) -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// Records a blob, stored and verified, in the repository. Repeating it is no error.
    fn link_blob(
        &self,
        repository: &str,
        digest: &Digest,
        size_bytes: u64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// The manifests whose subject is this digest, always in the same order, with artifact type and annotations. Empty,
    /// not an error, when there are none or the subject is unknown.
    fn referrers(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> impl Future<Output = Result<Vec<Descriptor>, Refusal>> + Send;

    /// A manifest is being sent whole. Nobody waits for what the owner does with it, so it must not block.
    fn downloaded(&self, _repository: &str, _manifest: &Descriptor) {}

    /// How the registry presents itself.
    fn service(&self) -> Service;
}
