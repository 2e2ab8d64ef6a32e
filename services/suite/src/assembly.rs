//! From a configuration to a running process: databases, keys, services, listeners.
//!
//! Embedded and split take the same way. They differ in where keys come from and in whether the way to a
//! neighbour is a server in this process or an address.

use std::fmt;
use std::net::SocketAddr;

use futures::future::try_join_all;
use rapport_foundation::channel::{Channel, Neighbours};
use rapport_foundation::config::redacted;
use rapport_foundation::context::KeySet;
use rapport_foundation::db::{self, Database};
use rapport_foundation::role::Role;
use rapport_foundation::seal::Vault;
use rapport_foundation::service::{
    Admin, DrainConfig, Env, Guarded, Readiness, Stopped, Task, guard, run, serve, serve_admin,
};
use rapport_foundation::telemetry::Metrics;
use rapport_foundation::time::Clock;
use rapport_foundation::tls::{ClientFiles, ClientTls, RELOAD_EVERY};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::data_dir::{DataDir, Lock};
use crate::error::Error;

mod parts;

pub(crate) use parts::{migrations, verify};

/// A process of the suite: everything open and bound.
pub struct Suite {
    addresses: Addresses,
    tasks: Vec<Task>,
    readiness: Readiness,
    shutdown: CancellationToken,
    drain: DrainConfig,
    databases: Vec<Database>,
    admin: Option<SocketAddr>,
    _lock: Option<Lock>,
}

/// Where a process listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(Vec<(Role, SocketAddr, bool)>);

impl Addresses {
    /// Where a part listens; None when it does not.
    pub fn of(&self, role: Role) -> Option<SocketAddr> {
        self.0
            .iter()
            .find(|(known, ..)| *known == role)
            .map(|(_, address, _)| *address)
    }
}

impl fmt::Display for Addresses {
    /// `serving gateway=http://127.0.0.1:8080`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("serving")?;
        for (role, address, tls) in &self.0 {
            let scheme = if *tls { "https" } else { "http" };
            write!(f, " {role}={scheme}://{address}")?;
        }
        Ok(())
    }
}

/// What all parts of a process share.
struct House<'a> {
    config: &'a Config,
    keys: KeySet,
    vault: Vault,
    clock: Clock,
    neighbours: Neighbours,
    shutdown: CancellationToken,
    readiness: Readiness,
}

impl Suite {
    /// Connects, migrates SQLite files, opens every part and binds. Nothing is told to be ready yet.
    ///
    /// # Errors
    /// What kept a part from starting. Nothing stays behind but files.
    pub async fn open(config: &Config, clock: Clock) -> Result<Suite, Error> {
        let (config, lock) = owned(config)?;
        let shutdown = CancellationToken::new();
        // Parts that are open already must not live on when a later one fails.
        let on_failure = shutdown.clone().drop_guard();
        let (neighbours, tls) = neighbours(&config)?;
        let house = House {
            keys: keys(&config)?,
            vault: vault(&config)?,
            neighbours,
            readiness: Readiness::starting().await,
            config: &config,
            clock,
            shutdown: shutdown.clone(),
        };
        let databases = try_join_all(
            config
                .roles
                .iter()
                .map(|role| Box::pin(open_database(&config, *role))),
        )
        .await?;
        let opened = try_join_all(
            databases
                .iter()
                .filter(|db| db.role() != Role::Gateway)
                .map(|db| Box::pin(house.open_service(db))),
        )
        .await?;

        let mut tasks: Vec<Task> = tls
            .map(|tls| tls.keep_fresh(RELOAD_EVERY, shutdown.clone()))
            .map(|fresh| Task::spawn("TLS of neighbours", fresh))
            .into_iter()
            .collect();
        let mut addresses = Vec::new();
        for (role, guarded, workers) in opened {
            tasks.extend(workers);
            if !config.is_embedded() {
                let (address, task) = house.listen(guarded).await?;
                addresses.push((role, address, config.service.tls.is_some()));
                tasks.push(task);
            }
        }
        if let Some(db) = databases.iter().find(|db| db.role() == Role::Gateway) {
            let (address, workers) = Box::pin(house.open_gateway(db)).await?;
            addresses.push((Role::Gateway, address, config.gateway.listen.tls.is_some()));
            tasks.extend(workers);
        }
        on_failure.disarm();
        Ok(Suite {
            addresses: Addresses(addresses),
            tasks,
            readiness: house.readiness,
            shutdown,
            drain: config.drain.clone(),
            databases,
            admin: None,
            _lock: lock,
        })
    }

    /// Opens the admin port, when the configuration names one.
    ///
    /// # Errors
    /// When it cannot be listened on.
    pub async fn show(&mut self, config: &Config, metrics: Metrics) -> Result<(), Error> {
        let Some(address) = config.admin.address else {
            return Ok(());
        };
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        self.admin = Some(listener.local_addr().map_err(failed)?);
        let admin = Admin {
            readiness: self.readiness.clone(),
            metrics,
            configuration: redacted(config),
        };
        let served = serve_admin(listener, admin, self.shutdown.clone());
        self.tasks.push(Task::spawn("admin port", served));
        Ok(())
    }

    /// Where the admin port listens, when it does.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Tells health checks that calls may come.
    pub async fn ready(&self) {
        self.readiness.ready().await;
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Runs until asked to end or until a task ends by itself, then drains within the configured bounds.
    pub async fn run_until(self, asked: impl Future<Output = ()>) -> Stopped {
        let stopped = run(
            self.tasks,
            asked,
            &self.readiness,
            &self.shutdown,
            &self.drain,
        )
        .await;
        for database in &self.databases {
            database.close().await;
        }
        stopped
    }
}

impl House<'_> {
    fn env(&self, db: &Database) -> Result<Env, Error> {
        let role = db.role();
        Ok(Env {
            role,
            db: db.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            neighbours: self.neighbours.clone(),
            signer: self.keys.signer(role, &self.clock)?,
            verifier: self.keys.verifier(role, &self.clock),
            shutdown: self.shutdown.clone(),
            page_tokens: self.vault.page_tokens(&format!("page tokens of {role}")),
        })
    }

    async fn open_service(&self, db: &Database) -> Result<(Role, Guarded, Vec<Task>), Error> {
        let env = self.env(db)?;
        let (role, verifier) = (env.role, env.verifier.clone());
        let service = parts::open(env, self.config).await?;
        let guarded = guard(service.routes, verifier);
        self.neighbours.set(role, Channel::local(guarded.clone()));
        Ok((role, guarded, service.tasks))
    }

    async fn open_gateway(&self, db: &Database) -> Result<(SocketAddr, Vec<Task>), Error> {
        let refused = |error: rapport_gateway::OpenError| Error::Open {
            role: Role::Gateway,
            message: error.to_string(),
        };
        let env = self.env(db)?;
        let gateway = rapport_gateway::open(env, self.config.gateway.clone(), &self.readiness)
            .await
            .map_err(refused)?;
        let listener = gateway.bind().await.map_err(refused)?;
        let address = local(&listener, self.config.gateway.listen.address)?;
        Ok((
            address,
            gateway
                .serve(listener, self.config.gateway_threads())
                .map_err(refused)?,
        ))
    }

    /// Listens for neighbours.
    async fn listen(&self, guarded: Guarded) -> Result<(SocketAddr, Task), Error> {
        let config = self.config.service.clone();
        let listener = TcpListener::bind(config.address)
            .await
            .map_err(|source| Error::Listen {
                address: config.address,
                source,
            })?;
        let address = local(&listener, config.address)?;
        let (readiness, shutdown) = (self.readiness.clone(), self.shutdown.clone());
        let task = Task::spawn("service listener", async move {
            if let Err(error) = serve(listener, &config, guarded, &readiness, shutdown).await {
                tracing::error!(%error, "the listener for neighbours failed");
            }
        });
        Ok((address, task))
    }
}

fn local(listener: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|source| Error::Listen {
        address: asked,
        source,
    })
}

/// Takes possession of an embedded suite's directory, and gives the gateway its development secret.
fn owned(config: &Config) -> Result<(Config, Option<Lock>), Error> {
    let mut config = config.clone();
    let media = &mut config.interactions.media;
    if media.folder.as_os_str().is_empty() {
        media.folder = config.data_dir.join("media");
    }
    if !config.is_embedded() {
        return Ok((config, None));
    }
    let dir = DataDir::at(&config.data_dir);
    let lock = dir.lock()?;
    // A configured identity provider means that this is no toy: then nothing is accepted that was not configured.
    let auth = &mut config.gateway.auth;
    if auth.issuers.is_empty() && auth.development_secret.is_none() {
        auth.development_secret = Some(rapport_foundation::config::Secret::new(
            dir.secret_or_create()?,
        ));
    }
    Ok((config, Some(lock)))
}

fn keys(config: &Config) -> Result<KeySet, Error> {
    match (
        config.roles.as_slice(),
        &config.keys.signing_key_file,
        &config.keys.trusted_keys_dir,
    ) {
        ([role], Some(private), Some(public)) => Ok(KeySet::read(*role, private, public)?),
        _ => Ok(KeySet::ephemeral()?),
    }
}

fn vault(config: &Config) -> Result<Vault, Error> {
    match &config.keys.master_key_file {
        Some(file) => Ok(Vault::open(file)?),
        None => Ok(Vault::open_or_create(
            &DataDir::at(&config.data_dir).master_key(),
        )?),
    }
}

/// The ways to the parts that run elsewhere, and the TLS they are reached with.
fn neighbours(config: &Config) -> Result<(Neighbours, Option<ClientTls>), Error> {
    let given = &config.neighbours;
    let files = given.ca_file.as_ref().map(|ca| ClientFiles {
        ca: ca.clone(),
        identity: given.certificate_file.clone().zip(given.key_file.clone()),
    });
    let tls = files.map(ClientTls::open).transpose()?;
    let neighbours = Neighbours::new(tls.clone(), given.pool.clone());
    for role in Role::SERVICES
        .into_iter()
        .filter(|role| !config.plays(*role))
    {
        let urls = given.urls(role);
        if !urls.is_empty() {
            let channel = Channel::pool(urls, tls.as_ref(), &given.pool)?;
            neighbours.set(role, channel);
        }
    }
    Ok((neighbours, tls))
}

async fn open_database(config: &Config, role: Role) -> Result<Database, Error> {
    let place = config.database(role);
    let failed = |source| Error::Database { role, source };
    if place.sqlite_path().is_some() {
        // The file belongs to this process alone.
        db::migrate(&place, role, migrations(role))
            .await
            .map_err(failed)?;
    } else {
        let pending = db::pending(&place, role, &migrations(role))
            .await
            .map_err(failed)?;
        if !pending.is_empty() {
            return Err(Error::Unmigrated {
                role,
                count: pending.len(),
            });
        }
    }
    Database::open(&place, role).await.map_err(failed)
}
