//! A module's output: what is kept of it while it comes, and how it is made safe to print. It keeps the beginning and the
//! end, because the first error is in the one and the last words are in the other.

use crate::files::printable;
use crate::secrets::{examine, literals};
use std::collections::VecDeque;
use std::io::Read;

/// Most bytes kept of a module's output; more than a person reads, and no module can fill a report.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Bytes kept of the beginning.
const HEAD_BYTES: usize = 16 << 10;

/// Output while it comes.
#[derive(Default)]
pub(super) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Output {
    /// Reads to the end, whatever comes: a module must not be held up by a pipe that nobody empties.
    pub(super) fn read(mut from: impl Read) -> Output {
        let mut output = Output::default();
        let mut buffer = [0; 8192];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return output,
                Ok(count) => output.add(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return output,
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(OUTPUT_BYTES_MAX - HEAD_BYTES);
        self.tail.drain(..surplus);
        self.left_out += surplus as u64;
    }

    /// As text.
    pub(super) fn text(self) -> String {
        let tail: Vec<u8> = self.tail.into();
        match self.left_out {
            0 => safe(&[self.head, tail].concat()),
            left_out => format!("{}\n[{left_out} bytes left out]\n{}", safe(&self.head), safe(&tail)),
        }
    }
}

/// Secrets replaced by their kind, line breaks kept, other control characters as `\xNN`.
fn safe(bytes: &[u8]) -> String {
    let redacted = redact(bytes);
    let lines: Vec<String> = redacted.split(|&byte| byte == b'\n').map(line).collect();
    lines.join("\n").trim_end().to_owned()
}

fn line(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let parts: Vec<String> = bytes.split(|&byte| byte == b'\t').map(printable).collect();
    parts.join("    ")
}

/// Every secret that certification would recognise in a file, from its literal to its end.
fn redact(bytes: &[u8]) -> Vec<u8> {
    let mut found: Vec<(usize, usize, &'static str)> = Vec::new();
    for (literal, kinds) in literals() {
        for at in memchr::memmem::find_iter(bytes, literal.as_bytes()) {
            if let Some(secret) = examine(&kinds, bytes, at) {
                found.push((at, secret.end.clamp(at, bytes.len()), secret.kind));
            }
        }
    }
    found.sort_unstable();
    let (mut out, mut done) = (Vec::with_capacity(bytes.len()), 0);
    for (start, end, kind) in found {
        if end <= done {
            continue;
        }
        out.extend_from_slice(&bytes[done..start.max(done)]);
        out.extend_from_slice(format!("[redacted: {kind}]").as_bytes());
        done = end;
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        Output::read(bytes).text()
    }

    #[test]
    fn control_characters_cannot_reach_a_terminal_and_lines_stay() {
        assert_eq!(text(b"a\tb\r\n\x1b[31mred\xff\n\n"), "a    b\n\\x1b[31mred\\xff");
    }

    #[test]
    fn the_middle_of_much_output_is_left_out() {
        let much = [vec![b'a'; HEAD_BYTES], vec![b'b'; 1 << 20], b"last words".to_vec()].concat();
        let text = text(&much);
        assert!(text.starts_with("aaa") && text.ends_with("bbblast words"), "{}", text.len());
        assert!(text.len() < OUTPUT_BYTES_MAX + 100 && text.contains("bytes left out]"));
    }

    #[test]
    fn secrets_do_not_appear() {
        let token = ["glpat", "-aB3dE5fG7hJ9kL1mN3pQ"].concat();
        let text = text(format!("token {token} used").as_bytes());
        assert_eq!(text, "token [redacted: gitlab-token] used");
    }
}
