//! Rust as text: comments and literals blanked out, test modules cut off, words found. It is not a parser: it relies
//! on rustfmt's layout.

/// The same text with every comment, string and character literal replaced by spaces; lines stay where they are.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that starts at `at`, or `at` when none does.
fn skipped(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let after_word = at > 0 && is_word(chars[at - 1]);
    match (chars[at], next) {
        ('/', Some('/')) => end_of_line(chars, at),
        ('/', Some('*')) => end_of_block(chars, at),
        ('"', _) => end_of_string(chars, at),
        ('r', Some('"' | '#')) if !after_word => end_of_raw(chars, at),
        ('b', Some('r')) if !after_word => match end_of_raw(chars, at + 1) {
            end if end == at + 1 => at,
            end => end,
        },
        ('\'', Some('\\')) => end_of_char(chars, at + 2),
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |length| at + length)
}

fn end_of_block(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut index = at;
    while index + 1 < chars.len() {
        match (chars[index], chars[index + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            return index;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    chars.len()
}

fn end_of_raw(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let mut index = at + 2 + hashes;
    while index < chars.len() {
        if chars[index] == '"' && chars[index + 1..].iter().take_while(|&&c| c == '#').count() >= hashes {
            return index + 1 + hashes;
        }
        index += 1;
    }
    chars.len()
}

fn end_of_char(chars: &[char], after_backslash: usize) -> usize {
    let from = (after_backslash + 1).min(chars.len());
    chars[from..].iter().position(|&c| c == '\'').map_or(chars.len(), |length| from + length + 1)
}

/// The lines before `#[cfg(test)]` in front of an inline module.
pub fn without_tests(code: &str) -> &str {
    let mut offset = 0;
    let mut test_attribute = None;
    for line in code.split_inclusive('\n') {
        let trimmed = line.trim();
        if line.starts_with("#[cfg(test)]") {
            test_attribute = Some(offset);
        } else if let Some(start) = test_attribute {
            if trimmed.starts_with("mod ") && trimmed.ends_with('{') {
                return &code[..start];
            }
            if !trimmed.starts_with("#[") {
                test_attribute = None;
            }
        }
        offset += line.len();
    }
    code
}

/// Whether `word` stands in `line`, not as part of a longer name.
pub fn has_word(line: &str, word: &str) -> bool {
    let ends_in_name = word.chars().next_back().is_some_and(is_word);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !(before.is_some_and(is_word) || ends_in_name && after.is_some_and(is_word))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
