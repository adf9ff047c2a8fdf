//! When content may go to a region: weekly windows at a fixed distance from UTC. There are no daylight-saving rules, so
//! that a window is as long as it says on every day of the year. Pure.

use crate::clock::Instant;
use std::fmt;
use std::str::FromStr;

/// Most windows of a region: three for every day.
pub(super) const WINDOWS_MAX: usize = 21;
const MINUTE_MS: i64 = 60_000;
const DAY: i64 = 1_440;
const WEEK: i64 = 7 * DAY;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A window: `[DAYS ]HH:MM-HH:MM`, as in `Mon-Fri 22:00-06:00`. It belongs to the day on which it begins; an end that is not
/// after the beginning is on the next day. Without days it is on every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    days: [bool; 7],
    from: i64,
    minutes: i64,
}

/// Windows and their distance from UTC. Without windows it is always open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    windows: Vec<Window>,
    offset_minutes: i64,
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Window, String> {
        let shown: String = text.chars().take(60).collect();
        let wrong = || format!("{shown:?} is no window");
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (days, times) = match parts[..] {
            [times] => ([true; 7], times),
            [days, times] => (parse_days(days).ok_or_else(wrong)?, times),
            _ => return Err(wrong()),
        };
        let (from, to) = times.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
        if from == DAY {
            return Err(wrong());
        }
        let minutes = if to > from { to - from } else { to + DAY - from };
        Ok(Window { days, from, minutes })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != [true; 7] {
            write!(f, "{} ", show_days(self.days))?;
        }
        let to = self.from + self.minutes;
        let to = if to > DAY { to - DAY } else { to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

impl Schedule {
    /// Of these windows, at this distance from UTC in minutes.
    pub fn new(windows: Vec<Window>, offset_minutes: i64) -> Schedule {
        Schedule { windows, offset_minutes }
    }

    /// When it opens next; `None` when it is open.
    pub fn opens(&self, now: Instant) -> Option<Instant> {
        let at = self.minute_of_week(now);
        if self.windows.is_empty() || self.rest(at) > 0 {
            return None;
        }
        let wait = self.starts().map(|(start, _)| (start - at).rem_euclid(WEEK)).min()?;
        Some(Instant(floor(now.0) + wait * MINUTE_MS))
    }

    /// When it closes; `None` when it never does, or is not open.
    pub fn closes(&self, now: Instant) -> Option<Instant> {
        let at = self.minute_of_week(now);
        let mut open = 0;
        // Windows that follow each other are one.
        while open < WEEK {
            match self.rest((at + open).rem_euclid(WEEK)) {
                0 => break,
                more => open += more,
            }
        }
        (open > 0 && open < WEEK).then(|| Instant(floor(now.0) + open * MINUTE_MS))
    }

    /// Minutes for which a window that holds this minute of the week goes on.
    fn rest(&self, at: i64) -> i64 {
        let rest = self.starts().map(|(start, minutes)| minutes - (at - start).rem_euclid(WEEK));
        rest.max().unwrap_or(0).max(0)
    }

    /// Beginnings, in minutes since Monday, and lengths.
    fn starts(&self) -> impl Iterator<Item = (i64, i64)> {
        self.windows.iter().flat_map(|window| {
            let days = window.days.iter().zip(0..).filter(|(on, _)| **on);
            days.map(|(_, day)| (day * DAY + window.from, window.minutes))
        })
    }

    /// 1970-01-01 was a Thursday.
    fn minute_of_week(&self, now: Instant) -> i64 {
        (now.0.div_euclid(MINUTE_MS) + self.offset_minutes + 3 * DAY).rem_euclid(WEEK)
    }
}

fn floor(ms: i64) -> i64 {
    ms - ms.rem_euclid(MINUTE_MS)
}

fn parse_days(text: &str) -> Option<[bool; 7]> {
    let day = |name: &str| DAYS.iter().position(|known| known.eq_ignore_ascii_case(name));
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut at, last) = (day(first)?, day(last)?);
        loop {
            days[at] = true;
            if at == last {
                break;
            }
            at = (at + 1) % 7;
        }
    }
    Some(days)
}

/// Three days and more that follow each other as the first and the last.
fn show_days(days: [bool; 7]) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut at = 0;
    while at < 7 {
        let run = days[at..].iter().take_while(|on| **on).count();
        match run {
            0 => at += 1,
            1 | 2 => {
                shown.push(DAYS[at].to_owned());
                at += 1;
            }
            _ => {
                shown.push(format!("{}-{}", DAYS[at], DAYS[at + run - 1]));
                at += run;
            }
        }
    }
    shown.join(",")
}

fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes): (i64, i64) = if digits(hours) && digits(minutes) {
        (hours.parse().ok()?, minutes.parse().ok()?)
    } else {
        return None;
    };
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= DAY).then_some(at)
}

/// Minutes of a distance from UTC such as `+02:00`; `Z` and `UTC` are none.
pub(super) fn parse_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "UTC") {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    minute(rest).filter(|minutes| *minutes <= 14 * 60).map(|minutes| sign * minutes)
}

/// As [`parse_offset`] reads it.
pub(super) fn show_offset(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::{DAY, Schedule, Window, parse_offset, show_offset};
    use crate::clock::Instant;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_read_is_shown_as_it_reads(
            text in "\\PC{0,24}|([MTWFSa-z,-]{0,9} )?[0-2][0-9]:[0-6][0-9]-[0-2][0-9]:[0-6][0-9]|[+-][0-9]{2}:[0-9]{2}",
        ) {
            if let Ok(window) = text.parse::<Window>() {
                prop_assert_eq!(window.to_string().parse::<Window>(), Ok(window));
            }
            if let Some(offset) = parse_offset(&text) {
                prop_assert_eq!(parse_offset(&show_offset(offset)), Some(offset));
            }
        }

        #[test]
        fn it_opens_when_it_says_and_closes_then(from in 0..DAY, to in 0..DAY, now in 0..2_000_000_000_000_i64) {
            let text = format!("Tue,Fri {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
            let two = schedule(&[&text], "-03:30");
            if let Some(opens) = two.opens(Instant(now)) {
                prop_assert!(opens.0 > now && two.closes(Instant(now)).is_none());
                prop_assert_eq!((two.opens(opens), two.opens(Instant(opens.0 - 1))), (None, Some(opens)));
            } else {
                let closes = two.closes(Instant(now)).unwrap();
                prop_assert!(closes.0 > now && two.opens(closes).is_some());
                prop_assert_eq!(two.opens(Instant(closes.0 - 1)), None);
            }
        }
    }

    fn at(text: &str) -> Instant {
        Instant(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn schedule(windows: &[&str], offset: &str) -> Schedule {
        let windows = windows.iter().map(|window| window.parse::<Window>().unwrap()).collect();
        Schedule::new(windows, parse_offset(offset).unwrap())
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let nights = schedule(&["Mon-Fri 22:00-06:00"], "Z");
        // 2026-11-27 is a Friday.
        assert_eq!(nights.opens(at("2026-11-27T21:59:30Z")), Some(at("2026-11-27T22:00:00Z")));
        assert_eq!(nights.opens(at("2026-11-28T05:59:59Z")), None);
        assert_eq!(nights.closes(at("2026-11-28T05:59:59Z")), Some(at("2026-11-28T06:00:00Z")));
        assert_eq!(nights.opens(at("2026-11-28T06:00:00Z")), Some(at("2026-11-30T22:00:00Z")));
        let there = schedule(&["Mon-Fri 22:00-06:00"], "+02:00");
        assert_eq!(there.opens(at("2026-11-27T19:00:00Z")), Some(at("2026-11-27T20:00:00Z")));
    }

    #[test]
    fn windows_that_follow_each_other_are_one_and_none_is_always() {
        assert_eq!(schedule(&[], "Z").opens(at("2026-11-27T21:00:00Z")), None);
        let all = schedule(&["00:00-24:00"], "Z");
        assert_eq!(
            (all.opens(at("2026-11-27T21:00:00Z")), all.closes(at("2026-11-27T21:00:00Z"))),
            (None, None)
        );
        let two = schedule(&["08:00-09:00", "09:00-10:30"], "Z");
        assert_eq!(two.closes(at("2026-11-27T08:10:00Z")), Some(at("2026-11-27T10:30:00Z")));
    }

    #[test]
    fn what_is_no_window_is_refused_and_the_rest_is_shown_as_it_is_read() {
        for wrong in [
            "",
            "22:00",
            "25:00-26:00",
            "Foo 01:00-02:00",
            "Mon 1:00-2:00",
            "24:00-01:00",
            "Mon Tue 01:00-02:00",
        ] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
        for text in
            ["22:00-06:00", "Mon,Sat,Sun 00:00-24:00", "Mon-Fri 22:00-06:00", "Mon,Wed-Sun 01:00-02:00"]
        {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
        }
        assert_eq!("sat-mon 00:00-24:00".parse::<Window>().unwrap().to_string(), "Mon,Sat,Sun 00:00-24:00");
        assert_eq!((parse_offset("-03:30"), parse_offset("15:00")), (Some(-210), None));
    }
}
