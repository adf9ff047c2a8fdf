//! What exports made and imports brought is there as long as somebody may build on it.

use super::{Aged, assert_sound};
use crate::support::*;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use market::exports::NewExport;
use market::imports::{ImportView, NewTrustedKey};
use market::{Actor, Market};
use offer::submission::SubmissionState;
use std::collections::BTreeMap;
use std::io::Read;

const OPERATOR: Actor = Actor::Operator;

/// A file of the archive by its name, and the names in their order.
type Carried = (BTreeMap<String, Bytes>, Vec<String>);

async fn archive(market: &Market, id: &str) -> Carried {
    let (archive, length) = market.export_archive(&OPERATOR, id).await.unwrap();
    let bytes: Vec<Bytes> = archive.try_collect().await.unwrap();
    let bytes = bytes.concat();
    assert_eq!(bytes.len() as u64, length);
    let (mut files, mut names) = (BTreeMap::new(), Vec::new());
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        names.push(name.clone());
        files.insert(name, content.into());
    }
    (files, names)
}

/// The statement comes after the two files of the layout, the whole, and the statement's manifest.
async fn begin(there: &Market, (files, names): &Carried) -> ImportView {
    there.begin_import(&OPERATOR, files[&names[4]].clone()).await.unwrap()
}

/// Sends what is missing, but for some.
async fn send(there: &Market, import: &ImportView, (files, _): &Carried, but: usize) {
    for content in &import.missing[but..] {
        let name = format!("blobs/{}/{}", content.digest.algorithm(), content.digest.hex());
        let bytes = files.get(&name).unwrap_or_else(|| panic!("{name} is not in the archive")).clone();
        let bytes = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]).boxed();
        there.receive_content(&OPERATOR, &import.id, &content.digest.to_string(), bytes).await.unwrap();
    }
}

async fn publish_live(market: &Market, content: &str, version: &str) {
    let working = work(market);
    push(market, content, &["latest", version]).await;
    publish(market, offer(&["latest", version])).await;
    wait_for(market, SubmissionState::WaitingForPublisherReview).await;
    go_live(market).await;
    drop(working);
}

/// Twice, with a grace period in between.
async fn collect(aged: &Aged, market: Market) -> Market {
    let (market, _) = aged.later(market, 1, false).await;
    aged.later(market, 25, false).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_and_imports_keep_what_they_need() {
    let (here, home) = Aged::new(0).await;
    publish_live(&home, "one", "1.0.0").await;
    let first = home.export(&OPERATOR, NewExport::default()).await.unwrap();
    let home = collect(&here, home).await;
    let carried = archive(&home, &first.id).await;
    let pem = home.public_keys(&OPERATOR).await.unwrap()[0].pem.clone();

    let (away, there) = Aged::new(0).await;
    there.trust_keys(&OPERATOR, &NewTrustedKey { label: "home".to_owned(), pem }).await.unwrap();
    let begun = begin(&there, &carried).await;
    assert!(begun.missing.len() > 5, "{begun:?}");
    send(&there, &begun, &carried, 2).await;
    let there = collect(&away, there).await;
    let again = begin(&there, &carried).await;
    assert_eq!(again.missing, begun.missing[..2], "what an unfinished import received stays");
    send(&there, &again, &carried, 0).await;
    assert!(there.finish_import(&OPERATOR, &first.id).await.unwrap().finished.is_some());
    let there = collect(&away, there).await;
    assert_sound(&there).await;

    // What is as it was, the listing included, is left out of an export that builds on the first.
    let since = NewExport { since: Some(first.id.clone()), ..NewExport::default() };
    let second = home.export(&OPERATOR, since).await.unwrap();
    let home = collect(&here, home).await;
    let carried = archive(&home, &second.id).await;
    let begun = begin(&there, &carried).await;
    send(&there, &begun, &carried, 0).await;
    there.finish_import(&OPERATOR, &second.id).await.unwrap();
    let there = collect(&away, there).await;
    assert_sound(&there).await;
    assert_sound(&home).await;
}
