//! Packages of all sources in the merged file system: each once, and none that is gone, that the distribution counts
//! already, or that is only asked for; and each with its licence.
//!
//! `cargo xtask packages` compares the sets with those of syft 1.18.1 and trivy 0.59.1 on the images of the bench, and fails
//! for a difference that it has no explanation of. `telemetry` (Debian 12, Python, Node.js): we and trivy find the same 448
//! packages, syft 24 more. `large` (Java, Chromium, LibreOffice, compilers, Python): we and trivy find the same 423, syft
//! 2 more. No package that both peers find is missing. All 26 are of one class, which
//! [`files_of_debian_packages_are_those_packages_alone`] has in small. The tools also write some packages differently,
//! which is no difference: trivy writes a Debian epoch as a qualifier, and names of Python packages as they are spelled.
//! On an image of 30 Debian packages unpacked without their database, with syft: the same runtimes, and the server of
//! Apache besides, which syft does not find; the same gems; of Java archives the same files, but under the coordinates
//! that the archive states: syft takes a file's name for the group where it knows no better (`jrt-fs/jrt-fs`,
//! `org.apache.tomcat-catalina/…`), knows ant's group by heart, and counts an archive that a distribution renamed
//! (`maven3-core.jar`) under both names.

use crate::fixture::{Image, Tar, elf, zip};
use certify::evidence::FaultKind;

/// Kind, name, version and licence of all packages.
fn found(image: &Image) -> Vec<String> {
    let evidence = image.gather();
    assert!(evidence.faults.iter().all(|fault| fault.kind != FaultKind::Packages), "{:?}", evidence.faults);
    let line = |package: &certify::evidence::Package| {
        let licence = package.licence.as_deref().unwrap_or("-");
        format!("{:?} {} {} {licence} {}", package.kind, package.name, package.version, package.place.path)
    };
    evidence.packages.iter().map(line).collect()
}

fn manifest(name: &str, version: &str) -> Vec<u8> {
    format!(r#"{{"name":"{name}","version":"{version}","license":"MIT"}}"#).into_bytes()
}

fn pom(artifact: &str, version: &str) -> Vec<u8> {
    format!("groupId=org.acme\nartifactId={artifact}\nversion={version}\n").into_bytes()
}

#[test]
fn java_archives_are_read_through_all_levels() {
    let inner = zip(&[("META-INF/maven/org.acme/in/pom.properties", &pom("in", "1.0")), ("x.class", b"x")]);
    let fat = zip(&[
        ("META-INF/MANIFEST.MF", b"Main-Class: org.springframework.boot.loader.JarLauncher\r\nImplementation-Title: app\r\nImplementation-Version: 7.0\r\n"),
        ("BOOT-INF/lib/in-1.0.jar", &inner),
        ("BOOT-INF/lib/named-2.0.jar", &zip(&[("y.class", b"y")])),
    ]);
    let image = Image::new()
        .layer(
            Tar::default()
                .file("opt/app.jar", 0o644, &fat)
                .file("opt/copy/in.jar", 0o644, &inner)
                .file(
                    "opt/gone.war",
                    0o644,
                    &zip(&[("WEB-INF/lib/in-1.0.jar", &inner), ("WEB-INF/lib/old-1.jar", &inner)]),
                )
                // Where nothing is installed: a zip archive that holds one.
                .file("opt/backup.zip", 0o644, &zip(&[("in-9.0.jar", &zip(&[("z", b"z")]))])),
        )
        .layer(Tar::default().file("opt/.wh.gone.war", 0, b""));
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Maven app 7.0 - opt/app.jar
    Maven named 2.0 - opt/app.jar!BOOT-INF/lib/named-2.0.jar
    Maven org.acme:in 1.0 - opt/app.jar!BOOT-INF/lib/in-1.0.jar
    ");
}

#[test]
fn a_lock_file_counts_only_where_nothing_is_installed() {
    let lock = br#"{"lockfileVersion": 3, "packages": {"": {"name": "a"}, "node_modules/x": {"version": "1.0.0", "license": "ISC"},
        "node_modules/never": {"version": "2.0.0"}}}"#;
    let composer = br#"{"packages": [{"name": "v/p", "version": "1.0.0", "license": ["BSD-3-Clause", "GPL-2.0-only"]}]}"#;
    let image = Image::new().layer(
        Tar::default()
            .file("bundled/package-lock.json", 0o644, lock)
            .file("installed/package-lock.json", 0o644, lock)
            .file("installed/node_modules/.package-lock.json", 0o644, lock)
            .file("installed/node_modules/x/package.json", 0o644, &manifest("x", "1.0.1"))
            .file("installed/node_modules/x/package-lock.json", 0o644, br#"{"packages": {"node_modules/dev": {"version": "1"}}}"#)
            .file("php/composer.lock", 0o644, composer)
            .file("php2/composer.lock", 0o644, br#"{"packages": [{"name": "v/p", "version": "3.0.0"}, {"name": "v/never", "version": "3.0.0"}]}"#)
            .file("php2/vendor/composer/installed.json", 0o644, br#"{"packages": [{"name": "v/p", "version": "2.0.0"}]}"#),
    );
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Npm never 2.0.0 - bundled/package-lock.json
    Npm x 1.0.0 ISC bundled/package-lock.json
    Npm x 1.0.1 MIT installed/node_modules/x/package.json
    Composer v/p 1.0.0 BSD-3-Clause OR GPL-2.0-only php/composer.lock
    Composer v/p 2.0.0 - php2/vendor/composer/installed.json
    ");
    // Without what is installed, the lock file is what is known.
    let image = image.layer(Tar::default().file("installed/.wh.node_modules", 0, b""));
    assert!(found(&image).iter().all(|line| !line.contains("x 1.0.1")));
}

#[test]
fn runtimes_count_where_no_package_of_the_distribution_owns_them() {
    let program = |text: &[u8]| [&elf(62)[..], b"\0", text, b"\0"].concat();
    let node = program(b"node.js/v20.11.1");
    let image = Image::new()
        .layer(
            Tar::default()
                .file("usr/local/bin/node", 0o755, &node)
                .file("usr/bin/node", 0o755, &program(b"node.js/v18.20.4"))
                .file("var/lib/dpkg/info/nodejs.list", 0o644, b"/.\n/usr/bin/node\n/lib/libcrypto.so.3\n")
                .file("opt/java/release", 0o644, b"IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.2\"\n")
                .file("bin/[", 0o755, &program(b"BusyBox v1.36.1 (2024-01-01)"))
                .hard_link("bin/sh", "bin/[", 0o755)
                .file(
                    "usr/local/bin/nginx",
                    0o644,
                    b"a script that says nginx version: nginx/1.0.0 is no program\n",
                ),
        )
        // A later layer brings the distribution's files again, as `chmod` does.
        .layer(Tar::default().file("usr/bin/node", 0o700, &program(b"node.js/v18.20.4")).file(
            "usr/lib/libcrypto.so.3",
            0o644,
            &program(b"OpenSSL 3.0.11 19 Sep 2023"),
        ));
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Generic busybox 1.36.1 - bin/[
    Generic node 20.11.1 - usr/local/bin/node
    Generic openjdk 21.0.2 - opt/java/release
    ");
    // More than is held whole: the version is found while the program streams by.
    let padding = vec![0; 65 << 20];
    let large = Image::new().layer(Tar::default().file("usr/bin/node", 0o755, &[node, padding].concat()));
    assert_eq!(found(&large), ["Generic node 20.11.1 - usr/bin/node"]);
}

#[test]
fn whiteouts_opaque_directories_and_hard_links_hold_for_packages() {
    let image = Image::new()
        .layer(
            Tar::default()
                .file("a/node_modules/kept/package.json", 0o644, &manifest("kept", "1.0.0"))
                .file("a/node_modules/linked/package.json", 0o644, &manifest("linked", "1.0.0"))
                .file("b/node_modules/hidden/package.json", 0o644, &manifest("hidden", "1.0.0"))
                .file("c/node_modules/replaced/package.json", 0o644, &manifest("replaced", "1.0.0"))
                .file("gems/specifications/rack-3.0.0.gemspec", 0o644, b"# stub: rack 3.0.0 ruby lib\n")
                .file("app/app.deps.json", 0o644, br#"{"libraries": {"A/1.0.0": {"type": "package"}}}"#)
                .file(
                    "var/lib/dpkg/status",
                    0o644,
                    b"Package: a\nStatus: install ok installed\nVersion: 1\n\n",
                )
                .file("x-1.egg-info", 0o644, b"Name: x\nVersion: 1\nLicense: Apache 2.0\n"),
        )
        .layer(
            Tar::default()
                .hard_link("d/package.json", "a/node_modules/linked/package.json", 0o644)
                .file("a/node_modules/.wh.linked", 0, b"")
                .file("b/.wh..wh..opq", 0, b"")
                .file("b/node_modules/new/package.json", 0o644, &manifest("new", "1.0.0"))
                .file("c/node_modules/replaced/package.json", 0o644, &manifest("replaced", "2.0.0"))
                .file("gems/.wh.specifications", 0, b"")
                .file("var/lib/dpkg/.wh.status", 0, b""),
        );
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Pypi x 1 Apache-2.0 x-1.egg-info
    Npm kept 1.0.0 MIT a/node_modules/kept/package.json
    Npm linked 1.0.0 MIT d/package.json
    Npm new 1.0.0 MIT b/node_modules/new/package.json
    Npm replaced 2.0.0 MIT c/node_modules/replaced/package.json
    Nuget A 1.0.0 - app/app.deps.json
    ");
}

#[test]
fn a_package_is_counted_once_however_many_copies_there_are() {
    let image = Image::new().layer(
        Tar::default()
            .file("a/node_modules/x/package.json", 0o644, br#"{"name":"x","version":"1.0.0"}"#)
            .file("b/node_modules/x/package.json", 0o644, &manifest("x", "1.0.0"))
            .file(
                "v1/lib/x-1.dist-info/METADATA",
                0o644,
                b"Name: X_y\nVersion: 1\nClassifier: License :: OSI Approved :: MIT License\n",
            )
            .file("v2/lib/x-1.egg-info/PKG-INFO", 0o644, b"Name: x.y\nVersion: 1\n"),
    );
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Pypi x-y 1 MIT v2/lib/x-1.egg-info/PKG-INFO
    Npm x 1.0.0 MIT a/node_modules/x/package.json
    ");
}

#[test]
fn debian_packages_have_the_licences_of_their_copyright_files() {
    let status = ["gcc-12-base", "libgcc-s1", "old", "silent"]
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n"));
    let modern = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-3+ and Expat\n\nFiles: debian/*\nLicense: AGPL-3\n";
    let image = Image::new()
        .layer(
            Tar::default()
                .file("var/lib/dpkg/status", 0o644, status.concat().as_bytes())
                .file("usr/share/doc/gcc-12-base/copyright", 0o644, b"replaced below")
                .symlink("usr/share/doc/libgcc-s1", "gcc-12-base")
                .file(
                    "usr/share/doc/old/copyright",
                    0o644,
                    b"On Debian systems see /usr/share/common-licenses/LGPL-2.1.",
                ),
        )
        .layer(Tar::default().file("usr/share/doc/gcc-12-base/copyright", 0o644, modern));
    insta::assert_snapshot!(found(&image).join("\n"), @r"
    Deb gcc-12-base 1 GPL-3.0-or-later AND MIT var/lib/dpkg/status
    Deb libgcc-s1 1 GPL-3.0-or-later AND MIT var/lib/dpkg/status
    Deb old 1 LGPL-2.1-only var/lib/dpkg/status
    Deb silent 1 - var/lib/dpkg/status
    ");
}

/// What syft alone finds: files of Debian's nodejs, node-acorn, openjdk and ca-certificates-java packages, once more as
/// packages of a language. They carry Debian's version and patches, and Debian's tracker speaks of them, so they are
/// counted once, as what brought them. trivy counts likewise. Whoever brings the same files by other means has them
/// counted: nobody else speaks for those.
#[test]
fn files_of_debian_packages_are_those_packages_alone() {
    let jar = |title: &str, version: &str| {
        let manifest = format!("Implementation-Title: {title}\r\nImplementation-Version: {version}\r\n");
        zip(&[("META-INF/MANIFEST.MF", manifest.as_bytes())])
    };
    let (acorn, undici) = (manifest("acorn", "8.8.1"), manifest("undici", "5.15.0"));
    let (jrt, certificates) = (jar("jrt-fs", "17.0.21"), jar("ca-certificates-java", "20230710"));
    let files = [
        ("usr/share/nodejs/acorn/package.json", &acorn),
        ("usr/share/nodejs/undici/package.json", &undici),
        ("usr/lib/jvm/java-17-openjdk-amd64/lib/jrt-fs.jar", &jrt),
        ("usr/share/ca-certificates-java/ca-certificates-java.jar", &certificates),
    ];
    let status = ["node-acorn", "node-undici", "openjdk-17-jre-headless", "ca-certificates-java"]
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nVersion: 1:2-3\n\n"))
        .concat();
    let list: String = files.iter().map(|(path, _)| format!("/{path}\n")).collect();
    let with_files = |mut tar: Tar| {
        for (path, data) in &files {
            tar = tar.file(path, 0o644, data);
        }
        tar
    };
    let debian = Tar::default()
        .file("var/lib/dpkg/status", 0o644, status.as_bytes())
        .file("var/lib/dpkg/info/all.list", 0o644, list.as_bytes())
        .file("app/node_modules/acorn/package.json", 0o644, &acorn);
    insta::assert_snapshot!(found(&Image::new().layer(with_files(debian))).join("\n"), @r"
    Deb ca-certificates-java 1:2-3 - var/lib/dpkg/status
    Deb node-acorn 1:2-3 - var/lib/dpkg/status
    Deb node-undici 1:2-3 - var/lib/dpkg/status
    Deb openjdk-17-jre-headless 1:2-3 - var/lib/dpkg/status
    Npm acorn 8.8.1 MIT app/node_modules/acorn/package.json
    ");
    insta::assert_snapshot!(found(&Image::new().layer(with_files(Tar::default()))).join("\n"), @r"
    Npm acorn 8.8.1 MIT usr/share/nodejs/acorn/package.json
    Npm undici 5.15.0 MIT usr/share/nodejs/undici/package.json
    Maven ca-certificates-java 20230710 - usr/share/ca-certificates-java/ca-certificates-java.jar
    Maven jrt-fs 17.0.21 - usr/lib/jvm/java-17-openjdk-amd64/lib/jrt-fs.jar
    ");
}
