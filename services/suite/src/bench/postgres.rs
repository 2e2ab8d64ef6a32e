//! A throw-away PostgreSQL cluster that is as durable as a real one, and what its own tools say of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rapport_foundation::cluster::{self, installed};
use tempfile::TempDir;

use crate::error::Error;

/// Connections of the raw limit.
const RAW_CONNECTIONS: &str = "16";
/// As durable as by default. Checkpoints in the middle of a measurement would hit whoever is just measured.
const SETTINGS: [&str; 7] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
];

/// A running cluster; it and its files are gone when this is dropped, or when this process ends.
pub(super) struct Cluster {
    bin: PathBuf,
    scripts: TempDir,
    server: cluster::Cluster,
}

impl Cluster {
    /// Starts one. `bin` holds its programs.
    pub(super) async fn start(bin: Option<PathBuf>) -> Result<Self, Error> {
        let bin = bin.or_else(installed).ok_or_else(|| {
            Error::Bench(
                "no initdb under /usr/lib/postgresql: name its folder by --postgres".into(),
            )
        })?;
        let programs = bin.clone();
        let start = move || cluster::Cluster::start(&programs, &[], &SETTINGS);
        let server = tokio::task::spawn_blocking(start).await;
        let server = server.map_err(|error| Error::Bench(error.to_string()))?;
        Ok(Self {
            server: server.map_err(|error| Error::Bench(error.to_string()))?,
            bin,
            scripts: TempDir::new().map_err(|source| Error::Io {
                what: "a directory for scripts".into(),
                source,
            })?,
        })
    }

    /// The address of a login on a database.
    pub(super) fn url(&self, login: &str, database: &str) -> String {
        format!(
            "postgres://{login}:bench@127.0.0.1:{}/{database}",
            self.server.port()
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
            &self.server.port().to_string(),
        ]);
        command.env("PGDATABASE", database);
        command
    }
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
