//! What the registry asks of the marketplace: who may do what in which scope, and the records. Scopes:
//!
//! - `incoming/{publisher}/…`: push and pull by that publisher;
//! - `preview/{publisher}/{offer}/{plan}`: pull by the subscriptions that the waiting submission names, while it waits;
//! - `{publisher}/{offer}/{plan}`: pull by everybody, private plans by their audience; pushes come from the pipeline,
//!   which does not pass here, or, on an instance that is a region, from the home marketplace with a `region` token, by
//!   digest only: tags there move in the one transaction of `Market::replicate_tags`.

use crate::access::{self, Actor, Operation, Repository};
use crate::error::{Error, Kind};
use crate::market::Market;
use crate::secrets;
use crate::store::registry::{self as store, ManifestRow};
use oci::digest::Digest;
use oci::manifest::Descriptor;
use offer::identity::PublisherId;
use registry::owner::{
    Action, Credentials, IssuedToken, ManifestPut, ManifestReference, Owner, Refusal, Scope, Service,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Life of a bearer token in seconds. What it may do is looked up at every request, so that its life only bounds how
/// long a client goes without asking again.
const BEARER_SECONDS: u64 = 300;
/// Most bearer tokens at a time; the oldest give way, and their clients ask again.
const BEARERS_MAX: usize = 100_000;

/// The marketplace as the registry's owner. Clones are one.
#[derive(Clone)]
pub struct RegistryOwner {
    market: Market,
    bearers: Arc<Mutex<HashMap<String, Bearer>>>,
}

/// What a bearer token stands for: the API token that it was asked for with (none for anonymous), so that revoking that
/// one ends this one at once.
#[derive(Clone)]
struct Bearer {
    secret: Option<String>,
    expires_ms: i64,
}

type Answer<T> = Result<T, Refusal>;

impl RegistryOwner {
    /// The owner for [`registry::router`].
    pub fn new(market: Market) -> RegistryOwner {
        RegistryOwner { market, bearers: Arc::default() }
    }

    async fn actor(&self, who: &Credentials) -> Answer<Actor> {
        let secret = match who {
            Credentials::Anonymous => None,
            Credentials::Basic { password, .. } => Some(password.clone()),
            Credentials::Bearer(token) if token.starts_with(secrets::TOKEN_PREFIX) => Some(token.clone()),
            Credentials::Bearer(token) => self.bearer(token)?.secret,
        };
        match secret {
            None => Ok(Actor::Anonymous),
            Some(secret) => self.market.authenticate(&secret).await.map_err(refusal),
        }
    }

    fn bearer(&self, token: &str) -> Answer<Bearer> {
        let bearers = self.bearers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = bearers.get(token).filter(|bearer| bearer.expires_ms > self.market.now().0);
        found.cloned().ok_or(Refusal::Unauthenticated)
    }

    fn remember(&self, token: &str, secret: Option<String>) {
        let now = self.market.now().0;
        let mut bearers = self.bearers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if bearers.len() >= BEARERS_MAX {
            bearers.retain(|_, bearer| bearer.expires_ms > now);
        }
        if bearers.len() >= BEARERS_MAX {
            bearers.clear();
        }
        let expires_ms = now + i64::try_from(BEARER_SECONDS).unwrap_or(0) * 1_000;
        bearers.insert(token.to_owned(), Bearer { secret, expires_ms });
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
        let subscription = match actor {
            Actor::Customer(id) => id.to_string(),
            _ => String::new(),
        };
        let mut c = self.market.store.read().await.map_err(refusal)?;
        Ok(match parts[..] {
            ["incoming", publisher, _, ..] => Repository::Incoming { publisher },
            ["preview", publisher, _, _] => {
                let granted = store::preview_is_granted(&mut c, repository, &subscription).await;
                Repository::Preview { publisher, granted: granted.map_err(refusal)? }
            }
            [publisher, _, _] if publisher.parse::<PublisherId>().is_ok() => {
                let audience = store::audience(&mut c, repository).await.map_err(refusal)?;
                Repository::Public { open: audience.is_empty() || audience.contains(&subscription) }
            }
            _ => Repository::Unknown,
        })
    }
}

impl Owner for RegistryOwner {
    async fn authenticate(&self, who: &Credentials) -> Answer<()> {
        match self.actor(who).await? {
            // `docker login` must fail without credentials, and a bearer token for anonymous pulls is good.
            Actor::Anonymous if *who == Credentials::Anonymous => Err(Refusal::Unauthenticated),
            _ => Ok(()),
        }
    }

    async fn authorize(&self, who: &Credentials, action: Action, repository: &str) -> Answer<()> {
        let actor = self.actor(who).await?;
        self.permit(&actor, action, repository).await
    }

    async fn issue_token(&self, who: &Credentials, _scopes: &[Scope]) -> Answer<IssuedToken> {
        self.actor(who).await?;
        let secret = match who {
            Credentials::Anonymous => None,
            Credentials::Basic { password, .. } => Some(password.clone()),
            Credentials::Bearer(token) if token.starts_with(secrets::TOKEN_PREFIX) => Some(token.clone()),
            Credentials::Bearer(token) => self.bearer(token)?.secret,
        };
        let mut random = [0; 32];
        secrets::random(&mut random).map_err(refusal)?;
        let token = hex::encode(random);
        self.remember(&token, secret);
        Ok(IssuedToken { token, expires_in_seconds: BEARER_SECONDS })
    }

    async fn manifest(&self, repository: &str, reference: &ManifestReference) -> Answer<Option<Descriptor>> {
        let mut c = self.market.store.read().await.map_err(refusal)?;
        let found = match reference {
            ManifestReference::Tag(tag) => store::tagged(&mut c, repository, tag).await,
            ManifestReference::Digest(digest) => {
                store::manifest(&mut c, repository, &digest.to_string()).await
            }
        };
        found.map_err(refusal)?.map(descriptor).transpose()
    }

    async fn put_manifest(&self, _who: &Credentials, repository: &str, manifest: ManifestPut) -> Answer<()> {
        // Whoever is permitted to push there is a region's home, whose tags move all at one instant or not at all.
        if let Some(tag) = &manifest.tag
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
        store::put_manifest(&mut tx, repository, &row).await.map_err(refusal)?;
        if let Some(tag) = &manifest.tag {
            let now = self.market.now().0;
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
        let mut c = self.market.store.read().await.map_err(refusal)?;
        store::has_blob(&mut c, repository, &digest.to_string()).await.map_err(refusal)
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

    fn service(&self) -> Service {
        let config = &self.market.config;
        let url = config.settings.public_url.is_some().then(|| config.public_url());
        Service { name: config.registry_host(), url }
    }
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
