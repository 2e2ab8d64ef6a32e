//! How a service is put together and run.
//!
//! parse → telemetry → configuration → connect → migrate → [`Env`] → `open` → [`guard`] → bind → ready →
//! wait → not ready → drain (bounded) → flush. Embedded and split differ in one thing only: whether the
//! guarded service goes into [`Channel::local`](crate::channel::Channel::local), to [`serve`], or to both.

use tokio_util::sync::CancellationToken;

use crate::channel::{Caller, Neighbours};
use crate::context::{Signer, Verifier};
use crate::db::Database;
use crate::page::PageTokens;
use crate::role::Role;
use crate::seal::Vault;
use crate::time::Clock;

mod admin;
mod connections;
mod guard;
mod listen;
mod plain;
mod readiness;
mod run;
mod telling;

pub use admin::{Admin, AdminConfig, serve_admin};
pub use guard::{Guarded, Vouched, guard, paths};
pub use listen::{ListenConfig, ServeError, ServiceTls, TlsFiles, serve};
pub use readiness::Readiness;
pub use run::{DrainConfig, Stopped, Task, run, termination};

/// The largest message a service reads or writes, in bytes. Every generated server is built with it:
/// `XServer::new(s).max_decoding_message_size(MESSAGE_LIMIT_BYTES).max_encoding_message_size(MESSAGE_LIMIT_BYTES)`.
pub const MESSAGE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// What every service is opened with.
#[derive(Clone)]
pub struct Env {
    /// Which service this is.
    pub role: Role,
    /// Its own database and nobody else's.
    pub db: Database,
    /// Its keys for sealed values.
    pub vault: Vault,
    /// Where the time comes from.
    pub clock: Clock,
    /// The ways to the other roles; may lead nowhere until all are open.
    pub neighbours: Neighbours,
    /// What it signs its own calls with.
    pub signer: Signer,
    /// What it checks its callers with.
    pub verifier: Verifier,
    /// Cancelled when draining begins: streams end, workers finish what they hold.
    pub shutdown: CancellationToken,
    /// Page tokens that survive a restart and cannot be forged.
    pub page_tokens: PageTokens,
}

impl Env {
    /// This service's way of calling a neighbour.
    pub fn caller(&self, audience: Role) -> Caller {
        Caller::new(&self.neighbours, self.signer.clone(), audience)
    }
}

/// An open service: its routes, not yet guarded, and what runs beside the calls.
pub struct Service {
    /// Which service this is.
    pub role: Role,
    /// Its gRPC services. Nobody may serve them without [`guard`].
    pub routes: tonic::service::Routes,
    /// Its workers; they end when `Env::shutdown` is cancelled.
    pub tasks: Vec<Task>,
}

#[cfg(test)]
mod tests;
