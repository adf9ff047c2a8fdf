//! Values that stand for a secret and are none: templates, words of documentation, letters in a row; and names of users
//! and hosts that only documentation has. It does not know what a real value of a kind looks like.

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

/// Passwords, in lower case, that documentation writes, that servers come with, or that everybody tries first. Whoever
/// runs a door with one of them has another fault than a secret in an image.
const PASSWORDS: &[&str] = &[
    "0000",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "admin",
    "bar",
    "baz",
    "calvin",
    "changeit",
    "default",
    "foo",
    "foobar",
    "guest",
    "hunter2",
    "letmein",
    "minioadmin",
    "none",
    "null",
    "pass",
    "pass123",
    "passphrase",
    "passwd",
    "password",
    "postgres",
    "pwd",
    "qwerty",
    "root",
    "tiger",
    "token",
    "test",
    "tester",
    "testing",
    "user",
    "welcome",
    "x-oauth-basic",
    "xyzzy",
];

/// Names of users, in lower case, that only documentation has.
const USERS: &[&str] = &[
    "alice", "bob", "foo", "me", "myuser", "name", "scott", "someuser", "user", "username", "usr", "youruser",
];

/// Names of hosts, in lower case, that only documentation has, or that lead nowhere from outside.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "[::1]",
    "example",
    "host",
    "hostname",
    "localhost",
    "myhost",
    "server",
    "some-host",
    "somehost",
];

/// Names under which nobody can have a host (RFC 2606, RFC 6761).
const RESERVED: &[&str] =
    &["example", "example.com", "example.net", "example.org", "invalid", "localhost", "test"];

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
        || super::published::known(value.as_bytes())
}

/// Whether a password stands for one, or is the user's name once more (`guest:guest`).
pub(super) fn password(user: &str, password: &str) -> bool {
    let lower = password.to_ascii_lowercase();
    password.len() < 4
        || password.contains(['<', '{', '$', '%', '[', '(', '\\'])
        || lower == user.to_ascii_lowercase()
        || PASSWORDS.contains(&lower.as_str())
        || ["password", "passw0rd", "p@ssw0rd"].iter().any(|word| lower.contains(word))
        || lower.starts_with("secret")
        || lower.ends_with("secret")
}

/// Whether a user's name is one that only documentation has.
pub(super) fn user(name: &str) -> bool {
    USERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a host, with or without port and path, is one that only documentation has.
pub(super) fn host(host: &str) -> bool {
    let end = host.find(['/', '?', '#']).unwrap_or(host.len());
    let host = host[..end].rsplit_once(':').map_or(&host[..end], |(name, port)| match port.parse::<u16>() {
        Ok(_) => name,
        Err(_) => &host[..end],
    });
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let below =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    HOSTS.contains(&host.as_str()) || RESERVED.iter().any(|name| below(name))
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
    fn passwords_of_manuals_and_of_fresh_servers_are_known() {
        for (name, word) in [
            ("guest", "guest"),
            ("Postgres", "postgres"),
            ("user", "pass"),
            ("scott", "tiger"),
            ("app", "mySecretPassword"),
            ("app", "topsecret"),
            ("app", "${PASSWORD}"),
            ("app", "123"),
        ] {
            assert!(password(name, word), "{name}:{word}");
        }
        for (name, word) in [("guest", "gl4rW9x7"), ("app", "s3Cr-7Kq"), ("", "tigerlily7")] {
            assert!(!password(name, word), "{name}:{word}");
        }
    }

    #[test]
    fn hosts_and_users_of_manuals_are_known() {
        for name in
            ["localhost:5432/db", "db.example.com", "HOST", "a.test:1", "127.0.0.1", "[::1]:80", "x.example/"]
        {
            assert!(host(name), "{name}");
        }
        for name in ["db.acme.io", "cache:6379/0", "10.0.0.7", "example.com.acme.io", "latest"] {
            assert!(!host(name), "{name}");
        }
        assert!(user("Username") && !user("ci"));
    }

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
