//! Lines broken between words, so that a text fits a terminal. Colours take no room; a word that is longer than a line
//! (a path, a digest) stays whole, so that it can be copied.

/// Least width for which it is worth breaking lines.
const WIDTH_MIN: usize = 20;

/// The text with no line longer than `width` columns, as far as words allow it. What continues a line stands two columns
/// further to the right.
pub fn wrap(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        if columns(line) <= width || width < WIDTH_MIN {
            out.push_str(line);
        } else {
            broken(&mut out, line, width);
        }
        out.push('\n');
    }
    out
}

fn broken(out: &mut String, line: &str, width: usize) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let further = " ".repeat((indent + 2).min(width / 2));
    out.push_str(&line[..indent]);
    let (mut at, mut first) = (indent, true);
    for word in line[indent..].split(' ') {
        let wide = columns(word);
        if !first && at + 1 + wide > width {
            out.push('\n');
            out.push_str(&further);
            at = further.len();
        } else if !first {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += wide;
        first = false;
    }
}

/// Characters that are seen: all but those of `ESC [ … m`.
fn columns(text: &str) -> usize {
    let (mut count, mut chars) = (0, text.chars());
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.find(|c| *c == 'm');
        } else {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_colours_take_no_room() {
        let text =
            "  \u{1b}[31m✗\u{1b}[0m one two three four five six\nshort\n\n    averyveryverylongword x\n";
        insta::assert_snapshot!(wrap(text, 20).replace('\u{1b}', "^"), @r"
          ^[31m✗^[0m one two three
            four five six
        short

            averyveryverylongword
              x
        ");
    }
}
