//! Files in pieces, for downloads: what lies in the system's page cache is read at once, by the task that sends it, and
//! only what must come from the disk is waited for on a thread of its own. The buffers are used again and again, because
//! fresh memory costs as much as the copy into it.

use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of one piece: as much as stays in a core's own cache between the copy from the file and the copy into the socket.
/// Measured with 16 to 256 KiB: smaller pieces cost calls, larger ones half as much CPU again. `sendfile` would cost a
/// quarter of it, but has no way through hyper.
const PIECE_BYTES: usize = 64 << 10;

/// Most buffers that are kept for later, 4 MiB in all; what more downloads at a time had goes back to the system.
const KEPT_MAX: usize = 64;

/// Reads files for all downloads.
#[derive(Default, Clone)]
pub(super) struct Reader(Arc<Kept>);

#[derive(Default)]
struct Kept(Mutex<Vec<Box<[u8]>>>);

impl Reader {
    /// A part of a file, in pieces.
    pub fn read(&self, file: File, part: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let reading = (self.clone(), Arc::new(file), part);
        stream::try_unfold(reading, |(reader, file, part)| async move {
            if part.is_empty() {
                return Ok(None);
            }
            let length = (part.end - part.start).min(PIECE_BYTES as u64) as usize;
            let mut lent = Lent { buffer: reader.0.take(), length, home: Arc::clone(&reader.0) };
            let at_once = lent.read_cached(&file, part.start);
            if at_once == 0 {
                let (file, start) = (Arc::clone(&file), part.start);
                let read = move || file.read_exact_at(&mut lent.buffer[..length], start).map(|()| lent);
                lent = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            } else {
                lent.length = at_once;
            }
            let rest = part.start + lent.length as u64..part.end;
            Ok(Some((Bytes::from_owner(lent), (reader, file, rest))))
        })
    }
}

impl Kept {
    fn take(&self) -> Box<[u8]> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| vec![0; PIECE_BYTES].into_boxed_slice())
    }

    fn put(&self, buffer: Box<[u8]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(buffer);
        }
    }
}

/// A buffer that goes home when it was sent.
struct Lent {
    buffer: Box<[u8]>,
    length: usize,
    home: Arc<Kept>,
}

impl Lent {
    /// Reads what the system has in memory, and returns how much that was; 0 also where this cannot be asked.
    #[cfg(target_os = "linux")]
    fn read_cached(&mut self, file: &File, start: u64) -> usize {
        let mut slices = [io::IoSliceMut::new(&mut self.buffer[..self.length])];
        rustix::io::preadv2(file, &mut slices, start, rustix::io::ReadWriteFlags::NOWAIT).unwrap_or(0)
    }

    #[cfg(not(target_os = "linux"))]
    fn read_cached(&mut self, _file: &File, _start: u64) -> usize {
        0
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::io::Write;

    #[tokio::test]
    async fn every_part_reads_back_and_buffers_come_home() {
        let content: Vec<u8> = (0..3 * PIECE_BYTES + 7).map(|n| (n % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let (reader, end) = (Reader::default(), content.len() as u64);
        for part in [0..end, 0..0, 5..6, PIECE_BYTES as u64 - 1..end, end - 1..end] {
            let pieces = reader.read(file.try_clone().unwrap(), part.clone());
            let pieces: Vec<Bytes> = pieces.map(Result::unwrap).collect().await;
            assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE_BYTES));
            assert_eq!(pieces.concat(), content[part.start as usize..part.end as usize]);
        }
        assert!(!reader.0.0.lock().unwrap().is_empty());
        assert!(reader.0.0.lock().unwrap().iter().all(|buffer| buffer.len() == PIECE_BYTES));
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_breaks_the_download() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"short").unwrap();
        let pieces: Vec<_> = Reader::default().read(file, 0..9).collect().await;
        assert!(pieces.last().unwrap().is_err());
        assert_eq!(pieces.iter().flatten().map(Bytes::len).sum::<usize>(), 5);
    }

    #[test]
    fn no_more_buffers_are_kept_than_that() {
        let kept = Kept::default();
        for _ in 0..=KEPT_MAX {
            kept.put(Box::new([]));
        }
        assert_eq!(kept.0.lock().unwrap().len(), KEPT_MAX);
    }
}
