//! The only public listener: authentication, policy, limits, and bytes both ways.
//!
//! accept → TLS → HTTP limits → [`layers`] → proxy. A gRPC body is never decoded here, and what comes as JSON is
//! turned by the contract: a new RPC of a service needs no change of the gateway.

use std::net::SocketAddr;

use rapport_foundation::service::{Env, Readiness, Task};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

mod accept;
pub mod app;
mod assemble;
mod audit;
pub mod auth;
mod config;
pub mod console;
mod dialects;
pub mod directory;
pub mod domain;
mod error;
mod grpc;
pub mod layers;
mod limits;
mod migration;
pub mod policy;
mod protection;
mod proxy;
mod reflection;
pub mod store;
mod work;

pub use audit::verify;
pub use config::{
    AccessLimits, Audit, Auth, CertificateGrant, Certificates, ClaimNames, ClientCertificates,
    Config, Deadlines, Issuer, Limits, Listen, WhenStale,
};
pub use console::Console;
pub use error::{Error, OpenError, Rejection};
pub use limits::{OverloadConfig, Quotas};
pub use migration::migrations;
pub use protection::{Protection, Protections};

use accept::{Acceptor, Places};
use directory::Directory;
use domain::tenant::Tenant;
use layers::{Front, Parts};
use proxy::Proxy;
use store::Store;

/// An open gateway that does not listen yet.
pub struct Gateway {
    parts: Parts,
    proxy: Proxy,
    store: Store,
    directory: Directory,
    listen: Listen,
    limits: Limits,
    protections: Protections,
    shutdown: CancellationToken,
    tasks: Vec<Task>,
    /// Held while calls may run: the audit trail is written to its end behind the last one.
    drained: DropGuard,
}

/// Opens the gateway: reads the policies, the keys and the tenants, and serves `rapport.access.v1` to itself
/// under its own role. Upstreams are taken from `env.neighbours` and may be set later.
///
/// # Errors
/// When a contract lacks its policy, a setting or a file cannot be used, or the store fails.
pub async fn open(env: Env, config: Config, readiness: &Readiness) -> Result<Gateway, OpenError> {
    assemble::gateway(env, config, readiness, Protections::default()).await
}

/// The same with some protections taken away, to show that each of them is what keeps an attack out.
///
/// # Errors
/// As [`open`].
#[cfg(any(test, feature = "testing"))]
pub async fn open_without(
    env: Env,
    config: Config,
    readiness: &Readiness,
    off: &[Protection],
) -> Result<Gateway, OpenError> {
    assemble::gateway(env, config, readiness, Protections::without(off)).await
}

impl Gateway {
    /// Everything between the listener and the services, for calls without a socket.
    pub fn front(&self) -> Front {
        layers::front(self.parts.clone(), self.proxy.clone())
    }

    /// Adds a tenant if its id is free, and lets it call at once: for set-up and demonstrations. Says whether
    /// it was new.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_tenant(&self, tenant: &Tenant) -> Result<bool, OpenError> {
        let fresh = self.store.ensure(tenant).await?;
        self.directory.refresh(&self.store).await?;
        Ok(fresh)
    }

    /// Binds the public listener.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(&self) -> Result<TcpListener, OpenError> {
        let address: SocketAddr = self.listen.address;
        TcpListener::bind(address)
            .await
            .map_err(|error| OpenError::setting("listen.address", format!("{address}: {error}")))
    }

    /// Serves on a listener until `env.shutdown`, on so many threads of its own; with none, on the runtime it is called
    /// in, which suits a process that has other things to do. Gives every task of the gateway, to be joined.
    ///
    /// # Errors
    /// When the TLS files cannot be used, or the system gives no threads.
    pub fn serve(self, listener: TcpListener, threads: usize) -> Result<Vec<Task>, OpenError> {
        let places = match threads {
            0 => Places::here(self.front()),
            some => Places::apart(some, || {
                layers::front(self.parts.clone(), self.proxy.again())
            })?,
        };
        let (acceptor, tls) = Acceptor::new(
            places,
            &self.listen,
            self.limits,
            self.protections,
            self.shutdown,
        )?;
        let mut tasks = self.tasks;
        tasks.extend(tls);
        let drained = self.drained;
        tasks.push(Task::spawn("gateway listener", async move {
            acceptor.run(listener).await;
            drop(drained);
        }));
        Ok(tasks)
    }
}
