//! Examples of keys in files. Data only.

use super::*;

pub(super) fn keys() -> Vec<Row> {
    let openssh = STANDARD.encode([b"openssh-key-v1\0".to_vec(), bytes(80, 9)].concat());
    let openssh =
        format!("-----BEGIN OPENSSH PRIVATE {0}-----\n{openssh}\n-----END OPENSSH PRIVATE {0}-----", "KEY");
    let pgp = STANDARD.encode([vec![0x95, 1, 0xfe], bytes(80, 10)].concat());
    let pgp = format!(
        "-----BEGIN PGP PRIVATE KEY {0}-----\n\n{pgp}\n=AbCd\n-----END PGP PRIVATE KEY {0}-----",
        "BLOCK"
    );
    let encrypted = pem("RSA ", 7).replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\n\nM");
    let putty = |body: &str| {
        format!("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{body}\n")
    };
    let age =
        |end: &str| ["AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ7ZRY92PV", end].concat();
    let wireguard = |seed| format!("[Interface]\nPrivateKey = {}\n", base64(32, seed));
    let kubeconfig = |seed| format!("    client-key-data: {}\n", STANDARD.encode(pem("EC ", seed)));
    vec![
        row(
            "private-key",
            [pem("", 1), pem("RSA ", 2), pem("EC ", 3), pem("ENCRYPTED ", 4), openssh, pgp, encrypted],
            [
                format!("\"-----BEGIN PRIVATE {}-----\"", "KEY"),
                format!("-----BEGIN RSA PRIVATE {0}-----\n...\n-----END RSA PRIVATE {0}-----", "KEY"),
                pem("", 1).replace("PRIVATE", "PUBLIC"),
            ],
        ),
        row(
            "putty-private-key",
            [putty(&base64(48, 1)), putty(&base64(36, 2))],
            [putty("AAAA"), "reads PuTTY-User-Key-File-2 and -3".to_owned()],
        ),
        row(
            "age-secret-key",
            [age("5H8"), format!("# created: 2026\n{}", age("5H8"))].map(|text| with_bech32(&text)),
            [age("5H9"), format!("AGE-SECRET-KEY-1{}", "Q".repeat(58))],
        ),
        row(
            "wireguard-private-key",
            [wireguard(1), wireguard(2)],
            [
                "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=".to_owned(),
                "PrivateKey = <base64 key>".to_owned(),
            ],
        ),
        row(
            "kubeconfig-client-key",
            [kubeconfig(1), kubeconfig(2)],
            ["client-key-data: REDACTED".to_owned(), format!("client-key-data: {}", base64(120, 1))],
        ),
    ]
}

/// Puts the right checksum at the end of a key of age, by trying: three letters are 32,768 ways, and six are right.
fn with_bech32(text: &str) -> String {
    const LETTERS: &[u8] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    let (before, key) = text.split_at(text.find("AGE-").unwrap_or(0));
    let (body, _) = key.split_at(key.len() - 6);
    // The checksum is linear; recompute it as BIP 173 does, over the prefix and the data.
    let mut values: Vec<u32> = "age-secret-key-".bytes().map(|byte| u32::from(byte >> 5)).collect();
    values.push(0);
    values.extend("age-secret-key-".bytes().map(|byte| u32::from(byte & 31)));
    let data = body.rsplit('1').next().unwrap_or("");
    values.extend(data.bytes().map(|byte| LETTERS.iter().position(|&l| l == byte).unwrap_or(0) as u32));
    values.extend([0; 6]);
    let polymod = values.iter().fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ value;
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3_u32]
            .iter()
            .enumerate()
            .fold(next, |sum, (bit, generator)| if (top >> bit) & 1 == 1 { sum ^ generator } else { sum })
    }) ^ 1;
    let end: String =
        (0..6).map(|place| char::from(LETTERS[((polymod >> (5 * (5 - place))) & 31) as usize])).collect();
    format!("{before}{body}{end}")
}
