//! Installed Ruby gems: `specifications/*.gemspec`, and `specifications/default/` for what comes with Ruby. RubyGems writes
//! them as Ruby code of a fixed form, of which the lines are read that state name, version, platform and licence.

use super::{Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};

/// Lines that are read at most; descriptions and file lists come after what is asked.
const LINES_MAX: usize = 2_000;

/// Whether this is the path of an installed gem's specification. A gem's own sources hold one too, which does not count.
pub fn is_specification(path: &str) -> bool {
    let Some(directory) = path.strip_suffix(".gemspec").and_then(|path| path.rsplit_once('/')) else {
        return false;
    };
    let directory = directory.0.strip_suffix("/default").unwrap_or(directory.0);
    directory == "specifications" || directory.ends_with("/specifications")
}

/// Reads one gem.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let text = String::from_utf8_lossy(data);
    let (mut name, mut version, mut platform, mut licences) = ("", "", "", Vec::new());
    for line in text.lines().take(LINES_MAX).map(str::trim) {
        if let Some(stub) = line.strip_prefix("# stub: ").filter(|_| name.is_empty()) {
            let mut words = stub.split(' ');
            (name, version) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            platform = words.next().unwrap_or("");
        } else if let Some((field, value)) = line.split_once('=')
            && let Some((_, field)) = field.trim().split_once('.')
        {
            match field {
                "name" if name.is_empty() => name = quoted(value).next().unwrap_or(""),
                "version" if version.is_empty() => version = quoted(value).next().unwrap_or(""),
                "platform" if platform.is_empty() => platform = quoted(value).next().unwrap_or(""),
                "license" | "licenses" => licences = quoted(value).take(20).collect(),
                _ => {}
            }
        }
    }
    if !sane(name) || !sane(version) {
        return Err("it states no name and version".to_owned());
    }
    let mut found = package(PackageKind::Gem, place, name, version);
    found.architecture = (sane(platform) && platform != "ruby").then(|| platform.to_owned());
    // RubyGems gives the user the choice among several.
    found.licence = Some(licences.join(" OR ")).filter(|licence| sane(licence));
    Ok(vec![found])
}

/// Texts in double or single quotes.
fn quoted(value: &str) -> impl Iterator<Item = &str> {
    value.split(['"', '\'']).skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stub_line_counts_and_else_the_fields() {
        let place = Place { layer: None, path: "x/specifications/n.gemspec".to_owned() };
        let stub = "# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.4 x86_64-linux lib\n# stub: ext/nokogiri/extconf.rb\n\nGem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\nend\n";
        let found = &read(&place, stub.as_bytes()).expect("it can be read")[0];
        assert_eq!((found.name.as_str(), found.version.as_str()), ("nokogiri", "1.15.4"));
        assert_eq!(found.architecture.as_deref(), Some("x86_64-linux"));
        assert_eq!(found.licence.as_deref(), Some("MIT OR Ruby"));
        let fields =
            "Gem::Specification.new do |spec|\n spec.name = 'a'\n spec.version = Gem::Version.new '2.0'\n";
        assert_eq!(read(&place, fields.as_bytes()).expect("it can be read")[0].version, "2.0");
        assert!(read(&place, b"Gem").is_err());
    }

    #[test]
    fn only_installed_gems_count() {
        assert!(is_specification("usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec"));
        assert!(is_specification("app/vendor/bundle/ruby/3.1.0/specifications/rack-3.0.gemspec"));
        assert!(!is_specification("usr/lib/ruby/gems/3.1.0/gems/rack-3.0/rack.gemspec"));
    }
}
