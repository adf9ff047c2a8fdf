//! Dates, numbers and sizes as the reader's language writes them.

use crate::clock::Instant;
use crate::text::Text;

/// Months in the order of the calendar, English and French.
const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
];

/// The day of an instant: `28 November 2026`, `28 novembre 2026`, `1er décembre 2026`.
pub(super) fn day(text: &Text, instant: Instant) -> String {
    let date = instant.date();
    let month = MONTHS[usize::from(text.is_french())]
        [usize::from(date.month().unsigned_abs().saturating_sub(1)) % 12];
    let first = if text.is_french() && date.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {}", date.day(), date.year())
}

/// The day and time of an instant, in UTC: `28 November 2026, 15:04 UTC`.
pub(super) fn instant(text: &Text, instant: Instant) -> String {
    let time = instant.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let comma = if text.is_french() { " à" } else { "," };
    format!("{}{comma} {:02}:{:02} UTC", day(text, instant), time.hour(), time.minute())
}

/// How long something took or may take, in its two largest units: `34 ms`, `0.4 s`, `3 min 20 s`, `14 days`.
pub(super) fn duration(text: &Text, milliseconds: u64) -> String {
    if (1..100).contains(&milliseconds) {
        return format!("{milliseconds}\u{a0}ms");
    }
    if milliseconds < 10_000 && !milliseconds.is_multiple_of(1_000) {
        let point = if text.is_french() { ',' } else { '.' };
        return format!("{}{point}{}\u{a0}s", milliseconds / 1_000, milliseconds % 1_000 / 100);
    }
    let seconds = milliseconds / 1_000;
    let days = match (text.is_french(), seconds / 86_400) {
        (true, 1) => "jour",
        (true, _) => "jours",
        (false, 1) => "day",
        (false, _) => "days",
    };
    let units = [(86_400, days), (3_600, "h"), (60, "min"), (1, "s")];
    let largest = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in &units[largest..units.len().min(largest + 2)] {
        let count = rest / size;
        rest %= size;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count}\u{a0}{name}"));
        }
    }
    parts.join(" ")
}

/// A whole number with its thousands apart: `12,345`, `12 345` (a narrow no-break space).
pub(super) fn number(text: &Text, number: u64) -> String {
    let digits = number.to_string();
    let separator = if text.is_french() { '\u{202f}' } else { ',' };
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(separator);
        }
        written.push(digit);
    }
    written
}

/// A size in decimal units, with one digit where it says something: `12.3 MB`, `12,3 Mo`.
pub(super) fn bytes(text: &Text, bytes: u64) -> String {
    let units =
        if text.is_french() { ["octets", "ko", "Mo", "Go", "To"] } else { ["bytes", "kB", "MB", "GB", "TB"] };
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths = (tenths + 500) / 1_000;
        unit += 1;
    }
    let point = if text.is_french() { ',' } else { '.' };
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let unit = units[unit];
    if whole >= 100 || tenth == 0 {
        format!("{whole}\u{a0}{unit}")
    } else {
        format!("{whole}{point}{tenth}\u{a0}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages() {
        let (english, french) = (Text::of_locale("en"), Text::of_locale("fr"));
        let first = Instant(1_796_083_200_000);
        assert_eq!(
            (day(&english, first), day(&french, first)),
            ("1 December 2026".into(), "1er décembre 2026".into())
        );
        assert_eq!(
            (number(&english, 1_234_567), number(&french, 1_234)),
            ("1,234,567".into(), "1\u{202f}234".into())
        );
        assert_eq!(number(&english, 999), "999");
        let sizes = [0, 999, 1_000, 12_345_678, 999_999, 142_000_000].map(|n| bytes(&english, n));
        assert_eq!(
            sizes,
            ["0 bytes", "999 bytes", "1 kB", "12.3 MB", "1 MB", "142 MB"].map(|s| s.replace(' ', "\u{a0}"))
        );
        assert_eq!(bytes(&french, 12_345_678), "12,3\u{a0}Mo");
        assert_eq!(instant(&english, first), "1 December 2026, 00:00 UTC");
        assert_eq!(instant(&french, first), "1er décembre 2026 à 00:00 UTC");
        let took = [0, 34, 420, 9_000, 61_000, 900_000, 3_600_000, 1_209_600_000, 90_061_000];
        assert_eq!(
            took.map(|ms| duration(&english, ms).replace('\u{a0}', " ")),
            ["0 s", "34 ms", "0.4 s", "9 s", "1 min 1 s", "15 min", "1 h", "14 days", "1 day 1 h"]
        );
        assert_eq!(duration(&french, 345_600_000), "4\u{a0}jours");
    }
}
