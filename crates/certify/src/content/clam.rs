//! What a ClamAV daemon says of a layer's files: its verdicts as matches, what it did not look at as faults. Whole
//! files only; the daemon unpacks archives itself.

use super::Scanner;
use crate::clamd::{Answer, Stream};
use crate::evidence::{FaultKind, MatchKind};

impl<'r> Scanner<'r> {
    /// Asks about a file that is in memory.
    pub(super) fn ask_clamd(&mut self, path: &str, data: &[u8]) {
        if let Some(clamd) = self.rules.clamd()
            && !self.clamd_failed
        {
            self.clamd_said(path, clamd.ask(data));
        }
    }

    /// Begins to ask about a file that streams by.
    pub(super) fn begin_clamd(&mut self) -> Option<Stream<'r>> {
        let clamd = self.rules.clamd().filter(|_| !self.clamd_failed)?;
        clamd.fresh_stream().map_err(|cause| self.clamd_said("", Err(cause))).ok()
    }

    /// The end of what [`Scanner::begin_clamd`] began.
    pub(super) fn end_clamd(&mut self, path: &str, stream: Stream<'_>) {
        let answer =
            stream.finish().map_err(|error| format!("the ClamAV daemon could not be asked: {error}"));
        self.clamd_said(path, answer);
    }

    fn clamd_said(&mut self, path: &str, answer: Result<Answer, String>) {
        match answer {
            Ok(Answer::Clean) => {}
            Ok(Answer::Found(name)) => {
                let evidence = format!("ClamAV signature {name}");
                self.keep(path, MatchKind::Malware(name), evidence);
            }
            Ok(Answer::NotScanned(cause)) => {
                let hint = "raise the daemon's limits (StreamMaxLength, MaxFileSize, MaxScanSize), or leave the file out";
                self.fault(FaultKind::Unscanned, path, cause, hint);
            }
            Err(cause) => {
                // One fault for the layer: each further file would only wait for the same.
                self.clamd_failed = true;
                let hint = "start the ClamAV daemon, or correct its address; then certify again";
                self.fault(FaultKind::ScannerUnavailable, "", cause, hint);
            }
        }
    }
}
