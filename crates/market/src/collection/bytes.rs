//! The blob store's part of a collection: bytes that no record names.

use super::Order;
use super::keep::Held;
use crate::error::Result;
use crate::market::Market;
use crate::store::registry;
use crate::store::unneeded::{self as records, UnneededRow};
use ::registry::blobs::Stored;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;

/// Contents that are removed at once, for the long way to an object store.
const REMOVERS: usize = 16;
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
            let mut c = self.store.read().await?;
            for (name, blob) in expired {
                // Rows that would go in one repository may stay in another.
                if records::named(&mut c, name).await? <= gone.get(name).copied().unwrap_or(0) {
                    self.count(blob.size);
                }
            }
            return Ok(());
        }
        self.write_down_bytes(order, &known, &orphans).await?;
        let remove = async |(name, blob): (&String, &Stored)| self.remove_bytes(order, name, blob).await;
        let mut removing = stream::iter(expired).map(remove).buffer_unordered(REMOVERS);
        let mut over = Vec::new();
        while let Some(removed) = removing.try_next().await? {
            over.extend(removed);
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

    async fn write_down_bytes(
        &self,
        order: Order,
        known: &[UnneededRow],
        orphans: &HashMap<String, Stored>,
    ) -> Result<()> {
        let over: Vec<String> =
            known.iter().map(|row| &row.name).filter(|name| !orphans.contains_key(*name)).cloned().collect();
        let new: Vec<UnneededRow> = orphans
            .keys()
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
        self.unneeded.add(orphans.keys());
        records::remove(&mut tx, "", KIND, &over).await?;
        records::put(&mut tx, &new).await?;
        tx.commit().await
    }

    /// Removes one content, if it is still named by nothing when nobody can come to name it any more; its name, if it went.
    async fn remove_bytes(&self, order: Order, name: &str, blob: &Stored) -> Result<Option<String>> {
        let is_free =
            async || -> Result<bool> { Ok(records::named(&mut *self.store.read().await?, name).await? == 0) };
        let removed = self.blobs.remove(&blob.digest, order.grace, is_free).await?;
        self.faults.at("collection:bytes");
        if removed {
            self.count(blob.size);
        }
        Ok(removed.then(|| name.to_owned()))
    }

    fn count(&self, bytes: u64) {
        self.last_collection.progress(|collection| {
            collection.freed.contents += 1;
            collection.freed.bytes += bytes;
        });
    }
}
