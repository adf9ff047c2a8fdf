//! Names and metadata of entries: what a path is after normalisation, which directories are a program's or a library's,
//! what builds leave behind, and os-release. Pure functions over names.

use crate::evidence::Distribution;

/// A name from an archive, as a path in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Without leading or trailing `/`, empty for the root; bytes that are not UTF-8 as `\xNN`.
    pub path: String,
    /// It began with `/`.
    pub absolute: bool,
    /// It contained `..`, which is left out of `path`.
    pub parent: bool,
    /// It was not UTF-8.
    pub not_utf8: bool,
}

/// Reads a name.
pub fn name(raw: &[u8]) -> Name {
    let not_utf8 = std::str::from_utf8(raw).is_err();
    let absolute = raw.first() == Some(&b'/');
    let mut parent = false;
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in raw.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => parent = true,
            part => parts.push(part),
        }
    }
    Name { path: printable(&parts.join(&b'/')), absolute, parent, not_utf8 }
}

/// A raw name without `./` and `/` at its start.
pub fn trimmed(mut raw: &[u8]) -> &[u8] {
    while let Some(rest) = raw.strip_prefix(b"./").or_else(|| raw.strip_prefix(b"/")) {
        raw = rest;
    }
    raw
}

/// Text as it is; bytes that are not UTF-8, and control characters, as `\xNN`.
pub fn printable(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                // Those from U+0080 on, too: terminals take U+009B for the beginning of a command.
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    text += &format!("\\x{byte:02x}");
                }
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
}

/// Whether a symbolic link at `path` with this target points above the image's root.
pub fn leaves_root(path: &str, target: &str) -> bool {
    let mut depth = match target.starts_with('/') {
        true => 0,
        false => i64::try_from(path.split('/').count()).unwrap_or(i64::MAX) - 1,
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// Whether a path lies in a directory of programs or libraries, or is one.
pub fn holds_programs(path: &str) -> bool {
    let local = path.strip_prefix("usr/local/").or_else(|| path.strip_prefix("usr/")).unwrap_or(path);
    let first = local.split('/').next().unwrap_or(local);
    matches!(first, "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32" | "libexec" | "opt")
}

/// Directories, in lower case, of programs' tests, examples and documentation.
const TEST_DIRECTORIES: &[&str] = &[
    "__fixtures__",
    "__mocks__",
    "__tests__",
    "apidoc",
    "apidocs",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "doc",
    "docs",
    "documentation",
    "e2e",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "help",
    "idlelib",
    "info",
    "javadoc",
    "man",
    "mocks",
    "sample",
    "samples",
    "selftest",
    "selftests",
    "spec",
    "specs",
    "test",
    "test-data",
    "test_data",
    "testcases",
    "testdata",
    "testing",
    "testlib",
    "tests",
    "testsuite",
    "tutorial",
    "tutorials",
    "unittest",
    "unittests",
];

/// Files, in lower case and without their extension, that packages explain themselves in.
const DOCUMENTS: &[&str] = &[
    "changelog",
    "changes",
    "contributing",
    "faq",
    "history",
    "install",
    "metadata",
    "migration",
    "news",
    "pkg-info",
    "readme",
    "security",
    "todo",
    "upgrading",
];

/// Extensions of files that are written to be read.
const DOCUMENT_EXTENSIONS: &[&str] =
    &["adoc", "asciidoc", "markdown", "md", "mdx", "pod", "rdoc", "rst", "texi", "textile"];

/// Whether a path lies where programs' tests, examples and documentation lie, or names such a file. Each part counts as
/// a whole (`latest/` and `contest.py` are none), members of archives included.
pub fn is_test_or_example(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.split(['/', '!']).rev();
    let file = parts.next().unwrap_or_default();
    is_test_or_document(file) || parts.any(|part| TEST_DIRECTORIES.contains(&part))
}

/// `README`, `guide.md`, `test_x.py`, `x_test.go`, `x.spec.ts`, `conftest.py`.
fn is_test_or_document(file: &str) -> bool {
    let mut words = file.split('.');
    let stem = words.next().unwrap_or_default();
    let extensions: Vec<&str> = words.collect();
    let Some(last) = extensions.last() else { return DOCUMENTS.contains(&stem) };
    DOCUMENT_EXTENSIONS.contains(last)
        || (DOCUMENTS.contains(&stem) && matches!(*last, "txt" | "html" | "htm" | "gz" | "en"))
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem == "conftest"
        || extensions[..extensions.len() - 1].iter().any(|word| matches!(*word, "test" | "tests" | "spec"))
}

/// The directory that a file is left over in, when builds leave such files behind: package managers' caches and
/// lists, compilers' object directories, `.git`, core dumps. `__pycache__` is none: packages bring it, and it makes
/// programs start faster.
pub fn leftover_root(path: &str) -> Option<&str> {
    const CACHES: &[&str] = &[
        "var/cache/apt",
        "var/lib/apt/lists",
        "var/cache/apk",
        "var/cache/yum",
        "var/cache/dnf",
        "var/cache/pacman/pkg",
        "var/cache/zypp",
        "root/.cache/pip",
        "root/.cache/uv",
        "root/.npm/_cacache",
        "root/.cache/yarn",
        "root/.cache/go-build",
        "root/.cargo/registry",
        "usr/local/cargo/registry",
        "go/pkg/mod/cache",
        "root/go/pkg/mod",
        "root/.m2/repository",
        "root/.gradle/caches",
        "root/.nuget/packages",
        "root/.cache/pypoetry",
    ];
    for cache in CACHES {
        if let Some(rest) = path.strip_prefix(cache)
            && let Some(file) = rest.strip_prefix('/')
        {
            // apt keeps these two when the rest is cleaned.
            let kept = matches!(file, "lock" | "partial" | "archives/lock" | "archives/partial" | "auxfiles");
            return (!kept).then_some(*cache).map(|cache| &path[..cache.len()]);
        }
    }
    let mut start = 0;
    for part in path.split('/') {
        let end = start + part.len();
        let home_cache = path.starts_with("home/") && part == ".cache";
        if (matches!(part, ".git" | ".svn" | ".hg" | "CMakeFiles" | ".fingerprint") || home_cache)
            && end < path.len()
        {
            return Some(&path[..end]);
        }
        start = end + 1;
    }
    None
}

/// Reads `etc/os-release` or `usr/lib/os-release` (os-release(5)).
pub fn os_release(data: &[u8]) -> Option<Distribution> {
    let text = String::from_utf8_lossy(data);
    let mut distribution = Distribution::default();
    for line in text.lines().take(200) {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value: String = value.trim().trim_matches(['"', '\'']).chars().take(200).collect();
        match key {
            "ID" => distribution.id = value,
            "VERSION_ID" => distribution.version_id = value,
            "PRETTY_NAME" => distribution.pretty_name = value,
            _ => {}
        }
    }
    (!distribution.id.is_empty()).then_some(distribution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_documentation_are_told_by_whole_parts_of_a_path() {
        for path in [
            "usr/share/doc/curl/README.gz",
            "usr/share/man/man5/netdev.5.gz!netdev.5",
            "app/node_modules/x/test/key.pem",
            "app/node_modules/x/__tests__/a.js",
            "app/node_modules/x/lib/a.spec.ts",
            "lib/python3/site-packages/x/test_client.py",
            "lib/python3/site-packages/x/conftest.py",
            "go/src/x/client_test.go",
            "lib/python3/site-packages/x/README",
            "app/node_modules/x/guide.MD",
            "lib/x.jar!org/x/examples/Key.java",
        ] {
            assert!(is_test_or_example(path), "{path}");
        }
        for path in [
            "opt/latest/key.pem",
            "app/contest.py",
            "app/testament/a.js",
            "app/attest_device.py",
            "app/documents.js",
            "app/src/spectrum.ts",
            "app/key.pem",
            "etc/manual.conf",
            "app/test",
            "app/readme_key.pem",
        ] {
            assert!(!is_test_or_example(path), "{path}");
        }
    }
}
