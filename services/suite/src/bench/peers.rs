//! Other proxies before the same far side, with the same token check; another service before the same database.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::stage::{Process, Running, Stage, free_port, listening};
use crate::error::Error;

/// A listener of a peer.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
}

/// A running peer and its listeners.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) process: Process,
    pub(super) listeners: Vec<Listener>,
}

/// HAProxy 2.6: one thread, as it comes.
pub(super) async fn haproxy(binary: &Path, configs: &Path, stage: &Stage) -> Result<Peer, Error> {
    let ports = [
        ("PLAIN", "haproxy, no token check", free_port()?),
        ("JWT", "haproxy, ES256", free_port()?),
    ];
    let config = fill(&configs.join("haproxy.cfg"), &ports, stage)?;
    let mut command = Command::new(binary);
    command.arg("-db").arg("-f").arg(config);
    start(command, &ports).await
}

/// Envoy: one worker, as it comes.
pub(super) async fn envoy(binary: &Path, configs: &Path, stage: &Stage) -> Result<Peer, Error> {
    let ports = [
        ("PLAIN", "envoy, no token check", free_port()?),
        ("JWT", "envoy, ES256", free_port()?),
        ("CACHED", "envoy, ES256 cached", free_port()?),
    ];
    let config = fill(&configs.join("envoy.yaml"), &ports, stage)?;
    let mut command = Command::new(binary);
    command
        .args([
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
            "-l",
            "error",
            "-c",
        ])
        .arg(config);
    start(command, &ports).await
}

/// A service on Node, from the folder in which `npm install` was run.
pub(super) async fn node(folder: &Path, postgres: &str) -> Result<Running, Error> {
    let port = free_port()?;
    let mut command = Command::new("node");
    command
        .arg(folder.join("ingest.js"))
        .args([&port.to_string(), postgres])
        .stdout(Stdio::null());
    let process = Process::start(&mut command)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    listening(address).await?;
    Ok(Running { address, process })
}

async fn start(mut command: Command, ports: &[(&str, &'static str, u16)]) -> Result<Peer, Error> {
    let process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let mut listeners = Vec::new();
    for (_, name, port) in ports {
        let address = SocketAddr::from(([127, 0, 0, 1], *port));
        listening(address).await?;
        listeners.push(Listener { name, address });
    }
    Ok(Peer { process, listeners })
}

/// Writes the configuration with its marks filled in, and says where.
fn fill(
    template: &Path,
    ports: &[(&str, &'static str, u16)],
    stage: &Stage,
) -> Result<PathBuf, Error> {
    let failed = |path: &Path, source| Error::Io {
        what: path.display().to_string(),
        source,
    };
    let mut text = std::fs::read_to_string(template).map_err(|error| failed(template, error))?;
    let far = stage.echo.address.port().to_string();
    for (mark, value) in [
        ("@FAR@", far.as_str()),
        ("@DIR@", &stage.dir.path().to_string_lossy()),
        ("@JWKS@", stage.issuer.jwks()),
    ] {
        text = text.replace(mark, value);
    }
    for (mark, _, port) in ports {
        text = text.replace(&format!("@{mark}@"), &port.to_string());
    }
    let name = template.file_name().unwrap_or_default();
    let path = stage.dir.path().join(name);
    std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    Ok(path)
}
