//! Customer profiles: one customer behind many identifiers, explainably and reversibly.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
mod grpc;
mod migration;
pub mod store;
mod verify;
pub mod work;

use rapport_foundation::batch::Batcher;
use rapport_foundation::events::Relay;
use rapport_foundation::log_service;
use rapport_foundation::service::{Env, MESSAGE_LIMIT_BYTES, Service, Task};
use rapport_proto::profiles::v1::customer_service_server::CustomerServiceServer;
use tonic::service::Routes;

pub use config::Config;
pub use error::Error;
pub use migration::migrations;
pub use verify::verify;

use crate::app::App;
use crate::grpc::Customers;
use crate::store::Store;
use crate::work::{resolving, sweep};

/// Opens the service over a migrated database.
///
/// # Errors
/// When the configuration names a region that does not exist.
pub async fn open(env: Env, config: Config) -> Result<Service, Error> {
    let region = config.region()?;
    let store = Store::new(env.db.clone(), env.vault.clone());
    let (worker, clock) = (store.clone(), env.clock.clone());
    let (resolver, lane) = Batcher::spawn(
        "resolve",
        &config.resolve,
        move |batch: Vec<resolving::Resolution>| {
            let (store, clock) = (worker.clone(), clock.clone());
            async move { resolving::settle(&store, &clock, &batch).await }
        },
    );
    let app = App::new(
        store.clone(),
        env.clock.clone(),
        env.page_tokens.clone(),
        resolver.clone(),
        region,
    );
    let customers = CustomerServiceServer::new(Customers::new(app))
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let routes = Routes::new(customers).add_service(log_service!(profiles, &env));
    let shutdown = env.shutdown.clone();
    let closing = Task::spawn("resolve-close", async move {
        // What waits is still written; what comes later is refused.
        shutdown.cancelled().await;
        resolver.close();
    });
    let relay = Relay::spawn(env.db.clone(), env.role, env.shutdown.clone());
    let sweep = sweep::spawn(env.db.clone(), env.clock.clone(), env.shutdown.clone());
    Ok(Service {
        role: env.role,
        routes,
        tasks: vec![lane, closing, relay, sweep],
    })
}
