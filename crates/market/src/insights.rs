//! What a publisher learns of its offers: downloads, acquisitions and leads by day, and how many vulnerabilities are known of
//! what is live, over time.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::downloads::day_of;
use crate::error::{Error, Result};
use crate::market::Market;
use crate::offers::state_of;
use crate::store::downloads::{self as store, DownloadRow};
use crate::store::{campaigns, documents, submissions};
use certify::report::{Report, Severity, Verdict};
use jiff::civil::Date;
use offer::identity::{OfferId, PublisherId};
use offer::submission::SubmissionState;
use serde::{Deserialize, Serialize};

/// Days that are told of when nothing else is asked for.
pub const DAYS_DEFAULT: i64 = 30;
/// Most days that are told of at once: a year.
pub const DAYS_MAX: i64 = 366;
/// Most rows of downloads of all offers together.
const ROWS_MAX: i64 = 200_000;
/// Most judgements that are told of, the last ones: each is a report to read.
const JUDGEMENTS_MAX: usize = 60;
/// The criterion that lists every vulnerability, whether it hinders or not.
const CRITERION: &str = "vulnerabilities-within-policy";

/// A time, from one day to another, both counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Days {
    pub from: Date,
    pub to: Date,
}

/// What is known of one offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Insights {
    pub publisher: String,
    pub offer: String,
    pub from: Date,
    pub to: Date,
    /// By day, plan, tag, platform and region.
    pub downloads: Vec<Downloads>,
    /// Days that had any; those that were removed since are counted, too.
    pub acquisitions: Vec<OnDay>,
    /// Days that had any.
    pub leads: Vec<OnDay>,
    /// Oldest first; not limited to the days that are asked for, since what was found stays until it is judged again.
    pub vulnerabilities: Vec<Judgement>,
}

/// Downloads of one kind on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Downloads {
    pub day: Date,
    pub publisher: String,
    pub offer: String,
    pub plan: String,
    /// The greatest version that leads to the image, else another tag; empty for an image that no tag leads to any more.
    pub tag: String,
    pub platform: String,
    pub region: String,
    pub downloads: u64,
}

/// How many there were on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OnDay {
    pub day: Date,
    pub count: u64,
}

/// How many vulnerabilities were known when an offer was judged, by severity, whether they hinder it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Judgement {
    pub at: Instant,
    /// The submission that was judged.
    pub submission: String,
    pub number: i64,
    /// It was judged again, while it was live.
    pub again: bool,
    /// Packages were compared with advisories; else nothing is known, and the numbers are 0.
    pub checked: bool,
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
}

impl Market {
    /// The time that is asked for: the last 30 days where a day is left out.
    pub fn days(&self, from: Option<&str>, to: Option<&str>) -> Result<Days> {
        let parsed = |text: Option<&str>, usual: Date| match text.filter(|text| !text.is_empty()) {
            None => Ok(usual),
            Some(text) => text.parse::<Date>().map_err(|_| {
                Error::invalid(
                    format!("{:?} is no day", text.chars().take(40).collect::<String>()),
                    "write it as in 2026-11-28",
                )
            }),
        };
        let to = parsed(to, self.now().date())?;
        let from = parsed(from, date_of(number_of(to) - DAYS_DEFAULT + 1))?;
        let count = number_of(to) - number_of(from) + 1;
        if !(1..=DAYS_MAX).contains(&count) {
            return Err(Error::invalid(
                format!("from {from} to {to} are {count} days; 1 to {DAYS_MAX} can be asked for"),
                "choose a later first day, or an earlier last one",
            ));
        }
        Ok(Days { from, to })
    }

    /// What is known of one offer, for those who manage it.
    pub async fn insights(
        &self,
        actor: &Actor,
        (publisher, id): (&PublisherId, &OfferId),
        days: Days,
    ) -> Result<Insights> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        self.offer_row(publisher, id).await?;
        // What was counted in the last seconds is shown, too.
        self.write_downloads().await?;
        let (key, numbers) = ((publisher.as_str(), id.as_str()), (number_of(days.from), number_of(days.to)));
        let mut c = self.store.read().await?;
        let downloads = store::of_offer(&mut c, key, numbers).await?;
        let acquisitions = store::acquisitions_by_day(&mut c, key, numbers).await?;
        let leads = store::leads_by_day(&mut c, key, numbers).await?;
        drop(c);
        let on_days = |rows: Vec<(i64, i64)>| {
            let on_day = |(day, count): (i64, i64)| OnDay { day: date_of(day), count: count.unsigned_abs() };
            rows.into_iter().map(on_day).collect()
        };
        Ok(Insights {
            publisher: publisher.to_string(),
            offer: id.to_string(),
            from: days.from,
            to: days.to,
            downloads: downloads.into_iter().map(Downloads::from).collect(),
            acquisitions: on_days(acquisitions),
            leads: on_days(leads),
            vulnerabilities: self.vulnerabilities(key).await?,
        })
    }

    /// Downloads of all of the actor's offers, or of everybody's for an operator, by day, offer and region.
    pub async fn all_downloads(&self, actor: &Actor, days: Days) -> Result<Vec<Downloads>> {
        access::permit(actor, Operation::HaveOffers)?;
        self.write_downloads().await?;
        let numbers = (number_of(days.from), number_of(days.to));
        let mut c = self.store.read().await?;
        let mut rows = Vec::new();
        if access::permit(actor, Operation::Administer).is_ok() {
            rows = store::by_offer(&mut c, None, numbers, ROWS_MAX).await?;
        }
        for publisher in actor.publishers() {
            rows.extend(store::by_offer(&mut c, Some(publisher.as_str()), numbers, ROWS_MAX).await?);
        }
        Ok(rows.into_iter().map(Downloads::from).collect())
    }

    /// Every judgement of what was live: when it was certified, and each time that it was judged again.
    async fn vulnerabilities(&self, key: (&str, &str)) -> Result<Vec<Judgement>> {
        let mut c = self.store.read().await?;
        let mut judged = Vec::new();
        for row in submissions::of_offer(&mut c, key.0, key.1).await? {
            if state_of(&row) != SubmissionState::Succeeded || judged.len() >= JUDGEMENTS_MAX {
                continue;
            }
            let at = Instant(row.finished_ms.unwrap_or(row.created_ms));
            let reports = documents::of_submission(&mut c, &row.id).await?;
            let reports = reports.into_iter().filter(|document| document.kind == "report");
            judged.push((
                at,
                row.id.clone(),
                row.number,
                false,
                reports.map(|one| one.digest).collect::<Vec<_>>(),
            ));
            for told in campaigns::of_submission(&mut c, &row.id).await? {
                if matches!(told.state.as_str(), "Passed" | "Failed") {
                    let reports = campaigns::reports(&mut c, (&told.campaign, key.0, key.1)).await?;
                    let digests = reports.into_iter().map(|one| one.digest).collect();
                    judged.push((Instant(told.changed_ms), row.id.clone(), row.number, true, digests));
                }
            }
        }
        drop(c);
        judged.sort();
        let first = judged.len().saturating_sub(JUDGEMENTS_MAX);
        let mut judgements = Vec::new();
        for (at, submission, number, again, digests) in judged.into_iter().skip(first) {
            let mut judgement = Judgement {
                at,
                submission,
                number,
                again,
                checked: false,
                critical: 0,
                high: 0,
                medium: 0,
                low: 0,
            };
            for digest in digests {
                let report = self.report(&digest).await?;
                count(&report, &mut judgement);
            }
            judgements.push(judgement);
        }
        Ok(judgements)
    }
}

/// Adds a report's vulnerabilities.
fn count(report: &Report, judgement: &mut Judgement) {
    let Some(criterion) = report.criterion(CRITERION) else { return };
    judgement.checked |= !matches!(criterion.verdict, Verdict::NotApplicable | Verdict::Errored);
    // What is said of the data itself is of no package.
    for finding in criterion.findings.iter().filter(|finding| finding.place.package.is_some()) {
        match finding.severity {
            Severity::Critical => judgement.critical += 1,
            Severity::High => judgement.high += 1,
            Severity::Medium => judgement.medium += 1,
            Severity::Low | Severity::Info => judgement.low += 1,
        }
    }
}

/// Days since 1970-01-01.
fn number_of(date: Date) -> i64 {
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
    zoned.map_or(0, |zoned| day_of(Instant(zoned.timestamp().as_millisecond())))
}

/// The date of a day since 1970-01-01.
pub(crate) fn date_of(day: i64) -> Date {
    Instant(day.saturating_mul(86_400_000)).date()
}

impl From<DownloadRow> for Downloads {
    fn from(row: DownloadRow) -> Downloads {
        Downloads {
            day: date_of(row.day),
            publisher: row.publisher,
            offer: row.offer,
            plan: row.plan,
            tag: row.tag,
            platform: row.platform,
            region: row.region,
            downloads: row.downloads.unsigned_abs(),
        }
    }
}
