//! The index in memory: what every live offer says of itself, the words in it, and where each word stands. It is brought
//! up to date offer by offer; the slot of an offer that changed is left behind, and everything is made anew when there are
//! too many of those.

use super::words::{letters, sort_key, words};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most slots: a place in a posting has 24 bits.
const SLOTS_MAX: usize = 1 << 24;
/// Most platforms that can be filtered by, one bit each; a policy accepts a handful.
const PLATFORMS_MAX: usize = 64;
/// Slots that were left behind before everything is made anew, beside a quarter of all.
const DEAD_MIN: usize = 1_024;

/// What the storefront shows and finds of an offer. Nothing in it is private to anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Entry {
    pub publisher: String,
    pub publisher_name: String,
    pub offer: String,
    pub title: String,
    pub summary: String,
    /// Found, not shown.
    pub long_summary: String,
    pub submission: String,
    pub categories: Vec<String>,
    /// Titles of the public plans.
    pub plans: Vec<String>,
    pub platforms: Vec<String>,
    pub licences: Vec<String>,
    /// Greatest version of the first public plan; empty when there is none.
    pub version: String,
    /// All tier 1 platforms are supported.
    pub showcased: bool,
    pub live_ms: i64,
}

/// An offer in the index.
#[derive(Debug)]
pub(super) struct Slot {
    pub entry: Entry,
    /// The title as it is sorted.
    pub key: String,
}

/// What a search looks at of every offer, apart from its texts: small, so that a pass over all of them stays within the
/// processor's cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// Hidden from this instant on; [`NEVER`] for never, [`LEFT`] where the offer is no longer.
    pub hide_ms: i64,
    pub live_ms: i64,
    /// One bit for each of the index's platforms.
    pub platforms: u64,
    pub publisher: u32,
    /// One bit for each of [`offer::categories::ALL`].
    pub categories: u32,
    /// One bit for each of [`super::LICENCES`].
    pub licences: u8,
    pub showcased: bool,
}

/// Instants of what is not hidden, and of what was left behind.
const NEVER: i64 = i64::MAX;
const LEFT: i64 = i64::MIN;

/// A word of the vocabulary.
#[derive(Debug)]
pub(super) struct Term {
    pub text: String,
    pub letters: u64,
    pub chars: usize,
    /// Slot and weight, packed; slots in rising order.
    pub postings: Vec<Posting>,
}

/// Where a word stands: the slot in the upper 24 bits, the weight of its best place in the lower 8.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting(u32);

impl Posting {
    pub fn slot(self) -> usize {
        (self.0 >> 8) as usize
    }
    pub fn weight(self) -> u32 {
        self.0 & 0xff
    }
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    pub(super) slots: Vec<Slot>,
    /// Of each slot.
    pub(super) marks: Vec<Marks>,
    by_name: HashMap<String, usize>,
    pub(super) terms: Vec<Term>,
    pub(super) vocabulary: BTreeMap<String, usize>,
    /// Id and display name.
    pub(super) publishers: Vec<(String, String)>,
    publisher_ids: HashMap<String, u32>,
    pub(super) platforms: Vec<String>,
    /// Living slots by title.
    pub(super) by_title: BTreeSet<(String, usize)>,
    /// Living slots by instant.
    pub(super) by_age: BTreeSet<(i64, usize)>,
    dead: usize,
}

impl Index {
    /// Offers in it, hidden ones as well.
    pub fn offers(&self) -> usize {
        self.by_age.len()
    }

    /// Whether so much was left behind that it is better made anew.
    pub fn is_worn(&self) -> bool {
        self.dead > DEAD_MIN + self.slots.len() / 4 || self.slots.len() >= SLOTS_MAX - 1
    }

    /// The offer in a slot.
    pub fn entry(&self, slot: usize) -> &Entry {
        &self.slots[slot].entry
    }

    /// The offer of this name, unless it is hidden at this instant.
    pub fn named(&self, publisher: &str, offer: &str, now_ms: i64) -> Option<&Entry> {
        let slot = *self.by_name.get(&name(publisher, offer))?;
        (self.marks[slot].hide_ms > now_ms).then(|| self.entry(slot))
    }

    /// What is not hidden at this instant, by title.
    pub fn by_title(&self, now_ms: i64) -> impl Iterator<Item = &Entry> {
        let slots = self.by_title.iter().map(|(_, slot)| *slot);
        slots.filter(move |slot| self.marks[*slot].hide_ms > now_ms).map(|slot| self.entry(slot))
    }

    /// Adds an offer, or replaces it.
    pub fn put(&mut self, entry: Entry) {
        self.remove(&entry.publisher, &entry.offer);
        if self.slots.len() >= SLOTS_MAX {
            return;
        }
        let slot = self.slots.len();
        let key = sort_key(&entry.title);
        for (word, weight) in weights(&entry) {
            let term = self.term(word);
            self.terms[term].postings.push(Posting(((slot as u32) << 8) | weight));
        }
        self.by_name.insert(name(&entry.publisher, &entry.offer), slot);
        self.by_title.insert((key.clone(), slot));
        self.by_age.insert((entry.live_ms, slot));
        let marks = Marks {
            hide_ms: NEVER,
            live_ms: entry.live_ms,
            platforms: self.platform_bits(&entry.platforms),
            publisher: self.publisher(&entry.publisher, &entry.publisher_name),
            categories: category_bits(&entry.categories),
            licences: licence_bits(&entry.licences),
            showcased: entry.showcased,
        };
        self.marks.push(marks);
        self.slots.push(Slot { entry, key });
    }

    /// Hides exactly these offers, each from its instant on.
    pub fn hide(&mut self, hidden: &[(String, String, i64)]) {
        for marks in self.marks.iter_mut().filter(|marks| marks.hide_ms != LEFT) {
            marks.hide_ms = NEVER;
        }
        for (publisher, offer, hide_ms) in hidden {
            if let Some(&slot) = self.by_name.get(&name(publisher, offer)) {
                let marks = &mut self.marks[slot];
                marks.hide_ms = marks.hide_ms.min(*hide_ms);
            }
        }
    }

    fn remove(&mut self, publisher: &str, offer: &str) {
        let Some(slot) = self.by_name.remove(&name(publisher, offer)) else { return };
        self.marks[slot].hide_ms = LEFT;
        let old = &mut self.slots[slot];
        self.by_age.remove(&(old.entry.live_ms, slot));
        self.by_title.remove(&(std::mem::take(&mut old.key), slot));
        old.entry = Entry::default();
        self.dead += 1;
    }

    fn term(&mut self, word: String) -> usize {
        if let Some(&term) = self.vocabulary.get(&word) {
            return term;
        }
        self.terms.push(Term {
            letters: letters(&word),
            chars: word.chars().count(),
            postings: Vec::new(),
            text: word.clone(),
        });
        self.vocabulary.insert(word, self.terms.len() - 1);
        self.terms.len() - 1
    }

    fn publisher(&mut self, id: &str, display: &str) -> u32 {
        if let Some(&known) = self.publisher_ids.get(id) {
            return known;
        }
        let made = self.publishers.len() as u32;
        self.publishers.push((id.to_owned(), display.to_owned()));
        self.publisher_ids.insert(id.to_owned(), made);
        made
    }

    /// The number of a publisher that has offers.
    pub(super) fn publisher_number(&self, id: &str) -> Option<u32> {
        self.publisher_ids.get(id).copied()
    }

    fn platform_bits(&mut self, platforms: &[String]) -> u64 {
        let mut bits = 0;
        for platform in platforms {
            let known = self.platforms.iter().position(|known| known == platform);
            let at = known.unwrap_or(self.platforms.len());
            if known.is_none() && at < PLATFORMS_MAX {
                self.platforms.push(platform.clone());
            }
            if at < PLATFORMS_MAX {
                bits |= 1 << at;
            }
        }
        bits
    }
}

/// An ID has no slash, so that two offers never share a name.
fn name(publisher: &str, offer: &str) -> String {
    format!("{publisher}/{offer}")
}

/// One bit for each category that is named, and for the one that everything is in.
pub(super) fn category_bits(categories: &[String]) -> u32 {
    let implied = offer::categories::IMPLIED[0].id;
    let named = |id: &str| id == implied || categories.iter().any(|category| category == id);
    let all = offer::categories::ALL.iter().enumerate();
    all.filter(|(_, category)| named(category.id)).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// One bit for each licence model that is named.
pub(super) fn licence_bits(licences: &[String]) -> u8 {
    let all = super::LICENCES.iter().enumerate();
    all.filter(|(_, id)| licences.iter().any(|l| l == *id)).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// Every word of an offer with the weight of the best place where it stands. Descriptions are left out: they say much
/// about everything, and would be nine tenths of the index.
fn weights(entry: &Entry) -> BTreeMap<String, u32> {
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    let mut add = |text: &str, weight: u32| {
        for word in words(text) {
            let known = found.entry(word).or_default();
            *known = weight.max(*known);
        }
    };
    add(&entry.title, 10);
    add(&entry.offer, 7);
    add(&entry.publisher_name, 6);
    add(&entry.publisher, 6);
    for category in entry.categories.iter().filter_map(|id| offer::categories::find(id)) {
        add(category.english, 4);
        add(category.french, 4);
    }
    add(&entry.summary, 5);
    for plan in &entry.plans {
        add(plan, 3);
    }
    add(&entry.long_summary, 2);
    found
}
