//! How often images are pulled. The registry tells of each manifest of an image that it sends; that is one addition in
//! memory, and nothing else happens while a device waits. A few seconds later the counts of a while are written at once, with
//! the tag and the platform of each image. A process that is killed loses what it counted since then, at most
//! [`PERIOD`]; one that ends in order loses nothing.
//!
//! An index is not counted, but the image that it leads to is, so that a pull counts once whichever way it goes. Previews
//! and the incoming scope are not counted.

use crate::access::{self, Actor, Operation};
use crate::catalogue::PlatformImage;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::downloads::{self as store, DownloadRow};
use crate::store::registry;
use oci::digest::Digest;
use oci::manifest::{Descriptor, media_type};
use offer::tags::VersionTag;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often counts are written.
pub const PERIOD: Duration = Duration::from_secs(5);
/// Most images whose downloads are counted between two writings; each takes some 200 bytes. A catalogue has a few per plan,
/// and what does not exist is never sent.
const IMAGES_MAX: usize = 16_384;
/// Most tags of a repository that are looked at; a plan keeps some hundred.
const TAGS_MAX: i64 = 10_000;
/// Longest platform that is kept in characters; a manifest can say anything.
const PLATFORM_CHARS_MAX: usize = 40;
/// Most downloads of one image on one day that another instance is believed: sums stay far below what fits.
const DOWNLOADS_MAX: i64 = 1_000_000_000;
/// Most rows of one answer to another instance.
pub const PAGE_MAX: usize = 5_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The day of an instant: days since 1970-01-01, UTC.
pub(crate) fn day_of(instant: Instant) -> i64 {
    instant.0.div_euclid(DAY_MS)
}

/// What is counted: day, repository, digest of the manifest.
type Key = (i64, String, Digest);

/// Counts that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    by_image: HashMap<Key, u64>,
    /// Downloads of images for which there was no room.
    lost: u64,
}

impl Counters {
    /// Counts one download.
    pub fn count(&self, day: i64, repository: &str, manifest: &Descriptor) {
        let is_image =
            matches!(&*manifest.media_type, media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST);
        if is_image && is_public(repository) {
            self.add((day, repository.to_owned(), manifest.digest), 1);
        }
    }

    fn add(&self, key: Key, downloads: u64) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counted.by_image.len() >= IMAGES_MAX;
        match counted.by_image.entry(key) {
            Entry::Occupied(mut known) => *known.get_mut() += downloads,
            Entry::Vacant(new) if !full => _ = new.insert(downloads),
            Entry::Vacant(_) => counted.lost += downloads,
        }
    }

    fn take(&self) -> Counted {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `publisher/offer/plan`, and no preview.
fn is_public(repository: &str) -> bool {
    let mut parts = repository.split('/');
    let first = parts.next().unwrap_or_default();
    parts.count() == 2 && !matches!(first, "incoming" | "preview")
}

/// Downloads as one instance tells another of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as the columns of the table")]
pub struct CountedDownloads {
    pub day: i64,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    pub tag: String,
    pub platform: String,
    pub downloads: i64,
}

impl Market {
    /// Writes what was counted since the last time.
    pub async fn write_downloads(&self) -> Result<()> {
        let counted = self.downloads.take();
        if counted.lost > 0 {
            tracing::warn!(downloads = counted.lost, "downloads of too many images at once were not counted");
        }
        if counted.by_image.is_empty() {
            return Ok(());
        }
        let result = self.write_counts(&counted.by_image).await;
        if result.is_err() {
            // Kept for the next time.
            counted.by_image.into_iter().for_each(|(key, downloads)| self.downloads.add(key, downloads));
        }
        result
    }

    async fn write_counts(&self, counts: &HashMap<Key, u64>) -> Result<()> {
        let mut rows = Vec::with_capacity(counts.len());
        let mut tags: HashMap<&str, Vec<(String, String)>> = HashMap::new();
        for ((day, repository, digest), downloads) in counts {
            if !tags.contains_key(repository.as_str()) {
                let mut c = self.store.read().await?;
                tags.insert(repository, registry::tags_with_digests(&mut c, repository, TAGS_MAX).await?);
            }
            let Some((tag, platform)) = self.named(digest, &tags[repository.as_str()]).await? else {
                continue;
            };
            let parts: Vec<&str> = repository.split('/').collect();
            let [publisher, offer, plan] = parts[..] else { continue };
            rows.push(DownloadRow {
                day: *day,
                publisher: publisher.to_owned(),
                offer: offer.to_owned(),
                plan: plan.to_owned(),
                tag,
                platform,
                region: self.config.settings.region.clone(),
                downloads: i64::try_from(*downloads).unwrap_or(i64::MAX),
            });
        }
        rows.sort();
        let mut tx = self.store.write_beside().await?;
        for row in &rows {
            store::add(&mut tx, row).await?;
        }
        tx.commit().await
    }

    /// The tag that leads to an image, the greatest version first, and its platform. `None` for what is no image: a
    /// signature or a bill of materials.
    async fn named(&self, digest: &Digest, tags: &[(String, String)]) -> Result<Option<(String, String)>> {
        let text = digest.to_string();
        let Some(own) = self.image_of(digest).await? else { return Ok(None) };
        let mut best: Option<(Option<VersionTag>, &str)> = None;
        let mut platform = own.platform;
        for (tag, root) in tags {
            let leads = if *root == text {
                true
            } else {
                let root = root.parse().map_err(Error::internal)?;
                let children = self.images_behind(&root).await?;
                let child = children.iter().find(|child| child.digest == text);
                if let Some(child) = child.filter(|child| !child.platform.is_empty()) {
                    platform.clone_from(&child.platform);
                }
                child.is_some()
            };
            let candidate = (tag.parse::<VersionTag>().ok(), tag.as_str());
            if leads && best.as_ref().is_none_or(|best| *best < candidate) {
                best = Some(candidate);
            }
        }
        let tag = best.map_or_else(String::new, |(_, tag)| tag.to_owned());
        Ok(Some((tag, platform.chars().take(PLATFORM_CHARS_MAX).collect())))
    }

    /// The image that this manifest is, if it is one.
    async fn image_of(&self, digest: &Digest) -> Result<Option<PlatformImage>> {
        Ok(self.images_behind(digest).await?.iter().find(|image| image.digest == digest.to_string()).cloned())
    }

    /// What this instance counted from a day on, for the home marketplace that it is a region of; a page of it.
    pub async fn counted_downloads(
        &self,
        actor: &Actor,
        since: i64,
        offset: usize,
    ) -> Result<Vec<CountedDownloads>> {
        access::permit(actor, Operation::Replicate)?;
        let page = (i64::try_from(offset).unwrap_or(i64::MAX), i64::try_from(PAGE_MAX).unwrap_or(i64::MAX));
        let mut c = self.store.read().await?;
        let rows = store::of_region(&mut c, &self.config.settings.region, since, page).await?;
        let told = |row: DownloadRow| CountedDownloads {
            day: row.day,
            publisher: row.publisher,
            offer: row.offer,
            plan: row.plan,
            tag: row.tag,
            platform: row.platform,
            downloads: row.downloads,
        };
        Ok(rows.into_iter().map(told).collect())
    }

    /// Takes over what another instance counted. Counts are whole, so that taking them twice changes nothing.
    pub(crate) async fn take_downloads(&self, region: &str, counts: &[CountedDownloads]) -> Result<()> {
        let mut tx = self.store.write_beside().await?;
        for count in counts {
            let row = DownloadRow {
                day: count.day,
                publisher: count.publisher.clone(),
                offer: count.offer.clone(),
                plan: count.plan.clone(),
                tag: count.tag.clone(),
                platform: count.platform.chars().take(PLATFORM_CHARS_MAX).collect(),
                region: region.to_owned(),
                downloads: count.downloads.clamp(0, DOWNLOADS_MAX),
            };
            store::put(&mut tx, &row).await?;
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_an_end() {
        let counters = Counters::default();
        for number in 0..IMAGES_MAX + 10 {
            counters.add((0, format!("p/o/{number}"), Digest::of(b"")), 1);
        }
        counters.add((0, "p/o/0".to_owned(), Digest::of(b"")), 5);
        let counted = counters.take();
        assert_eq!((counted.by_image.len(), counted.lost), (IMAGES_MAX, 10));
        assert_eq!(counted.by_image[&(0, "p/o/0".to_owned(), Digest::of(b""))], 6);
        assert_eq!(counters.take().by_image.len(), 0);
    }

    #[test]
    fn only_images_of_the_public_scope_count() {
        let counters = Counters::default();
        let of = |media_type: &str| Descriptor::new(media_type, Digest::of(b"x"), 1);
        counters.count(1, "p/o/plan", &of(media_type::OCI_INDEX));
        for repository in ["incoming/p/x", "preview/p/o/plan", "p/o", "p/o/plan/more", ""] {
            counters.count(1, repository, &of(media_type::OCI_MANIFEST));
        }
        assert_eq!(counters.take().by_image.len(), 0);
        counters.count(1, "p/o/plan", &of(media_type::OCI_MANIFEST));
        assert_eq!(counters.take().by_image.len(), 1);
    }
}
