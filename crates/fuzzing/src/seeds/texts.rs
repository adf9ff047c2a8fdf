//! Texts of each grammar, and files of each package reader.

use super::{Seed, chosen};

pub(super) fn texts() -> Vec<Seed> {
    vec![
        (
            "seed-route",
            chosen(
                0,
                "FROM /messages/modules/own/outputs/* WHERE temperature > 25 AND $body.x <> 'a' INTO BrokeredEndpoint(\"/modules/b/inputs/in\")",
            ),
        ),
        (
            "seed-route-functions",
            chosen(
                0,
                "SELECT * FROM /messages/* WHERE is_defined($twin.tags.a) OR NOT (1 + 2 * -3 = 'x' || \"y\") INTO $upstream",
            ),
        ),
        (
            "seed-route-placeholder",
            chosen(0, "FROM /messages/modules/<NAME>/* WHERE a = <LIMIT> INTO $upstream"),
        ),
        (
            "seed-route-deep",
            chosen(
                0,
                format!("FROM /messages/* WHERE {}1{} INTO $upstream", "(".repeat(300), ")".repeat(300)),
            ),
        ),
        ("seed-placeholders", chosen(1, "{\"a<NAME>\": [\"<B_2>\", \"<c>\", \"é<D>\"], \"<\": 1}")),
        (
            "seed-reference",
            chosen(
                2,
                "registry.example.com:5000/acme/telemetry:1.0.0@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
        ),
        ("seed-short", chosen(2, "ubuntu")),
        ("seed-address", chosen(2, "[::1]:5000/a/b__c-d")),
        ("seed-tags", chosen(3, "1.0.0\n1.0\n1\nlatest\n1.0-linux-arm32v7\n01.0.0\n4294967296.0.0")),
        ("seed-version", chosen(3, "1.0.1-linux-arm32v7")),
        ("seed-platform", chosen(3, "linux/arm/v7")),
        ("seed-title", chosen(4, "Détecteur d’été №1 日本")),
        ("seed-id", chosen(4, "acme-telemetry")),
        (
            "seed-html",
            chosen(
                5,
                "<p>One <b>two</b> <a href=\"https://a.example/\">x</a></p><script>y</script><img src=x onerror=z><svg><style><!-- </style> --></svg>",
            ),
        ),
        (
            "seed-html-broken",
            chosen(5, "<math><mtext><table><mglyph><style><!--</style><a title=\"--&gt;&lt;img src=1&gt;\">"),
        ),
    ]
}

pub(super) fn versions() -> Vec<Seed> {
    let all = [
        "1:2.30-1+deb12u1\n2.30~rc1-1\n2.30\n0:2.30-1",
        "1.2.3_rc1-r4\n1.2.3a\n1.2.3-r0\n1.2_p1",
        "1:1.0~rc1-2.el9\n1.0^git1-1\n1.0-1",
        "1!1.0.post1.dev2+local.1\n1.0a1\n1.0rc1\nv1.0.0",
        "1.0.0-alpha.1+build\n1.0.0-alpha.beta\n1.0.0\nv1",
        "1.0-SNAPSHOT\n1.0-alpha-1\n1-sp\n1.0.RELEASE\n1-1.foo-bar1baz-.1",
        "v0.0.0-20210101000000-abcdef123456\ngo1.21rc2\nv1.0.0+incompatible",
        "1.0.0.pre1\n1.0.a10\n1.0\n1",
        "1.0.0.1-Beta\n1.0.0.1-beta\n01.0",
        "dev-main\n1.0.x-dev\n1.0.0-RC1\nv1.0-p1",
    ];
    let names = [
        "seed-debian",
        "seed-alpine",
        "seed-rpm",
        "seed-pep440",
        "seed-semver",
        "seed-maven",
        "seed-go",
        "seed-rubygems",
        "seed-nuget",
        "seed-packagist",
    ];
    names
        .into_iter()
        .zip(0_u8..)
        .zip(all)
        .map(|((name, scheme), text)| (name, chosen(scheme, text)))
        .collect()
}

pub(super) fn policies() -> Vec<Seed> {
    let policy = "[platforms]\ntier1 = ['linux/amd64']\n[offer]\nplans = 10\n[criteria.runs-as-non-root]\nblocking = true\n\
        [standards]\ndemand = ['cis-docker-4']\n[[waivers]]\ncriterion = 'no-known-malware'\nreason = 'r'\nuntil = '2027-01-01'\n\
        path = 'opt/**'\n[[custom-criteria]]\nid = 'x-own'\ntitle = 't'\nhint = 'h'\nmessage = 'm'\nexpression = '''\nimage.user != 'root' &&\n  \
        packages.all(p, p.name != 'b')\n'''\n";
    vec![
        ("seed-policy", chosen(0, policy)),
        ("seed-default", chosen(0, offer::policy::Policy::default().to_toml())),
        ("seed-list", chosen(1, "packages.filter(p, p.kind == 'deb').map(p, p.name + ' ' + p.version)")),
        (
            "seed-nested",
            chosen(1, "packages.all(p, setuid.all(f, packages.exists(q, q.name.matches('^(a|b)+$'))))"),
        ),
        (
            "seed-image",
            chosen(
                1,
                "has(image.labels.missing) ? [string(size(image.layers))] : image.env['MODE'].startsWith('f')",
            ),
        ),
        (
            "seed-numbers",
            chosen(
                1,
                "[1, 2].map(n, n * 9223372036854775807) == [duration('1h').getSeconds(), uint(1) - 2u]",
            ),
        ),
        ("found-empty-finding", chosen(1, "['', image.user]")),
        ("seed-deep", chosen(1, format!("{}true{}", "(".repeat(500), ")".repeat(500)))),
        (
            "seed-types",
            chosen(
                1,
                "type(image) == map || timestamp('2026-01-01T00:00:00Z').getFullYear() > 1 || b'\\xff' == bytes('x')",
            ),
        ),
    ]
}

pub(super) fn packages() -> Vec<Seed> {
    let go = b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06go1.22\0\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6\
        path\tx\nmod\ta.example/x\tv1.0.0\th1:=\ndep\tb\tv1\n=>\tc\tv2\nbuild\tGOARM=7\n\xf9\x32\x43\x31\x86\x18\x20\x72\0\x82\x42\x10\x41\x16\xd8\xf2";
    let deep =
        ["{\"name\":\"x\",\"version\":\"1\",\"license\":", &"[".repeat(10_000), &"]".repeat(10_000), "}"]
            .concat();
    let mut ndb = [
        b"RpmP",
        &0_u32.to_le_bytes()[..],
        &1_u32.to_le_bytes(),
        &1_u32.to_le_bytes(),
        &2_u32.to_le_bytes(),
        &[0; 12],
    ]
    .concat();
    ndb.extend([&b"Slot"[..], &1_u32.to_le_bytes(), &256_u32.to_le_bytes(), &4_u32.to_le_bytes()].concat());
    ndb.resize(4096 + 64, 0);
    vec![
        (
            "seed-dpkg",
            chosen(
                0,
                "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nSource: s (1)\nArchitecture: amd64\nDescription: x\n y\n\n",
            ),
        ),
        ("seed-distroless", chosen(1, "Package: a\nVersion: 1\n")),
        ("seed-apk", chosen(2, "P:a\nV:1-r0\nL:MIT AND GPL-2.0-only\no:b\nA:x86_64\n\n")),
        ("seed-bdb", chosen(3, [&[0; 12][..], &[0x62, 0x31, 5, 0], &[0; 496]].concat())),
        ("seed-ndb", chosen(4, ndb)),
        ("seed-sqlite", chosen(5, [&b"SQLite format 3\0\x10\0\x01\x01\0@  "[..], &[0; 4_076]].concat())),
        ("seed-npm", chosen(6, r#"{"name":"@s/a","version":"1","license":{"type":"MIT"},"licenses":["A"]}"#)),
        ("seed-npm-deep", chosen(6, deep)),
        (
            "seed-npm-lock",
            chosen(
                7,
                r#"{"packages":{"":{},"node_modules/a":{"version":"1","license":"MIT","dev":false}},"dependencies":{"b":{"version":"1","dependencies":{"c":{"version":"2"}}}}}"#,
            ),
        ),
        (
            "seed-composer",
            chosen(8, r#"{"packages":[{"name":"v/a","version":"v1","license":["MIT","GPL-2.0"]}]}"#),
        ),
        (
            "seed-python",
            chosen(
                10,
                "Metadata-Version: 2.4\nName: A_b.c\nVersion: 1\nClassifier: License :: OSI Approved :: MIT License\nLicense-Expression: MIT\n\nName: x\n",
            ),
        ),
        ("seed-dotnet", chosen(12, r#"{"libraries":{"A/1":{"type":"package"},"B/2":{"type":"project"}}}"#)),
        (
            "seed-gem",
            chosen(
                13,
                "# -*- encoding: utf-8 -*-\n# stub: a 1 x86_64-linux lib\n\n  s.licenses = [\"MIT\".freeze, \"Ruby\"]\n",
            ),
        ),
        ("seed-java", chosen(14, "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.1\"\n")),
        (
            "seed-jar",
            chosen(
                15,
                "Manifest-Version: 1.0\r\nImplementation-Title: a\r\nImplementation-Version: 1\r\n .2\r\n\0groupId=g\nartifactId=a\nversion=1\n",
            ),
        ),
        ("seed-node", chosen(16, "x node.js/v20.1.0\0")),
        ("seed-os-release", chosen(18, "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='D'\n")),
        (
            "seed-copyright",
            chosen(
                19,
                "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-3+ and Expat\n\nFiles: x\nLicense: X-own\n text\n",
            ),
        ),
        (
            "seed-copyright-old",
            chosen(19, "On Debian systems see /usr/share/common-licenses/LGPL-2.1, and Artistic."),
        ),
        (
            "seed-go",
            chosen(20, [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0"[..], &[0; 44], go].concat()),
        ),
        (
            "seed-rust",
            chosen(
                20,
                [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0"[..], &[0; 44], b".dep-v0\0"].concat(),
            ),
        ),
    ]
}
