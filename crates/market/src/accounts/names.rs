//! What a person may be called.

use super::faults::Fault;
use crate::publishers::NAME_CHARS_MAX;

/// Fewest characters of a name to sign in by.
pub const ACCOUNT_NAME_CHARS_MIN: usize = 2;
/// Most characters of a name to sign in by; addresses of e-mail have rarely more.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 64;

/// A name to sign in by, in small letters: a plain one or an address of e-mail. ASCII alone, because names stand in the
/// history, and two that look alike would be two people there.
pub(super) fn account_name(given: &str) -> Result<String, Fault> {
    let name = given.trim().to_ascii_lowercase();
    let chars = name.chars().count();
    if !(ACCOUNT_NAME_CHARS_MIN..=ACCOUNT_NAME_CHARS_MAX).contains(&chars) {
        let fault = Fault::invalid("name", "fault-name-length").with("chars", chars);
        return Err(fault.with("min", ACCOUNT_NAME_CHARS_MIN).with("max", ACCOUNT_NAME_CHARS_MAX));
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_plainly = name.starts_with(is_plain) && name.ends_with(is_plain);
    let known = |c: char| is_plain(c) || matches!(c, '.' | '_' | '-' | '+' | '@');
    if !ends_plainly || !name.chars().all(known) || name.matches('@').count() > 1 {
        return Err(Fault::invalid("name", "fault-name-characters"));
    }
    Ok(name)
}

/// A name that others read: one line. Marks that turn the direction of what follows, or are not seen at all, could make it
/// look like another's.
pub(super) fn display_name(given: &str) -> Result<String, Fault> {
    let name = given.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX {
        let fault = Fault::invalid("display-name", "fault-display-name-length");
        return Err(fault.with("chars", chars).with("max", NAME_CHARS_MAX));
    }
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if name.chars().any(unseen) {
        return Err(Fault::invalid("display-name", "fault-display-name-characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_or_like_an_address() {
        for (given, name) in
            [("Ada", "ada"), (" ada.lovelace+ci@contoso.com ", "ada.lovelace+ci@contoso.com"), ("a1", "a1")]
        {
            assert_eq!(account_name(given).as_deref(), Ok(name));
        }
        for bad in [
            "",
            "a",
            "-a",
            "a-",
            "a b",
            "a@b@c",
            "ada\u{202e}",
            "adа",
            "🛡️🛡️",
            "<b>x</b>",
            "a\nb",
            &"a".repeat(65),
        ] {
            assert!(account_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn display_names_are_one_visible_line() {
        assert_eq!(display_name(" Ada Lovelace 🛡 ").as_deref(), Ok("Ada Lovelace 🛡"));
        assert!(display_name("مها").is_ok() && display_name(&"é".repeat(100)).is_ok());
        for bad in ["", "  ", "a\u{202e}b", "a\u{200b}b", "a\nb", "a\u{0}b", &"é".repeat(101)] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }
}
