//! A throw-away PostgreSQL cluster that is as durable as a real one, and what its own tools say of it.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::stage::{free_port, listening};
use crate::error::Error;

/// The user that runs the server when the run is root's, which PostgreSQL refuses.
const SERVER_USER: &str = "postgres";
/// Connections of the raw limit.
const RAW_CONNECTIONS: &str = "16";

/// A running cluster; it and its files are gone when this is dropped, or when this process ends.
pub(super) struct Cluster {
    bin: PathBuf,
    port: u16,
    scripts: TempDir,
    /// The server ends when this child's standard input closes.
    keeper: Child,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

impl Cluster {
    /// Starts one with fsync and synchronous commits, as they are by default. `bin` holds its programs.
    pub(super) async fn start(bin: Option<PathBuf>) -> Result<Self, Error> {
        let bin = bin.or_else(installed).ok_or_else(|| {
            Error::Bench(
                "no initdb under /usr/lib/postgresql: name its folder by --postgres".into(),
            )
        })?;
        let folder =
            std::env::temp_dir().join(format!("rapport-bench-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).map_err(|source| Error::Io {
            what: folder.display().to_string(),
            source,
        })?;
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if root {
            output(Command::new("chown").arg(SERVER_USER).arg(&folder))?;
        }
        let mut initdb = as_server_user(root, &bin.join("initdb"));
        initdb.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ]);
        output(initdb.arg(&folder))?;
        let port = free_port()?;
        let keeper = serve(&bin, &folder, port, root)?;
        listening(SocketAddr::from(([127, 0, 0, 1], port))).await?;
        let scripts = TempDir::new().map_err(|source| Error::Io {
            what: "a directory for scripts".into(),
            source,
        })?;
        let cluster = Self {
            bin,
            port,
            scripts,
            keeper,
        };
        // The port may be open before the server answers.
        for _ in 0..100 {
            if cluster.sql("postgres", "select 1").is_ok() {
                return Ok(cluster);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err(Error::Bench("the server does not answer".into()))
    }

    /// The address of a login on a database.
    pub(super) fn url(&self, login: &str, database: &str) -> String {
        format!(
            "postgres://{login}:bench@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// What the server answers to a statement.
    pub(super) fn sql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let mut psql = self.tool("psql", database);
        output(psql.args(["-v", "ON_ERROR_STOP=1", "-qtA", "-c", sql]))
    }

    /// Rows of a table.
    pub(super) fn count(&self, database: &str, table: &str) -> Result<u64, Error> {
        let told = self.sql(database, &format!("select count(*) from {table}"))?;
        told.trim()
            .parse()
            .map_err(|_| Error::Bench(format!("{told} is no count")))
    }

    /// Transactions a second of a script, prepared, by 16 connections.
    pub(super) async fn pgbench(
        &self,
        database: &str,
        script: &str,
        seconds: u64,
    ) -> Result<f64, Error> {
        let file = self.scripts.path().join("script.sql");
        std::fs::write(&file, script).map_err(|source| Error::Io {
            what: file.display().to_string(),
            source,
        })?;
        let mut pgbench = self.tool("pgbench", database);
        pgbench
            .args(["-n", "-M", "prepared", "-j", "2", "-c", RAW_CONNECTIONS])
            .args(["-T", &seconds.to_string(), "-f"])
            .arg(&file);
        let told = tokio::task::spawn_blocking(move || output(&mut pgbench)).await;
        let told = told.map_err(|error| Error::Bench(error.to_string()))??;
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
        rate.and_then(|rate| rate.split(' ').next()?.parse().ok())
            .ok_or_else(|| Error::Bench("pgbench told no rate".into()))
    }

    fn tool(&self, name: &str, database: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &self.port.to_string(),
        ]);
        command.env("PGDATABASE", database);
        command
    }
}

fn serve(bin: &Path, folder: &Path, port: u16, root: bool) -> Result<Child, Error> {
    // Checkpoints in the middle of a measurement would hit whoever is just measured.
    let script = format!(
        "trap '' INT; '{bin}/postgres' -D '{folder}' -p {port} -k '{folder}' -c listen_addresses=127.0.0.1 \
         -c fsync=on -c synchronous_commit=on -c full_page_writes=on -c max_connections=200 \
         -c shared_buffers=256MB -c max_wal_size=8GB -c checkpoint_timeout=30min \
         >'{folder}/server.log' 2>&1 & server=$!; \
         cat >/dev/null; kill -QUIT $server; wait $server; rm -rf '{folder}'",
        bin = bin.display(),
        folder = folder.display(),
    );
    let mut command = as_server_user(root, Path::new("sh"));
    command
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        // Out of the terminal's group: an interrupted run must not leave the folder behind.
        .process_group(0);
    command.spawn().map_err(|source| Error::Io {
        what: "the server".into(),
        source,
    })
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

fn output(command: &mut Command) -> Result<String, Error> {
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|source| Error::Io {
        what: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&done.stderr);
    Err(Error::Bench(format!(
        "{}: {why}",
        command.get_program().to_string_lossy()
    )))
}

/// The programs of the newest installed server.
fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .max_by_key(|bin| {
            let version = bin.parent().and_then(Path::file_name);
            version.and_then(|name| name.to_str()?.parse::<u32>().ok())
        })
}
