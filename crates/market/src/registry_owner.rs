//! What the registry asks of the marketplace: who may do what in which scope, and the records. Scopes:
//!
//! - `incoming/{publisher}/…`: push and pull by that publisher;
//! - `preview/{publisher}/{offer}/{plan}`: pull by the subscriptions that the waiting submission names, while it waits;
//! - `{publisher}/{offer}/{plan}`: pull by everybody, private plans by their audience; pushes come from the pipeline,
//!   which does not pass here, or, on an instance that is a region, from the home marketplace with a `region` token, by
//!   digest only: tags there move in the one transaction of `Market::replicate_tags`.

use crate::access::{self, Actor, Operation, Repository};
use crate::clock::Instant;
use crate::error::{Error, Kind};
use crate::market::Market;
use crate::secrets;
use crate::store::registry::{self as store, ManifestRow};
use crate::tokens::TOKEN_CHARS_MAX;
use bearer::{BEARER_SECONDS, Bearer};
use facts::Facts;
use oci::digest::Digest;
use oci::manifest::Descriptor;
use offer::identity::PublisherId;
use registry::owner::{
    Action, Credentials, IssuedToken, ManifestPut, ManifestReference, Owner, Refusal, Scope, Service,
};
use std::sync::Arc;

mod bearer;
mod facts;

/// Most repositories that are looked at for a blob that a client wants to mount from anywhere. What is in none of these
/// is uploaded once more.
const HOLDERS_MAX: i64 = 32;

/// The marketplace as the registry's owner. Clones are one.
#[derive(Clone)]
pub struct RegistryOwner {
    market: Market,
    known: Arc<Known>,
}

/// What was read of the records, by what it depends on.
#[derive(Default)]
struct Known {
    /// Holders of API tokens, and until when, by the token's hash.
    actors: Facts<(Actor, Instant)>,
    /// Whether a repository is open to a subscription, by both.
    open: Facts<bool>,
    /// Manifests by repository and reference.
    manifests: Facts<Option<Descriptor>>,
    /// Whether a repository holds a blob, by both.
    blobs: Facts<bool>,
}

/// Who asks: an actor, and the bearer token that limits it, if it came with one.
struct Asker {
    actor: Actor,
    bearer: Option<Bearer>,
}

type Answer<T> = Result<T, Refusal>;

impl RegistryOwner {
    /// The owner for [`registry::router`].
    pub fn new(market: Market) -> RegistryOwner {
        RegistryOwner { market, known: Arc::default() }
    }

    async fn asker(&self, who: &Credentials) -> Answer<Asker> {
        let bearer = match who {
            Credentials::Bearer(token) if !token.starts_with(secrets::TOKEN_PREFIX) => {
                Some(Bearer::open(token, &self.market.vault, self.market.now())?)
            }
            _ => None,
        };
        let hash = match &bearer {
            Some(bearer) => bearer.hash.clone(),
            None => hash_of(who)?,
        };
        let actor = match hash {
            None => Actor::Anonymous,
            Some(hash) => self.holder(hash).await?,
        };
        Ok(Asker { actor, bearer })
    }

    async fn holder(&self, hash: String) -> Answer<Actor> {
        let read = async { self.market.token_holder(&hash).await.map_err(refusal) };
        let (actor, expires) = self.known.actors.get(&self.market.store, hash.clone(), read).await?;
        if expires <= self.market.now() { Err(Refusal::Unauthenticated) } else { Ok(actor) }
    }

    async fn permit(&self, actor: &Actor, action: Action, repository: &str) -> Answer<()> {
        let scope = self.scope(actor, repository).await?;
        let operation = match action {
            Action::Pull => Operation::Pull(scope),
            Action::Push => Operation::Push(scope),
            Action::Delete => Operation::Delete(scope),
        };
        access::permit(actor, operation).map_err(|denied| match actor {
            Actor::Anonymous => Refusal::Unauthenticated,
            _ => Refusal::Denied(denied.to_string()),
        })
    }

    async fn scope<'a>(&self, actor: &Actor, repository: &'a str) -> Answer<Repository<'a>> {
        let parts: Vec<&str> = repository.split('/').collect();
        Ok(match parts[..] {
            ["incoming", publisher, _, ..] if publisher.parse::<PublisherId>().is_ok() => {
                Repository::Incoming { publisher }
            }
            ["preview", publisher, _, _] => {
                let granted = self.is_open(actor, repository, true).await?;
                Repository::Preview { publisher, granted }
            }
            [publisher, _, _] if publisher.parse::<PublisherId>().is_ok() => {
                Repository::Public { open: self.is_open(actor, repository, false).await? }
            }
            _ => Repository::Unknown,
        })
    }

    /// Whether a preview was granted to an asking subscription, or a public repository is open to one.
    async fn is_open(&self, actor: &Actor, repository: &str, is_preview: bool) -> Answer<bool> {
        for subscription in actor.subscriptions() {
            if self.is_open_to(subscription.to_string(), repository, is_preview).await? {
                return Ok(true);
            }
        }
        self.is_open_to(String::new(), repository, is_preview).await
    }

    /// The same for one subscription; an empty one is nobody's.
    async fn is_open_to(&self, subscription: String, repository: &str, is_preview: bool) -> Answer<bool> {
        let read = async {
            let mut c = self.market.store.read().await.map_err(refusal)?;
            if is_preview {
                return store::preview_is_granted(&mut c, repository, &subscription).await.map_err(refusal);
            }
            let audience = store::audience(&mut c, repository).await.map_err(refusal)?;
            Ok(audience.is_empty() || audience.contains(&subscription))
        };
        self.known.open.get(&self.market.store, key(repository, &subscription), read).await
    }
}

impl Owner for RegistryOwner {
    async fn authenticate(&self, who: &Credentials) -> Answer<()> {
        match self.asker(who).await?.actor {
            // `docker login` must fail without credentials, and a bearer token for anonymous pulls is good.
            Actor::Anonymous if *who == Credentials::Anonymous => Err(Refusal::Unauthenticated),
            _ => Ok(()),
        }
    }

    async fn authorize(&self, who: &Credentials, action: Action, repository: &str) -> Answer<()> {
        let Asker { actor, bearer } = self.asker(who).await?;
        if bearer.is_some_and(|bearer| !bearer.covers(action, repository)) {
            return Err(Refusal::Unauthenticated);
        }
        self.permit(&actor, action, repository).await
    }

    async fn issue_token(&self, who: &Credentials, scopes: &[Scope]) -> Answer<IssuedToken> {
        // Not for another bearer token: that would give it a longer life and more scopes.
        let hash = hash_of(who)?;
        if let Some(hash) = &hash {
            self.holder(hash.clone()).await?;
        }
        let bearer = Bearer::new(hash, scopes, self.market.now());
        let token = bearer.seal(&self.market.vault).map_err(refusal)?;
        Ok(IssuedToken { token, expires_in_seconds: BEARER_SECONDS })
    }

    async fn manifest(&self, repository: &str, reference: &ManifestReference) -> Answer<Option<Descriptor>> {
        let text = reference.to_string();
        let read = async {
            let mut c = self.market.store.read().await.map_err(refusal)?;
            let found = match reference {
                ManifestReference::Tag(tag) => store::tagged(&mut c, repository, tag).await,
                ManifestReference::Digest(_) => store::manifest(&mut c, repository, &text).await,
            };
            // Annotations may be megabytes, and who asks for a manifest has no use for them.
            let found =
                found.map_err(refusal)?.map(|row| ManifestRow { annotations: "{}".to_owned(), ..row });
            found.map(descriptor).transpose()
        };
        if matches!(reference, ManifestReference::Digest(_)) {
            self.market.rely_on(&text).await.map_err(refusal)?;
        }
        self.known.manifests.get(&self.market.store, key(repository, &text), read).await
    }

    async fn put_manifest(&self, _who: &Credentials, repository: &str, manifest: ManifestPut) -> Answer<()> {
        // Whoever is permitted to push there is a region's home, whose tags move all at one instant or not at all.
        if let Some(tag) = manifest.tags.first()
            && !repository.starts_with("incoming/")
        {
            let text = format!("the tag {tag} of {repository} is not moved by a push; push by digest");
            return Err(Refusal::Denied(text));
        }
        let digest = manifest.descriptor.digest.to_string();
        let row = ManifestRow {
            digest: digest.clone(),
            media_type: manifest.descriptor.media_type,
            size: i64::try_from(manifest.descriptor.size).map_err(|e| Refusal::Internal(e.to_string()))?,
            subject: manifest.subject.map(|subject| subject.to_string()),
            artifact_type: manifest.artifact_type,
            annotations: serde_json::to_string(&manifest.annotations)
                .map_err(|error| Refusal::Internal(error.to_string()))?,
        };
        let mut tx = self.market.store.write().await.map_err(refusal)?;
        // Checked before, but a garbage collection may have come in between.
        let references: Vec<String> = manifest.references.iter().map(Digest::to_string).collect();
        if let Some(gone) = store::absent(&mut tx, repository, &references).await.map_err(refusal)? {
            let text = format!(
                "the manifest refers to {gone}, which is not in this repository any more; push it again"
            );
            return Err(Refusal::Invalid(text));
        }
        store::put_manifest(&mut tx, repository, &row).await.map_err(refusal)?;
        let now = self.market.now().0;
        for tag in &manifest.tags {
            store::put_tag(&mut tx, repository, tag, &digest, now).await.map_err(refusal)?;
        }
        tx.commit().await.map_err(refusal)
    }

    async fn delete_manifest(&self, _who: &Credentials, repository: &str, digest: &Digest) -> Answer<()> {
        let mut tx = self.market.store.write().await.map_err(refusal)?;
        let gone = store::delete_manifest(&mut tx, repository, &digest.to_string()).await.map_err(refusal)?;
        found(gone)?;
        tx.commit().await.map_err(refusal)
    }

    async fn delete_tag(&self, _who: &Credentials, repository: &str, tag: &str) -> Answer<()> {
        let mut tx = self.market.store.write().await.map_err(refusal)?;
        found(store::delete_tag(&mut tx, repository, tag).await.map_err(refusal)?)?;
        tx.commit().await.map_err(refusal)
    }

    async fn delete_blob(&self, _who: &Credentials, repository: &str, digest: &Digest) -> Answer<()> {
        let mut tx = self.market.store.write().await.map_err(refusal)?;
        found(store::delete_blob(&mut tx, repository, &digest.to_string()).await.map_err(refusal)?)?;
        tx.commit().await.map_err(refusal)
    }

    async fn tags(&self, repository: &str, after: Option<&str>, limit: usize) -> Answer<Vec<String>> {
        let mut c = self.market.store.read().await.map_err(refusal)?;
        found(store::is_known(&mut c, repository).await.map_err(refusal)?)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        store::tags(&mut c, repository, after, limit).await.map_err(refusal)
    }

    async fn has_blob(&self, repository: &str, digest: &Digest) -> Answer<bool> {
        let text = digest.to_string();
        let read = async {
            let mut c = self.market.store.read().await.map_err(refusal)?;
            store::has_blob(&mut c, repository, &text).await.map_err(refusal)
        };
        // Taken off the list first, then looked for: a collection cannot come in between.
        self.market.rely_on(&text).await.map_err(refusal)?;
        self.known.blobs.get(&self.market.store, key(repository, &text), read).await
    }

    async fn may_mount(&self, who: &Credentials, digest: &Digest) -> Answer<bool> {
        let actor = self.asker(who).await?.actor;
        self.market.rely_on(&digest.to_string()).await.map_err(refusal)?;
        let mut c = self.market.store.read().await.map_err(refusal)?;
        let holders = store::holders(&mut c, &digest.to_string(), HOLDERS_MAX).await.map_err(refusal)?;
        drop(c);
        for repository in &holders {
            if self.permit(&actor, Action::Pull, repository).await.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn link_blob(&self, repository: &str, digest: &Digest, size_bytes: u64) -> Answer<()> {
        let size = i64::try_from(size_bytes).map_err(|error| Refusal::Internal(error.to_string()))?;
        let mut tx = self.market.store.write().await.map_err(refusal)?;
        store::put_blob(&mut tx, repository, &digest.to_string(), size).await.map_err(refusal)?;
        tx.commit().await.map_err(refusal)
    }

    async fn referrers(&self, repository: &str, digest: &Digest) -> Answer<Vec<Descriptor>> {
        let mut c = self.market.store.read().await.map_err(refusal)?;
        let rows = store::referrers(&mut c, repository, &digest.to_string()).await.map_err(refusal)?;
        rows.into_iter().map(descriptor).collect()
    }

    fn downloaded(&self, repository: &str, manifest: &Descriptor) {
        let day = crate::downloads::day_of(self.market.now());
        self.market.downloads.count(day, repository, manifest);
    }

    fn service(&self) -> Service {
        let config = &self.market.config;
        let url = config.settings.public_url.is_some().then(|| config.public_url());
        Service { name: config.registry_host(), url }
    }
}

/// The hash of the API token in these credentials; none for anonymous.
fn hash_of(who: &Credentials) -> Answer<Option<String>> {
    match who {
        Credentials::Anonymous => Ok(None),
        Credentials::Basic { password: secret, .. } | Credentials::Bearer(secret)
            if secret.starts_with(secrets::TOKEN_PREFIX) && secret.len() <= TOKEN_CHARS_MAX =>
        {
            Ok(Some(secrets::token_hash(secret)))
        }
        _ => Err(Refusal::Unauthenticated),
    }
}

/// Neither a repository's name nor what it is asked for has this byte.
fn key(repository: &str, of: &str) -> String {
    format!("{repository}\0{of}")
}

fn descriptor(row: ManifestRow) -> Answer<Descriptor> {
    let internal = |error: String| Refusal::Internal(error);
    let digest = row.digest.parse::<Digest>().map_err(|error| internal(error.to_string()))?;
    let size = u64::try_from(row.size).map_err(|error| internal(error.to_string()))?;
    let annotations = serde_json::from_str(&row.annotations).map_err(|error| internal(error.to_string()))?;
    Ok(Descriptor {
        artifact_type: row.artifact_type,
        annotations,
        ..Descriptor::new(&row.media_type, digest, size)
    })
}

fn found(found: bool) -> Answer<()> {
    if found { Ok(()) } else { Err(Refusal::NotFound) }
}

fn refusal(error: Error) -> Refusal {
    match error.kind {
        Kind::Unauthenticated => Refusal::Unauthenticated,
        Kind::NotFound => Refusal::NotFound,
        Kind::Denied => Refusal::Denied(error.message),
        _ => Refusal::Internal(error.message),
    }
}

#[cfg(test)]
mod tests;
