//! Debian's copyright files, `usr/share/doc/PACKAGE/copyright`: those in the machine-readable form (DEP-5), by their
//! `License` fields; the others by the common licences that they refer to. It compares no licence texts.

use super::{expression, known, parse};

/// Copyright files are read up to this size; the largest, of browsers, have some megabytes.
const BYTES_MAX: usize = 4 << 20;

/// Most different licences of one package. What has more is said to have none that is known.
const LICENCES_MAX: usize = 100;

/// Longest name of a licence that SPDX does not know.
const NAME_BYTES_MAX: usize = 60;

/// Where Debian keeps the texts that many packages share.
const COMMON: &str = "/usr/share/common-licenses/";

/// What Debian calls `Artistic` is Perl's, not the one that SPDX calls 1.0.
const PERLS_ARTISTIC: &str = "Artistic-1.0-Perl";

/// Whether this is the path of a copyright file.
pub fn is_copyright(path: &str) -> bool {
    path.strip_prefix("usr/share/doc/")
        .and_then(|rest| rest.strip_suffix("/copyright"))
        .is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// All licences of a package, as one SPDX expression: each part of the package needs its own. In the machine-readable
/// form, names that SPDX does not know are kept as `LicenseRef-…`, for the file holds their text.
pub fn read(data: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(data.get(..BYTES_MAX.min(data.len()))?);
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let found = match first.to_ascii_lowercase().starts_with("format") {
        true => fields(&text),
        false => references(&text),
    };
    if found.len() > LICENCES_MAX {
        return None;
    }
    parse::all(found)
}

/// The first lines of the `License` fields of all paragraphs about files, and of the header. Paragraphs of a licence
/// alone repeat names; what is said of the packaging is not in the package.
fn fields(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut files, mut licence, mut first) = ("", "", true);
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if !licence.is_empty() && (first || !files.is_empty()) && files != "debian/*" {
                let named = |phrase: &str| known(phrase).or_else(|| reference(phrase));
                let expression = expression(licence).or_else(|| parse::expression(licence, &named));
                found.extend(expression.filter(|text| !found.contains(text)));
            }
            first = first && files.is_empty() && licence.is_empty() && found.is_empty();
            (files, licence) = ("", "");
        } else if let Some(value) = field(line, "Files") {
            files = value;
        } else if let Some(value) = field(line, "License") {
            licence = value;
        }
        if found.len() > LICENCES_MAX {
            break;
        }
    }
    found
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (key, value) = line.split_once(':')?;
    key.eq_ignore_ascii_case(name).then(|| value.trim()).filter(|value| !value.is_empty())
}

/// A name of Debian's own, or one that only this copyright file explains.
fn reference(phrase: &str) -> Option<String> {
    let own = match phrase.to_ascii_lowercase().as_str() {
        "artistic" => Some(PERLS_ARTISTIC),
        "gfdl-niv-1.2" => Some("GFDL-1.2-no-invariants-only"),
        "gfdl-niv-1.2+" => Some("GFDL-1.2-no-invariants-or-later"),
        "gfdl-niv-1.3" => Some("GFDL-1.3-no-invariants-only"),
        "gfdl-niv-1.3+" => Some("GFDL-1.3-no-invariants-or-later"),
        _ => None,
    };
    if let Some(id) = own {
        return Some(id.to_owned());
    }
    let letters = phrase
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' });
    let name: String = letters.take(NAME_BYTES_MAX).collect();
    let name = name.trim_matches(['-', '.']);
    (!name.is_empty()).then(|| format!("LicenseRef-{name}"))
}

/// Licences whose common text the file refers to, and MIT's, whose text stands in the file itself.
fn references(text: &str) -> Vec<String> {
    let later = text.contains("any later version") || text.contains("or later");
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices(COMMON) {
        let rest = &text[at + COMMON.len()..];
        let word = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '.' | '+');
        let name = rest[..rest.find(word).unwrap_or(rest.len())].trim_end_matches(['.', '-']);
        let id = match name {
            "BSD" => Some("BSD-3-Clause".to_owned()),
            "Artistic" => Some(PERLS_ARTISTIC.to_owned()),
            name if later && name.contains("GPL") => known(&format!("{name}+")),
            name => known(name),
        };
        found.extend(id.filter(|id| !found.contains(id)));
        if found.len() > LICENCES_MAX {
            break;
        }
    }
    let squeezed = || text.split_whitespace().take(400).collect::<Vec<_>>().join(" ");
    if found.is_empty()
        && squeezed().contains("Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files")
    {
        found.push("MIT".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_readable_files_name_the_licences_of_all_files() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n\nFiles: *\nCopyright: a\nLicense: GPL-2+ or Artistic-2\n the text\n\nFiles: lib/*\nLicense: Expat\n\nFiles: y\nLicense: public-domain or Artistic\n\nFiles: debian/*\nLicense: AGPL-3+\n\nLicense: Expat\n text\n\nLicense: unused\n";
        assert_eq!(
            read(text.as_bytes()).as_deref(),
            Some(
                "(GPL-2.0-or-later OR Artistic-2.0) AND MIT AND (LicenseRef-public-domain OR Artistic-1.0-Perl)"
            )
        );
    }

    #[test]
    fn others_refer_to_common_licences() {
        let text = "This is free software; either version 2, or (at your option) any later version.\nSee /usr/share/common-licenses/GPL-2, and\n`/usr/share/common-licenses/Apache-2.0'.";
        assert_eq!(read(text.as_bytes()).as_deref(), Some("GPL-2.0-or-later AND Apache-2.0"));
        assert_eq!(read(b"Copyright somebody. All rights reserved."), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    fn only_a_packages_own_file_counts() {
        assert!(is_copyright("usr/share/doc/bash/copyright"));
        assert!(
            !is_copyright("usr/share/doc/bash/examples/copyright")
                && !is_copyright("usr/share/doc/copyright")
        );
    }
}
