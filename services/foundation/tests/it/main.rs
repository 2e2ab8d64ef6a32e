//! The store parts of the foundation, on both engines.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod consumer;
mod idempotency;
mod migrations;
mod note;
mod outage;
mod relay;
mod seal;
mod security;
mod store;
