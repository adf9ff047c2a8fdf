//! An owner that keeps its records in memory: `public/…` is for everyone to pull and for `pipeline` to push, `NAME/…` is
//! for user NAME alone, whose password is `NAME-secret`; `hasty` guesses too often. Tags that begin with a digit do not move.

use oci::{digest::Digest, manifest::Descriptor};
use registry::owner::*;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    repositories: BTreeMap<String, Repository>,
    /// Who each token was given to (`None`: nobody), and for what.
    tokens: Vec<(Option<String>, Vec<Scope>)>,
}

#[derive(Default)]
struct Repository {
    tags: BTreeMap<String, Digest>,
    manifests: BTreeMap<Digest, ManifestPut>,
    blobs: BTreeMap<Digest, u64>,
}

impl Memory {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap()
    }

    /// The user, and the scopes of the token if there is one.
    fn user(&self, who: &Credentials) -> Result<(Option<String>, Option<Vec<Scope>>), Refusal> {
        match who {
            Credentials::Anonymous => Ok((None, None)),
            Credentials::Basic { username, password } if *password == format!("{username}-secret") => {
                Ok((Some(username.clone()), None))
            }
            Credentials::Basic { username, .. } if username == "hasty" => {
                Err(Refusal::TooManyRequests { retry_after_seconds: 7 })
            }
            Credentials::Basic { .. } => Err(Refusal::Unauthenticated),
            Credentials::Bearer(token) => {
                let number = token.strip_prefix("token-").and_then(|n| n.parse::<usize>().ok());
                let found = number.and_then(|n| self.records().tokens.get(n).cloned());
                found.map(|(user, scopes)| (user, Some(scopes))).ok_or(Refusal::Unauthenticated)
            }
        }
    }

    fn change<T>(
        &self,
        repository: &str,
        change: impl FnOnce(&mut Repository) -> Option<T>,
    ) -> Result<T, Refusal> {
        let mut records = self.records();
        records.repositories.get_mut(repository).and_then(change).ok_or(Refusal::NotFound)
    }
}

fn allowed(user: Option<&str>, action: Action, repository: &str) -> Result<(), Refusal> {
    let (scope, _) = repository.split_once('/').unwrap_or((repository, ""));
    match (scope, user, action) {
        ("public", _, Action::Pull) => Ok(()),
        ("public", Some("pipeline"), _) => Ok(()),
        ("public", Some(_), _) => Err(Refusal::Denied("only the pipeline writes to the public scope".into())),
        (scope, Some(user), _) if scope == user => Ok(()),
        (_, Some(_), _) => Err(Refusal::Denied("this is another user's".into())),
        (_, None, _) => Err(Refusal::Unauthenticated),
    }
}

impl Owner for Memory {
    async fn authenticate(&self, who: &Credentials) -> Result<(), Refusal> {
        self.user(who).map(|_| ())
    }

    async fn authorize(&self, who: &Credentials, action: Action, repository: &str) -> Result<(), Refusal> {
        let (user, scopes) = self.user(who)?;
        let covered = scopes.is_none_or(|scopes| {
            scopes.iter().any(|scope| scope.repository == repository && scope.actions.contains(&action))
        });
        if !covered {
            return Err(Refusal::Unauthenticated);
        }
        allowed(user.as_deref(), action, repository)
    }

    async fn issue_token(&self, who: &Credentials, scopes: &[Scope]) -> Result<IssuedToken, Refusal> {
        let (user, _) = self.user(who)?;
        let mut records = self.records();
        records.tokens.push((user, scopes.to_vec()));
        Ok(IssuedToken { token: format!("token-{}", records.tokens.len() - 1), expires_in_seconds: 300 })
    }

    async fn manifest(
        &self,
        repository: &str,
        reference: &ManifestReference,
    ) -> Result<Option<Descriptor>, Refusal> {
        let records = self.records();
        let Some(found) = records.repositories.get(repository) else { return Ok(None) };
        let digest = match reference {
            ManifestReference::Digest(digest) => Some(digest),
            ManifestReference::Tag(tag) => found.tags.get(tag),
        };
        Ok(digest.and_then(|digest| found.manifests.get(digest)).map(|put| put.descriptor.clone()))
    }

    async fn put_manifest(&self, _: &Credentials, repository: &str, put: ManifestPut) -> Result<(), Refusal> {
        let mut records = self.records();
        let found = records.repositories.entry(repository.to_owned()).or_default();
        let digest = put.descriptor.digest;
        for tag in &put.tags {
            let fixed = tag.starts_with(|c: char| c.is_ascii_digit());
            if fixed && found.tags.get(tag).is_some_and(|held| *held != digest) {
                return Err(Refusal::Immutable(format!("tag {tag} is a version and does not move")));
            }
            found.tags.insert(tag.clone(), digest);
        }
        found.manifests.insert(digest, put);
        Ok(())
    }

    async fn delete_manifest(
        &self,
        _: &Credentials,
        repository: &str,
        digest: &Digest,
    ) -> Result<(), Refusal> {
        self.change(repository, |found| {
            found.tags.retain(|_, held| held != digest);
            found.manifests.remove(digest).map(|_| ())
        })
    }

    async fn delete_tag(&self, _: &Credentials, repository: &str, tag: &str) -> Result<(), Refusal> {
        self.change(repository, |found| found.tags.remove(tag).map(|_| ()))
    }

    async fn delete_blob(&self, _: &Credentials, repository: &str, digest: &Digest) -> Result<(), Refusal> {
        self.change(repository, |found| found.blobs.remove(digest).map(|_| ()))
    }

    async fn tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.change(repository, |found| {
            let tags = found.tags.keys().filter(|tag| after.is_none_or(|after| tag.as_str() > after));
            Some(tags.take(limit).cloned().collect())
        })
    }

    async fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Refusal> {
        Ok(self.records().repositories.get(repository).is_some_and(|found| found.blobs.contains_key(digest)))
    }

    async fn may_mount(&self, who: &Credentials, digest: &Digest) -> Result<bool, Refusal> {
        let (user, _) = self.user(who)?;
        let records = self.records();
        let mut holding = records.repositories.iter().filter(|(_, found)| found.blobs.contains_key(digest));
        Ok(holding.any(|(name, _)| allowed(user.as_deref(), Action::Pull, name).is_ok()))
    }

    async fn link_blob(&self, repository: &str, digest: &Digest, size_bytes: u64) -> Result<(), Refusal> {
        let mut records = self.records();
        records.repositories.entry(repository.to_owned()).or_default().blobs.insert(*digest, size_bytes);
        Ok(())
    }

    async fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, Refusal> {
        let records = self.records();
        let Some(found) = records.repositories.get(repository) else { return Ok(Vec::new()) };
        let of_subject = found.manifests.values().filter(|put| put.subject.as_ref() == Some(digest));
        Ok(of_subject
            .map(|put| Descriptor {
                artifact_type: put.artifact_type.clone(),
                annotations: put.annotations.clone(),
                ..put.descriptor.clone()
            })
            .collect())
    }

    fn service(&self) -> Service {
        Service { name: "test-registry".into(), url: None }
    }
}
