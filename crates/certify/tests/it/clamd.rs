//! A ClamAV daemon's verdicts are findings like others, and without its answer nothing is clean. Against Debian's clamd
//! with signatures of our own, and against servers that misbehave.

use crate::fixture::{Image, Tar, eicar, gzip};
use certify::cache::Cache;
use certify::clamd::Clamd;
use certify::evidence::{FaultKind, ImageEvidence, MatchKind};
use certify::gather::gather;
use certify::rules::Rules;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// clamd loads our two small files in less than a second; a busy machine needs longer.
const START_TIME_MAX: Duration = Duration::from_secs(60);

struct Daemon {
    child: Child,
    directory: tempfile::TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start() -> Daemon {
        Daemon::start_with("StreamMaxLength 1M\n")
    }

    /// With these lines in its configuration.
    fn start_with(more: &str) -> Daemon {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name).display().to_string();
        std::fs::create_dir(at("db")).expect("it can be made");
        let own = hex::encode("a signature of our own");
        std::fs::write(
            at("db/own.ndb"),
            format!("Own.Text:0:*:{own}\nOwn.Eicar:0:0:{}\n", hex::encode(eicar())),
        )
        .expect("it can be written");
        let config = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nTemporaryDirectory {}\n{more}",
            at("socket"),
            at("db"),
            directory.path().display()
        );
        std::fs::write(at("clamd.conf"), config).expect("it can be written");
        let child = Command::new("clamd")
            .arg(format!("--config-file={}", at("clamd.conf")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("clamd could not be run; hint: install Debian's package clamav-daemon");
        let daemon = Daemon { child, directory };
        let begun = Instant::now();
        while UnixStream::connect(daemon.socket()).is_err() {
            assert!(begun.elapsed() < START_TIME_MAX, "clamd did not open its socket");
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon
    }

    /// Adds a signature, and tells the daemon to load it.
    fn learn(&self, name: &str, text: &str) {
        let file = self.directory.path().join(format!("db/{name}.ndb"));
        std::fs::write(file, format!("{name}:0:*:{}\n", hex::encode(text))).expect("it can be written");
        let mut stream = UnixStream::connect(self.socket()).expect("it listens");
        stream.write_all(b"zRELOAD\0").expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert_eq!(answer.trim_end_matches('\0'), "RELOADING");
    }

    fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join("socket")
    }
}

fn rules(socket: &Path, time: Duration) -> Rules {
    let clamd = Clamd::at(&format!("unix:{}", socket.display())).expect("an address");
    Rules::built_in().with_clamd(clamd.answering_within(time))
}

fn malware(evidence: &ImageEvidence) -> Vec<String> {
    let name = |found: &certify::evidence::Match| match &found.kind {
        MatchKind::Malware(name) => Some(format!("{} {name}", found.place.path)),
        _ => None,
    };
    evidence.matches.iter().filter_map(name).collect()
}

#[test]
fn the_verdicts_of_clamd_are_findings_and_what_it_does_not_take_is_said() {
    let daemon = Daemon::start();
    let rules = rules(&daemon.socket(), Duration::from_secs(60));
    rules.refresh();
    assert!(rules.version().contains("+ClamAV 1."), "{}", rules.version());
    let mut tar = Tar::default()
        .file("a", 0o644, b"this is a signature of our own, no doubt")
        .file("b.gz", 0o644, &gzip(b"packed: a signature of our own"))
        .file("c", 0o644, b"clean")
        .file("eicar.com", 0o644, &eicar())
        .file("large", 0o644, &vec![b'x'; 2 << 20]);
    // More files than a session's first, so that sessions are used again.
    for number in 0..50 {
        tar = tar.file(&format!("clean/{number}"), 0o644, format!("clean {number}").as_bytes());
    }
    let evidence = Image::new().layer(tar).gather_with(&rules);
    assert_eq!(
        malware(&evidence),
        [
            "eicar.com Own.Eicar.UNOFFICIAL",
            "a Own.Text.UNOFFICIAL",
            "b.gz Own.Text.UNOFFICIAL",
            "eicar.com eicar_test_file",
        ]
    );
    let faults: Vec<(FaultKind, &str)> =
        evidence.faults.iter().map(|fault| (fault.kind, fault.place.path.as_str())).collect();
    assert_eq!(faults, [(FaultKind::Unscanned, "large")]);
    assert!(evidence.faults[0].message.contains("StreamMaxLength"), "{}", evidence.faults[0].message);
}

#[test]
fn files_that_stream_by_are_shown_to_clamd_too() {
    let daemon = Daemon::start();
    let rules = rules(&daemon.socket(), Duration::from_secs(60));
    let evidence =
        Image::new().layer(Tar::default().file("huge", 0o644, &vec![b'x'; 20 << 20])).gather_with(&rules);
    assert_eq!(evidence.faults.len(), 1, "{:?}", evidence.faults);
    assert!(evidence.faults[0].message.contains("StreamMaxLength"), "{:?}", evidence.faults);
}

#[test]
fn a_hit_at_the_end_of_a_file_that_streams_by_is_found() {
    let daemon = Daemon::start_with("StreamMaxLength 64M\n");
    let rules = rules(&daemon.socket(), Duration::from_secs(60));
    let mut large = vec![b'x'; 20 << 20];
    large.extend_from_slice(b"a signature of our own");
    let tar = Tar::default().file("opt/large", 0o644, &large).file("opt/clean", 0o644, b"clean");
    let evidence = Image::new().layer(tar).gather_with(&rules);
    assert_eq!(evidence.faults, []);
    assert_eq!(malware(&evidence), ["opt/large Own.Text.UNOFFICIAL"]);
}

#[test]
fn over_tcp_each_layer_gets_its_own_verdicts_however_many_ask_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let _daemon = Daemon::start_with(&format!("TCPSocket {port}\nTCPAddr 127.0.0.1\n"));
    let clamd = Clamd::at(&format!("tcp://127.0.0.1:{port}")).expect("an address");
    let rules = Rules::built_in().with_clamd(clamd.answering_within(Duration::from_secs(60)));
    // More images at once than sessions are open, and each of several layers that are read at the same time.
    let image = |image: usize| {
        let layer = |layer: usize| {
            let mut tar = Tar::default();
            for file in 0..10 {
                let content = match file == layer {
                    true => format!("{image}: a signature of our own"),
                    false => format!("{image}: clean {layer} {file}"),
                };
                tar = tar.file(&format!("{image}/{layer}/{file}"), 0o644, content.as_bytes());
            }
            tar
        };
        (0..4).map(layer).fold(Image::new(), Image::layer)
    };
    std::thread::scope(|scope| {
        let gathered: Vec<_> = (0..6)
            .map(|number| {
                (
                    number,
                    scope.spawn({
                        let rules = &rules;
                        move || image(number).gather_with(rules)
                    }),
                )
            })
            .collect();
        for (number, gathered) in gathered {
            let evidence = gathered.join().expect("no thread panics");
            assert_eq!(evidence.faults, []);
            let mut found = malware(&evidence);
            found.sort();
            let expected: Vec<String> =
                (0..4).map(|layer| format!("{number}/{layer}/{layer} Own.Text.UNOFFICIAL")).collect();
            assert_eq!(found, expected);
        }
    });
}

/// What is gathered with a cache.
fn gathered(image: &Image, rules: &Rules, cache: &Cache) -> ImageEvidence {
    rules.refresh();
    let (memory, reference) = image.store();
    gather(&memory, &reference, rules, Some(cache), &|_| ()).expect("the image is fine")
}

#[test]
fn a_signature_that_was_added_is_looked_for_although_no_version_tells_of_it() {
    let daemon = Daemon::start();
    let rules = rules(&daemon.socket(), Duration::from_secs(60));
    let cache = Cache::open(&daemon.directory.path().join("cache"), 1 << 20).expect("it can be made");
    let image = Image::new().layer(Tar::default().file("a", 0o644, b"a signature of tomorrow"));
    assert_eq!(malware(&gathered(&image, &rules, &cache)), [""; 0]);
    daemon.learn("Later", "a signature of tomorrow");
    // It loads beside its work.
    let begun = Instant::now();
    while malware(&gathered(&image, &rules, &cache)).is_empty() {
        assert!(begun.elapsed() < START_TIME_MAX, "evidence of before is used");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(malware(&gathered(&image, &rules, &cache)), ["a Later.UNOFFICIAL"]);
}

#[test]
fn evidence_is_used_again_while_the_version_or_the_operators_key_is_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let (version, asked) = (Arc::new(std::sync::Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
    let (told, counter) = (version.clone(), asked.clone());
    let (socket, _) = server(directory.path(), move |mut stream| {
        let mut first = [0; 1];
        let mut command = Vec::new();
        while stream.read(&mut first).is_ok_and(|count| count == 1) && first[0] != 0 {
            command.push(first[0]);
        }
        if command == b"zVERSION" {
            let version = told.lock().expect("no test panics with it").clone();
            let _ = stream.write_all(format!("{version}\0").as_bytes());
        } else if read_file(&mut stream) {
            counter.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(b"1: stream: OK\0");
        }
    });
    let cache = Cache::open(&directory.path().join("cache"), 1 << 20).expect("it can be made");
    let image = Image::new().layer(Tar::default().file("a", 0o644, b"x"));
    let plain = "ClamAV 1.4.6";
    // What the daemon says of itself, the key, and how often it was asked about the file after it all.
    let table = [
        ("ClamAV 1.4.6/27600/Mon Nov 23 09:00:00 2026", None, 1),
        ("ClamAV 1.4.6/27600/Mon Nov 23 09:00:00 2026", None, 1),
        ("ClamAV 1.4.6/27601/Tue Nov 24 09:00:00 2026", None, 2),
        (plain, None, 3),
        (plain, None, 4),
        (plain, Some("own of 23 November"), 5),
        (plain, Some("own of 23 November"), 5),
        (plain, Some("own of 24 November"), 6),
    ];
    for (says, key, times) in table {
        says.clone_into(&mut version.lock().expect("no test panics with it"));
        let clamd = Clamd::at(&format!("unix:{}", socket.display())).expect("an address");
        let clamd = key.into_iter().fold(clamd, Clamd::with_key);
        let rules = Rules::built_in().with_clamd(clamd.answering_within(Duration::from_secs(20)));
        assert_eq!(gathered(&image, &rules, &cache).faults, []);
        assert_eq!(asked.load(Ordering::Relaxed), times, "{says} {key:?}");
    }
}

/// Answers each connection by `behave`; how many there were is counted.
fn server(
    directory: &Path,
    behave: impl Fn(UnixStream) + Send + Sync + 'static,
) -> (std::path::PathBuf, Arc<AtomicUsize>) {
    let path = directory.join("socket");
    let listener = UnixListener::bind(&path).expect("it can be bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
            behave(stream);
        }
    });
    (path, count)
}

/// Reads until the file's end, and says whether there was one.
fn read_file(stream: &mut UnixStream) -> bool {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !seen.ends_with(&[0, 0, 0, 0]) {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => seen.extend_from_slice(&piece[..count]),
            _ => return false,
        }
    }
    true
}

#[test]
fn without_a_right_answer_nothing_is_clean_and_nothing_is_kept() {
    type Behaviour = fn(UnixStream);
    let behaviours: &[(&str, Behaviour)] = &[
        ("closes at once", drop),
        ("closes after the file", |mut stream| {
            read_file(&mut stream);
        }),
        ("answers garbage", |mut stream| {
            read_file(&mut stream);
            let _ = stream.write_all(b"\xff\xfe nonsense\0");
        }),
        ("answers to another request", |mut stream| {
            read_file(&mut stream);
            let _ = stream.write_all(b"7: stream: OK\0");
        }),
        ("answers without an end", |mut stream| {
            read_file(&mut stream);
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }),
        ("is slow", |mut stream| {
            read_file(&mut stream);
            std::thread::sleep(Duration::from_millis(900));
        }),
        ("says OK before it has the file", |mut stream| {
            let _ = stream.write_all(b"1: stream: OK\0");
        }),
    ];
    for (name, behave) in behaviours {
        let directory = tempfile::tempdir().expect("a directory");
        let (socket, connections) = server(directory.path(), *behave);
        let rules = rules(&socket, Duration::from_millis(400));
        let kept = directory.path().join("cache");
        let cache = Cache::open(&kept, 1 << 20).expect("it can be made");
        let content = vec![b'x'; 4 << 20];
        let image = Image::new().layer(Tar::default().file("a", 0o644, &content).file("b", 0o644, b"more"));
        let (memory, reference) = image.store();
        let begun = Instant::now();
        let evidence = gather(&memory, &reference, &rules, Some(&cache), &|_| ()).expect("the image is fine");
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}");
        let kinds: Vec<FaultKind> = evidence.faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [FaultKind::ScannerUnavailable], "{name}: {:?}", evidence.faults);
        assert!(connections.load(Ordering::Relaxed) <= 2, "{name}: asked again and again");
        assert_eq!(std::fs::read_dir(&kept).expect("it is there").count(), 0, "{name}: kept");
    }
}

#[test]
fn a_daemon_that_is_away_is_said_with_its_address() {
    let rules = Rules::built_in().with_clamd(Clamd::at("unix:/nowhere/clamd.ctl").expect("an address"));
    rules.refresh();
    assert!(rules.version().ends_with("+ClamAV unavailable"), "{}", rules.version());
    let evidence = Image::new().layer(Tar::default().file("a", 0o644, b"x")).gather_with(&rules);
    assert_eq!(evidence.faults.len(), 1);
    let message = &evidence.faults[0].message;
    assert!(
        message.starts_with("the ClamAV daemon at unix:/nowhere/clamd.ctl could not be asked: "),
        "{message}"
    );
}

#[test]
fn an_idle_session_that_the_daemon_closed_costs_no_verdict() {
    let directory = tempfile::tempdir().expect("a directory");
    let (socket, connections) = server(directory.path(), |mut stream| {
        if read_file(&mut stream) {
            let _ = stream.write_all(b"1: stream: OK\0");
        }
    });
    let rules = rules(&socket, Duration::from_secs(20));
    let tar = Tar::default().file("a", 0o644, b"x").file("b", 0o644, b"y").file("c", 0o644, b"z");
    let evidence = Image::new().layer(tar).gather_with(&rules);
    assert_eq!(evidence.faults, []);
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}
