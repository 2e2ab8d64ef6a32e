//! The processes of an ingest run: the parts apart, or all of them in one, on PostgreSQL or on SQLite.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use rapport_foundation::context::{Claims, Context, KeySet, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::time::Clock;
use tempfile::TempDir;

use super::ground::{common, io, prepared, public, write};
use super::issuer::Issuer;
use super::postgres::Cluster;
use super::stage::{Process, admit_tenant, free_port, listening, path_text};
use crate::error::Error;

/// The connector that speaks.
pub(super) const CONNECTOR: &str = "bench";
/// The parts behind the gateway.
const SERVICES: [Role; 4] = Role::SERVICES;

/// Running parts. All end with this.
pub(super) struct House {
    pub(super) gateway: SocketAddr,
    /// Where interactions listens, when it is a process of its own.
    pub(super) interactions: Option<SocketAddr>,
    pub(super) tenant: TenantId,
    /// Of the connector.
    pub(super) token: String,
    /// Of somebody who reads everything.
    pub(super) reader: String,
    issuer: Issuer,
    pub(super) dir: TempDir,
    processes: Vec<Process>,
}

/// Where the log of a house is.
pub(super) enum Log<'a> {
    Sqlite,
    /// What this part keeps is in this database of a cluster; the others keep theirs in files.
    Postgres(&'a Cluster, &'a str, Role),
}

impl Log<'_> {
    const fn role(&self) -> Option<Role> {
        match self {
            Log::Sqlite => None,
            Log::Postgres(_, _, role) => Some(*role),
        }
    }

    fn settings(&self) -> String {
        let Log::Postgres(cluster, database, role) = self else {
            return String::new();
        };
        let url = |login: &str| cluster.url(&format!("{database}_{login}"), database);
        format!(
            "[databases.{role}]\nurl = \"{}\"\nsystem_url = \"{}\"\nowner_url = \"{}\"\n",
            url("app"),
            url("system"),
            url("owner")
        )
    }

    /// Makes the database and its tables.
    pub(super) fn make(&self, dir: &Path) -> Result<(), Error> {
        let config = dir.join("migrate.toml");
        let role = self.role().unwrap_or(Role::Interactions);
        let text = format!(
            "roles = [\"{role}\"]\ndata_dir = \"{}\"\n{}",
            path_text(dir),
            self.settings()
        );
        write(&config, &text)?;
        let binary = std::env::current_exe().map_err(|source| io("this binary", source))?;
        let mut migrate = Command::new(binary);
        migrate.args(["migrate", "--config"]).arg(&config);
        if let Log::Postgres(cluster, ..) = self {
            let admin = cluster.url("postgres", "postgres");
            migrate.args(["--create", "--admin-url", &admin]);
        }
        let done = migrate
            .output()
            .map_err(|source| io("this binary", source))?;
        if done.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&done.stderr).into_owned();
        Err(Error::Bench(why))
    }
}

impl House {
    /// Every part in a process of its own.
    pub(super) async fn apart(log: &Log<'_>) -> Result<Self, Error> {
        let (dir, issuer) = prepared()?;
        if matches!(log, Log::Postgres(..)) {
            log.make(dir.path())?;
        }
        let mut ports = Vec::new();
        for _ in SERVICES {
            ports.push(free_port()?);
        }
        let neighbours: String = SERVICES
            .iter()
            .zip(&ports)
            .map(|(role, port)| format!("{role} = \"http://127.0.0.1:{port}\"\n"))
            .collect();
        let mut processes = Vec::new();
        let mut interactions = None;
        for (role, port) in SERVICES.iter().zip(&ports) {
            let address = SocketAddr::from(([127, 0, 0, 1], *port));
            if *role == Role::Interactions {
                interactions = Some(address);
            }
            let log = match log.role() == Some(*role) {
                true => log.settings(),
                false => String::new(),
            };
            let text = format!(
                "roles = [\"{role}\"]\n{}[service]\naddress = \"{address}\"\n[neighbours]\n{neighbours}{log}",
                common(dir.path(), *role)
            );
            let config = dir.path().join(format!("{role}.toml"));
            write(&config, &text)?;
            let arguments = ["serve", "--config", &path_text(&config)];
            processes.push(Process::start_self(&arguments, &format!("{role}=http://"))?.0);
            listening(address).await?;
        }
        let text = format!(
            "roles = [\"gateway\"]\n{}[neighbours]\n{neighbours}{}",
            common(dir.path(), Role::Gateway),
            public(dir.path(), &["machine", "staff", "tenant"])
        );
        Self::opened(dir, issuer, &text, interactions, processes).await
    }

    /// All parts in one process.
    pub(super) async fn together(log: &Log<'_>) -> Result<Self, Error> {
        let (dir, issuer) = prepared()?;
        if matches!(log, Log::Postgres(..)) {
            log.make(dir.path())?;
        }
        let text = format!(
            "data_dir = \"{}\"\n{}{}",
            path_text(&dir.path().join("data")),
            log.settings(),
            public(dir.path(), &["machine", "staff", "tenant"])
        );
        Self::opened(dir, issuer, &text, None, Vec::new()).await
    }

    async fn opened(
        dir: TempDir,
        issuer: Issuer,
        config: &str,
        interactions: Option<SocketAddr>,
        mut processes: Vec<Process>,
    ) -> Result<Self, Error> {
        let file = dir.path().join("gateway.toml");
        write(&file, config)?;
        let arguments = ["serve", "--config", &path_text(&file)];
        let (process, gateway) = Process::start_self(&arguments, "gateway=http://")?;
        processes.push(process);
        let tenant = admit_tenant(&issuer, gateway, None).await?;
        let token = issuer.connector_token(tenant, CONNECTOR)?;
        Ok(Self {
            gateway,
            interactions,
            tenant,
            token,
            reader: issuer.token(Some(tenant), "reader", "supervisor")?,
            issuer,
            dir,
            processes,
        })
    }

    /// A token of somebody of the tenant.
    pub(super) fn token_for(&self, subject: &str, role: &str) -> Result<String, Error> {
        self.issuer.token(Some(self.tenant), subject, role)
    }

    /// All of them.
    pub(super) fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The context of the connector, signed as the gateway signs it: good for a minute.
    pub(super) fn signed(&self) -> Result<http::HeaderValue, Error> {
        let dir = self.dir.path();
        let private = dir.join("private/gateway.pem");
        let keys = KeySet::read(Role::Gateway, &private, &dir.join("public"))?;
        let mut claims = Claims::new(self.tenant, CONNECTOR, PrincipalKind::Connector);
        claims.connector = Some(CONNECTOR.to_owned());
        let signer = keys.signer(Role::Gateway, &Clock::system())?;
        Ok(signer.header_for(&Context::from(claims), Role::Interactions))
    }
}
