//! Runtimes that no package manager brought, by the version that they carry in their binaries: Node.js, Python, nginx,
//! BusyBox, OpenSSL, PostgreSQL, the Apache server; and Java by its `release` file. Only files of known names are
//! searched. What a package of the distribution owns is that package, and dropped by the merge.

use super::{Refused, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use memchr::memmem;
use std::io::{self, Read};

/// Longest version that is read after a mark.
const VERSION_BYTES_MAX: usize = 40;

/// Bytes kept of what passed, so that a mark which two reads share is found; more than a mark and a version.
const KEPT_BYTES: usize = 128;

/// How a runtime's version is found in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    name: &'static str,
    /// What stands right before the version.
    mark: Vec<u8>,
    /// The part of the version that is in the mark.
    prefix: String,
}

/// What to look for in the file at this path, if its name is a runtime's.
pub fn wanted(path: &str) -> Option<Wanted> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let plain = |name, mark: &[u8]| Some(Wanted { name, mark: mark.to_owned(), prefix: String::new() });
    match file {
        "node" | "nodejs" => plain("node", b"node.js/v"),
        "nginx" => plain("nginx", b"nginx version: nginx/"),
        // In BusyBox's own image all tools are links to the first by name.
        "busybox" | "[" => plain("busybox", b"BusyBox v"),
        "openssl" => plain("openssl", b"OpenSSL "),
        "postgres" => plain("postgresql", b"(PostgreSQL) "),
        "httpd" | "apache2" => plain("httpd", b"Apache/"),
        _ if file.starts_with("libcrypto.so") || file.starts_with("libssl.so") => {
            plain("openssl", b"OpenSSL ")
        }
        _ => python(file),
    }
}

/// `python3.11` and `libpython3.11.so.1.0` hold `3.11.4` between two zero bytes.
fn python(file: &str) -> Option<Wanted> {
    let minor = match file.strip_prefix("libpython3.") {
        Some(rest) => rest.split_once(".so")?.0,
        None => file.strip_prefix("python3.")?,
    };
    // Libraries of debug builds end with a letter.
    let minor = minor.trim_end_matches(['m', 'd']);
    let number = !minor.is_empty() && minor.len() <= 3 && minor.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| Wanted {
        name: "python",
        mark: format!("\x003.{minor}.").into_bytes(),
        prefix: format!("3.{minor}."),
    })
}

impl Wanted {
    /// The version that these bytes carry.
    pub fn version(&self, data: &[u8]) -> Option<String> {
        memmem::find_iter(data, &self.mark).take(1_000).find_map(|at| {
            let rest = &data[at + self.mark.len()..];
            let word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_');
            let length = rest.iter().take(VERSION_BYTES_MAX + 1).take_while(word).count();
            // A version ends at a byte that is no part of it, and python's at a zero byte.
            let end = *rest.get(length)?;
            let text = format!("{}{}", self.prefix, std::str::from_utf8(&rest[..length]).ok()?);
            let text = text.trim_end_matches(['.', '-', '+', '_']);
            let starts = rest[0].is_ascii_digit() && text.contains('.');
            (length <= VERSION_BYTES_MAX && starts && (self.prefix.is_empty() || end == 0))
                .then(|| text.to_owned())
        })
    }

    /// The runtime as a package.
    pub fn package(&self, place: &Place, version: &str) -> Package {
        package(PackageKind::Generic, place, self.name, version)
    }
}

/// Java's `release` file. Others of this name say nothing of Java, and are no fault.
pub fn release(place: &Place, data: &[u8]) -> Result<Vec<Package>, Refused> {
    let text = String::from_utf8_lossy(data);
    let field = |key: &str| {
        let value = text.lines().take(100).find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.map(|value| value.trim().trim_matches('"').to_owned()).filter(|value| sane(value))
    };
    let version = field("JAVA_RUNTIME_VERSION").or_else(|| field("JAVA_VERSION"));
    let found = field("JAVA_VERSION").and(version).map(|version| {
        let name =
            if field("IMPLEMENTOR").is_some_and(|by| by.contains("GraalVM")) { "graalvm" } else { "openjdk" };
        package(PackageKind::Generic, place, name, &version)
    });
    Ok(found.into_iter().collect())
}

/// A reader that looks for a runtime's version in what passes: Node.js is too large to be held.
pub(crate) struct Watch<R> {
    inner: R,
    wanted: Option<Wanted>,
    tail: Vec<u8>,
    /// The version, when it was found.
    pub version: Option<String>,
}

impl<R> Watch<R> {
    pub fn new(inner: R, wanted: Option<Wanted>) -> Watch<R> {
        Watch { inner, wanted, tail: Vec::new(), version: None }
    }
}

impl<R: Read> Read for Watch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(wanted) = &self.wanted
            && self.version.is_none()
        {
            let bytes = &buffer[..count];
            let seam = [self.tail.as_slice(), &bytes[..count.min(KEPT_BYTES)]].concat();
            self.version = wanted.version(&seam).or_else(|| wanted.version(bytes));
            let kept = [self.tail.as_slice(), &bytes[count.saturating_sub(KEPT_BYTES)..]].concat();
            self.tail = kept[kept.len().saturating_sub(KEPT_BYTES)..].to_vec();
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_files_of_known_names_only() {
        let version = |path: &str, data: &[u8]| wanted(path).and_then(|wanted| wanted.version(data));
        assert_eq!(version("usr/local/bin/node", b"x node.js/v20.11.1\0").as_deref(), Some("20.11.1"));
        assert_eq!(version("usr/sbin/nginx", b"nginx version: nginx/1.25.3\n").as_deref(), Some("1.25.3"));
        assert_eq!(version("bin/[", b"BusyBox v1.36.1 (2024)").as_deref(), Some("1.36.1"));
        assert_eq!(
            version("lib/libcrypto.so.1.1", b"OpenSSL %s\0OpenSSL 1.1.1w  11 Sep 2023\0").as_deref(),
            Some("1.1.1w")
        );
        assert_eq!(
            version("x/libpython3.11.so.1.0", b"\x003.11.%d\0\x003.11.9\0").as_deref(),
            Some("3.11.9")
        );
        assert_eq!(version("usr/bin/python3.12", b"3.12.1 \x003.12.1+\x00").as_deref(), Some("3.12.1"));
        assert_eq!(version("bin/postgres", b"postgres (PostgreSQL) 16.1\n").as_deref(), Some("16.1"));
        assert_eq!(version("bin/other", b"node.js/v20.11.1\0"), None);
        assert_eq!(wanted("usr/bin/python3.11-config"), None);
    }

    #[test]
    fn a_version_is_found_wherever_reads_are_split() {
        struct Parts<'a>(&'a [u8], usize);
        impl Read for Parts<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(self.1).min(buffer.len());
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let data = [&[b'x'; 300][..], b"node.js/v20.11.1\0", &[b'y'; 300]].concat();
        for size in [1, 7, 50, 309, 310, 400] {
            let mut watch = Watch::new(Parts(&data, size), wanted("bin/node"));
            io::copy(&mut watch, &mut io::sink()).expect("memory does not fail");
            assert_eq!(watch.version.as_deref(), Some("20.11.1"), "reads of {size} bytes");
        }
    }

    #[test]
    fn java_says_its_version_in_a_file() {
        let place = Place { layer: None, path: "opt/java/release".to_owned() };
        let text =
            b"IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\nJAVA_VERSION=\"17.0.9\"\n";
        let found = &release(&place, text).expect("it can be read")[0];
        assert_eq!((found.name.as_str(), found.version.as_str()), ("openjdk", "17.0.9+9"));
        assert_eq!(release(&place, b"13.1\n"), Ok(Vec::new()));
    }
}
