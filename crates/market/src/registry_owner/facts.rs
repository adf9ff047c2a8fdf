//! What the registry's owner has read from the store, kept in memory until anything at all is written. A pull of a device
//! asks for the same few facts each time, and a look-up in the database costs more than everything else in its answer.
//! Nothing here is out of date, not for an instant: a fact counts only in the generation of the store that it was read
//! in, so a preview that was withdrawn or a token that was revoked is refused from the commit on.

use crate::store::Store;
use registry::owner::Refusal;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

/// Most facts of one kind; then all are forgotten. A catalogue of a thousand offers has some ten thousand, and each takes
/// less than a kilobyte.
const FACTS_MAX: usize = 16_384;

/// Facts of one kind, by a key that says all they depend on.
pub(super) struct Facts<V>(Mutex<Known<V>>);

struct Known<V> {
    generation: u64,
    by_key: HashMap<String, V>,
}

impl<V> Default for Facts<V> {
    fn default() -> Facts<V> {
        Facts(Mutex::new(Known { generation: 0, by_key: HashMap::new() }))
    }
}

impl<V: Clone> Facts<V> {
    /// The fact of this key, read if it is not known.
    pub async fn get(
        &self,
        store: &Store,
        key: String,
        read: impl Future<Output = Result<V, Refusal>>,
    ) -> Result<V, Refusal> {
        // Asked for before reading: what is written in between makes the fact one of the past.
        let generation = store.generation();
        if let Some(known) = self.known(generation, &key) {
            return Ok(known);
        }
        let value = read.await?;
        self.remember(generation, key, value.clone());
        Ok(value)
    }

    fn known(&self, generation: u64, key: &str) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation == generation { known.by_key.get(key).cloned() } else { None }
    }

    fn remember(&self, generation: u64, key: String, value: V) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation > generation {
            return;
        }
        if known.generation < generation || known.by_key.len() >= FACTS_MAX {
            known.by_key.clear();
            known.generation = generation;
        }
        known.by_key.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fact_lasts_until_the_next_write() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let facts = Facts::default();
        let ask = async |value: u8| facts.get(&store, "key".to_owned(), async { Ok(value) }).await.unwrap();
        assert_eq!((ask(1).await, ask(2).await), (1, 1));
        store.write().await.unwrap().commit().await.unwrap();
        assert_eq!((ask(3).await, ask(4).await), (3, 3));
        // A write during the reading makes its result good for this answer only.
        let slow = facts.get(&store, "slow".to_owned(), async {
            drop(store.write().await.unwrap());
            Ok(5)
        });
        assert_eq!(slow.await.unwrap(), 5);
        assert_eq!(facts.get(&store, "slow".to_owned(), async { Ok(6) }).await.unwrap(), 6);
        let refused = facts.get(&store, "refused".to_owned(), async { Err(Refusal::NotFound) }).await;
        assert_eq!(refused, Err(Refusal::NotFound));
        assert_eq!(facts.get(&store, "refused".to_owned(), async { Ok(7) }).await.unwrap(), 7);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let facts = Facts::default();
        for n in 0..=FACTS_MAX {
            facts.remember(0, n.to_string(), n);
        }
        assert_eq!(facts.known(0, &FACTS_MAX.to_string()), Some(FACTS_MAX));
        assert_eq!(facts.known(0, "0"), None);
    }
}
