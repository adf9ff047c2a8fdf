//! An owner of a registry for one request: everybody may do everything in `acme/…`, and a token carries the scopes that
//! were read.

use oci::digest::Digest;
use oci::manifest::Descriptor;
use registry::owner::{
    Action, Credentials, IssuedToken, ManifestPut, ManifestReference, Owner, Refusal, Scope, Service,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is in the repositories, whichever they are called.
#[derive(Default)]
struct Records {
    tags: BTreeMap<String, Digest>,
    manifests: BTreeMap<Digest, ManifestPut>,
    blobs: BTreeMap<Digest, u64>,
    /// Every blob that was ever there: one may be removed behind a manifest.
    known: BTreeSet<Digest>,
}

#[derive(Clone, Default)]
pub(crate) struct Acme(Arc<Mutex<Records>>);

impl Acme {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_blob(&self, digest: Digest, size: u64) {
        let mut records = self.records();
        records.blobs.insert(digest, size);
        records.known.insert(digest);
    }

    /// What was recorded is what the protocol allows.
    pub(crate) fn check(&self) {
        let records = self.records();
        assert!(records.tags.keys().all(|tag| registry::name::is_tag(tag)));
        assert!(records.tags.values().all(|digest| records.manifests.contains_key(digest)));
        for (digest, put) in &records.manifests {
            assert_eq!(*digest, put.descriptor.digest);
            let known = |digest| records.known.contains(digest);
            assert!(put.references.iter().all(known), "{put:?} names what is not there");
        }
    }
}

impl Owner for Acme {
    async fn authenticate(&self, _: &Credentials) -> Result<(), Refusal> {
        Ok(())
    }

    async fn authorize(&self, _: &Credentials, _: Action, repository: &str) -> Result<(), Refusal> {
        assert!(registry::name::is_repository(repository), "{repository:?} was let through");
        match repository.starts_with("acme/") {
            true => Ok(()),
            false => Err(Refusal::Denied("only acme is known here".to_owned())),
        }
    }

    async fn issue_token(&self, _: &Credentials, scopes: &[Scope]) -> Result<IssuedToken, Refusal> {
        for scope in scopes {
            assert!(registry::name::is_repository(&scope.repository), "{scope:?}");
            assert!(scope.actions.is_sorted(), "{scope:?}");
        }
        Ok(IssuedToken { token: "token".to_owned(), expires_in_seconds: 300 })
    }

    async fn manifest(&self, _: &str, asked: &ManifestReference) -> Result<Option<Descriptor>, Refusal> {
        let records = self.records();
        let digest = match asked {
            ManifestReference::Digest(digest) => Some(*digest),
            ManifestReference::Tag(tag) => records.tags.get(tag).copied(),
        };
        let found = digest.and_then(|digest| records.manifests.get(&digest));
        Ok(found.map(|put| put.descriptor.clone()))
    }

    async fn put_manifest(&self, _: &Credentials, _: &str, put: ManifestPut) -> Result<(), Refusal> {
        let mut records = self.records();
        for tag in &put.tags {
            records.tags.insert(tag.clone(), put.descriptor.digest);
        }
        records.known.insert(put.descriptor.digest);
        records.manifests.insert(put.descriptor.digest, put);
        Ok(())
    }

    async fn delete_manifest(&self, _: &Credentials, _: &str, digest: &Digest) -> Result<(), Refusal> {
        let mut records = self.records();
        records.tags.retain(|_, held| held != digest);
        records.manifests.remove(digest).map(|_| ()).ok_or(Refusal::NotFound)
    }

    async fn delete_tag(&self, _: &Credentials, _: &str, tag: &str) -> Result<(), Refusal> {
        self.records().tags.remove(tag).map(|_| ()).ok_or(Refusal::NotFound)
    }

    async fn delete_blob(&self, _: &Credentials, _: &str, digest: &Digest) -> Result<(), Refusal> {
        self.records().blobs.remove(digest).map(|_| ()).ok_or(Refusal::NotFound)
    }

    async fn tags(&self, _: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Refusal> {
        let records = self.records();
        let tags = records.tags.keys().filter(|tag| after.is_none_or(|after| tag.as_str() > after));
        Ok(tags.take(limit).cloned().collect())
    }

    async fn has_blob(&self, _: &str, digest: &Digest) -> Result<bool, Refusal> {
        Ok(self.records().blobs.contains_key(digest))
    }

    async fn may_mount(&self, _: &Credentials, digest: &Digest) -> Result<bool, Refusal> {
        Ok(self.records().blobs.contains_key(digest))
    }

    async fn link_blob(&self, _: &str, digest: &Digest, size_bytes: u64) -> Result<(), Refusal> {
        self.add_blob(*digest, size_bytes);
        Ok(())
    }

    async fn referrers(&self, _: &str, digest: &Digest) -> Result<Vec<Descriptor>, Refusal> {
        let records = self.records();
        let about = records.manifests.values().filter(|put| put.subject.as_ref() == Some(digest));
        Ok(about.map(|put| put.descriptor.clone()).collect())
    }

    fn service(&self) -> Service {
        Service { name: "registry.example.com".to_owned(), url: None }
    }
}
