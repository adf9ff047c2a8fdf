//! Words of titles and queries: lower case, without accents, split at whatever is no letter or digit. And how far two
//! words are apart. Nothing here knows a language: there are no stems and no stop words.

/// Longest word in characters; the rest of a longer one is left out.
pub const WORD_CHARS_MAX: usize = 32;

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for c in text.chars() {
        if is_mark(c) {
            continue;
        }
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            length = 0;
            continue;
        }
        if length < WORD_CHARS_MAX {
            fold(c, &mut word);
        }
        length += 1;
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The text as it is sorted: its words with one space in between.
pub fn sort_key(text: &str) -> String {
    words(text).join(" ")
}

/// Adds a character in lower case and without its accent. Latin letters of western and central Europe are known; others
/// stay as they are.
fn fold(c: char, word: &mut String) {
    for c in c.to_lowercase() {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => word.push('a'),
            'æ' => word.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => word.push('c'),
            'ď' | 'đ' | 'ð' => word.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => word.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => word.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => word.push('i'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => word.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => word.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => word.push('o'),
            'œ' => word.push_str("oe"),
            'ŕ' | 'ŗ' | 'ř' => word.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => word.push('s'),
            'ß' => word.push_str("ss"),
            'ţ' | 'ť' | 'ț' => word.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => word.push('u'),
            'ý' | 'ÿ' => word.push('y'),
            'ź' | 'ż' | 'ž' => word.push('z'),
            // The upper-case dotted i has a mark in lower case.
            mark if is_mark(mark) => {}
            other => word.push(other),
        }
    }
}

/// A combining mark, as in text that is decomposed.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Mistakes that a word of this many characters may have: none in a short one, where everything is near everything.
pub fn mistakes_max(chars: usize) -> usize {
    match chars {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Which letters and digits a word has, one bit each. Words that are `n` mistakes apart differ in at most `n` bits on
/// either side, so that most of a vocabulary is ruled out by two instructions a word.
pub fn letters(word: &str) -> u64 {
    word.chars().fold(0, |mask, c| {
        mask | 1
            << match c {
                'a'..='z' => u32::from(c) - u32::from('a'),
                '0'..='9' => u32::from(c) - u32::from('0') + 26,
                other => 36 + u32::from(other) % 28,
            }
    })
}

/// Mistakes between a query's word and a word of the vocabulary, or its beginning: a letter more, less, another one, or
/// two neighbours the other way round. `None` when there are more than `max`.
pub fn mistakes(query: &str, word: &str, max: usize) -> Option<usize> {
    let whole = strsim::osa_distance(query, word);
    if whole <= max {
        return Some(whole);
    }
    // As it is typed, the end of the word is not there yet; a letter more or less moves where it breaks off.
    let length = query.chars().count();
    let beginnings = (length.saturating_sub(1)..=length + 1).map(|chars| {
        let beginning: String = word.chars().take(chars).collect();
        strsim::osa_distance(query, &beginning)
    });
    beginnings.min().filter(|mistakes| *mistakes <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        assert_eq!(
            words("Télémétrie  d’ŒUVRE (OPC-UA) v1.2"),
            ["telemetrie", "d", "oeuvre", "opc", "ua", "v1", "2"]
        );
        assert_eq!(words("e\u{301}cole"), ["ecole"], "combining marks are left out");
        assert_eq!(words(" -- "), Vec::<String>::new());
        assert_eq!(words(&"x".repeat(1_000))[0].len(), WORD_CHARS_MAX);
        assert_eq!(sort_key("Über-Modul"), "uber modul");
    }

    #[test]
    fn neighbours_are_near() {
        assert_eq!(mistakes("modbsu", "modbus", 1), Some(1));
        assert_eq!(mistakes("temprature", "temperature", 2), Some(1));
        assert_eq!(mistakes("tempratu", "temperature", 2), Some(1), "while it is typed");
        assert_eq!(mistakes("camera", "canary", 1), None);
        for (query, word) in [("modbsu", "modbus"), ("modbs", "modbus"), ("mqqt", "mqtt"), ("opcx", "opcua")]
        {
            let missing = (letters(query) & !letters(word)).count_ones();
            assert!(missing <= 1, "{query} {word}");
        }
    }
}
