//! The blob store: what is stored can be read, what failed leaves nothing, uploads resume and expire.

use bytes::Bytes;
use futures_util::{Stream, stream};
use oci::digest::Digest;
use registry::{Blobs, blobs::Error};
use std::{
    io::Read,
    path::Path,
    time::{Duration, SystemTime},
};

type Chunk = Result<Bytes, String>;

fn chunks(parts: &[&[u8]]) -> impl Stream<Item = Chunk> + Send + use<> {
    stream::iter(parts.iter().map(|p| Ok(Bytes::copy_from_slice(p))).collect::<Vec<Chunk>>())
}

fn files_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(path.file_name().unwrap().to_string_lossy().into_owned()),
        }
    }
    found
}

fn store() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    (dir, blobs)
}

#[tokio::test]
async fn a_stored_stream_reads_back_by_its_digest() {
    let (dir, blobs) = store();
    let content = vec![7u8; 3 << 20];
    let (digest, size) =
        blobs.put(None, 4 << 20, chunks(&[&content[..1000], &content[1000..]])).await.unwrap();
    assert_eq!((digest, size), (Digest::of(&content), content.len() as u64));
    assert_eq!(blobs.size(&digest).await.unwrap(), Some(size));
    assert_eq!(blobs.read(&digest, size).await.unwrap().unwrap(), content);
    assert!(matches!(blobs.read(&digest, size - 1).await, Err(Error::TooLarge { .. })));
    let mut read = Vec::new();
    blobs.open_blocking(&digest).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, content);
    assert_eq!(files_below(dir.path()), [digest.hex()]);
    let again = Blobs::open(dir.path()).unwrap();
    assert!(again.contains(&digest).await.unwrap(), "a second opening sees the same blobs");
    assert!(!again.contains(&Digest::of(b"other")).await.unwrap());
    assert!(again.get(&Digest::of(b"other")).await.unwrap().is_none());
}

#[tokio::test]
async fn what_fails_leaves_nothing() {
    let (dir, blobs) = store();
    let wrong = blobs.put(Some(Digest::of(b"other")), 100, chunks(&[b"abc"])).await;
    assert!(matches!(wrong, Err(Error::DigestMismatch { .. })));
    let large = blobs.put(None, 5, chunks(&[b"abc", b"def"])).await;
    assert!(matches!(large, Err(Error::TooLarge { limit: 5 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err("connection reset")]);
    assert!(matches!(blobs.put(None, 100, broken).await, Err(Error::Stream(_))));
    let endless = blobs.put(None, 100, stream::pending::<Chunk>());
    assert!(tokio::time::timeout(Duration::from_millis(50), endless).await.is_err());
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_resumes_also_after_a_restart() {
    let (dir, blobs) = store();
    let id = blobs.start().await.unwrap();
    assert_eq!(blobs.append(id, Some(0), 100, chunks(&[b"abc"])).await.unwrap(), 3);
    let gap = blobs.append(id, Some(5), 100, chunks(&[b"xyz"])).await;
    assert!(matches!(gap, Err(Error::WrongOffset { stands: 3, found: 5 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"de")), Err("connection reset")]);
    assert!(matches!(blobs.append(id, Some(3), 100, broken).await, Err(Error::Stream(_))));
    assert_eq!(blobs.status(id).await.unwrap(), 5, "what arrived before the break stays");
    let digest = Digest::of(b"abcdefgh");
    assert!(!blobs.contains(&digest).await.unwrap());

    let restarted = Blobs::open(dir.path()).unwrap();
    assert_eq!(restarted.append(id, Some(5), 100, chunks(&[b"fg"])).await.unwrap(), 7);
    assert_eq!(restarted.finish(id, digest, None, 100, chunks(&[b"h"])).await.unwrap(), 8);
    assert_eq!(restarted.read(&digest, 100).await.unwrap().unwrap(), "abcdefgh");
    assert!(matches!(restarted.status(id).await, Err(Error::UploadUnknown(_))));
    assert_eq!(files_below(dir.path()), [digest.hex()]);
}

#[tokio::test]
async fn an_upload_that_fails_or_is_cancelled_is_gone() {
    let (dir, blobs) = store();
    let wrong = blobs.start().await.unwrap();
    let outcome = blobs.finish(wrong, Digest::of(b"other"), None, 100, chunks(&[b"abc"])).await;
    assert!(matches!(outcome, Err(Error::DigestMismatch { .. })));
    let large = blobs.start().await.unwrap();
    let outcome = blobs.append(large, None, 2, chunks(&[b"abc"])).await;
    assert!(matches!(outcome, Err(Error::TooLarge { limit: 2 })));
    let cancelled = blobs.start().await.unwrap();
    blobs.append(cancelled, None, 100, chunks(&[b"abc"])).await.unwrap();
    blobs.cancel(cancelled).await.unwrap();
    for id in [wrong, large, cancelled] {
        assert!(matches!(
            blobs.append(id, None, 100, chunks(&[b"x"])).await,
            Err(Error::UploadUnknown(unknown)) if unknown == id
        ));
        assert!(matches!(blobs.cancel(id).await, Err(Error::UploadUnknown(_))));
    }
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn left_overs_are_no_blobs_and_expire() {
    let (dir, blobs) = store();
    // What a kill leaves: a complete upload that was never renamed, and a temporary file.
    let content = b"complete but never finished";
    let id = blobs.start().await.unwrap();
    blobs.append(id, None, 100, chunks(&[content])).await.unwrap();
    std::fs::write(dir.path().join("tmp").join(uuid::Uuid::new_v4().to_string()), content).unwrap();
    let restarted = Blobs::open(dir.path()).unwrap();
    assert!(!restarted.contains(&Digest::of(content)).await.unwrap());

    let now = SystemTime::now();
    assert_eq!(restarted.expire(now - Duration::from_secs(3600)).await.unwrap(), 0, "both are young");
    assert_eq!(restarted.expire(now + Duration::from_secs(3600)).await.unwrap(), 2);
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_in_progress_does_not_expire() {
    let (_dir, blobs) = store();
    let id = blobs.start().await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Chunk>(1);
    let receiver = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let writer = tokio::spawn({
        let blobs = blobs.clone();
        async move { blobs.finish(id, Digest::of(b"abc"), None, 100, receiver).await }
    });
    sender.send(Ok(Bytes::from_static(b"ab"))).await.unwrap();
    sender.send(Ok(Bytes::from_static(b"c"))).await.unwrap();
    assert_eq!(blobs.expire(SystemTime::now() + Duration::from_secs(3600)).await.unwrap(), 0);
    drop(sender);
    assert_eq!(writer.await.unwrap().unwrap(), 3);
}

#[tokio::test]
async fn one_blob_put_by_many_at_once_is_stored_once() {
    let (dir, blobs) = store();
    let content = vec![42u8; 300_000];
    let digest = Digest::of(&content);
    let puts = (0..8).map(|_| blobs.put(Some(digest), 1 << 20, chunks(&[&content])));
    for outcome in futures_util::future::join_all(puts).await {
        assert_eq!(outcome.unwrap(), (digest, 300_000));
    }
    assert_eq!(files_below(dir.path()), [digest.hex()]);
}

#[tokio::test]
async fn an_upload_survives_a_request_that_is_dropped_midway() {
    let (_dir, blobs) = store();
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n % 253) as u8).collect();
    let id = blobs.start().await.unwrap();
    let pieces: Vec<Chunk> =
        content[..2_500_000].chunks(60_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    let stalling = futures_util::StreamExt::chain(stream::iter(pieces), stream::pending());
    let dropped = blobs.append(id, Some(0), 4 << 20, stalling);
    assert!(tokio::time::timeout(Duration::from_millis(300), dropped).await.is_err());
    let stands = blobs.status(id).await.unwrap();
    assert!(stands <= 2_500_000);
    let rest = &content[stands as usize..];
    let size = blobs.finish(id, Digest::of(&content), Some(stands), 4 << 20, chunks(&[rest])).await.unwrap();
    assert_eq!(size, 3_000_000);
}

#[tokio::test]
async fn two_writers_of_one_upload_take_turns() {
    let (_dir, blobs) = store();
    let id = blobs.start().await.unwrap();
    let appends = (0..4).map(|_| blobs.append(id, None, 100, chunks(&[b"a", b"b"])));
    futures_util::future::try_join_all(appends).await.unwrap();
    assert_eq!(blobs.finish(id, Digest::of(b"abababab"), None, 100, chunks(&[])).await.unwrap(), 8);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_left() {
    let (dir, blobs) = store();
    let id = blobs.start().await.unwrap();
    let path = dir.path().join("uploads").join(id.to_string());
    std::fs::remove_file(&path).unwrap();
    // Linux's device that answers every write as a full disk does.
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let error = blobs.append(id, None, 100, chunks(&[b"abc"])).await.unwrap_err();
    assert!(error.is_disk_full(), "{error:?}");
    assert!(error.hint().contains("free some space"));
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
    assert!(matches!(blobs.status(id).await, Err(Error::UploadUnknown(_))));
}
