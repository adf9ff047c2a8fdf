//! One connection to clamd, and one file on it: chunks with their lengths, then an answer of one line. It opens no
//! connection, and decides about nothing.

use super::{ANSWER_BYTES_MAX, Clamd, Socket};
use std::io::{self, Read, Write};

/// Bytes of one chunk; a larger one saves nothing.
const CHUNK_BYTES: usize = 64 << 10;

/// What the daemon said of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Clean,
    /// The signature's name.
    Found(String),
    /// It did not look at the whole file: why.
    NotScanned(String),
}

/// A connection in session mode.
#[derive(Debug)]
pub(super) struct Session {
    socket: Socket,
    /// Requests so far; answers carry this number.
    number: u64,
}

impl Session {
    pub(super) fn begin(mut socket: Socket) -> io::Result<Session> {
        socket.write_all(b"zIDSESSION\0")?;
        Ok(Session { socket, number: 0 })
    }
}

/// A file on its way to the daemon.
pub(crate) struct Stream<'c> {
    clamd: &'c Clamd,
    session: Option<Session>,
    reused: bool,
    /// Chunks wait here with their lengths, so that a small file is one packet.
    buffer: Vec<u8>,
    /// What kept the rest from being sent.
    broken: Option<io::Error>,
}

impl<'c> Stream<'c> {
    pub(super) fn begin(clamd: &'c Clamd, mut session: Session, reused: bool) -> Stream<'c> {
        session.number += 1;
        Stream { clamd, session: Some(session), reused, buffer: b"zINSTREAM\0".to_vec(), broken: None }
    }

    pub(super) fn reused(&self) -> bool {
        self.reused
    }

    /// Sends more of the file. What goes wrong is told by [`Stream::finish`].
    pub(crate) fn send(&mut self, data: &[u8]) {
        for chunk in data.chunks(CHUNK_BYTES) {
            let length = u32::try_from(chunk.len()).unwrap_or(0);
            self.buffer.extend_from_slice(&length.to_be_bytes());
            self.buffer.extend_from_slice(chunk);
            if self.buffer.len() >= CHUNK_BYTES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if let Some(session) = &mut self.session
            && self.broken.is_none()
        {
            self.broken = session.socket.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }

    /// Ends the file and waits for the verdict.
    ///
    /// # Errors
    /// The connection broke, the time was over, or what came is no answer of clamd's.
    pub(crate) fn finish(mut self) -> io::Result<Answer> {
        self.buffer.extend_from_slice(&[0; 4]);
        self.flush();
        let mut session = self.session.take().ok_or(io::ErrorKind::NotConnected)?;
        let whole = self.broken.is_none();
        // A daemon that had enough of a file answers, and closes, before it has all of it.
        let answer = read_answer(&mut session.socket)
            .and_then(|text| parse_answer(&text, session.number))
            .map_err(|error| {
                self.broken.take().filter(|_| error.kind() != io::ErrorKind::InvalidData).unwrap_or(error)
            });
        let usable = whole && matches!(answer, Ok(Answer::Clean | Answer::Found(_)));
        self.clamd.leave(usable.then_some(session));
        match answer {
            Ok(Answer::Clean) if !whole => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "it answered before it had the whole file"))
            }
            answer => answer,
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if self.session.take().is_some() {
            // Given up in the middle of a file: the connection is of no use any more.
            self.clamd.leave(None);
        }
    }
}

/// One answer, without the NUL that ends it.
pub(super) fn read_answer(socket: &mut impl Read) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    loop {
        let count = match socket.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it closed the connection without an answer",
            ));
        }
        answer.extend_from_slice(&piece[..count]);
        if let Some(end) = answer.iter().position(|&byte| byte == 0) {
            answer.truncate(end);
            return Ok(String::from_utf8_lossy(&answer).trim_end().to_owned());
        }
        if answer.len() > ANSWER_BYTES_MAX {
            let message = format!("its answer has more than {ANSWER_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

/// `1: stream: OK`, `1: stream: NAME FOUND`, `1: INSTREAM size limit exceeded. ERROR`; without the number where the
/// daemon leaves the session.
fn parse_answer(text: &str, number: u64) -> io::Result<Answer> {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, format!("its answer is {shown:?}"));
    let body = match text.split_once(": ") {
        Some((first, rest)) if first.bytes().all(|byte| byte.is_ascii_digit()) && !first.is_empty() => {
            if first != number.to_string() {
                return Err(unknown());
            }
            rest
        }
        _ => text,
    };
    if let Some(error) = body.strip_suffix(" ERROR") {
        return Ok(match error {
            "INSTREAM size limit exceeded." => Answer::NotScanned(
                "the file is larger than the ClamAV daemon takes (StreamMaxLength)".to_owned(),
            ),
            _ => Answer::NotScanned(format!("the ClamAV daemon says: {}", shown.trim_end_matches(" ERROR"))),
        });
    }
    let verdict = body.strip_prefix("stream: ").ok_or_else(unknown)?;
    if verdict == "OK" {
        return Ok(Answer::Clean);
    }
    let name = verdict.strip_suffix(" FOUND").ok_or_else(unknown)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(unknown());
    }
    // Not a signature: a limit of the daemon's own (`AlertExceedsMax`).
    Ok(match name.strip_prefix("Heuristics.Limits.Exceeded") {
        Some(_) => {
            Answer::NotScanned(format!("a limit of the ClamAV daemon ended its look at the file ({name})"))
        }
        None => Answer::Found(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_are_read_strictly() {
        let found = |name: &str| Answer::Found(name.to_owned());
        assert_eq!(parse_answer("3: stream: OK", 3).ok(), Some(Answer::Clean));
        assert_eq!(parse_answer("stream: OK", 1).ok(), Some(Answer::Clean));
        assert_eq!(parse_answer("1: stream: Eicar-Test FOUND", 1).ok(), Some(found("Eicar-Test")));
        assert_eq!(parse_answer("1: stream: a: b FOUND", 1).ok(), Some(found("a: b")));
        for wrong in [
            "",
            "OK",
            "2: stream: OK",
            "1: stream: OK FOUND OK",
            "1: stream:  FOUND",
            "stream: ok",
            "1: stream: x\n FOUND",
        ] {
            assert!(parse_answer(wrong, 1).is_err(), "{wrong}");
        }
        for partly in
            ["INSTREAM size limit exceeded. ERROR", "1: stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND"]
        {
            assert!(matches!(parse_answer(partly, 1), Ok(Answer::NotScanned(_))), "{partly}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_but_the_daemons_own_words_is_clean(text in "([0-9]{0,3}: )?(stream: )?[ -~]{0,40}") {
            let clean = matches!(parse_answer(&text, 1), Ok(Answer::Clean));
            prop_assert_eq!(clean, text == "stream: OK" || text == "1: stream: OK");
        }

        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes in any::<Vec<u8>>()) {
            if let Ok(text) = read_answer(&mut &bytes[..]) {
                let _ = parse_answer(&text, 1);
            }
        }
    }
}
