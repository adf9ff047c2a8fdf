//! The embedded rule engine and libyara, by Debian's `yara`, say the same about the same rules and files.

use crate::fixture::{Image, Tar, elf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certify::evidence::MatchKind;
use certify::rules::Rules;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

/// Strings and condition of each rule.
const RULES: &[(&str, &str)] = &[
    // Text and its modifiers.
    (r#"$a = "forbidden fruit""#, "$a"),
    (r#"$a = "Forbidden Fruit" nocase"#, "$a"),
    (r#"$a = "forbidden" wide"#, "$a"),
    (r#"$a = "forbidden" wide ascii nocase"#, "$a"),
    (r#"$a = "fruit" fullword"#, "$a"),
    (r#"$a = "fruit" wide fullword"#, "$a"),
    (r#"$a = "secret text" xor"#, "$a"),
    (r#"$a = "secret text" xor(0x10-0x2f)"#, "$a"),
    (r#"$a = "secret text" xor wide"#, "$a"),
    (r#"$a = "This program cannot" base64"#, "$a"),
    (r#"$a = "This program cannot" base64wide"#, "$a"),
    (
        r#"$a = "This program cannot" base64("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")"#,
        "$a",
    ),
    (r#"$a = "tab\there\x21" private"#, "$a"),
    // Hexadecimal.
    ("$a = { DE AD BE EF }", "$a"),
    ("$a = { DE ?? BE E? }", "$a"),
    ("$a = { ?E AD [2-4] 01 }", "$a"),
    ("$a = { DE AD [0-] FF }", "$a"),
    ("$a = { 01 ( 02 | 03 04 | 05 ?6 ) 07 }", "$a"),
    ("$a = { 7F 45 4C 46 [12] 02 00 }", "$a at 0"),
    // Regular expressions.
    ("$a = /ab+c[0-9]{2,4}/", "$a"),
    ("$a = /AB+C[0-9]{2,4}/i", "$a"),
    ("$a = /begin.{1,40}end/s", "$a"),
    ("$a = /begin.{1,40}end/", "$a"),
    (r"$a = /\bword\b/", "$a"),
    (r"$a = /https?:\/\/[a-z.]+\/(x|y)?z*/ wide ascii", "$a"),
    (r"$a = /fo(ob|o)ar$/", "$a"),
    (r"$a = /^start/", "$a"),
    (r"$a = /[^\x00-\x7f]{4}/", "$a"),
    (r"$a = /a{3,5}?b/ fullword", "$a"),
    // Conditions.
    ("", "filesize > 1KB"),
    ("", "filesize < 64 and filesize != 0"),
    (r#"$a = "abc""#, "$a at 4"),
    (r#"$a = "abc""#, "$a in (0..10)"),
    (r#"$a = "abc""#, "#a == 3"),
    (r#"$a = "abc""#, "#a in (0..20) >= 2"),
    (r#"$a = "abc""#, "@a[2] > 5 and @a < 10"),
    ("$a = /ab*c/", "!a[1] == 4"),
    (r#"$x1 = "abc" $x2 = "word" $x3 = "fruit""#, "2 of ($x*)"),
    (r#"$x1 = "abc" $x2 = "word" $x3 = "fruit""#, "all of them"),
    (r#"$x1 = "abc" $x2 = "word" $x3 = "fruit" $x4 = "begin""#, "50% of them"),
    (r#"$x1 = "abc" $x2 = "word""#, "any of them in (0..30)"),
    (r#"$x1 = "abc" $x2 = "word""#, "not any of them"),
    (r#"$a = "abc""#, "for any i in (1..#a) : (@a[i] % 2 == 0)"),
    (r#"$a = "abc""#, "for all i in (1..#a) : (@a[i] < 100) and $a"),
    (r#"$a = "abc" $b = "word""#, "for any of ($a, $b) : ($ at 0 or # > 2)"),
    (r#"$a = "abc""#, "for 2 i in (0, 4, 8) : ($a at i)"),
    ("", "for any i in (0..32) : (uint32(i) == 0xefbeadde)"),
    ("", "uint16be(0) == 0x7f45 or uint8(1) == 0x62"),
    ("", "int8(0) < 0 and (uint8(0) & 0xf0) >> 4 == 0xf"),
    ("", "(filesize \\ 3) % 5 == 2 and ~filesize != 0"),
    ("", "defined uint32(100) and not defined uint32(100000000)"),
    (r#"$a = "abc""#, "@a[9] > 0 or $a"),
    // Other rules, and modules.
    ("", "p_000 and filesize < 200"),
    ("", "hash.md5(0, filesize) == \"900150983cd24fb0d6963f7d28e17f72\""),
    ("", "hash.sha256(0, 3) == \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""),
    ("", "hash.crc32(0, 3) == 0x352441c2 or hash.checksum32(0, 3) == 294"),
    ("", "math.entropy(0, filesize) > 7.0"),
    ("", "math.mean(0, filesize) < 110.0 and math.in_range(math.deviation(0, filesize, 64.0), 0.0, 50.0)"),
    ("", "elf.type == elf.ET_EXEC and elf.machine == elf.EM_X86_64"),
    ("", "elf.machine == elf.EM_AARCH64"),
    ("", "elf.number_of_sections > 10 and for any s in elf.sections : (s.name == \".text\")"),
];

fn rules() -> String {
    let mut text = "import \"hash\"\nimport \"math\"\nimport \"elf\"\n".to_owned();
    for (number, (strings, condition)) in RULES.iter().enumerate() {
        let strings = match strings.is_empty() {
            true => String::new(),
            false => format!("strings: {strings}\n"),
        };
        writeln!(text, "rule p_{number:03} {{ {strings}condition: {condition} }}")
            .expect("memory does not fail");
    }
    text += "private rule p_hidden { condition: true }\nrule p_of_hidden { condition: p_hidden and filesize == 3 }\n";
    text
}

fn wide(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|byte| [byte, 0]).collect()
}

/// Base64 with the letters of rule 11 in place of the standard's.
fn other_alphabet(base64: &str) -> Vec<u8> {
    const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const OTHER: &[u8] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let place = |letter: &u8| STANDARD.iter().position(|other| other == letter);
    base64.bytes().map(|letter| place(&letter).map_or(letter, |place| OTHER[place])).collect()
}

/// What the rules are about, some of it in more than one way.
fn files() -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    let xor = |key: u8, data: &[u8]| data.iter().map(|byte| byte ^ key).collect::<Vec<u8>>();
    let program = "!This program cannot be run in DOS mode.";
    let drawn: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        text("abc"),
        text("a forbidden fruit, and no word"),
        text("FORBIDDEN FRUITS abc"),
        [b"\0\0".to_vec(), wide("forbidden fruit")].concat(),
        [b"..".to_vec(), wide("Forbidden"), wide("x fruit x")].concat(),
        text("fruitful"),
        text("start of abcabcabc word"),
        xor(0x15, b"this is a secret text indeed"),
        xor(0x77, b"this is a secret text indeed"),
        xor(0x21, &wide("secret text")),
        text("secret text"),
        text(&STANDARD.encode(program)),
        text(&STANDARD.encode(&program[1..])),
        wide(&STANDARD.encode(program)),
        other_alphabet(&STANDARD.encode(program)),
        text("abbc"),
        text("tab\there!"),
        vec![1, 2, 3, 0xde, 0xad, 0xbe, 0xef, 9, 9, 1, 0xff],
        vec![0xfe, 0xad, 0, 0, 0, 1, 0xde, 0, 0xbe, 0xe1],
        vec![1, 2, 7, 1, 3, 4, 7],
        vec![1, 5, 0x96, 7],
        vec![0xde, 0xad, 0xbe, 0xef, 0xff],
        text("abbbc1234 and ABC12"),
        text("begin\nlines\nend"),
        text("begin on one line end"),
        text("aword word_ sword"),
        text("see https://example.org/xzz for more"),
        wide("http://a.b/"),
        text("foobar\n"),
        text("fooar"),
        text("héééé"),
        vec![0xf1, 0xf2, 0xf3, 0xf4, 0xf5],
        text(" aaaab "),
        text("xaaaabx"),
        text("1234abc8abcabc word begin fruit"),
        text("abcdabcdabcd"),
        text(&"abc ".repeat(700)),
        text(&"long text without any of it. ".repeat(300)),
        vec![0; 5000],
        drawn,
        // One byte more than the header: libyara reads no ELF file that is a header alone, the embedded engine does.
        [elf(62), vec![0]].concat(),
        [elf(183), vec![0]].concat(),
        std::fs::read("/usr/bin/yara")
            .expect("/usr/bin/yara cannot be read; hint: install Debian's package yara"),
    ]
}

#[test]
fn what_libyara_finds_is_found_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let rule_file = directory.path().join("rules.yar");
    std::fs::write(&rule_file, rules()).expect("it can be written");
    let corpus = directory.path().join("corpus");
    std::fs::create_dir(&corpus).expect("it can be made");
    let mut tar = Tar::default();
    for (number, data) in files().iter().enumerate() {
        std::fs::write(corpus.join(format!("f{number:02}")), data).expect("it can be written");
        tar = tar.file(&format!("f{number:02}"), 0o644, data);
    }
    let output = Command::new("yara")
        .arg("--no-warnings")
        .args([&rule_file, &corpus])
        .output()
        .expect("yara could not be run; hint: install Debian's package yara");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: BTreeSet<(String, String)> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(rule, path)| (path.rsplit('/').next().unwrap_or("").to_owned(), rule.to_owned()))
        .collect();

    let embedded = Rules::with([("rules.yar".to_owned(), rules())], "").expect("they compile");
    let evidence = Image::new().layer(tar).gather_with(&embedded);
    let ours: BTreeSet<(String, String)> = evidence
        .matches
        .iter()
        .filter_map(|found| match &found.kind {
            MatchKind::Malware(rule) if rule.starts_with("p_") => {
                Some((found.place.path.clone(), rule.clone()))
            }
            _ => None,
        })
        .collect();
    let difference = |a: &BTreeSet<(String, String)>, b: &BTreeSet<(String, String)>| -> Vec<String> {
        a.difference(b).map(|(file, rule)| format!("{rule} {file}")).collect()
    };
    assert_eq!(difference(&theirs, &ours), [""; 0], "found by yara alone");
    assert_eq!(difference(&ours, &theirs), [""; 0], "found by the embedded engine alone");
    let hit: BTreeSet<&String> = ours.iter().map(|(_, rule)| rule).collect();
    let idle: Vec<String> =
        (0..RULES.len()).map(|n| format!("p_{n:03}")).filter(|rule| !hit.contains(rule)).collect();
    assert_eq!(idle, [""; 0], "a rule that matches no file compares nothing");
}

#[test]
fn rules_that_do_not_compile_are_named_with_their_place() {
    let error = |text: &str| {
        let good = ("a.yar".to_owned(), "rule fine { condition: true }".to_owned());
        let error = Rules::with([good, ("b.yar".to_owned(), text.to_owned())], "").err();
        error.expect("it does not compile").to_string()
    };
    let texts = [
        "rule x {\n  strings:\n    $a = /ab(c/\n  condition: $a\n}",
        "import \"magic\"\nrule x { condition: magic.type() contains \"x\" }",
        "rule x { condition: $nowhere }",
        "rule x { condition: true }\nrule x { condition: true }",
        "include \"/etc/passwd\"",
    ];
    insta::assert_snapshot!(texts.map(error).join("\n---\n"));
}
