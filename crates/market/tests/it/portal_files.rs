//! Pictures and whole directories of a draft over HTTP.

use crate::http::{Answer, HOST, request, send};
use crate::portal::{Desk, SHEET, base as base_of};
use crate::support::*;
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use market::offers::IfMatch;
use serde_json::json;

/// Sends fields and files as a form with files does.
async fn upload(desk: &Desk, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    for (name, bytes) in files {
        let head =
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.bin\"\r\n\r\n");
        body.extend(head.bytes().chain(bytes.iter().copied()).chain(*b"\r\n"));
    }
    body.extend(b"--xyz--\r\n");
    let request = request(Method::POST, path, &desk.token)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
        .header(header::ORIGIN, format!("http://{HOST}"));
    send(&desk.router, request.body(Body::from(body)).unwrap()).await
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let files = offer(&["latest", "1.0.0"]);
    let name = match (width, height) {
        (40, 40) => "small",
        (90, 90) => "medium",
        (115, 115) => "large",
        _ => "wide",
    };
    files[&format!("logos/{name}.png")].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_checked_before_they_are_stored() {
    let desk = Desk::new().await;
    let base = base_of(desk.get(&format!("{SHEET}/pictures")).await.text());
    let path = format!("{SHEET}/pictures");
    let (other, cut, huge) = (png(90, 90), png(40, 40)[..60].to_vec(), vec![0x89; (4 << 20) + 1]);
    let refused: [(&[u8], &str); 5] = [
        (&other, "is 90×90 pixels, exactly 40×40 are needed"),
        (b"\xff\xd8\xff\xe0 jpeg", "is a JPEG, not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG, not a PNG"),
        (&cut, "is truncated"),
        (&huge, "at most 4194304 are allowed"),
    ];
    for (bytes, expected) in refused {
        let answer =
            upload(&desk, &path, &[("_base", base.as_str())], &[("/listing/logos/small", bytes)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{expected}");
        assert!(answer.text().contains(expected), "{expected}: {}", answer.text());
    }
    assert_eq!(desk.files().await["logos/small.png"], png(40, 40));
    // A picture in a row that has nothing else yet, and one for a hero that was not there: both get paths of their own.
    let new = drawn(533, 324);
    let fields = [("_base", base.as_str()), ("/plans/0/screenshots/0/name", "The dashboard")];
    let files = [
        ("/plans/0/screenshots/0/file", &new[..]),
        ("/listing/videos/0/thumbnail", &new[..]),
        ("/publisher", &new[..]),
    ];
    let answer = upload(&desk, &path, &fields, &files).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let values = desk.values().await;
    assert_eq!(
        values["plans"][0]["screenshots"],
        json!([{"name": "The dashboard", "file": "screenshots/screenshot.png"}])
    );
    assert_eq!(values["listing"]["videos"], json!([{"thumbnail": "videos/thumbnail.png"}]));
    assert_eq!(values["publisher"], "contoso");
    let picture = desk.get(&format!("{SHEET}/files/screenshots/screenshot.png")).await;
    assert_eq!((picture.header(header::CONTENT_TYPE), picture.body == new), ("image/png", true));
    assert_eq!(desk.get(&format!("{SHEET}/files/offer.yaml")).await.status, StatusCode::NOT_FOUND);
    // What is removed takes its file along.
    let opened = base_of(desk.get(&path).await.text());
    let answer =
        upload(&desk, &path, &[("_base", opened.as_str()), ("_remove", "/plans/0/screenshots/0")], &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(!desk.files().await.contains_key("screenshots/screenshot.png"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_picture_leaves_no_row_and_an_accepted_one_finds_its_row() {
    let desk = Desk::new().await;
    let path = format!("{SHEET}/pictures");
    let base = base_of(desk.get(&path).await.text());
    let before = desk.files().await;
    let (bad, good) = (png(90, 90), drawn(533, 324));
    let send = async |fields: &[(&str, &str)], files: &[(&str, &[u8])]| {
        let fields: Vec<_> = [("_base", base.as_str())].into_iter().chain(fields.iter().copied()).collect();
        upload(&desk, &path, &fields, files).await
    };
    let refused = send(
        &[("/plans/0/screenshots/0/name", ""), ("/listing/videos/0/name", "")],
        &[
            ("/plans/0/screenshots/0/file", &bad[..]),
            ("/plans/0/screenshots/1/file", &bad[..]),
            ("/listing/videos/0/thumbnail", &bad[..]),
        ],
    )
    .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Each refusal stands in the empty row, where the picture can be chosen again.
    let fields = ["/plans/0/screenshots/0/file", "/listing/videos/0/thumbnail"];
    for field in fields {
        assert!(refused.text().contains(&format!("id=\"{field}-findings\"")), "{field}: {}", refused.text());
    }
    assert_eq!(refused.text().matches("is 90×90 pixels, exactly 533×324 are needed").count(), 3);
    assert!(desk.files().await == before, "nothing is left of it");
    // The first row was left empty, the second one is refused, the third one is stored as the first, with its name.
    let mixed = send(
        &[
            ("/plans/0/screenshots/0/name", ""),
            ("/plans/0/screenshots/1/name", ""),
            ("/plans/0/screenshots/2/name", "The dashboard"),
        ],
        &[("/plans/0/screenshots/1/file", &bad[..]), ("/plans/0/screenshots/2/file", &good[..])],
    )
    .await;
    assert_eq!(mixed.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", mixed.text());
    let stored = json!([{"name": "The dashboard", "file": "screenshots/screenshot.png"}]);
    assert_eq!(desk.values().await["plans"][0]["screenshots"], stored);
    assert_eq!(desk.files().await["screenshots/screenshot.png"], good);
}

/// A grey PNG of this size, stored without compression.
fn drawn(width: u32, height: u32) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    };
    let rows: Vec<u8> =
        (0..height).flat_map(|y| std::iter::once(0).chain((0..width).map(move |x| (x ^ y) as u8))).collect();
    let mut data = vec![0x78, 0x01];
    let mut blocks = rows.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        data.push(u8::from(blocks.peek().is_none()));
        data.extend(length.to_le_bytes().into_iter().chain((!length).to_le_bytes()));
        data.extend(block);
    }
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    data.extend(((b << 16) | a).to_be_bytes());
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()).chain([8, 0, 0, 0, 0]));
    for (kind, body) in [(b"IHDR", head), (b"IDAT", data), (b"IEND", Vec::new())] {
        let chunk: Vec<u8> = kind.iter().copied().chain(body.iter().copied()).collect();
        picture.extend((body.len() as u32).to_be_bytes());
        picture.extend(&chunk);
        picture.extend(crc(&chunk).to_be_bytes());
    }
    picture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_goes_out_and_in() {
    let desk = Desk::new().await;
    let before = desk.files().await;
    // The same over the API, for programs.
    let api = desk.get("/api/v1/offers/contoso/sensor/draft").await;
    assert_eq!((api.header(header::CONTENT_TYPE), api.header(header::ETAG)), ("application/x-tar", "\"1\""));
    assert!(api.body.windows(10).any(|part| part == b"offer.yaml"), "a tar of the directory");
    let exported = desk.get(&format!("{SHEET}/offer.zip")).await;
    assert_eq!(exported.header(header::CONTENT_TYPE), "application/zip");
    assert_eq!(exported.header(header::CONTENT_DISPOSITION), "attachment; filename=\"contoso.sensor.zip\"");
    // It exists already; as a new offer it is refused, over the draft it is taken.
    let again = upload(&desk, "/publish/import", &[], &[("archive", &exported.body[..])]).await;
    assert_eq!(again.status, StatusCode::PRECONDITION_FAILED);
    assert!(again.text().contains("the draft of contoso.sensor exists already"), "{}", again.text());
    desk.save("settings", &[("/name", "Other")]).await;
    let over = upload(&desk, &format!("{SHEET}/import"), &[], &[("archive", &exported.body[..])]).await;
    assert_eq!(over.status, StatusCode::SEE_OTHER, "{}", over.text());
    assert!(desk.files().await == before);
    let stale =
        upload(&desk, &format!("{SHEET}/import"), &[("etag", "1")], &[("archive", &exported.body[..])]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let (publisher_id, id) = (contoso(), sensor());
    desk.market().delete_draft(&publisher(), (&publisher_id, &id), IfMatch::Any).await.unwrap();
    let new = upload(&desk, "/publish/import", &[], &[("archive", &exported.body[..])]).await;
    assert_eq!(new.header(header::LOCATION), format!("{SHEET}/review"), "{}", new.text());
    assert!(desk.files().await == before);
    for (bytes, expected) in
        [(&b"no zip"[..], "it is no zip"), (&exported.body[..exported.body.len() / 2], "it is no zip")]
    {
        let refused = upload(&desk, "/publish/import", &[], &[("archive", bytes)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(expected), "{}", refused.text());
    }
    let none = upload(&desk, "/publish/import", &[], &[]).await;
    assert!(none.text().contains("No zip was chosen."), "{}", none.text());
}
