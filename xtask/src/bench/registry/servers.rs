//! Starts what is measured: this program with a published image, Debian's docker-registry with the same image pushed,
//! and nginx with the same bytes as files. Each listens on loopback, and ends when it is dropped.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::measure::{output, run_checked};

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(20);

/// A server that runs, and where the image is in it.
pub struct Server {
    pub port: u16,
    /// Path of the repository below `/v2/`.
    pub repository: String,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // SIGTERM first: nginx ends its workers, which a kill would leave.
        let _ = Command::new("kill").arg(&pid).status();
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}/v2/{}/{rest}", self.port, self.repository)
    }

    /// The body of the answer to a path, which must be 200.
    pub fn body(&self, path: &str) -> Result<String, String> {
        let address = format!("http://127.0.0.1:{}{path}", self.port);
        output(Command::new("curl").args(["--silent", "--show-error", "--fail", &address]))
    }

    /// Seconds of CPU that the server's processes took since they started.
    pub fn cpu_s(&self) -> Result<f64, String> {
        let mut ticks = 0;
        for pid in self.processes()? {
            let path = format!("/proc/{pid}/stat");
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
            // The name in parentheses may have spaces; user and system time are the 12th and 13th words after it.
            let words: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
            let field =
                |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            ticks += field(11) + field(12);
        }
        // Linux has counted in hundredths of a second for user space since 2.6.
        Ok(ticks as f64 / 100.0)
    }

    /// Largest resident set of its processes together, in megabytes.
    pub fn peak_mb(&self) -> Result<f64, String> {
        let mut kib = 0;
        for pid in self.processes()? {
            let path = format!("/proc/{pid}/status");
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            kib += line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(kib as f64 * 1024.0 / 1e6)
    }

    fn processes(&self) -> Result<Vec<u32>, String> {
        let pid = self.child.id();
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        Ok(std::iter::once(pid).chain(text.split_whitespace().filter_map(|word| word.parse().ok())).collect())
    }
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

fn start(name: &str, command: &mut Command, port: u16, log: &Path) -> Result<Server, String> {
    let log_file = File::create(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let errors = log_file.try_clone().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(log_file)
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let server = Server { port, repository: String::new(), child };
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START_MAX {
            return Err(format!("{name} does not listen\n{}", fs::read_to_string(log).unwrap_or_default()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

/// Copies the layout's `latest` to a registry on loopback.
pub fn push(layout: &Path, port: u16, image: &str, credentials: Option<&str>) -> Result<(), String> {
    let mut command = Command::new("skopeo");
    command.args(["copy", "--quiet", "--dest-tls-verify=false"]);
    if let Some(credentials) = credentials {
        command.args(["--dest-creds", credentials]);
    }
    run_checked(
        command
            .arg(format!("oci:{}:latest", layout.display()))
            .arg(format!("docker://127.0.0.1:{port}/{image}")),
    )
}

/// This program, empty but for a publisher and a subscription.
pub struct Ours {
    pub server: Server,
    /// Name and token of the publisher, as registry clients take them.
    pub credentials: String,
    /// Token of an operator.
    operator: String,
    subscription: String,
}

pub fn ours(program: &Path, scratch: &Path) -> Result<Ours, String> {
    let data = scratch.join("ours");
    let _ = fs::remove_dir_all(&data);
    let run = |arguments: &[&str]| output(Command::new(program).args(arguments).arg("--data").arg(&data));
    run(&["publisher", "add", "bench", "--quiet"])?;
    let made = run(&["token", "create", "publisher", "--subject", "bench", "--json"])?;
    let operator = run(&["token", "create", "operator", "--json"])?;
    let added = run(&["subscription", "add", "Preview", "--json"])?;
    let server = serve(program, free_port()?, scratch)?;
    let credentials = format!("publisher:{}", field(&made, "secret")?);
    let (operator, subscription) = (field(&operator, "secret")?, field(&added, "id")?);
    Ok(Ours { server, credentials, operator, subscription })
}

fn serve(program: &Path, port: u16, scratch: &Path) -> Result<Server, String> {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(scratch.join("ours"));
    start("edgemarket", command.env("EDGEMARKET_SANDBOX", "off"), port, &scratch.join("ours.log"))
}

/// This program with a data directory that is there, on one core.
pub fn on_one_core(program: &Path, data: &Path, scratch: &Path) -> Result<Server, String> {
    let port = free_port()?;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(program);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data);
    start("edgemarket", command.env("EDGEMARKET_SANDBOX", "off"), port, &scratch.join("ours.log"))
}

/// The same with the layout's image live, for everybody to pull, and started again since: its memory is that of serving,
/// not of certifying. With an operator's token.
pub fn ours_published(program: &Path, layout: &Path, scratch: &Path) -> Result<(Server, String), String> {
    let ours = ours(program, scratch)?;
    ours.prepare(program, layout, scratch)?;
    for arguments in [["publish", "offer"], ["go-live", OFFER]] {
        ours.command(program, scratch, &[&arguments[..], &["--wait", "--quiet"]].concat())?;
    }
    let Ours { server, operator, .. } = ours;
    let port = server.port;
    drop(server);
    let mut server = serve(program, port, scratch)?;
    server.repository = "bench/telemetry/standard".to_owned();
    Ok((server, operator))
}

/// The offer that [`Ours::prepare`] writes.
pub const OFFER: &str = "bench.telemetry";

impl Ours {
    /// Pushes the layout's image, and writes an offer of it into the directory `offer`.
    pub fn prepare(&self, program: &Path, layout: &Path, scratch: &Path) -> Result<(), String> {
        const INCOMING: &str = "incoming/bench/telemetry";
        for tag in ["latest", "1.0.0"] {
            push(layout, self.server.port, &format!("{INCOMING}:{tag}"), Some(&self.credentials))?;
        }
        let offer = scratch.join("offer");
        let _ = fs::remove_dir_all(&offer);
        run_checked(Command::new(program).args(["offer", "new", "--quiet"]).arg(&offer))?;
        let file = offer.join("offer.yaml");
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let repository = format!("127.0.0.1:{}/{INCOMING}", self.server.port);
        let text = text
            .replace("\"your-publisher\"", "\"bench\"")
            .replace("id: \"your-module\"", "id: \"telemetry\"")
            .replace("registry.example.com/your-publisher/your-module", &repository)
            .replace("00000000-0000-0000-0000-000000000000", &self.subscription)
            .replace("your-publisher-your-module", "bench-telemetry");
        fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    /// What a command prints that the publisher gives the server.
    pub fn command(&self, program: &Path, scratch: &Path, arguments: &[&str]) -> Result<String, String> {
        let address = format!("http://127.0.0.1:{}", self.server.port);
        let mut command = Command::new(program);
        command.current_dir(scratch).args(arguments).args(["--server", &address]);
        output(command.env("EDGEMARKET_TOKEN", self.token()))
    }

    /// The publisher's token.
    pub fn token(&self) -> &str {
        self.credentials.trim_start_matches("publisher:")
    }
}

/// The same that ran before, on its data.
pub fn ours_again(program: &Path, scratch: &Path, repository: &str) -> Result<Server, String> {
    let mut server = serve(program, free_port()?, scratch)?;
    server.repository = repository.to_owned();
    Ok(server)
}

/// A token of it, made while it does not run.
pub fn token(program: &Path, scratch: &Path, role: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(["token", "create"]).args(role).args(["--json", "--data"]).arg(scratch.join("ours"));
    field(&output(&mut command)?, "secret")
}

/// Debian's docker-registry, empty, with its own defaults but for the address.
pub fn docker_registry(scratch: &Path) -> Result<Server, String> {
    let data = scratch.join("docker-registry");
    let _ = fs::remove_dir_all(&data);
    let port = free_port()?;
    let config = scratch.join("docker-registry.yml");
    let text = format!(
        "version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\nhttp: {{ addr: '127.0.0.1:{port}' }}\n",
        data.display()
    );
    fs::write(&config, text).map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    let mut command = Command::new("docker-registry");
    let mut server = start(
        "docker-registry",
        command.arg("serve").arg(&config),
        port,
        &scratch.join("docker-registry.log"),
    )?;
    server.repository = "telemetry".to_owned();
    Ok(server)
}

/// nginx with the files of a manifest and a blob under the paths that a registry has for them.
pub fn nginx(files: &[(String, PathBuf)], scratch: &Path) -> Result<Server, String> {
    let root = scratch.join("nginx");
    let _ = fs::remove_dir_all(&root);
    let port = free_port()?;
    for (path, source) in files {
        let to = root.join("v2/telemetry").join(path);
        to.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(|error| format!("cannot make {}: {error}", to.display()))?;
        fs::copy(source, &to).map_err(|error| format!("cannot copy to {}: {error}", to.display()))?;
    }
    let config = scratch.join("nginx.conf");
    let text = format!(
        "daemon off; worker_processes auto; pid {0}/nginx.pid; user root; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100;\n\
         server {{ listen 127.0.0.1:{port}; root {1}; }} }}\n",
        scratch.display(),
        root.display()
    );
    fs::write(&config, text).map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(scratch).arg("-c").arg(&config);
    let mut server = start("nginx", &mut command, port, &scratch.join("nginx.log"))?;
    server.repository = "telemetry".to_owned();
    Ok(server)
}

/// A text field of a JSON object that a command printed.
pub fn field(json: &str, name: &str) -> Result<String, String> {
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|error| format!("`{json}` is no JSON: {error}"))?;
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("`{json}` has no `{name}`"))
}
