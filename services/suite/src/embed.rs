//! The whole suite in this process, on free ports, for tests and demonstrations.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::service::Stopped;
use rapport_foundation::time::Clock;
use rapport_gateway::auth::development::{Grant, token};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::assembly;
use crate::client::{Authorised, Gateway};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::error::Error;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration; [`Options::in_dir`] sets what an embedded suite on free ports needs.
    pub config: Config,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Options {
    /// A suite with its data in this directory and its gateway on a free port of this host.
    pub fn in_dir(dir: &Path) -> Self {
        let mut config = Config {
            data_dir: dir.to_owned(),
            ..Config::default()
        };
        config.gateway.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
        Options {
            config,
            clock: Clock::system(),
        }
    }

    /// The same on another clock.
    #[must_use]
    pub fn on_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

/// Who calls: what a development token says.
#[derive(Debug, Clone)]
pub struct Who(Grant);

impl Who {
    /// Someone of a tenant with roles such as `agent` or `manager`.
    pub fn holding(tenant: TenantId, subject: &str, roles: &[&str]) -> Self {
        Who(Grant {
            tenant: Some(tenant),
            subject: subject.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            lifetime_seconds: LIFETIME_SECONDS,
            ..Grant::default()
        })
    }

    /// A connector of a tenant.
    pub fn connector(tenant: TenantId, name: &str) -> Self {
        let Who(mut grant) = Who::holding(tenant, name, &["connector"]);
        grant.connector = Some(name.to_owned());
        Who(grant)
    }

    /// Whoever runs the installation, outside of any tenant.
    pub fn operator(subject: &str) -> Self {
        Who(Grant {
            subject: subject.to_owned(),
            roles: vec!["operator".into()],
            lifetime_seconds: LIFETIME_SECONDS,
            ..Grant::default()
        })
    }

    /// The same with single scopes such as `profiles.read` besides the roles.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &[&str]) -> Self {
        self.0
            .scopes
            .extend(scopes.iter().map(|scope| (*scope).to_owned()));
        self
    }

    /// The same with a token that is good for so long, in seconds.
    #[must_use]
    pub fn for_seconds(mut self, seconds: u32) -> Self {
        self.0.lifetime_seconds = seconds;
        self
    }
}

const LIFETIME_SECONDS: u32 = 8 * 3600;

/// A running suite. Stop it with [`Suite::stop`]; dropping it ends it without waiting.
#[derive(Debug)]
pub struct Suite {
    address: SocketAddr,
    dir: PathBuf,
    secret: String,
    clock: Clock,
    gateway: Gateway,
    stop: CancellationToken,
    running: Option<JoinHandle<Stopped>>,
}

impl Suite {
    /// Starts it; when this returns it is serving.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn start(options: Options) -> Result<Suite, Error> {
        let Options { config, clock } = options;
        config.check()?;
        let suite = Box::pin(assembly::Suite::open(&config, clock.clone())).await?;
        let address = suite
            .addresses()
            .of(Role::Gateway)
            .ok_or_else(|| Error::Open {
                role: Role::Gateway,
                message: "an embedded suite has a gateway".into(),
            })?;
        let secret = match &config.gateway.auth.development_secret {
            Some(secret) => secret.expose().to_owned(),
            None => DataDir::at(&config.data_dir).secret()?,
        };
        let gateway = Gateway::at(&format!("http://{address}"), None)?;
        suite.ready().await;
        let stop = CancellationToken::new();
        let asked = stop.clone().cancelled_owned();
        Ok(Suite {
            address,
            dir: config.data_dir,
            secret,
            clock,
            gateway,
            stop,
            running: Some(tokio::spawn(suite.run_until(asked))),
        })
    }

    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A way to the gateway, without a token.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// A token for somebody.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, who: &Who) -> Result<String, Error> {
        token(&self.secret, &who.0, self.clock.now())
            .map_err(|error| Error::Token(error.to_string()))
    }

    /// A way to the gateway for somebody: `CustomerServiceClient::new(suite.client(&who)?)`.
    ///
    /// # Errors
    /// When the token cannot be signed.
    pub fn client(&self, who: &Who) -> Result<Authorised, Error> {
        Ok(self.gateway.presenting(&self.token(who)?)?)
    }

    /// Drains and ends; the databases are closed when this returns.
    pub async fn stop(self) -> Stopped {
        self.stop_when(std::future::ready(())).await
    }

    /// Ends when asked, or when a task of the suite fails.
    pub async fn stop_when(mut self, asked: impl Future<Output = ()>) -> Stopped {
        let Some(mut running) = self.running.take() else {
            return Stopped::Failed("suite");
        };
        tokio::select! {
            ended = &mut running => return ended.unwrap_or(Stopped::Failed("suite")),
            () = asked => self.stop.cancel(),
        }
        running.await.unwrap_or(Stopped::Failed("suite"))
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
