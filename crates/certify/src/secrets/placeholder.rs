//! Values that stand for a secret and are none: templates, examples of documentation, keys that the whole world knows,
//! letters in a row. It does not know what a real value of a kind looks like.

/// Keys and tokens that their makers print for everybody. Split, so that nobody's scanner takes this list for a leak.
const KNOWN_TO_ALL: &[&str] = &[
    // The storage emulator (Azurite) and the Cosmos DB emulator.
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    // Documentation of shared access signatures of storage.
    concat!("Z/RHIX5Xcg0Mq2rqI3OlWTjEg2tYkboX", "r1P9ZUXDtkk="),
    concat!("Z%2FRHIX5Xcg0Mq2rqI3OlWTjEg2tYkbo", "Xr1P9ZUXDtkk%3D"),
    // wg(8) and wg-quick(8).
    concat!("yAnz5TF+lXXJte14tji3zlMN", "q+hd2rYUIgJBgB3fBmk="),
    // systemd.netdev(5).
    concat!("EEGlnEPYJV//kbvvIqxKkQwO", "iS+UENyPncC4bF46ong="),
    // The Telegram bot API's pages.
    concat!("110201543:AAHdqTcvCH1vGWJx", "fSeofSAs0K5PALDsaw"),
    // The test vectors of age.
    concat!("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZ", "GFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"),
    // GitHub's documentation.
    concat!("ghp_16C7e42F292c6912E77", "10c838347Ae178B4a"),
];

/// Parts of values that only examples have, in lower case. Random letters hit one in some ten thousand times.
const WORDS: &[&str] = &[
    "example",
    "placehold",
    "changeme",
    "change_me",
    "change-me",
    "dummy",
    "redacted",
    "xxxx",
    "your",
    "insert",
    "sample",
    "replace",
    "deadbeef",
    "....",
    "notreal",
    "fake",
];

/// Fewest bits per letter, by Shannon's measure. Random base64 of 20 letters has about 4, hexadecimal 3.5, `aaaa…` 0.
const BITS_PER_LETTER_MIN: f64 = 2.5;

/// Letters that go up or down one by one, or stay the same, this often in a row, are typed, not drawn.
const ROW_MAX: usize = 8;

/// Whether a value stands for a secret, and is none.
pub(super) fn placeholder(value: &str) -> bool {
    value.contains(['<', '>', '{', '}', '$', '*'])
        || in_words(value)
        || bits_per_letter(value) < BITS_PER_LETTER_MIN
        || longest_row(value.as_bytes()) >= ROW_MAX
        || KNOWN_TO_ALL.contains(&value)
}

/// Whether one of the words that only examples have is in it; a password may be too short for the other measures.
pub(super) fn in_words(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// Shannon entropy.
fn bits_per_letter(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    let share = |&count: &u32| f64::from(count) / length;
    counts.iter().filter(|&&count| count > 0).map(share).map(|share| -share * share.log2()).sum()
}

/// Longest run of letters that all differ by the same step of −1, 0 or 1 (`1234567890` counts through).
fn longest_row(value: &[u8]) -> usize {
    let step = |pair: &[u8]| match (pair[0], pair[1]) {
        (b'9', b'0') => Some(1),
        (b'0', b'9') => Some(-1),
        (a, b) => Some(i16::from(b) - i16::from(a)).filter(|step| step.abs() <= 1),
    };
    let (mut longest, mut row, mut last) = (1, 1, None);
    for pair in value.windows(2) {
        let step = step(pair);
        row = match step {
            Some(_) if step == last => row + 1,
            Some(_) => 2,
            None => 1,
        };
        last = step;
        longest = longest.max(row);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_in_a_secrets_place_is_known() {
        for value in [
            "<KEY>",
            "xxxxxxxxxxxxxxxx",
            "${TOKEN}",
            "changeme1A2b3C",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "q81234567890wE",
            "Zabcdefghijk9",
            "kQ7hgfedcba0Z",
            "your-token-here",
            "a1b1a1b1a1b1",
        ] {
            assert!(placeholder(value), "{value}");
        }
        for value in ["wJ4lrXUt9FEM1K7MDENG2bPxRfiCY8zQ0sV5tLhA", "8f14e45fceea167a5a36dedd4bea2543"] {
            assert!(!placeholder(value), "{value}");
        }
    }
}
