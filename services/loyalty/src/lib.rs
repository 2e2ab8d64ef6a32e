//! Loyalty programmes on a double-entry ledger.
//!
//! `domain` decides, `store` keeps, `app` ties the two together, `grpc` speaks the contract, `work` runs
//! beside the calls. Every write of the ledger goes through one function ([`app::apply`]), in a batch of
//! callers or in the transaction of a consumer.

mod app;
mod config;
pub mod domain;
mod error;
mod grpc;
mod migration;
mod store;
mod verify;
mod work;

use std::sync::Arc;

use rapport_foundation::events::{Consumer, Relay};
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, Service, Task};

pub use config::Config;
pub use error::Error;
pub use migration::migrations;
pub use verify::verify;

use app::{App, Shelf};
use store::Store;
use work::interactions::Interactions;
use work::profiles::Profiles;
use work::sweep::Sweep;

/// Opens the service: its routes, the batcher, the sweep, the relay and the consumers of profiles' and
/// interactions' logs. The schema must have been migrated.
///
/// # Errors
/// None so far; the signature is that of every service.
pub async fn open(env: Env, config: Config) -> Result<Service, Error> {
    let store = Store::new(env.db.clone());
    let shelf = Shelf::default();
    let (batcher, batching) = work::batcher::spawn(
        store.clone(),
        env.clock.clone(),
        shelf.clone(),
        &config.batch,
    );
    let sweep = Sweep {
        store: store.clone(),
        clock: env.clock.clone(),
        batcher: batcher.clone(),
        shutdown: env.shutdown.clone(),
        config,
    };
    let profiles = Profiles {
        store: store.clone(),
        clock: env.clock.clone(),
    };
    let interactions = Interactions {
        store: store.clone(),
        clock: env.clock.clone(),
        shelf,
    };
    let closing = {
        let (shutdown, batcher) = (env.shutdown.clone(), batcher.clone());
        // Calls that are running are answered; new ones are refused.
        Task::spawn("ledger closing", async move {
            shutdown.cancelled().await;
            batcher.close();
        })
    };
    let tasks = vec![
        closing,
        batching,
        sweep.spawn(),
        Relay::spawn(env.db.clone(), env.role, env.shutdown.clone()),
        Consumer::spawn(&env, Role::Profiles, Arc::new(profiles)),
        Consumer::spawn(&env, Role::Interactions, Arc::new(interactions)),
    ];
    let app = App {
        store,
        clock: env.clock.clone(),
        page_tokens: env.page_tokens.clone(),
        batcher,
    };
    let log = rapport_foundation::log_service!(loyalty, &env);
    let routes = grpc::routes(Arc::new(app)).add_service(log);
    Ok(Service {
        role: env.role,
        routes,
        tasks,
    })
}
