//! The records' part of a collection: tags, manifests and blobs of repositories.

use super::keep::{self, Held};
use super::mark::{self, Content, Judgement, Names};
use super::{Amounts, Order};
use crate::error::Result;
use crate::market::Market;
use crate::store::Connection;
use crate::store::unneeded::{self as records, UnneededRow};
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::digest::Digest;
use oci::manifest::MANIFEST_BYTES_MAX;
use serde::Deserialize;
use std::collections::HashMap;

/// Manifests that are read at once: enough for an object store with its long way, few enough for a disk.
const READERS: usize = 16;

/// What a manifest refers to, of any kind of manifest that the registry takes.
#[derive(Deserialize)]
struct References {
    config: Option<Reference>,
    #[serde(default)]
    layers: Option<Vec<Reference>>,
    #[serde(default)]
    manifests: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    digest: String,
}

impl Market {
    /// Judges every repository, and removes what is unneeded for long enough. Returns the digests whose rows went (in a dry
    /// run: would go), with how many.
    pub(super) async fn collect_repositories(
        &self,
        order: Order,
        held: &Held,
    ) -> Result<HashMap<String, i64>> {
        let mut gone = HashMap::new();
        let repositories = records::repositories(&mut *self.store.read().await?).await?;
        for repository in repositories.into_iter().filter(|repository| !keep::is_whole(repository)) {
            let content = content(&mut *self.store.read().await?, &repository).await?;
            match self.references(&content).await? {
                Ok(references) => {
                    let names = self.collect_one(order, held, &repository, &content, &references).await?;
                    for digest in names.manifests.into_iter().chain(names.blobs) {
                        *gone.entry(digest).or_insert(0) += 1;
                    }
                }
                Err(digest) => {
                    let reason =
                        format!("the manifest {digest} cannot be read, so nobody knows what it needs");
                    self.leave_out(&repository, reason);
                }
            }
            self.last_collection.progress(|collection| collection.repositories += 1);
        }
        Ok(gone)
    }

    async fn collect_one(
        &self,
        order: Order,
        held: &Held,
        repository: &str,
        content: &Content,
        references: &HashMap<String, Vec<String>>,
    ) -> Result<Names> {
        let keep = self.kept_tags(repository, &content.tags, held);
        let known = records::of_repository(&mut *self.store.read().await?, repository).await?;
        let since = since(&known);
        let is_expired = |kind: &str, name: &str| {
            let found = since.get(&(kind, name)).copied();
            found.unwrap_or(order.now.0) <= order.cutoff_ms
        };
        let judged = mark::judge(content, &keep, &held.flying, references, &is_expired);
        let later = amounts(&judged.unneeded, &judged.expired);
        if order.dry_run {
            self.last_collection.progress(|collection| {
                add(&mut collection.freed, of(&judged.expired));
                add(&mut collection.waiting, later);
            });
            return Ok(judged.expired);
        }
        if judged.unneeded.is_empty() && known.is_empty() {
            return Ok(Names::default());
        }
        let went = self.write_down(order, repository, content, &known, &judged).await?;
        self.last_collection.progress(|collection| {
            add(&mut collection.waiting, later);
            if went {
                add(&mut collection.freed, of(&judged.expired));
            }
        });
        Ok(if went { judged.expired } else { Names::default() })
    }

    /// Writes down what is unneeded from now on, and removes what has been so for long enough: in one transaction, and
    /// only if the repository and what was written down of it are as they were when it was judged. `false`: they are not,
    /// and the next collection judges again.
    async fn write_down(
        &self,
        order: Order,
        repository: &str,
        content: &Content,
        known: &[UnneededRow],
        judged: &Judgement,
    ) -> Result<bool> {
        let mut tx = self.store.write().await?;
        let mut now_known = records::of_repository(&mut tx, repository).await?;
        let mut known = known.to_vec();
        known.sort();
        now_known.sort();
        if known != now_known || self::content(&mut tx, repository).await? != *content {
            self.leave_out(repository, "it changed meanwhile; the next collection looks again".to_owned());
            return Ok(false);
        }
        let mut new = Vec::new();
        for (kind, names) in judged.unneeded.by_kind() {
            self.unneeded.add(names.iter());
            let row = |name: &String| UnneededRow {
                repository: repository.to_owned(),
                kind: kind.to_owned(),
                name: name.clone(),
                since_ms: order.now.0,
            };
            new.extend(names.iter().map(row));
            let over: Vec<String> = known
                .iter()
                .filter(|row| row.kind == kind && !names.contains(&row.name))
                .map(|row| row.name.clone())
                .collect();
            records::remove(&mut tx, repository, kind, &over).await?;
        }
        records::put(&mut tx, &new).await?;
        for (kind, names) in judged.expired.by_kind() {
            let names: Vec<String> = names.iter().cloned().collect();
            records::sweep(&mut tx, repository, kind, &names).await?;
            records::remove(&mut tx, repository, kind, &names).await?;
        }
        self.faults.at("collection:rows");
        tx.commit().await?;
        Ok(true)
    }

    /// What each manifest refers to; the digest of one that is lost or no manifest.
    async fn references(
        &self,
        content: &Content,
    ) -> Result<std::result::Result<HashMap<String, Vec<String>>, String>> {
        let read = async |digest: &String| -> Result<(String, Option<Vec<String>>)> {
            let Ok(parsed) = digest.parse::<Digest>() else { return Ok((digest.clone(), None)) };
            let bytes = self.blobs.read(&parsed, MANIFEST_BYTES_MAX).await?;
            // What is damaged must not say what is needed.
            let sound = bytes.filter(|bytes| parsed.again(bytes) == parsed);
            let found = sound.and_then(|bytes| serde_json::from_slice::<References>(&bytes).ok());
            Ok((digest.clone(), found.map(names)))
        };
        let mut found = stream::iter(content.manifests.keys()).map(read).buffer_unordered(READERS);
        let mut references = HashMap::new();
        while let Some((digest, names)) = found.try_next().await? {
            match names {
                Some(names) => references.insert(digest, names),
                None => return Ok(Err(digest)),
            };
        }
        Ok(Ok(references))
    }
}

fn names(found: References) -> Vec<String> {
    let lists = [found.layers, found.manifests].into_iter().flatten().flatten();
    found.config.into_iter().chain(lists).map(|one| one.digest).collect()
}

async fn content(c: &mut Connection, repository: &str) -> Result<Content> {
    let (manifests, tags, blobs) = records::content(c, repository).await?;
    Ok(Content {
        tags: tags.into_iter().collect(),
        manifests: manifests.into_iter().map(|row| (row.digest, row.subject)).collect(),
        blobs: blobs.into_iter().collect(),
    })
}

fn since(known: &[UnneededRow]) -> HashMap<(&str, &str), i64> {
    known.iter().map(|row| ((row.kind.as_str(), row.name.as_str()), row.since_ms)).collect()
}

fn of(names: &Names) -> Amounts {
    amounts(names, &Names::default())
}

/// How many of these there are without those.
fn amounts(names: &Names, without: &Names) -> Amounts {
    Amounts {
        tags: (names.tags.len() - without.tags.len()) as u64,
        manifests: (names.manifests.len() - without.manifests.len()) as u64,
        blobs: (names.blobs.len() - without.blobs.len()) as u64,
        ..Amounts::default()
    }
}

fn add(sum: &mut Amounts, more: Amounts) {
    sum.tags += more.tags;
    sum.manifests += more.manifests;
    sum.blobs += more.blobs;
}
