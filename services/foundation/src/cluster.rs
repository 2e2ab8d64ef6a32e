//! A throw-away PostgreSQL server: for tests, and for measurements beside a server of their own.

use std::io::Write as _;
use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user that runs the server when this process is root's, which PostgreSQL refuses.
const SERVER_USER: &str = "postgres";
const START_LIMIT: Duration = Duration::from_secs(60);
/// Ports that no system gives to outgoing connections of its own: a server that is started again must find its place, and
/// nobody who looks for it meanwhile may meet themselves there.
const PORTS: Range<u16> = 16_000..20_000;

/// Why no server runs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClusterError(String);

/// A running server whose superuser `postgres` needs no password on 127.0.0.1. It and its files are gone when this is
/// dropped, or when this process ends, however it does.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    port: u16,
    /// Stops and starts the server as it is told; the server ends when this child's standard input closes.
    keeper: Child,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

impl Cluster {
    /// Makes a cluster by the programs in a folder, with more arguments for `initdb` and settings (`fsync=off`) for the
    /// server, and waits until it answers. Blocks.
    ///
    /// # Errors
    /// What a program said, or that the server did not start within a minute.
    pub fn start(bin: &Path, initdb: &[&str], settings: &[&str]) -> Result<Self, ClusterError> {
        let folder = std::env::temp_dir().join(format!(
            "rapport-postgres-{}",
            uuid::Uuid::now_v7().simple()
        ));
        std::fs::create_dir(&folder)
            .map_err(|error| ClusterError(format!("{}: {error}", folder.display())))?;
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if root {
            finish(Command::new("chown").arg(SERVER_USER).arg(&folder))?;
        }
        let mut make = as_server_user(root, &bin.join("initdb"));
        make.args(initdb).args(["-A", "trust", "-U", "postgres"]);
        finish(make.args(["-E", "UTF8", "--locale=C", "-D"]).arg(&folder))?;
        // Another process may take the port between here and the start of the server.
        let mut failure = ClusterError(String::new());
        for _ in 0..5 {
            match serve(bin, &folder, settings, root) {
                Ok(cluster) => return Ok(cluster),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// Stops the server where it stands, as `pg_ctl stop -m immediate` does: what was committed is found again when it is
    /// started. Returns when nothing answers any more. Blocks.
    ///
    /// # Errors
    /// When it goes on.
    pub fn stop(&mut self) -> Result<(), ClusterError> {
        self.tell("stop", false)
    }

    /// Starts a server that was stopped, and waits until it answers. Blocks.
    ///
    /// # Errors
    /// When it does not start within a minute.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        self.tell("start", true)
    }

    fn tell(&mut self, what: &str, answers: bool) -> Result<(), ClusterError> {
        let keeper = self.keeper.stdin.as_mut();
        let told = keeper.map(|keeper| writeln!(keeper, "{what}"));
        told.unwrap_or(Ok(())).map_err(failed)?;
        let begun = Instant::now();
        while is_ready(&self.bin, self.port) != answers {
            if begun.elapsed() > START_LIMIT {
                return Err(ClusterError(format!("the server does not {what}")));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn serve(
    bin: &Path,
    folder: &Path,
    settings: &[&str],
    root: bool,
) -> Result<Cluster, ClusterError> {
    let port = free_port()?;
    let settings: String = settings.iter().map(|one| format!("-c {one} ")).collect();
    // The shell listens until the end of its input, which is this process.
    let script = format!(
        "trap '' INT; \
         start() {{ '{bin}/postgres' -D '{folder}' -p {port} -k '{folder}' -c listen_addresses=127.0.0.1 {settings} \
         >>'{folder}/server.log' 2>&1 & server=$!; }}; \
         stop() {{ if [ -n \"$server\" ]; then kill -QUIT $server; wait $server; server=; fi; }}; \
         start; while read -r what; do $what; done; stop; rm -rf '{folder}'",
        bin = bin.display(),
        folder = folder.display(),
    );
    let mut command = as_server_user(root, Path::new("sh"));
    command
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Out of the terminal's group: an interrupted run must not leave the folder behind.
    command.current_dir("/").process_group(0);
    let keeper = command.spawn().map_err(failed)?;
    let begun = Instant::now();
    while !is_ready(bin, port) {
        if begun.elapsed() > START_LIMIT {
            let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            return Err(ClusterError(format!("the server did not start: {log}")));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(Cluster {
        bin: bin.to_owned(),
        port,
        keeper,
    })
}

fn free_port() -> Result<u16, ClusterError> {
    let first = rand::random_range(PORTS);
    let mut ports = (first..PORTS.end).chain(PORTS.start..first);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| ClusterError("there is no free port".to_owned()))
}

fn failed(error: std::io::Error) -> ClusterError {
    ClusterError(error.to_string())
}

fn is_ready(bin: &Path, port: u16) -> bool {
    let mut command = Command::new(bin.join("pg_isready"));
    command
        .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
        .status()
        .is_ok_and(|status| status.success())
}

fn as_server_user(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command
        .args(["-u", SERVER_USER, "--"])
        .arg(program)
        .current_dir("/");
    command
}

fn finish(command: &mut Command) -> Result<(), ClusterError> {
    let output = command
        .output()
        .map_err(|error| ClusterError(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// The folder of the programs of the newest server that is installed, or that is in `PATH`.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .map(|version| version.path())
        .filter(|version| version.join("bin/initdb").is_file())
        .max_by_key(|version| {
            version
                .file_name()
                .and_then(|name| name.to_str()?.parse::<u32>().ok())
        });
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file())
    };
    newest.map(|version| version.join("bin")).or_else(in_path)
}
