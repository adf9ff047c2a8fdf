//! What Java archives (jar, war, ear) say of themselves: Maven's `pom.properties`, one for each artifact that was packed
//! into the archive, and else the manifest and the file's name. Members come from the walk over archives (`content`),
//! which also gives the archives inside archives, as Spring Boot packs them.

use super::{package, sane};
use crate::evidence::{Package, PackageKind, Place};

/// Members are read up to this size; manifests of signed archives, which list every file, are the largest, and what
/// is asked of them stands at their beginning.
pub const MEMBER_BYTES_MAX: usize = 256 << 10;

/// Most artifacts of one archive; the largest shaded ones hold some hundreds.
const ARTIFACTS_MAX: usize = 2_000;

/// Endings of the names of Java archives.
const ENDINGS: &[&str] = &[".jar", ".war", ".ear", ".par", ".sar", ".nar", ".kar", ".jpi", ".hpi"];

/// Attributes of a manifest that state a version, in the order of their trust.
const VERSIONS: &[&str] =
    &["Implementation-Version", "Bundle-Version", "Specification-Version", "Plugin-Version"];

/// Attributes of a manifest that name the artifact.
const NAMES: &[&str] = &["Extension-Name", "Short-Name", "Implementation-Title", "Bundle-Name"];

/// What was read of an archive so far.
#[derive(Debug, Default)]
pub struct Archive {
    manifest: Option<Manifest>,
    artifacts: Vec<(String, String, String)>,
}

#[derive(Debug, Default)]
struct Manifest {
    attributes: Vec<(String, String)>,
}

/// Whether a path, and every archive that it lies in, has the name of a Java archive.
pub fn is_archive(path: &str) -> bool {
    path.split('!').all(|part| {
        ENDINGS.iter().any(|ending| {
            part.len() > ending.len()
                && part.is_char_boundary(part.len() - ending.len())
                && part[part.len() - ending.len()..].eq_ignore_ascii_case(ending)
        })
    })
}

/// Whether [`Archive::member`] wants the member of this name.
pub fn wants(member: &str) -> bool {
    member == "META-INF/MANIFEST.MF"
        || (member.starts_with("META-INF/maven/") && member.ends_with("/pom.properties"))
}

impl Archive {
    /// Takes a member's bytes, which may be cut at [`MEMBER_BYTES_MAX`].
    pub fn member(&mut self, name: &str, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        if name == "META-INF/MANIFEST.MF" {
            self.manifest = Some(Manifest::read(&text));
        } else if self.artifacts.len() < ARTIFACTS_MAX {
            let field = |key: &str| {
                let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
                let value =
                    lines.filter_map(|line| line.split_once(['=', ':'])).find(|(k, _)| k.trim() == key);
                value.map(|(_, value)| value.trim().to_owned()).filter(|value| sane(value))
            };
            if let (Some(group), Some(artifact), Some(version)) =
                (field("groupId"), field("artifactId"), field("version"))
                // Unfilled templates of archetypes.
                && ![&group, &artifact, &version].iter().any(|field| field.contains("${"))
            {
                self.artifacts.push((group, artifact, version));
            }
        }
    }

    /// The packages of the archive at this place. One that states no version anywhere is not known as a package.
    pub fn packages(self, place: &Place) -> Vec<Package> {
        let file = place.path.rsplit(['/', '!']).next().unwrap_or(&place.path);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let licence = self.manifest.as_ref().and_then(|manifest| manifest.get("Bundle-License"));
        let main = self.main(stem);
        let mut found: Vec<Package> = self
            .artifacts
            .iter()
            .map(|(group, artifact, version)| {
                let mut found = package(PackageKind::Maven, place, &format!("{group}:{artifact}"), version);
                // The manifest speaks for the archive's own artifact, not for what was packed in besides.
                if self.artifacts.len() == 1 || names(stem, artifact, version) {
                    found.licence = licence.map(str::to_owned);
                }
                found
            })
            .collect();
        // An archive of shaded artifacts that lacks its own pom.properties is a package of its own. One artifact of the
        // archive's version under another name is the archive, renamed: distributions do that.
        let own = !self.artifacts.iter().any(|(_, artifact, version)| names(stem, artifact, version));
        if let Some((name, version)) = main
            && own
            && !matches!(&self.artifacts[..], [(.., only)] if *only == version || split(stem).1.is_none())
        {
            let mut own = package(PackageKind::Maven, place, &name, &version);
            own.licence = licence.map(str::to_owned);
            found.push(own);
        }
        found
    }

    /// Name and version from the file's name and the manifest.
    fn main(&self, stem: &str) -> Option<(String, String)> {
        let empty = Manifest::default();
        let manifest = self.manifest.as_ref().unwrap_or(&empty);
        let (file_name, file_version) = split(stem);
        let stated = VERSIONS.iter().find_map(|key| manifest.get(key));
        let version = file_version.or(stated).filter(|version| sane(version) && !version.contains("${"))?;
        let artifact = match file_version {
            Some(_) => file_name,
            None => match NAMES.iter().find_map(|key| manifest.get(key)) {
                Some(title) if !title.contains([' ', ':', '/']) => title,
                _ => file_name,
            },
        };
        if !sane(artifact) {
            return None;
        }
        // OSGi's tools make the symbolic name of group and artifact.
        let symbolic =
            manifest.get("Bundle-SymbolicName").map(|name| name.split(';').next().unwrap_or(name).trim());
        let by_bundle = symbolic.and_then(|name| name.strip_suffix(artifact)?.strip_suffix('.'));
        let is_group = |text: &&str| text.contains('.') && !text.contains([' ', '/', ':']);
        let group = by_bundle.or_else(|| manifest.get("Implementation-Vendor-Id")).filter(is_group);
        let name = match group {
            Some(group) => format!("{group}:{artifact}"),
            None => artifact.to_owned(),
        };
        Some((name, version.to_owned()))
    }
}

impl Manifest {
    /// The main section: attributes up to the first empty line, continued lines joined (JAR File Specification).
    fn read(text: &str) -> Manifest {
        let mut attributes: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if line.is_empty() {
                break;
            }
            match (line.strip_prefix(' '), attributes.last_mut()) {
                (Some(more), Some((_, value))) => value.push_str(more),
                _ => {
                    if let Some((key, value)) = line.split_once(':') {
                        attributes.push((key.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        Manifest { attributes }
    }

    fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str()).filter(|value| sane(value))
    }
}

/// Whether a file's name is that of this artifact, with or without its version.
fn names(stem: &str, artifact: &str, version: &str) -> bool {
    stem.strip_prefix(artifact).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(version))
    })
}

/// `log4j-core-2.17.1` as name and version: the version begins at the first `-` before a digit, after which a dot
/// follows or nothing but digits.
fn split(stem: &str) -> (&str, Option<&str>) {
    for (at, _) in stem.match_indices('-') {
        let rest = &stem[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.len() == digits || (rest[digits..].starts_with('.') && !rest.ends_with(".x"));
        if digits > 0 && at > 0 && number {
            return (&stem[..at], Some(rest));
        }
    }
    (stem, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(path: &str, members: &[(&str, &str)]) -> Vec<String> {
        let mut archive = Archive::default();
        for (name, data) in members {
            archive.member(name, data.as_bytes());
        }
        let place = Place { layer: None, path: path.to_owned() };
        let found = archive.packages(&place);
        found
            .iter()
            .map(|p| format!("{} {} {}", p.name, p.version, p.licence.as_deref().unwrap_or("-")))
            .collect()
    }

    #[test]
    fn an_archive_says_who_it_is_in_many_ways() {
        const MANIFEST: &str = "META-INF/MANIFEST.MF";
        let pom = |name: &str| format!("META-INF/maven/g/{name}/pom.properties");
        let properties =
            |name: &str| format!("#made\r\nversion=1.2\r\ngroupId=org.g\r\nartifactId={name}\r\n");
        // Its own properties count, and the manifest's licence belongs to it.
        let manifest = "Manifest-Version: 1.0\r\nBundle-License: https://www.apache.org/licenses/LICEN\r\n SE-2.0.txt\r\nImplementation-Version: 9\r\n\r\nName: x\r\n";
        assert_eq!(
            archive("a/one-1.2.jar", &[(MANIFEST, manifest), (&pom("one"), &properties("one"))]),
            ["org.g:one 1.2 https://www.apache.org/licenses/LICENSE-2.0.txt"]
        );
        // A shaded archive: what is in it, and itself.
        let own = "Bundle-SymbolicName: com.acme.all;singleton:=true\r\n";
        assert_eq!(
            archive(
                "all-3.0.jar",
                &[(MANIFEST, own), (&pom("a"), &properties("a")), (&pom("b"), &properties("b"))]
            ),
            ["org.g:a 1.2 -", "org.g:b 1.2 -", "com.acme:all 3.0 -"]
        );
        // Manifest alone, file name alone, neither.
        let plain = "Implementation-Title: widget\r\nImplementation-Version: 4.5\r\nImplementation-Vendor-Id: org.w\r\n";
        assert_eq!(archive("x.war!WEB-INF/lib/w.jar", &[(MANIFEST, plain)]), ["org.w:widget 4.5 -"]);
        assert_eq!(archive("lib/guava-32.1.2-jre.jar", &[]), ["guava 32.1.2-jre -"]);
        // One artifact: shaded in, or the archive itself under a distribution's name.
        assert_eq!(archive("app-7.0.jar", &[(&pom("a"), &properties("a"))]), ["org.g:a 1.2 -", "app 7.0 -"]);
        assert_eq!(archive("a3-1.2.jar", &[(&pom("a"), &properties("a"))]), ["org.g:a 1.2 -"]);
        assert_eq!(archive("app.jar", &[(MANIFEST, "Main-Class: x\r\n")]), [] as [&str; 0]);
    }

    #[test]
    fn names_of_archives_are_known_through_all_levels() {
        assert!(is_archive("opt/app.jar") && is_archive("app.WAR!WEB-INF/lib/x.jar"));
        assert!(!is_archive("opt/a.zip!x.jar") && !is_archive("jar") && !is_archive(".jar"));
        assert_eq!(split("spring-boot-2.7.0.RELEASE"), ("spring-boot", Some("2.7.0.RELEASE")));
        assert_eq!(split("log4j-1.2-api-2.17.1"), ("log4j", Some("1.2-api-2.17.1")));
        assert_eq!(split("h2-2"), ("h2", Some("2")));
        assert_eq!(split("commons-3x"), ("commons-3x", None));
        assert_eq!(split("spring3-core-3.x"), ("spring3-core-3.x", None));
    }
}
