//! Asks a ClamAV daemon about files (clamd(8): `VERSION`, `IDSESSION`, `INSTREAM`), over a Unix or TCP socket, whole files
//! only: archives are its own business, as they are ours. What it cannot answer is an error of this file or of the
//! daemon, never a clean file. It knows neither layers nor findings.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod session;
pub(crate) use session::{Answer, Stream};

/// Most connections at the same time. clamd has ten threads for everybody by default (`MaxThreads`).
const SESSIONS_MAX: usize = 4;

/// Longest wait for a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest wait for a verdict on one file, and for room to send more of it. clamd itself stops after two minutes by
/// default (`MaxScanTime`).
const ANSWER_TIME_MAX: Duration = Duration::from_secs(150);

/// Longest answer. A signature's name has some dozens of letters.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// A ClamAV daemon.
#[derive(Debug)]
pub struct Clamd {
    address: Address,
    answer_time_max: Duration,
    key: Option<String>,
    /// What the daemon said of itself when it was asked last; `Err` is why it could not be asked.
    version: Mutex<Result<String, String>>,
    sessions: Mutex<Sessions>,
    free: Condvar,
}

#[derive(Debug, Default)]
struct Sessions {
    open: usize,
    idle: Vec<session::Session>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Unix(PathBuf),
    /// Host and port, looked up at each connection.
    Tcp(String),
}

/// An address that is not of the form `unix:/PATH` or `tcp://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a ClamAV daemon; write unix:/path/to/clamd.ctl or tcp://127.0.0.1:3310")]
pub struct AddressError(String);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

impl Clamd {
    /// The daemon at `unix:/PATH` or `tcp://HOST:PORT`. Nothing is connected yet.
    ///
    /// # Errors
    /// Another form of address.
    pub fn at(address: &str) -> Result<Clamd, AddressError> {
        let wrong = || AddressError(address.to_owned());
        let address = if let Some(path) = address.strip_prefix("unix:") {
            // `unix:///run/…` is seen, too.
            let path = path.strip_prefix("//").unwrap_or(path);
            Address::Unix(PathBuf::from(Some(path).filter(|path| path.starts_with('/')).ok_or_else(wrong)?))
        } else {
            let host = address.strip_prefix("tcp://").ok_or_else(wrong)?.trim_end_matches('/');
            let (name, port) = host.rsplit_once(':').ok_or_else(wrong)?;
            let port: u16 = port.parse().map_err(|_| wrong())?;
            if name.is_empty() || port == 0 {
                return Err(wrong());
            }
            Address::Tcp(host.to_owned())
        };
        Ok(Clamd {
            address,
            answer_time_max: ANSWER_TIME_MAX,
            key: None,
            version: Mutex::new(Err("it was not asked yet".to_owned())),
            sessions: Mutex::default(),
            free: Condvar::new(),
        })
    }

    /// The same daemon, given less time for an answer than the default of 150 seconds.
    #[must_use]
    pub fn answering_within(mut self, time: Duration) -> Clamd {
        self.answer_time_max = time;
        self
    }

    /// Asks the daemon for its version, which the evidence is kept under; once for each certification, for its
    /// databases change while it runs.
    pub(crate) fn refresh(&self) {
        let version = self.ask_version().map_err(|error| self.unavailable(&error));
        // Sessions that are idle may be of a daemon that was restarted.
        lock(&self.sessions).idle.clear();
        *lock(&self.version) = version;
    }

    /// The same daemon, with a text of the operator's that changes with his own signatures: it is a part of the version,
    /// and evidence is kept under it.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Clamd {
        self.key = Some(key.to_owned());
        self
    }

    /// Engine and database, as `ClamAV 1.4.3/27600/Mon Nov 23 …`; without a database from ClamAV only the engine. Then the
    /// operator's key.
    pub(crate) fn version(&self) -> Result<String, String> {
        let version = lock(&self.version).clone()?;
        Ok(match &self.key {
            Some(key) => format!("{version} {key}"),
            None => version,
        })
    }

    /// Whether the version changes whenever what the daemon looks for does. It tells the number of ClamAV's own database
    /// and nothing else: not how many signatures there are, nor which other databases (clamd(8), `VERSION`, `STATS`). With
    /// other databases alone there is nothing that evidence could be kept under, unless the operator says what.
    pub(crate) fn is_versioned(&self) -> bool {
        self.key.is_some() || lock(&self.version).as_ref().is_ok_and(|version| version.contains('/'))
    }

    fn ask_version(&self) -> io::Result<String> {
        let mut socket = self.connect()?;
        socket.write_all(b"zVERSION\0")?;
        let answer = session::read_answer(&mut socket)?;
        if answer.starts_with("ClamAV ") && answer.chars().all(|c| !c.is_control()) {
            Ok(answer)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("its version is {answer:?}")))
        }
    }

    fn unavailable(&self, error: &io::Error) -> String {
        let cause = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("no answer within {} s", self.answer_time_max.as_secs_f32())
            }
            _ => error.to_string(),
        };
        format!("the ClamAV daemon at {} could not be asked: {cause}", self.address)
    }

    fn connect(&self) -> io::Result<Socket> {
        let socket = match &self.address {
            Address::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
            Address::Tcp(host) => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                let mut connected = None;
                for address in host.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, CONNECT_TIME_MAX) {
                        Ok(stream) => {
                            connected = Some(stream);
                            break;
                        }
                        Err(error) => last = error,
                    }
                }
                let stream = connected.ok_or(last)?;
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
        };
        let time = Some(self.answer_time_max);
        match &socket {
            Socket::Unix(stream) => {
                stream.set_read_timeout(time).and_then(|()| stream.set_write_timeout(time))?
            }
            Socket::Tcp(stream) => {
                stream.set_read_timeout(time).and_then(|()| stream.set_write_timeout(time))?
            }
        }
        Ok(socket)
    }

    /// Asks about bytes that are in memory. An idle session that the daemon closed meanwhile costs a second try.
    pub(crate) fn ask(&self, data: &[u8]) -> Result<Answer, String> {
        let mut stream = self.stream()?;
        let reused = stream.reused();
        stream.send(data);
        match stream.finish() {
            Err(_) if reused => {
                let mut stream = self.fresh_stream()?;
                stream.send(data);
                stream.finish().map_err(|error| self.unavailable(&error))
            }
            answer => answer.map_err(|error| self.unavailable(&error)),
        }
    }

    /// Begins to ask about bytes that come piece by piece, on a connection of its own.
    pub(crate) fn fresh_stream(&self) -> Result<Stream<'_>, String> {
        self.wait_for_room();
        self.open().inspect_err(|_| self.leave(None))
    }

    fn stream(&self) -> Result<Stream<'_>, String> {
        let idle = self.wait_for_room();
        match idle {
            Some(session) => Ok(Stream::begin(self, session, true)),
            None => self.open().inspect_err(|_| self.leave(None)),
        }
    }

    fn open(&self) -> Result<Stream<'_>, String> {
        let session = self.connect().and_then(session::Session::begin);
        session.map(|session| Stream::begin(self, session, false)).map_err(|error| self.unavailable(&error))
    }

    /// Waits until fewer than [`SESSIONS_MAX`] files are being asked about. Each of them ends in bounded time.
    fn wait_for_room(&self) -> Option<session::Session> {
        let mut sessions = lock(&self.sessions);
        while sessions.open >= SESSIONS_MAX {
            sessions = self.free.wait(sessions).unwrap_or_else(PoisonError::into_inner);
        }
        sessions.open += 1;
        sessions.idle.pop()
    }

    fn leave(&self, session: Option<session::Session>) {
        let mut sessions = lock(&self.sessions);
        sessions.open -= 1;
        sessions.idle.extend(session);
        self.free.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it changes what these locks guard.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Either kind of connection.
#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.read(buffer),
            Socket::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.write(buffer),
            Socket::Tcp(stream) => stream.write(buffer),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Socket::Unix(stream) => stream.flush(),
            Socket::Tcp(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_two_forms() {
        for address in ["unix:/run/clamav/clamd.ctl", "tcp://127.0.0.1:3310", "tcp://[::1]:3310"] {
            assert_eq!(Clamd::at(address).map(|clamd| clamd.address.to_string()).as_deref(), Ok(address));
        }
        assert_eq!(
            Clamd::at("unix:///run/c").map(|clamd| clamd.address.to_string()).as_deref(),
            Ok("unix:/run/c")
        );
        for address in
            ["", "unix:", "unix:run/c", "tcp://host", "tcp://:3310", "tcp://h:0", "tcp://h:x", "/run/c"]
        {
            assert!(Clamd::at(address).is_err(), "{address}");
        }
    }
}
