//! Tickets, work items and the engine that puts each before the right agent.
//!
//! `domain` holds the types and the engine, a pure state machine. `work` owns one engine a
//! tenant: it stores each decision before anybody hears of it. `app` and `grpc` are the calls.

mod app;
mod config;
pub mod domain;
mod error;
mod grpc;
mod migration;
pub mod simulate;
mod store;
mod work;

use std::sync::Arc;

use rapport_foundation::error::Failure;
use rapport_foundation::events::{Consumer, Relay};
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, Service};

pub use config::Config;
pub use error::Error;
pub use grpc::foresee;
pub use migration::migrations;
pub use store::verify;

use app::App;
use store::Store;
use work::{Interactions, Profiles, Shell, StartError, sweep};

/// Opens the service on a migrated database: its routes, and its workers, which run until
/// `env.shutdown` is cancelled.
///
/// # Errors
/// When the store cannot be read or the engines' thread cannot be started.
pub async fn open(env: Env, config: Config) -> Result<Service, Error> {
    let store = Store::new(env.db.clone(), env.vault.clone());
    let started = Shell::start(
        store.clone(),
        env.clock.clone(),
        config.clone(),
        env.neighbours.clone(),
        env.shutdown.clone(),
    );
    let (shell, mut tasks) = started.await.map_err(|error| match error {
        StartError::Store(error) => Error::Store(error),
        error @ StartError::Thread(_) => {
            let code = rapport_foundation::error::Code::Internal;
            let failure = Failure::new(code, "INTERNAL", "The service failed.");
            failure.caused_by(error).into()
        }
    })?;
    let interactions = Arc::new(Interactions::new(shell.clone()));
    let profiles = Arc::new(Profiles::new(env.db.clone()));
    tasks.extend([
        Relay::spawn(env.db.clone(), env.role, env.shutdown.clone()),
        Consumer::spawn_with(&env, Role::Interactions, interactions, &config.consumer),
        Consumer::spawn_with(&env, Role::Profiles, profiles, &config.consumer),
        sweep::spawn(
            env.db.clone(),
            store.clone(),
            env.clock.clone(),
            env.shutdown.clone(),
        ),
    ]);
    let app = App::new(store, shell.clone(), env.clone(), config);
    let mut routes = grpc::routes(&app);
    routes.add_service(rapport_foundation::log_service!(routing, &env));
    Ok(Service {
        role: env.role,
        routes: grpc::by_owner(routes.routes(), shell),
        tasks,
    })
}
