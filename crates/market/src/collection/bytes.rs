//! The blob store's part of a collection: bytes that no record names.

use super::Order;
use super::keep::Held;
use crate::error::Result;
use crate::market::Market;
use crate::store::registry;
use crate::store::unneeded::{self as records, UnneededRow};
use ::registry::blobs::Stored;
use futures_util::TryStreamExt;
use oci::digest::Digest;
use std::collections::{HashMap, HashSet};

/// Contents that are removed by one look at the records: enough to make that cheap, few enough that a push of one of them
/// does not wait long.
const REMOVED_AT_ONCE: usize = 64;
/// Kind of the rows for bytes, which are in no repository.
const KIND: &str = "bytes";

impl Market {
    /// Removes the bytes of what lost its last row now (`gone`), which had its grace period as a row, and of what no
    /// record has named for long enough.
    pub(super) async fn collect_bytes(
        &self,
        order: Order,
        held: &Held,
        gone: HashMap<String, i64>,
    ) -> Result<()> {
        let stored: Vec<Stored> = self.blobs.list().try_collect().await?;
        let mut c = self.store.read().await?;
        let recorded = registry::contents(&mut c).await?;
        let known = records::of_repository(&mut c, "").await?;
        drop(c);
        let since: HashMap<&str, i64> = known.iter().map(|row| (row.name.as_str(), row.since_ms)).collect();
        let mut orphans = HashMap::new();
        for blob in &stored {
            let name = blob.digest.to_string();
            let is_recorded = recorded.contains(&name) && !(order.dry_run && gone.contains_key(&name));
            if !is_recorded && !held.flying.contains(&name) {
                orphans.insert(name, *blob);
            }
        }
        let old = |name: &String| {
            let since = since.get(name.as_str()).copied().unwrap_or(order.now.0);
            gone.contains_key(name) || since <= order.cutoff_ms
        };
        let (expired, young): (Vec<_>, Vec<_>) = orphans.iter().partition(|(name, _)| old(name));
        self.last_collection.progress(|collection| {
            collection.waiting.contents = young.len() as u64;
            collection.waiting.bytes = young.iter().map(|(_, blob)| blob.size).sum();
        });
        if order.dry_run {
            let names: Vec<String> = expired.iter().map(|(name, _)| (*name).clone()).collect();
            let named = records::named(&mut *self.store.read().await?, &names).await?;
            for (name, blob) in expired {
                // Rows that would go in one repository may stay in another.
                if named.get(name).copied().unwrap_or(0) <= gone.get(name).copied().unwrap_or(0) {
                    self.count(blob.size);
                }
            }
            return Ok(());
        }
        let is_orphan = |name: &String| orphans.contains_key(name);
        let over: Vec<String> =
            known.iter().map(|row| &row.name).filter(|name| !is_orphan(name)).cloned().collect();
        self.write_down_bytes(order, &over, young.into_iter().map(|(name, _)| name)).await?;
        let mut over = Vec::new();
        for few in expired.chunks(REMOVED_AT_ONCE) {
            over.extend(self.remove_bytes(order, few).await?);
        }
        // After a crash before this the next collection sees that there is nothing of that name.
        let mut tx = self.store.write().await?;
        records::remove(&mut tx, "", KIND, &over).await?;
        tx.commit().await?;
        // What was taken off the records goes out of the memory, too.
        let names = records::all(&mut *self.store.read().await?).await?;
        self.unneeded.replace(names.into_iter().map(|row| row.name).collect());
        Ok(())
    }

    /// Takes those off that are orphans no more, and writes down the young ones.
    async fn write_down_bytes(
        &self,
        order: Order,
        over: &[String],
        young: impl Iterator<Item = &String>,
    ) -> Result<()> {
        let new: Vec<UnneededRow> = young
            .map(|name| UnneededRow {
                repository: String::new(),
                kind: KIND.to_owned(),
                name: name.clone(),
                since_ms: order.now.0,
            })
            .collect();
        if over.is_empty() && new.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        self.unneeded.add(new.iter().map(|row| &row.name));
        records::remove(&mut tx, "", KIND, over).await?;
        records::put(&mut tx, &new).await?;
        tx.commit().await
    }

    /// Removes those that are still named by nothing when nobody can come to name them any more; returns their names.
    async fn remove_bytes(&self, order: Order, few: &[(&String, &Stored)]) -> Result<Vec<String>> {
        let digests: Vec<Digest> = few.iter().map(|(_, blob)| blob.digest).collect();
        let free = async |asked: &[Digest]| -> Result<Vec<Digest>> {
            let names: Vec<String> = asked.iter().map(Digest::to_string).collect();
            let named = records::named(&mut *self.store.read().await?, &names).await?;
            let is_free = |(_, name): &(&Digest, String)| !named.contains_key(name);
            Ok(asked.iter().zip(names).filter(is_free).map(|(digest, _)| *digest).collect())
        };
        let removed: HashSet<Digest> =
            self.blobs.remove(&digests, order.grace, free).await?.into_iter().collect();
        self.faults.at("collection:bytes");
        let went = few.iter().filter(|(_, blob)| removed.contains(&blob.digest));
        Ok(went
            .map(|(name, blob)| {
                self.count(blob.size);
                (*name).clone()
            })
            .collect())
    }

    fn count(&self, bytes: u64) {
        self.last_collection.progress(|collection| {
            collection.freed.contents += 1;
            collection.freed.bytes += bytes;
        });
    }
}
