//! What two or more members of Rapport need, and nothing else.

pub mod batch;
pub mod channel;
pub mod check;
pub mod config;
pub mod context;
pub mod db;
pub mod deadline;
pub mod error;
pub mod etag;
pub mod events;
pub mod http_client;
pub mod id;
pub mod idempotency;
pub mod money;
pub mod page;
pub mod personal;
pub mod role;
pub mod schema;
pub mod seal;
pub mod service;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod touched;
pub mod verify;
