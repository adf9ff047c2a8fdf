//! Finding: which offers have the words, which pass the filters, how many each filter would leave, and what comes first.
//! One pass over the offers counts everything; nothing is sorted but what is shown.

use super::index::{Index, Marks, category_bits, licence_bits};
use super::query::{Facet, Query, Sort};
use super::words::{letters, mistakes, mistakes_max, words};
use std::collections::BTreeSet;

/// Most words of a query; more are left out.
const WORDS_MAX: usize = 8;
/// A word that fewer offers have than this may be mistyped: similar ones are looked for.
const RARE_BELOW: usize = 8;
/// Similar words that are taken at most, nearest first.
const SIMILAR_MAX: usize = 200;
/// Offers on one page.
pub const PAGE_SIZE: usize = 24;
/// Values of a filter that are shown; the chosen ones always are.
const VALUES_SHOWN_MAX: usize = 20;

/// How well a word of an offer is the one that was typed, in percent.
const EXACT: u32 = 100;
const BEGINNING: u32 = 50;
const MISTYPED: u32 = 30;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// Offers that match, on all pages.
    pub total: usize,
    /// Slots of the page.
    pub slots: Vec<usize>,
    /// Values of each filter that there are, with the offers that each would show.
    pub counts: Vec<(Facet, Vec<Count>)>,
    /// No offer has all the words: these have some.
    pub relaxed: bool,
}

/// A value of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Count {
    pub value: String,
    /// Display name, where the value is only an ID (publishers).
    pub name: Option<String>,
    pub offers: usize,
    pub chosen: bool,
}

/// The filters as numbers; an empty one lets everything through.
struct Filter {
    categories: u32,
    platforms: u64,
    licences: u8,
    showcased: bool,
    publishers: BTreeSet<u32>,
    on: [bool; 5],
}

/// How many offers each value would show.
struct Tally {
    categories: [usize; 32],
    platforms: [usize; 64],
    licences: [usize; 8],
    showcased: usize,
    publishers: Vec<u32>,
}

impl Index {
    /// Finds what is not hidden at this instant.
    pub fn find(&self, query: &Query, now_ms: i64) -> Hits {
        let mut typed = words(&query.text);
        typed.truncate(WORDS_MAX);
        let mut relaxed = false;
        let mut scores = None;
        if !typed.is_empty() {
            let of_words: Vec<Vec<u32>> = typed.iter().map(|word| self.scores(word)).collect();
            let (some, all) = combine(&of_words, self.slots.len());
            relaxed = all.iter().all(|score| *score == 0);
            scores = Some(if relaxed { some } else { all });
        }
        let filter = Filter::of(self, query);
        let mut tally = Tally {
            categories: [0; 32],
            platforms: [0; 64],
            licences: [0; 8],
            showcased: 0,
            publishers: vec![0; self.publishers.len()],
        };
        let mut passed = vec![false; self.slots.len()];
        let mut total = 0;
        for (at, marks) in self.marks.iter().enumerate() {
            if marks.hide_ms <= now_ms || scores.as_ref().is_some_and(|scores| scores[at] == 0) {
                continue;
            }
            if tally.count(&filter, marks) {
                passed[at] = true;
                total += 1;
            }
        }
        let relaxed = relaxed && total > 0;
        let slots = self.page(query, &passed, scores.as_deref());
        Hits { total, slots, counts: tally.counts(self, query), relaxed }
    }

    /// The slots of the page in order.
    fn page(&self, query: &Query, passed: &[bool], scores: Option<&[u32]>) -> Vec<usize> {
        let skipped = (query.page.max(1) - 1) * PAGE_SIZE;
        match (query.sort, scores) {
            (Sort::Name, _) => {
                let ordered = self.by_title.iter().map(|(_, slot)| *slot);
                ordered.filter(|slot| passed[*slot]).skip(skipped).take(PAGE_SIZE).collect()
            }
            (Sort::Newest, _) => {
                let ordered = self.by_age.iter().rev().map(|(_, slot)| *slot);
                ordered.filter(|slot| passed[*slot]).skip(skipped).take(PAGE_SIZE).collect()
            }
            (Sort::Relevance, None) => {
                let ordered =
                    || self.by_age.iter().rev().map(|(_, slot)| *slot).filter(move |slot| passed[*slot]);
                let first = ordered().filter(|slot| self.marks[*slot].showcased);
                let rest = ordered().filter(|slot| !self.marks[*slot].showcased);
                first.chain(rest).skip(skipped).take(PAGE_SIZE).collect()
            }
            (Sort::Relevance, Some(scores)) => {
                let whole = words(&query.text).join(" ");
                let rank = |slot: usize| {
                    let (key, marks) = (&self.slots[slot].key, &self.marks[slot]);
                    let title = if *key == whole { 4 } else { u32::from(key.starts_with(&whole)) + 2 };
                    let badge = if marks.showcased { scores[slot] / 8 } else { 0 };
                    (scores[slot] * title + badge, marks.live_ms, slot)
                };
                let mut ranked: Vec<_> =
                    passed.iter().enumerate().filter(|(_, p)| **p).map(|(slot, _)| rank(slot)).collect();
                let wanted = skipped + PAGE_SIZE;
                if ranked.len() > wanted {
                    ranked.select_nth_unstable_by(wanted, |a, b| b.cmp(a));
                    ranked.truncate(wanted);
                }
                ranked.sort_unstable_by(|a, b| b.cmp(a));
                ranked.into_iter().skip(skipped).map(|(_, _, slot)| slot).collect()
            }
        }
    }

    /// How well each offer has this word: as it is, as a beginning, or mistyped where hardly any offer has it otherwise.
    fn scores(&self, word: &str) -> Vec<u32> {
        let mut scores = vec![0_u32; self.slots.len()];
        let typed = word.chars().count();
        let mut matched = 0;
        for (text, term) in self.vocabulary.range(word.to_owned()..) {
            if !text.starts_with(word) {
                break;
            }
            let chars = self.terms[*term].chars;
            let part = (EXACT - BEGINNING) * typed as u32 / (2 * chars as u32);
            let quality = if chars == typed { EXACT } else { BEGINNING + part };
            matched += self.raise(&mut scores, *term, quality);
        }
        if matched < RARE_BELOW {
            for (term, wrong) in self.similar(word) {
                matched += self.raise(&mut scores, term, MISTYPED / (wrong as u32).max(1));
            }
        }
        // A word that few have says more.
        let rarity = 1 + (self.offers().max(1) / matched.max(1)).max(1).ilog2();
        for score in &mut scores {
            *score *= rarity;
        }
        scores
    }

    /// Raises the scores of the offers that have a term, and says how many had none before.
    fn raise(&self, scores: &mut [u32], term: usize, quality: u32) -> usize {
        let mut fresh = 0;
        for posting in &self.terms[term].postings {
            let score = &mut scores[posting.slot()];
            fresh += usize::from(*score == 0);
            *score = (quality * posting.weight()).max(*score);
        }
        fresh
    }

    /// Words of the vocabulary that are like this one, with the number of mistakes, nearest first.
    fn similar(&self, word: &str) -> Vec<(usize, usize)> {
        let typed = word.chars().count();
        let max = mistakes_max(typed);
        if max == 0 {
            return Vec::new();
        }
        let mask = letters(word);
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (at, term) in self.terms.iter().enumerate() {
            let missing = (mask & !term.letters).count_ones() as usize;
            if missing > max || term.chars + max < typed {
                continue;
            }
            if let Some(wrong) = mistakes(word, &term.text, max).filter(|wrong| *wrong > 0) {
                found.push((at, wrong));
            }
        }
        found.sort_by_key(|(_, wrong)| *wrong);
        found.truncate(SIMILAR_MAX);
        found
    }
}

/// Sums of the words' scores: of the offers that have any of them, and of those that have all.
fn combine(of_words: &[Vec<u32>], slots: usize) -> (Vec<u32>, Vec<u32>) {
    let mut some = vec![0_u32; slots];
    let mut all = vec![0_u32; slots];
    for slot in 0..slots {
        let sum: u32 = of_words.iter().map(|scores| scores[slot]).sum();
        some[slot] = sum;
        if sum > 0 && of_words.iter().all(|scores| scores[slot] > 0) {
            all[slot] = sum;
        }
    }
    (some, all)
}

impl Filter {
    fn of(index: &Index, query: &Query) -> Filter {
        let platforms = index.platforms.iter().enumerate();
        let platforms = platforms.filter(|(_, platform)| query.chosen(Facet::Platform).contains(platform));
        let publishers = query.chosen(Facet::Publisher).iter();
        let named = query.chosen(Facet::Category);
        // Everything has the implied bit: it must not let through what was not asked for.
        let implied = offer::categories::IMPLIED[0].id;
        let asked_for_all = named.iter().any(|category| category == implied);
        let categories = if asked_for_all { u32::MAX } else { category_bits(named) & !category_bits(&[]) };
        Filter {
            categories,
            platforms: platforms.fold(0, |bits, (at, _)| bits | 1 << at),
            licences: licence_bits(query.chosen(Facet::Licence)),
            showcased: query.chosen(Facet::Badge).iter().any(|badge| badge == super::SHOWCASED),
            publishers: publishers.filter_map(|id| index.publisher_number(id)).collect(),
            on: Facet::ALL.map(|facet| !query.chosen(facet).is_empty()),
        }
    }

    fn lets(&self, facet: Facet, marks: &Marks) -> bool {
        !self.on[facet as usize]
            || match facet {
                Facet::Category => marks.categories & self.categories != 0,
                Facet::Platform => marks.platforms & self.platforms != 0,
                Facet::Licence => marks.licences & self.licences != 0,
                Facet::Badge => self.showcased && marks.showcased,
                Facet::Publisher => self.publishers.contains(&marks.publisher),
            }
    }
}

impl Tally {
    /// Counts an offer, and says whether it passes all filters. The values of a filter count what passes the others: that
    /// is what choosing one of them would show.
    fn count(&mut self, filter: &Filter, marks: &Marks) -> bool {
        let mut stopped_by = None;
        for facet in Facet::ALL {
            if !filter.lets(facet, marks) {
                if stopped_by.is_some() {
                    return false;
                }
                stopped_by = Some(facet);
            }
        }
        let counts = |facet: Facet| stopped_by.is_none_or(|stopped| stopped == facet);
        if counts(Facet::Category) {
            each_bit(u64::from(marks.categories), |at| self.categories[at] += 1);
        }
        if counts(Facet::Platform) {
            each_bit(marks.platforms, |at| self.platforms[at] += 1);
        }
        if counts(Facet::Licence) {
            each_bit(u64::from(marks.licences), |at| self.licences[at] += 1);
        }
        if counts(Facet::Badge) {
            self.showcased += usize::from(marks.showcased);
        }
        if counts(Facet::Publisher) {
            self.publishers[marks.publisher as usize] += 1;
        }
        stopped_by.is_none()
    }

    fn counts(&self, index: &Index, query: &Query) -> Vec<(Facet, Vec<Count>)> {
        let count = |facet: Facet, value: &str, offers: usize| Count {
            value: value.to_owned(),
            name: None,
            offers,
            chosen: query.chosen(facet).iter().any(|chosen| chosen == value),
        };
        let mut found = Vec::new();
        for facet in Facet::ALL {
            let mut values: Vec<Count> = match facet {
                Facet::Category => {
                    let all = offer::categories::ALL.iter().zip(self.categories);
                    all.map(|(category, offers)| count(facet, category.id, offers)).collect()
                }
                Facet::Platform => {
                    let all = index.platforms.iter().zip(self.platforms);
                    all.map(|(platform, offers)| count(facet, platform, offers)).collect()
                }
                Facet::Licence => {
                    let all = super::LICENCES.iter().zip(self.licences);
                    all.map(|(licence, offers)| count(facet, licence, offers)).collect()
                }
                Facet::Badge => vec![count(facet, super::SHOWCASED, self.showcased)],
                Facet::Publisher => self.most_common(index, query),
            };
            values.retain(|value| value.offers > 0 || value.chosen);
            if facet != Facet::Category {
                values.sort_by(|a, b| (b.chosen, b.offers, &a.value).cmp(&(a.chosen, a.offers, &b.value)));
                values.truncate(VALUES_SHOWN_MAX);
            }
            found.push((facet, values));
        }
        found
    }

    /// The publishers with the most offers, and the chosen ones.
    fn most_common(&self, index: &Index, query: &Query) -> Vec<Count> {
        let mut ranked: Vec<(u32, usize)> =
            self.publishers.iter().enumerate().filter(|(_, n)| **n > 0).map(|(at, n)| (*n, at)).collect();
        if ranked.len() > VALUES_SHOWN_MAX {
            ranked.select_nth_unstable_by(VALUES_SHOWN_MAX, |a, b| b.cmp(a));
            ranked.truncate(VALUES_SHOWN_MAX);
        }
        let chosen = query.chosen(Facet::Publisher).iter().filter_map(|id| index.publisher_number(id));
        for number in chosen {
            let at = number as usize;
            if !ranked.iter().any(|(_, known)| *known == at) {
                ranked.push((self.publishers[at], at));
            }
        }
        let count = |(offers, at): (u32, usize)| {
            let (id, name) = &index.publishers[at];
            let chosen = query.chosen(Facet::Publisher).contains(id);
            Count { value: id.clone(), name: Some(name.clone()), offers: offers as usize, chosen }
        };
        ranked.into_iter().map(count).collect()
    }
}

fn each_bit(mut bits: u64, mut call: impl FnMut(usize)) {
    while bits != 0 {
        call(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
