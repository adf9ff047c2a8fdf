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
    }
}
