//! A throw-away PostgreSQL cluster for this process, gone when the process is gone.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The user that runs the server when the tests run as root, which PostgreSQL refuses.
const SERVER_USER: &str = "postgres";
const START_LIMIT: Duration = Duration::from_secs(60);

struct Cluster {
    url: String,
    /// The server ends when this child's standard input closes: with this process, however it ends.
    _keeper: Child,
}

static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();

/// The address of the cluster's superuser; starts it at the first call.
pub(super) fn admin_url() -> Result<&'static str, &'static str> {
    match CLUSTER.get_or_init(start) {
        Ok(cluster) => Ok(&cluster.url),
        Err(why) => Err(why),
    }
}

fn start() -> Result<Cluster, String> {
    let bin = binaries().ok_or("no initdb was found under /usr/lib/postgresql or in PATH")?;
    let folder = std::env::temp_dir().join(format!(
        "rapport-postgres-{}",
        uuid::Uuid::now_v7().simple()
    ));
    std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if root {
        finish(Command::new("chown").arg(SERVER_USER).arg(&folder))?;
    }
    let mut initdb = as_server_user(root, &bin.join("initdb"));
    finish(
        initdb
            .args([
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&folder),
    )?;
    // Another process may take the port between here and the start of the server.
    let mut failure = String::new();
    for _ in 0..5 {
        match serve(&bin, &folder, root) {
            Ok(cluster) => return Ok(cluster),
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

fn serve(bin: &Path, folder: &Path, root: bool) -> Result<Cluster, String> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.map_err(|error| error.to_string())?.port();
    // Data of tests need not survive a power cut. Many tests leave their sessions open until the process ends. The shell waits for the end of its input, which is this process.
    let script = format!(
        "trap '' INT; '{bin}/postgres' -D '{folder}' -p {port} -k '{folder}' -c listen_addresses=127.0.0.1 \
         -c fsync=off -c full_page_writes=off -c max_connections=2000 -c shared_buffers=64MB \
         >'{folder}/server.log' 2>&1 & server=$!; \
         cat >/dev/null; kill -QUIT $server; wait $server; rm -rf '{folder}'",
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
    // Out of the terminal's group: an interrupted test run must not leave the folder behind.
    command.current_dir("/").process_group(0);
    let keeper = command.spawn().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    while !is_ready(bin, port) {
        if begun.elapsed() > START_LIMIT {
            let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            return Err(format!("the server did not start: {log}"));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(Cluster {
        url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        _keeper: keeper,
    })
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

fn finish(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// The folder of the newest installed server.
fn binaries() -> Option<PathBuf> {
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
