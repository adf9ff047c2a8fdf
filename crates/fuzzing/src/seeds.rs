//! What fuzzing begins with: for each target some sound inputs and one for each line of the list of bad input that ends
//! the specification of certification, in the target's own form.

mod archives;
mod layers;
mod texts;

use crate::requests::BLOB;
use crate::signatures::signed;
use oci::digest::Digest;
use offer::template::{NewOffer, new_offer};
use serde_json::json;

/// A name, and the bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The seeds of a target, by its name in [`crate::TARGETS`]; none for another name.
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "advisories" => advisories(),
        "archives" => archives::archives(),
        "deltas" => archives::deltas(),
        "edits" => edits(),
        "files" => archives::files(),
        "images" => images(),
        "layers" => layers::layers(),
        "offers" => offers(),
        "packages" => texts::packages(),
        "policies" => texts::policies(),
        "requests" => requests(),
        "secrets" => secrets(),
        "signatures" => signatures(),
        "texts" => texts::texts(),
        "versions" => texts::versions(),
        "zips" => zips(),
        _ => Vec::new(),
    }
}

/// A byte that chooses, then text.
fn chosen(choice: u8, text: impl AsRef<[u8]>) -> Vec<u8> {
    [&[choice], text.as_ref()].concat()
}

fn advisories() -> Vec<Seed> {
    let record = |ecosystem: &str| {
        json!({"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2021-44228"], "summary": "s",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
            "affected": [{"package": {"ecosystem": ecosystem, "name": "a"}, "versions": ["1.0", "0.9"], "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "2"},
                    {"last_affected": "2.5"}, {"limit": "*"}]}]}],
            "database_specific": {"severity": "HIGH"}})
        .to_string()
    };
    let kev = json!({"catalogVersion": "1", "dateReleased": "2026-01-01", "vulnerabilities": [
        {"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10"}]});
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-01-01T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-2021-44228"}, "products": [{"@id": "pkg:pypi/a@1", "subcomponents": [
            {"@id": "pkg:pypi/b"}]}], "status": "not_affected", "justification": "component_not_present"}]});
    let zip = archives::zip(&[("GHSA-1.json", record("PyPI").as_bytes()), ("x.txt", b"no record")]);
    let deep = ["{\"id\":\"x\",\"affected\":", &"[".repeat(10_000), &"]".repeat(10_000), "}"].concat();
    vec![
        ("seed-pypi", chosen(0, record("PyPI"))),
        ("seed-debian", chosen(0, record("Debian:12"))),
        ("seed-maven", chosen(1, record("Maven"))),
        ("seed-kev", chosen(3, kev.to_string())),
        ("seed-epss", chosen(3, "#score_date:2026-01-01\ncve,epss,percentile\nCVE-2021-44228,0.9,0.99\n")),
        ("seed-vex", chosen(4, vex.to_string())),
        ("seed-zip", chosen(5, zip)),
        ("seed-import", chosen(6, record("npm"))),
        ("seed-import-kev", chosen(6, kev.to_string())),
        ("seed-database", chosen(7, b"EMADVIS\0\x01\0\0\0")),
        ("seed-json-10000-deep", chosen(0, deep)),
    ]
}

/// A digest whose last byte chooses a document.
fn digest(document: u8) -> String {
    format!("sha256:{document:064x}")
}

fn images() -> Vec<Seed> {
    let index = "application/vnd.oci.image.index.v1+json";
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let entry = |media_type: &str, document: u8| {
        json!({"mediaType": media_type, "digest": digest(document), "size": 2,
            "platform": {"os": "linux", "architecture": "amd64"}})
    };
    let list =
        |entries: Vec<serde_json::Value>| json!({"schemaVersion": 2, "manifests": entries}).to_string();
    let of_config = |config: u8, layers: &[u8]| {
        let layer = |n: &u8| json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(*n), "size": 0});
        json!({"schemaVersion": 2, "layers": layers.iter().map(layer).collect::<Vec<_>>(),
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": 2},
            "annotations": {"a": "b"}})
        .to_string()
    };
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"], "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(9)]}, "history": [{"created_by": "x"}]})
    .to_string();
    let image = [of_config(1, &[2]), config].join("\0");
    let nested = [
        list(vec![entry(index, 1)]),
        list(vec![entry(index, 2)]),
        list(vec![entry(index, 3)]),
        list(vec![entry(index, 4)]),
        list(vec![entry(index, 5)]),
        list(vec![entry(manifest, 6)]),
        of_config(7, &[]),
    ];
    let unknown = image.replace("layer.v1.tar", "layer.v1.unknown");
    let foreign = image.replace("oci.image.layer.v1.tar", "oci.image.layer.nondistributable.v1.tar");
    let deep = ["{\"schemaVersion\":2,\"x\":", &"[".repeat(10_000), &"]".repeat(10_000), "}"].concat();
    let many = (0..100).map(|_| entry(index, 1)).collect::<Vec<_>>();
    vec![
        ("seed-image", chosen(1, &image)),
        (
            "seed-index",
            chosen(0, [list(vec![entry(manifest, 1)]), of_config(2, &[]), "{}".to_owned()].join("\0")),
        ),
        ("seed-nested-indexes", chosen(0, nested.join("\0"))),
        ("seed-cyclic-index", chosen(0, list(vec![entry(index, 0)]))),
        (
            "seed-cyclic-indexes",
            chosen(0, [list(vec![entry(index, 1)]), list(vec![entry(index, 0)])].join("\0")),
        ),
        ("seed-many-entries", chosen(0, [list(many.clone()), list(many)].join("\0"))),
        ("seed-unknown-layer", chosen(1, unknown)),
        ("seed-foreign-layer", chosen(1, foreign)),
        ("seed-json-10000-deep", chosen(0, deep)),
        ("found-control-in-platform", chosen(1, image.replace("amd64", "amd\\u001b[2J64"))),
        ("seed-schema-1", chosen(3, r#"{"schemaVersion":1,"fsLayers":[]}"#)),
    ]
}

fn offers() -> Vec<Seed> {
    let mut files = new_offer(&NewOffer::default());
    let document = files.remove("offer.yaml").unwrap_or_default();
    let description = files.remove("description.html").unwrap_or_default();
    let text = String::from_utf8_lossy(&document).into_owned();
    let given = text
        .replace("00000000-0000-0000-0000-000000000000", "11111111-1111-4111-8111-111111111111")
        .replace("your-publisher", "acme");
    let deep = format!("schemaVersion: 1\nx: {}{}", "[".repeat(1_000), "]".repeat(1_000));
    vec![
        ("seed-template", chosen(0, document)),
        ("seed-given", chosen(0, given)),
        ("seed-description", chosen(1, description)),
        ("seed-aliases", chosen(0, "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n<<: *a\n")),
        ("seed-deep", chosen(0, deep)),
        ("seed-not-utf8", chosen(0, b"publisher: \xff\xfe\n")),
    ]
}

fn edits() -> Vec<Seed> {
    let document = new_offer(&NewOffer::default()).remove("offer.yaml").unwrap_or_default();
    let document = String::from_utf8_lossy(&document).into_owned();
    let changes = [
        "/name \"Vitals\"",
        "/plans/0/tags [\"latest\",\"1.0.0\"]",
        "/plans/0/description \"<p>One</p>\\n<p>Two</p>\"",
        "/leads",
        "/listing/terms {\"url\":\"https://contoso.com/terms\"}",
        "/plans/0/twin [{\"name\":\"a\",\"value\":{\"b\":1.5}}]",
        "/new - : #",
    ]
    .join("\0");
    let flow = "{ name: 'a ''b''', plans: [ { id: x, routes: [] }, ], # c\n listing: { links: [{ title: \"\\u00e9\", url: ' https://a ' }] } }";
    let blocks = "\u{feff}# head\r\nname: |+\r\n  a\r\n\r\nplans:\r\n- id: a # one\r\n  summary: >-\r\n    b\r\n    c\r\n-\r\n  id: \"d\\re\"\r\n";
    vec![
        ("seed-template", chosen(0, format!("\0{changes}"))),
        ("seed-flow", chosen(0, format!("{flow}\0/plans/0/id y\0/listing/links/0/title\0/name 1e3"))),
        ("seed-blocks", chosen(0, format!("{blocks}\0/plans/1/id z\0/plans/0\0/name \"a\\nb\""))),
        ("seed-form", chosen(1, document)),
        ("seed-form-flow", chosen(1, flow)),
        ("seed-form-blocks", chosen(1, blocks)),
        ("seed-merge", chosen(2, format!("\0{changes}\0/name \"Other\"\0/plans/0/id x\0/plans/0/id y"))),
    ]
}

fn zips() -> Vec<Seed> {
    let members: &[(&str, &[u8])] =
        &[("offer.yaml", b"name: a\n"), ("logos/small.png", b"\x89PNG"), ("empty", b"")];
    let below: &[(&str, &[u8])] =
        &[("my/", b""), ("my/offer.yaml", b"name: a\n"), ("__MACOSX/my/._x", b"y"), ("my/a/b", b"c")];
    let files = members.iter().map(|(name, content)| ((*name).to_owned(), content.repeat(40))).collect();
    let pairs = b"offer.yaml\0name: a\0x/../y\0z\0logos/small.png\0\x89PNG".to_vec();
    vec![
        ("seed-stored", chosen(0, archives::zip(members))),
        ("seed-below", chosen(0, archives::zip(below))),
        ("seed-deflated", chosen(0, offer::zip::pack(&files).unwrap_or_default())),
        ("seed-outside", chosen(0, archives::zip(&[("../offer.yaml", b"x"), ("C:\\a", b"y")]))),
        ("seed-twice", chosen(0, archives::zip(&[("a", b"x"), ("a", b"y")]))),
        ("seed-files", chosen(1, &pairs)),
        ("seed-litter-below", chosen(1, b"my/offer.yaml\0name: a\0my/__MACOSX/x\0y")),
        ("seed-patched", chosen(2, [&[2, 0, 12, 9, 0, 60, 1], &pairs[..]].concat())),
    ]
}

fn requests() -> Vec<Seed> {
    let digest = Digest::of(BLOB);
    let manifest =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\
                    \"digest\":\"DIGEST\",\"size\":16},\"layers\":[]}"
            .replace("DIGEST", &digest.to_string());
    let get = |header: &str| format!("GET /v2/acme/x/blobs/{digest}\n{header}").into_bytes();
    let put = format!(
        "PUT /v2/acme/x/manifests/latest\ncontent-type: application/vnd.oci.image.manifest.v1+json\n\n{manifest}\0\
         GET /v2/acme/x/manifests/latest\0GET /v2/acme/x/tags/list?n=1&last=a\0DELETE /v2/acme/x/manifests/latest"
    );
    vec![
        ("seed-part", get("range: bytes=4-7")),
        ("seed-tail", get("range: bytes=-3")),
        ("seed-other", get("range: bytes=5-999999999999999999999999\nif-range: \"x\"")),
        ("seed-push", put.into_bytes()),
        ("seed-blob", format!("POST /v2/acme/x/blobs/uploads/?digest={digest}\n\n0123456789abcdef").into_bytes()),
        ("seed-mount", format!("POST /v2/acme/x/blobs/uploads/?mount={digest}&from=acme/y").into_bytes()),
        (
            "seed-scopes",
            b"GET /v2/token?scope=repository:acme/x:pull,push&scope=registry:catalog:*\nauthorization: Basic YTpi".to_vec(),
        ),
        ("seed-grant", b"POST /v2/token\n\ngrant_type=password&username=a&password=b&scope=repository:a/b:*".to_vec()),
        ("seed-referrers", format!("GET /v2/acme/x/referrers/{digest}?artifactType=a").into_bytes()),
        ("seed-base", b"GET /v2/\nauthorization: Bearer x".to_vec()),
        ("seed-names", b"GET /v2/a/blobs/manifests/tags/list\0HEAD /v2/acme//manifests/x\0PATCH /v2/acme/x/blobs/uploads/1".to_vec()),
    ]
}

fn secrets() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = vec![
        ("seed-token", vec![0, 0, 0]),
        ("seed-token-as-user", vec![1, 4, 0]),
        ("seed-url", vec![2, 3, 0]),
        ("seed-netrc", vec![3, 1, 0]),
        ("seed-pgpass", vec![4, 2, 0]),
        ("seed-iot-hub", vec![5, 0, 0]),
        ("seed-storage", vec![6, 0, 0]),
        ("seed-slack", vec![7, 7, 0]),
        ("seed-npm", vec![8, 6, 0]),
        ("seed-key", vec![9, 8, 0]),
    ];
    for (name, choice, around) in [
        ("seed-in-json", [0, 0, 16], "{\"set_ProductInfo\": \"x\"}"),
        ("seed-as-password-and-user", [3, 1, 30], "machine password login x:y@z  default login"),
        ("seed-after-scheme", [0, 0, 8], "https://:password@host"),
    ] {
        seeds.push((name, chosen(choice[0], [&choice[1..], around.as_bytes()].concat())));
    }
    seeds
}

fn signatures() -> Vec<Seed> {
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n\
               6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n";
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "predicate": {},
        "subject": [{"name": "a", "digest": {"sha256": "00"}}]});
    let bundle = String::from_utf8_lossy(&signed().bundle).into_owned();
    let two = bundle.replace("\"signatures\":[", "\"signatures\":[{\"sig\":\"AAAA\"},");
    vec![
        ("seed-bundle", chosen(0, &bundle)),
        ("seed-two-signatures", chosen(0, two)),
        ("seed-no-envelope", chosen(0, bundle.replace("dsseEnvelope", "messageSignature"))),
        ("seed-statement", chosen(2, statement.to_string())),
        ("seed-keys", chosen(3, [pem, "a comment\n", pem].concat())),
        ("seed-private", chosen(3, pem.replace("PUBLIC", "PRIVATE"))),
    ]
}
