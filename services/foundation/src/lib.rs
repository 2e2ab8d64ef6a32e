//! What two or more members of Rapport need, and nothing else.

pub mod channel;
pub mod config;
pub mod context;
pub mod deadline;
pub mod http_client;
pub mod role;
pub mod telemetry;
pub mod db;
pub mod error;
pub mod id;
pub mod time;
pub mod service;
pub mod check;
pub mod money;
pub mod page;
pub mod personal;
pub mod schema;
pub mod seal;
pub mod events;
pub mod idempotency;
pub mod batch;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;
