//! The GNU licences in their many spellings: `GPLv2+`, `GPL-2`, `GNU GPL 3 or later`, `LGPL2.1`,
//! `GNU Lesser General Public License v3 (LGPLv3)`.

/// Long names, and the short ones in their place.
const FAMILIES: &[(&str, &str)] = &[
    ("affero general public licen", "agpl"),
    ("lesser general public licen", "lgpl"),
    ("library or lesser general public licen", "lgpl"),
    ("library general public licen", "lgpl"),
    ("free documentation licen", "gfdl"),
    ("general public licen", "gpl"),
    ("agpl", "agpl"),
    ("lgpl", "lgpl"),
    ("gfdl", "gfdl"),
    ("gpl", "gpl"),
];

/// The SPDX identifier of a name in small letters. Without a version any may be taken (GPL 2, section 9), so that
/// `GPL` is `GPL-1.0-or-later`; a bare version is that version only.
pub(super) fn identifier(lower: &str) -> Option<String> {
    // `… v3 (GPLv3)` says it twice.
    let text = lower.split(" (").next().unwrap_or(lower).trim();
    let text = text.strip_prefix("the ").unwrap_or(text);
    let text = text.strip_prefix("gnu").map_or(text, |rest| rest.trim_start_matches([' ', '-']));
    let (family, rest) =
        FAMILIES.iter().find_map(|(long, short)| Some((*short, text.strip_prefix(long)?)))?;
    // `license` and `licence`.
    let rest = rest.strip_prefix("se").or_else(|| rest.strip_prefix("ce")).unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', '-', ',', '_']);
    let rest = ["version", "v."].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('v').unwrap_or(rest).trim_start();
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let (version, tail) = rest.split_at(end);
    let later = match tail.trim_matches([' ', '-', ',']) {
        "" | "only" => false,
        "+" | "or-later" | "or later" | "or newer" | "or any later version" => true,
        _ => return None,
    };
    let (version, later) = match version.trim_matches('.') {
        "" => (oldest(family)?, true),
        version => (version, later),
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let suffix = if later { "or-later" } else { "only" };
    let id = format!("{}-{version}-{suffix}", family.to_uppercase());
    // GFDL has `1.3`, not `3.0`; what does not exist is not known.
    spdx::license_id(&id).map(|_| id)
}

fn oldest(family: &str) -> Option<&'static str> {
    match family {
        "gpl" => Some("1.0"),
        "lgpl" => Some("2.0"),
        "gfdl" => Some("1.1"),
        _ => None,
    }
}
