//! What is asked of one file's bytes: the packages that it names, its machine if it is a program, and its content's
//! scan. A file is held whole up to a limit; a larger one streams by.

use super::{FACTS_MAX, Pass};
use crate::binary;
use crate::evidence::{Binary, FaultKind, FileFact};
use crate::files;
use crate::gowatch::GoWatch;
use crate::licences::copyright;
use crate::owners;
use crate::packages::{self, runtime};
use crate::tarwalk::{Entry, WalkError, Walker};
use std::io::Read;
use std::sync::Mutex;

/// Files up to this size are held whole.
const WHOLE_BYTES_MAX: u64 = 16 << 20;

/// Programs, libraries, zip archives and package databases (a desktop's RPM database has 100 MB, a server image's 20)
/// up to this size are held whole too, because what is asked of them stands at their ends; but only one at a time in the whole process.
const LARGE_BYTES_MAX: u64 = 64 << 20;

/// Room of a [`large_buffer`]: that of the largest file that is held.
const LARGE_BUFFER_BYTES: usize = 64 << 20;
const _: () = assert!(LARGE_BUFFER_BYTES as u64 >= LARGE_BYTES_MAX && LARGE_BYTES_MAX > WHOLE_BYTES_MAX);

/// An empty buffer for contents of unknown or great size. Only what is written to takes memory. More than 32 MiB at once
/// is asked of the system and goes back to it when it is dropped; smaller blocks, and those that grow step by step, make
/// glibc keep ever larger ones for itself, thread by thread (measured on a 900 MB image: 150 MB at the peak, now 85).
pub(crate) fn large_buffer() -> Vec<u8> {
    Vec::with_capacity(LARGE_BUFFER_BYTES)
}

/// The one large file.
static LARGE: Mutex<()> = Mutex::new(());

/// Enough of a large program to read its headers.
const HEAD_BYTES: u64 = 64 << 10;

impl Pass<'_> {
    pub(super) fn file(
        &mut self,
        entry: &Entry,
        path: &str,
        walker: &mut Walker<impl Read>,
    ) -> Result<(), WalkError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let result = if entry.size <= WHOLE_BYTES_MAX {
            if buffer.capacity() < LARGE_BUFFER_BYTES {
                buffer = large_buffer();
            }
            let read = walker.read_data(entry.size, &mut buffer);
            if read.is_ok() {
                self.whole(entry, path, &buffer);
            }
            read
        } else {
            self.large(entry, path, walker)
        };
        self.buffer = buffer;
        result
    }

    fn large(&mut self, entry: &Entry, path: &str, walker: &mut Walker<impl Read>) -> Result<(), WalkError> {
        let mut head = Vec::new();
        walker.read_data(HEAD_BYTES, &mut head)?;
        let wanted_whole =
            matches!(head[..], [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] | [b'P', b'K', 3 | 5, ..]);
        if (wanted_whole || packages::is_database(path)) && entry.size <= LARGE_BYTES_MAX {
            // A panic of another scan leaves nothing half done behind this lock.
            let _one_at_a_time = LARGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut whole = large_buffer();
            whole.extend_from_slice(&head);
            walker.read_data(entry.size, &mut whole)?;
            self.whole(entry, path, &whole);
            return Ok(());
        }
        if packages::wants(path) {
            let most = if packages::is_database(path) { LARGE_BYTES_MAX } else { WHOLE_BYTES_MAX };
            let message = format!("the package database has {} bytes, more than {most}", entry.size);
            self.scanner.fault(FaultKind::Packages, path, message, "check how the image was built");
        }
        let program = binary::header(&head);
        self.note_binary(path, program, entry);
        let mut runtime = runtime::wanted(path).filter(|_| wanted_whole);
        let watched = runtime::Watch::new(head.as_slice().chain(walker.data()), runtime.clone());
        let mut watch = GoWatch::new(watched, wanted_whole);
        let streamed = self.scanner.stream(path, entry.size, &mut watch);
        let place = self.scanner.place(path);
        if let Some(version) = &watch.get_ref().version
            && let Some(runtime) = runtime.take()
        {
            self.evidence.packages.push(runtime.package(&place, version));
        }
        if let Some(info) = watch.build_info() {
            self.evidence.packages.extend(packages::go::packages(&place, &info));
        }
        streamed.map_err(WalkError::Read)
    }

    /// Everything that is asked of a file whose bytes are all there.
    fn whole(&mut self, entry: &Entry, path: &str, data: &[u8]) {
        let place = self.scanner.place(path);
        if let Some(result) = packages::read(&place, data) {
            match result {
                Ok(found) => self.evidence.packages.extend(found),
                Err(cause) => {
                    let message = format!("the package database cannot be read: {cause}");
                    self.scanner.fault(
                        FaultKind::Packages,
                        path,
                        message,
                        "install packages with their manager",
                    );
                }
            }
        }
        if owners::wants(path) {
            self.owners.read(path, data);
        }
        if matches!(path, "etc/os-release" | "usr/lib/os-release")
            && let Some(distribution) = files::os_release(data)
        {
            self.evidence.distributions.push((path.to_owned(), distribution));
        }
        if copyright::is_copyright(path)
            && self.evidence.licences.len() < FACTS_MAX
            && let Some(licence) = copyright::read(data)
        {
            self.evidence.licences.push((path.to_owned(), licence));
        }
        if let Some(header) = binary::header(data) {
            self.program(entry, path, data, header);
        }
        self.scanner.file(path, data);
    }

    /// What a program's bytes say of what it was built from.
    fn program(&mut self, entry: &Entry, path: &str, data: &[u8], mut header: binary::Header) {
        let place = self.scanner.place(path);
        if let Some(runtime) = runtime::wanted(path)
            && let Some(version) = runtime.version(data)
        {
            self.evidence.packages.push(runtime.package(&place, &version));
        }
        if header.executable
            && let Some(info) = packages::go::find(data)
        {
            if header.machine.architecture == "arm" && header.machine.variant.is_none() {
                header.machine.variant = packages::go::arm_variant(&info);
            }
            self.evidence.packages.extend(packages::go::packages(&place, &info));
        }
        match packages::rust::read(&place, data) {
            Ok(found) => self.evidence.packages.extend(found),
            Err(cause) => {
                let message = format!("the program's Rust audit data cannot be read: {cause}");
                self.scanner.fault(
                    FaultKind::Packages,
                    path,
                    message,
                    "build the program with cargo auditable",
                );
            }
        }
        self.note_binary(path, Some(header), entry);
    }

    fn note_binary(&mut self, path: &str, header: Option<binary::Header>, entry: &Entry) {
        let Some(header) = header else { return };
        let place = self.scanner.place(path);
        if header.core_dump {
            let fact =
                FileFact { place, mode: entry.mode, uid: entry.uid, size: entry.size, directory: false };
            self.evidence.leftovers.push(fact);
        } else if self.evidence.binaries.len() < FACTS_MAX {
            self.evidence.binaries.push(Binary {
                place,
                machine: header.machine,
                static_linked: header.static_linked,
                executable: header.executable,
                packer: header.packer,
            });
        }
    }
}
