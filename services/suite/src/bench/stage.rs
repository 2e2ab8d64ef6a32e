//! The processes of a run: the far side, and a gateway before it. All end with their handle.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_proto::access::v1::CreateTenantRequest;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use tempfile::TempDir;

use super::certificate::Certificate;
use super::ground::{common, prepared, public, write};
use super::issuer::Issuer;
use crate::client::Gateway;
use crate::error::Error;

/// How long a process may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(command: &mut Command) -> Result<Self, Error> {
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        child
            .map(Process)
            .map_err(|source| Error::Io { what, source })
    }

    /// Starts this very binary and waits for the line that says where it listens.
    pub(super) fn start_self(arguments: &[&str], mark: &str) -> Result<(Self, SocketAddr), Error> {
        let binary = std::env::current_exe().map_err(|source| Error::Io {
            what: "this binary".into(),
            source,
        })?;
        let mut process = Process::start(
            Command::new(binary)
                .args(arguments)
                .stdout(Stdio::piped())
                // What it says of itself would stand between the figures.
                .stderr(Stdio::null()),
        )?;
        let unsaid = || Error::Bench(format!("`rapport {}` did not start", arguments.join(" ")));
        let output = process.0.stdout.take().ok_or_else(unsaid)?;
        let address = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once(mark)?.1.trim().parse().ok());
        Ok((process, address.ok_or_else(unsaid)?))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A target and the process behind its address.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) process: Process,
}

/// Everything a run needs besides peers.
pub(super) struct Stage {
    pub(super) dir: TempDir,
    pub(super) issuer: Issuer,
    pub(super) tenant: TenantId,
    pub(super) token: String,
    pub(super) echo: Running,
    pub(super) gateway: Running,
}

impl Stage {
    /// Starts the far side and a gateway, and lets a tenant call. `work` bounds what the far side can do.
    pub(super) async fn set(
        capacity: Option<(usize, u64)>,
        settings: &[(String, String)],
    ) -> Result<Self, Error> {
        Self::set_behind(None, capacity, settings).await
    }

    /// The same with a gateway that listens with these files, or with none.
    pub(super) async fn set_behind(
        tls: Option<&Certificate>,
        capacity: Option<(usize, u64)>,
        settings: &[(String, String)],
    ) -> Result<Self, Error> {
        let (dir, issuer) = prepared()?;
        let echo = echo(capacity)?;
        let config = write_config(dir.path(), echo.address)?;
        let mut arguments = vec!["serve".to_owned(), "--config".into(), path_text(&config)];
        for (key, value) in tls
            .iter()
            .flat_map(|tls| tls.settings())
            .chain(settings.iter().cloned())
        {
            arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mark = match tls {
            None => "gateway=http://",
            Some(_) => "gateway=https://",
        };
        let (process, address) = Process::start_self(&arguments, mark)?;
        let gateway = Running { address, process };
        let tenant = admit_tenant(&issuer, address, tls).await?;
        let token = issuer.token(Some(tenant), "bench", "agent")?;
        Ok(Stage {
            dir,
            issuer,
            tenant,
            token,
            echo,
            gateway,
        })
    }
}

fn echo(capacity: Option<(usize, u64)>) -> Result<Running, Error> {
    let (workers, work) = capacity.unwrap_or_default();
    let (workers, work) = (workers.to_string(), work.to_string());
    let mut arguments = vec!["bench", "echo"];
    if capacity.is_some() {
        arguments.extend(["--workers", &workers, "--work-us", &work]);
    }
    let (process, address) = Process::start_self(&arguments, "echo=")?;
    Ok(Running { address, process })
}

pub(super) async fn admit_tenant(
    issuer: &Issuer,
    gateway: SocketAddr,
    tls: Option<&Certificate>,
) -> Result<TenantId, Error> {
    let token = issuer.token(None, "operator", "operator")?;
    let way = match tls {
        None => Gateway::at(&format!("http://{gateway}"), None)?,
        Some(tls) => Gateway::at(&format!("https://{gateway}"), Some(&tls.pem))?,
    };
    let way = way.presenting(&token)?;
    let request = CreateTenantRequest {
        request_id: uuid::Uuid::now_v7().to_string(),
        display_name: "Bench".into(),
        ..CreateTenantRequest::default()
    };
    let created = TenantServiceClient::new(way).create_tenant(request).await?;
    let tenant = created.into_inner().tenant.unwrap_or_default();
    tenant
        .id
        .parse()
        .map_err(|_| Error::Bench("the gateway made no tenant".into()))
}

fn write_config(dir: &Path, echo: SocketAddr) -> Result<PathBuf, Error> {
    let neighbours: String = Role::SERVICES
        .iter()
        .map(|role| format!("{role} = \"http://{echo}\"\n"))
        .collect();
    let text = format!(
        "roles = [\"gateway\"]\n{}[neighbours]\n{neighbours}{}\
         [telemetry]\notlp_endpoint = \"http://{echo}\"\nsample_ratio = 0.01\n",
        common(dir, Role::Gateway),
        public(dir, &["staff", "tenant"])
    );
    let path = dir.join("rapport.toml");
    write(&path, &text)?;
    Ok(path)
}

pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A port that is free at this moment, for programs that cannot choose one themselves.
pub(super) fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address
        .map(|address| address.port())
        .map_err(|source| Error::Io {
            what: "a free port".into(),
            source,
        })
}

/// Waits until somebody listens.
pub(super) async fn listening(address: SocketAddr) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        if Instant::now() > until {
            return Err(Error::Bench(format!("nothing listens at {address}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
